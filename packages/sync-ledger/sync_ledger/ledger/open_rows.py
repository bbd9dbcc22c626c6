"""Open rows: what was not written and must not be lost."""

from __future__ import annotations

import typing as t

from sqlalchemy import or_, select

from sync_ledger.ledger.tables import open_rows
from sync_ledger.rows import Outcome, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Engine

    from sync_ledger.rows import Reason


_TRIED_AGAIN = or_(open_rows.c.outcome == Outcome.FAILED.value, open_rows.c.replay)


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
            yield from self._walk(entity, open_rows.c.id.in_(ids[start : start + chunk]), chunk)

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
