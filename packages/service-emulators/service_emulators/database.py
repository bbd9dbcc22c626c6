"""What the stores of the CRM emulators have in common: one SQLite database, one connection, one lock.

Requests are handled one after the other anyway, and tests look at the data from another thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import MetaData


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
        metadata.create_all(self.connection)
        self.connection.commit()

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
