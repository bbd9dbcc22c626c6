"""Leases of an account's burst window: how processes on one ledger share it without asking for every request.

Each process has a row with the places it may use and until when. It renews about twice a second and gets a fair share
of what it wants; a place changes hands only after the process that had it can no longer use it, neither by its lease
nor by a request the service still counts. A process that dies frees its places by time.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, select, text

from sync_ledger.ledger.tables import rate_leases
from sync_ledger.ledger.transactions import exclusive
from sync_ledger.ledger.upsert import upsert
from sync_ledger.limits.shares import shares

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

LEASE_SECONDS: t.Final = 3.0
"""How long a lease lasts that is not renewed; the database may be busy for a moment, and nobody should have to wait."""

NEWCOMERS: t.Final = 2
"""Places of the window that are never leased: a process asks which account it writes to before it can have a lease."""


@dataclass(frozen=True)
class Grant:
    """What a renewal gave.

    Attributes:
        limit: Requests per window of the whole account, as far as any process was told.
        places: How many of them this process may have in the window.
        seconds: How long it may.
    """

    limit: int
    places: int
    seconds: float = LEASE_SECONDS


class Lease:
    """This process's share of one bucket of an account.

    Args:
        engine: The ledger's database.
        destination: Account the limit belongs to; no secret.
        bucket: What the service counts by itself, such as `token` or `search`.
        window_seconds: Length of the service's window.
        newcomers: Places left to processes that have no lease yet.
        clock: Seconds since 1970 on this machine; PostgreSQL's own clock is used where there is one.
    """

    def __init__(
        self,
        engine: Engine,
        destination: str,
        bucket: str,
        *,
        window_seconds: float = 2.0,
        newcomers: int = NEWCOMERS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._destination = destination
        self._bucket = bucket
        self._window = window_seconds
        self._newcomers = newcomers
        self._clock = clock
        self._owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"

    def renew(self, *, told: int | None, fallback: int, held: int, wanted: int | None) -> Grant:
        """Take, keep or give back places, in one short transaction.

        Args:
            told: The limit as the service told this process.
            fallback: The limit to go by while no process was told one.
            held: Places this process may use or has used within the window; they are not given to others yet.
            wanted: Places it could use; None for all there are.
        """
        with exclusive(self._engine, f"{self._destination} {self._bucket}") as connection:
            moment = self._now(connection)
            over = and_(self._mine(), rate_leases.c.until <= moment - self._window)
            connection.execute(rate_leases.delete().where(over))
            rows = connection.execute(select(rate_leases).where(self._mine())).all()
            others = [row for row in rows if row.owner != self._owner]
            limit = told or max((row.told_limit for row in others if row.told_limit), default=fallback)
            total = max(1, limit - self._newcomers)
            want = total if wanted is None else min(total, max(1, wanted))
            wants = {row.owner: row.wanted for row in others if row.until > moment}
            share = shares(total, {**wants, self._owner: want})[self._owner]
            free = total - sum(row.places for row in others)
            places = max(0, min(share, free))
            self._write(connection, max(places, held), want, moment + LEASE_SECONDS, told)
        return Grant(limit, places)

    def release(self, busy: int) -> None:
        """Give the lease back.

        Args:
            busy: Places that requests of a moment ago take for one more window.
        """
        with exclusive(self._engine, f"{self._destination} {self._bucket}") as connection:
            self._write(connection, busy, 0, self._now(connection), None)

    def _write(self, connection: Connection, places: int, wanted: int, until: float, told: int | None) -> None:
        row = {
            "destination": self._destination,
            "bucket": self._bucket,
            "owner": self._owner,
            "places": places,
            "wanted": wanted,
            "told_limit": told,
            "until": until,
        }
        upsert(connection, rate_leases, [row])

    def _now(self, connection: Connection) -> float:
        """Return the time all processes on this ledger agree on."""
        if connection.dialect.name == "postgresql":
            return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return self._clock()

    def _mine(self) -> t.Any:
        return and_(rate_leases.c.destination == self._destination, rate_leases.c.bucket == self._bucket)
