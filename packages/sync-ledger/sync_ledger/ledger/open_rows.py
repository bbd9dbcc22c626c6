"""Open rows: what was not written and must not be lost."""

from __future__ import annotations

import typing as t

from sqlalchemy import select

from sync_ledger.ledger.tables import open_rows
from sync_ledger.rows import Outcome, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from sync_ledger.rows import Reason


class OpenRows:
    """Open rows of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def failed(self, entity: str, *, chunk: int) -> Iterator[list[SourceRow]]:
        """Yield the failed rows of an entity, oldest first, `chunk` at a time; each is met once.

        Rows that fail anew keep their place behind the position read, so the walk ends.
        """
        after = 0
        while True:
            query = (
                select(open_rows.c.id, open_rows.c.external_id, open_rows.c.payload)
                .where(
                    open_rows.c.destination == self._destination,
                    open_rows.c.entity == entity,
                    open_rows.c.outcome == Outcome.FAILED.value,
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
            yield [SourceRow(entity, row.external_id, row.payload, open_row_id=row.id) for row in found]
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
        """Return the entities that have failed rows waiting."""
        query = (
            select(open_rows.c.entity)
            .where(
                open_rows.c.destination == self._destination,
                open_rows.c.outcome == Outcome.FAILED.value,
                open_rows.c.closed_at.is_(None),
            )
            .distinct()
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())
