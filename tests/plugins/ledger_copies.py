"""Makes the tables of a new SQLite ledger as one migration in this process has made them, without alembic's work.

A thousand tests begin with an empty ledger, and bringing it to the current schema takes a tenth of a second each. Only
an empty file is filled in this way, in one transaction as the migration would: ledgers of older versions, PostgreSQL,
and all processes that tests start are migrated as ever, and `test_sync_ledger_copies.py` compares the two ways.
"""

from __future__ import annotations

import functools
import typing as t

import pytest
from sqlalchemy import create_engine
from sync_ledger.ledger import database

if t.TYPE_CHECKING:
    from sqlalchemy.engine import Connection

migrate = database._migrate
_EMPTY = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)"


def copy_or_migrate(connection: Connection) -> None:
    """Bring a ledger to the current schema; what `database.open_engine` calls while tests run."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql(_EMPTY).scalar():
        connection.rollback()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if connection.exec_driver_sql(_EMPTY).scalar():
            for statement in _statements():
                connection.exec_driver_sql(statement)
        connection.commit()
    migrate(connection)


@functools.lru_cache(maxsize=1)
def _statements() -> list[str]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        migrate(connection)
        raw: t.Any = connection.connection.dbapi_connection
        dump = [line for line in raw.iterdump() if line not in {"BEGIN TRANSACTION;", "COMMIT;"}]
    engine.dispose()
    return dump


def pytest_configure(config: pytest.Config) -> None:
    """Copy ledgers in this process until its tests are over."""
    undo = pytest.MonkeyPatch()
    config.add_cleanup(undo.undo)
    undo.setattr(database, "_migrate", copy_or_migrate)
