"""What the stores of the CRM emulators have in common: one SQLite database, one connection, one lock.

Requests are handled one after the other anyway, and tests look at the data from another thread.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, MetaData


def create_tables(connection: Connection, metadata: MetaData) -> None:
    """Creates the tables and indexes that are not there yet.

    Does what `metadata.create_all` does, which takes most of an emulator's start: it writes the same SQL each time.

    Args:
        connection: to a SQLite database, without a transaction.
        metadata: tables; they must not change after the first call.
    """
    raw = connection.connection.dbapi_connection
    assert raw is not None  # noqa: S101 - the connection is open
    raw.executescript(_creation(metadata))


@cache
def index_statements(metadata: MetaData) -> list[str]:
    """Returns the SQL that creates all indexes, where they are not there yet."""
    indexes = (index for table in metadata.sorted_tables for index in table.indexes)
    return [_sql(CreateIndex(index, if_not_exists=True)) for index in sorted(indexes, key=lambda one: str(one.name))]


@cache
def _creation(metadata: MetaData) -> str:
    tables = [_sql(CreateTable(table, if_not_exists=True)) for table in metadata.sorted_tables]
    return ";\n".join(["BEGIN", *tables, *index_statements(metadata), "COMMIT"])


def _sql(element: CreateTable | CreateIndex) -> str:
    return str(element.compile(dialect=sqlite.dialect()))


class Database:
    """A SQLite database of an emulator.

    Args:
        metadata: tables to create.
        path: file; None keeps everything in memory.

    Attributes:
        lock: held while a request is handled.
        connection: the only connection.
    """

    def __init__(self, metadata: MetaData, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._engine = create_engine(
            f"sqlite:///{path}" if path else "sqlite://",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
        )
        self.connection = self._engine.connect()
        self.connection.exec_driver_sql("PRAGMA synchronous=OFF")
        if path:
            self.connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        self.connection.commit()
        create_tables(self.connection, metadata)

    def close(self) -> None:
        """Closes the database."""
        with self.lock:
            self.connection.close()
            self._engine.dispose()

    def commit(self) -> None:
        """Makes changes permanent."""
        self.connection.commit()

    def rollback(self) -> None:
        """Drops changes since the last commit."""
        self.connection.rollback()

    def query(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Runs a SELECT for a test or a curious user; returns rows by column name."""
        with self.lock:
            return [dict(row) for row in self.connection.execute(text(sql), parameters).mappings()]
