"""The remote index: which record at the service carries which external ID, as the last sweeps saw it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import and_, func, select

from sync_ledger.ledger.clock import as_utc, now
from sync_ledger.ledger.tables import remote_index, sweeps
from sync_ledger.ledger.transactions import transact
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from sync_ledger.adapter import IndexEntry, Sweep

_CHUNK = 500


@dataclass(frozen=True)
class SweepMark:
    """How far the index of an entity goes.

    Attributes:
        number: Number of the last full sweep; entries of older ones are gone.
        full_at: When it was made.
        next_since: Where the next delta sweep starts; None when only full ones are possible.
    """

    number: int
    full_at: datetime
    next_since: datetime | None


class RemoteIndex:
    """The index of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def mark(self, entity: str) -> SweepMark | None:
        """Return how far the entity's index goes, None before the first sweep."""
        query = select(sweeps.c.sweep, sweeps.c.full_at, sweeps.c.next_since).where(
            sweeps.c.destination == self._destination, sweeps.c.entity == entity
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        full_at = as_utc(row.full_at)
        return SweepMark(row.sweep, full_at or now(), as_utc(row.next_since))

    def store(self, entity: str, sweep: Sweep, *, full: bool) -> int:
        """Take in a sweep, page by page; after a full one, entries it did not meet are dropped.

        Returns:
            The number of records met.
        """
        last = self.mark(entity)
        number = (last.number if last else 0) + (1 if full else 0)
        met = 0
        entries = iter(sweep.entries)
        while chunk := list(islice(entries, _CHUNK)):
            met += len(chunk)
            self._store_chunk(entity, chunk, number)
        with self._engine.begin() as connection:
            if full:
                connection.execute(
                    remote_index.delete().where(self._of(entity), remote_index.c.sweep != number),
                )
            mark = {
                "destination": self._destination,
                "entity": entity,
                "sweep": number,
                "full_at": now() if full or last is None else last.full_at,
                "next_since": sweep.next_since,
            }
            upsert(connection, sweeps, [mark])
        return met

    def find(self, entity: str, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return external ID -> ids of the records that carry it, smallest first."""
        query = (
            select(remote_index.c.external_id, remote_index.c.remote_id)
            .where(self._of(entity), remote_index.c.external_id.in_(external_ids))
            .order_by(func.length(remote_index.c.remote_id), remote_index.c.remote_id)
        )
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for external_id, remote_id in connection.execute(query):
                found.setdefault(external_id, []).append(remote_id)
        return found

    def add(self, entity: str, found: Iterable[tuple[str, str]]) -> None:
        """Add records learned of otherwise: pairs of external ID and remote id."""
        mark = self.mark(entity)
        number = mark.number if mark else 0
        rows = [self._row(entity, external_id, remote_id, number) for external_id, remote_id in found]
        with self._engine.begin() as connection:
            upsert(connection, remote_index, rows)

    def drop(self, entity: str, remote_ids: Sequence[str]) -> None:
        """Forget records that turned out to be gone or to carry another external ID."""
        with self._engine.begin() as connection:
            connection.execute(remote_index.delete().where(self._of(entity), remote_index.c.remote_id.in_(remote_ids)))

    def _store_chunk(self, entity: str, chunk: Sequence[IndexEntry], number: int) -> None:
        # A record that lost its external ID, or was deleted, must leave the index as well.
        gone = [entry.remote_id for entry in chunk if entry.deleted or not entry.external_id]
        rows = [
            self._row(entity, entry.external_id, entry.remote_id, number)
            for entry in chunk
            if entry.external_id and not entry.deleted
        ]

        def write(connection: Connection) -> None:
            if gone:
                connection.execute(remote_index.delete().where(self._of(entity), remote_index.c.remote_id.in_(gone)))
            upsert(connection, remote_index, rows)

        transact(self._engine, write)

    def _row(self, entity: str, external_id: str, remote_id: str, number: int) -> dict[str, t.Any]:
        return {
            "destination": self._destination,
            "entity": entity,
            "remote_id": remote_id,
            "external_id": external_id,
            "sweep": number,
        }

    def _of(self, entity: str) -> t.Any:
        return and_(remote_index.c.destination == self._destination, remote_index.c.entity == entity)
