"""Open rows: what was not written and must not be lost."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import open_rows, outcomes
from sync_ledger.rows import Origin, Outcome, Reason, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Row


_CHUNK: t.Final = 500
_MAPPED = open_rows.c.reason != Reason.UNMAPPED.value
_TRIED_AGAIN = and_(or_(open_rows.c.outcome == Outcome.FAILED.value, open_rows.c.replay), _MAPPED)


@dataclass(frozen=True)
class HeldRow:
    """A row that was held because it could not be mapped.

    Attributes:
        id: Number of the open row.
        entity: Entity it was meant for.
        external_id: Key it is held under.
        record: The row as it came.
        origin: Where it came from; None when the ledger does not know.
        opened_at: When it was held.
        edited_at: When a person last edited what had been made of it.
    """

    id: int
    entity: str
    external_id: str
    record: Mapping[str, t.Any]
    origin: Origin | None
    opened_at: datetime
    edited_at: datetime | None = None


class OpenRows:
    """Open rows of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def failed(self, entity: str, *, chunk: int) -> Iterator[list[SourceRow]]:
        """Yield the rows of an entity that the next run tries again, oldest first, `chunk` at a time.

        These are the failed ones and those a person marked. Each is met once: rows that fail anew keep their place
        behind the position read, so the walk ends.
        """
        return self._walk(entity, _TRIED_AGAIN, chunk)

    def chosen(self, entity: str, ids: Sequence[int], *, chunk: int) -> Iterator[list[SourceRow]]:
        """Yield those of some open rows that are of an entity, as `failed` does."""
        for start in range(0, len(ids), chunk):
            yield from self._walk(entity, and_(open_rows.c.id.in_(ids[start : start + chunk]), _MAPPED), chunk)

    def held_for_mapping(self, entity: str, ids: Sequence[int], *, chunk: int) -> Iterator[list[HeldRow]]:
        """Yield those of some open rows that are of an entity and came as rows a mapper could not map, oldest first."""
        names = (
            "id",
            "entity",
            "external_id",
            "payload",
            "payload_before",
            "reason",
            "origin",
            "opened_at",
            "edited_at",
        )
        came = or_(open_rows.c.reason == Reason.UNMAPPED.value, open_rows.c.origin.is_not(None))
        for start in range(0, len(ids), chunk):
            query = (
                select(*(open_rows.c[name] for name in names))
                .where(
                    open_rows.c.id.in_(ids[start : start + chunk]),
                    open_rows.c.destination == self._destination,
                    open_rows.c.entity == entity,
                    open_rows.c.closed_at.is_(None),
                    came,
                )
                .order_by(open_rows.c.id)
            )
            with self._engine.connect() as connection:
                found = [_held(row) for row in connection.execute(query)]
            if found:
                yield found

    def put_off(self, ids: Sequence[int]) -> list[int]:
        """Return those of some open rows that are deletions put off to the end of the run."""
        query = select(open_rows.c.id).where(
            open_rows.c.reason == Reason.DELETION_WAITS.value, open_rows.c.closed_at.is_(None)
        )
        with self._engine.connect() as connection:
            parts = (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
            return [
                found for part in parts for found in connection.execute(query.where(open_rows.c.id.in_(part))).scalars()
            ]

    def newer(self, entity: str, external_ids: Sequence[str]) -> dict[str, datetime]:
        """Return when a row of each external ID last came from the source, as far as outcomes were kept."""
        query = (
            select(outcomes.c.external_id, func.max(outcomes.c.at).label("at"))
            .where(
                outcomes.c.destination == self._destination,
                outcomes.c.entity == entity,
                outcomes.c.external_id.in_(external_ids),
                outcomes.c.open_row_id.is_(None),
                outcomes.c.outcome != Outcome.PLANNED.value,
            )
            .group_by(outcomes.c.external_id)
        )
        with self._engine.connect() as connection:
            return {row.external_id: as_utc(row.at) or row.at for row in connection.execute(query)}

    def _walk(self, entity: str, which: ColumnElement[bool], chunk: int) -> Iterator[list[SourceRow]]:
        after = 0
        while True:
            query = (
                select(
                    open_rows.c.id,
                    open_rows.c.external_id,
                    open_rows.c.payload,
                    open_rows.c.deletion,
                    open_rows.c.replay,
                    open_rows.c.edited_at,
                )
                .where(
                    open_rows.c.destination == self._destination,
                    open_rows.c.entity == entity,
                    which,
                    open_rows.c.closed_at.is_(None),
                    open_rows.c.id > after,
                )
                .order_by(open_rows.c.id)
                .limit(chunk)
            )
            with self._engine.connect() as connection:
                found = connection.execute(query).all()
            if not found:
                return
            yield [
                SourceRow(
                    entity,
                    row.external_id,
                    row.payload,
                    row.id,
                    deleted=row.deletion,
                    approved=row.replay,
                    edited_at=row.edited_at,
                )
                for row in found
            ]
            after = found[-1].id

    def to_replay(self, entity: str, reason: Reason) -> set[str]:
        """Return the external IDs of open rows of that reason that a person wants to be tried again."""
        query = select(open_rows.c.external_id).where(
            open_rows.c.destination == self._destination,
            open_rows.c.entity == entity,
            open_rows.c.reason == reason.value,
            open_rows.c.closed_at.is_(None),
            open_rows.c.replay.is_(True),
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def entities_with_failed(self) -> set[str]:
        """Return the entities that have rows the next run tries again."""
        query = (
            select(open_rows.c.entity)
            .where(open_rows.c.destination == self._destination, _TRIED_AGAIN, open_rows.c.closed_at.is_(None))
            .distinct()
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())


def _held(row: Row[t.Any]) -> HeldRow:
    mapped_since = row.reason != Reason.UNMAPPED.value
    record = row.payload_before if mapped_since and row.payload_before is not None else row.payload
    origin = None if row.origin is None else Origin(**row.origin)
    opened_at = as_utc(row.opened_at) or row.opened_at
    return HeldRow(row.id, row.entity, row.external_id, record, origin, opened_at, row.edited_at)
