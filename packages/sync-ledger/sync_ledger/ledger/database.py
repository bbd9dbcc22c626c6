"""Opening the ledger's database: SQLite file or PostgreSQL, brought to the current schema."""

from __future__ import annotations

import typing as t
from functools import lru_cache
from pathlib import Path

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError

from sync_ledger.engine.payload import from_json_text, to_json_text
from sync_ledger.errors import LedgerError

if t.TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine
    from sqlalchemy.exc import SQLAlchemyError

_MIGRATIONS = Path(__file__).parent.parent / "migrations" / "versions"
_MIGRATION_LOCK = 5_742_019  # any number of our own: PostgreSQL's advisory locks are told apart by it


def open_engine(url: str) -> Engine:
    """Open the ledger database and migrate it to this version's schema.

    Args:
        url: SQLAlchemy URL, `sqlite:///path/to/file.db` or `postgresql://user:password@host/database`.

    Raises:
        LedgerError: If the URL is wrong, the database cannot be reached, or the file is not a ledger.
    """
    parsed = _parse(url)
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"The folder of the ledger {shown} cannot be made: {error.strerror}") from error
    try:
        engine = create_engine(
            parsed, pool_pre_ping=True, json_serializer=to_json_text, json_deserializer=from_json_text
        )
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        with engine.connect() as connection:
            _migrate(connection)
    except ImportError as error:
        raise LedgerError(
            f"ledger_url {shown}: the database driver is missing ({error}); install sync-ledger[postgres]"
        ) from error
    except DatabaseError as error:
        raise LedgerError(
            f"The ledger {shown} cannot be used: {said(error)}. If it is damaged, restore it from a backup or name a "
            "new one in ledger_url; links are found again from the external IDs at the service and nothing is written "
            "twice"
        ) from error
    return engine


def said(error: SQLAlchemyError) -> str:
    """Return the database's own words in one line, without statement and values, which SQLAlchemy adds."""
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return words.splitlines()[0] if words else type(error).__name__


def _parse(url: str) -> URL:
    # The text of the URL is left out of the message: it may hold a password.
    message = "ledger_url must look like sqlite:///file.db or postgresql://user@host/database"
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise LedgerError(message) from None
    if backend not in {"sqlite", "postgresql"}:
        raise LedgerError(message)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _prepare_sqlite(connection: t.Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL, not NORMAL: after a power cut a settled row must still be there, because STATE has passed it.
    cursor.execute("PRAGMA synchronous = FULL")
    # Keys of a batch lie anywhere in a large ledger; 16 MB keep the upper pages of its indexes, and memory flat.
    cursor.execute("PRAGMA cache_size = -16000")
    cursor.close()


def _migrate(connection: Connection) -> None:
    newest = max(_revisions())
    if _revision(connection) == newest:
        return
    # Alembic is a good part of what a start of a target or a command imports, and most find a ledger that is current.
    from sync_ledger.ledger.migrating import upgrade  # noqa: PLC0415 - see above

    connection.rollback()
    # Two processes may open a new ledger at the same moment: the second waits here and then finds it made.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    if _revision(connection) != newest:
        upgrade(connection)
    connection.commit()


@lru_cache(maxsize=1)
def _revisions() -> frozenset[str]:
    """The revisions there are, by the files that make them: each begins with its own, and they are in order."""
    return frozenset(file.name.partition("_")[0] for file in _MIGRATIONS.glob("[0-9]*_*.py"))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("sync_ledger_version"):
        return None
    current: str | None = connection.execute(text("SELECT version_num FROM sync_ledger_version")).scalar()
    if current is not None and current not in _revisions():
        raise LedgerError(
            f"The ledger was written by a newer version of sync-ledger (schema {current}); install that version"
        )
    return current
