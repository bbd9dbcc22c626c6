"""Transactions of several processes on one ledger: alone where it matters, repeated when they collide."""

from __future__ import annotations

import contextlib
import logging
import time
import typing as t
import zlib

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

_T = t.TypeVar("_T")

logger = logging.getLogger("sync_ledger")

_TRIES = 5
_COLLISIONS = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's codes for a serialisation failure, a deadlock and a lock that is not to be had."""


def transact(engine: Engine, work: Callable[[Connection], _T], *, sleep: Callable[[float], None] = time.sleep) -> _T:
    """Do work in a transaction, anew when it collided with that of another process.

    SQLite waits for its one writer up to the busy time-out and PostgreSQL ends one of two transactions that wait for
    each other; both leave nothing behind, so that the same work can be done once more.
    """
    tries = 1
    while True:
        try:
            with engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            if tries >= _TRIES or not _collided(error):
                raise
            logger.info("Another process holds the ledger (try %d of %d)", tries, _TRIES)
        sleep(0.1 * 2**tries)
        tries += 1


@contextlib.contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[Connection]:
    """Open a transaction that is alone with what `name` stands for, so that what is read in it holds until its end."""
    with engine.connect() as connection:
        lock(connection, name)
        yield connection
        connection.commit()


def lock(connection: Connection, name: str) -> None:
    """Be alone with what `name` stands for until the end of the transaction.

    On SQLite that is being the one writer. Without it what is read there before the first write is no part of the
    transaction: the driver begins one only then.
    """
    if connection.dialect.name == "postgresql":
        # Two keys: one for all locks of this kind, one for the thing itself.
        key = zlib.crc32(name.encode()) - 2**31
        connection.execute(text("SELECT pg_advisory_xact_lock(:kind, :key)"), {"kind": _KIND, "key": key})
    elif not t.cast("t.Any", connection.connection.dbapi_connection).in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


_KIND: t.Final = 5_742_020


def _collided(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code in _COLLISIONS
    words = str(error.orig)
    return "database is locked" in words or "database table is locked" in words
