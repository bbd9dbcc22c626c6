"""Links: which remote record stands for an external ID, and what it was last sent."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, func, select, update

from sync_ledger.ledger.tables import intents, links, outcomes, runs
from sync_ledger.ledger.transactions import transact
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine


@dataclass(frozen=True)
class Link:
    """One link.

    Attributes:
        external_id: JDE key.
        remote_id: Record at the service.
        payload_hash: Hash of the last payload known to be there.
        payload: That payload, normalised.
        deleted_as: `archive`, `flag` or `delete` when that was done because the source row had gone.
    """

    external_id: str
    remote_id: str
    payload_hash: str
    payload: Mapping[str, t.Any]
    deleted_as: str | None = None
    origin: str | None = None


class Links:
    """Links of one destination, and the writes in flight."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def find(self, entity: str, external_ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of those external IDs that have one."""
        where = and_(
            links.c.destination == self._destination,
            links.c.entity == entity,
            links.c.external_id.in_(external_ids),
        )
        query = select(
            links.c.external_id,
            links.c.remote_id,
            links.c.payload_hash,
            links.c.payload,
            links.c.deleted_as,
            links.c.origin,
        ).where(where)
        with self._engine.connect() as connection:
            return {row.external_id: Link(*row) for row in connection.execute(query)}

    def remote_ids(self, entity: str, external_ids: Sequence[str]) -> dict[str, str]:
        """Return external ID -> remote id of those whose record is there; payloads are not read."""
        where = and_(
            links.c.destination == self._destination,
            links.c.entity == entity,
            links.c.external_id.in_(external_ids),
            func.coalesce(links.c.deleted_as, "") != "delete",
        )
        query = select(links.c.external_id, links.c.remote_id).where(where)
        with self._engine.connect() as connection:
            return {row.external_id: row.remote_id for row in connection.execute(query)}

    def living(self, entity: str) -> int:
        """Count the links whose record nothing was done with for want of a source row."""
        query = select(func.count()).where(
            links.c.destination == self._destination, links.c.entity == entity, links.c.deleted_as.is_(None)
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def brought_back(self, entity: str, external_ids: Sequence[str]) -> None:
        """Note that archived records are in use again."""
        where = and_(
            links.c.destination == self._destination,
            links.c.entity == entity,
            links.c.external_id.in_(external_ids),
        )
        with self._engine.begin() as connection:
            connection.execute(update(links).where(where).values(deleted_as=None))

    def before_flag(self, entity: str, external_id: str) -> Mapping[str, t.Any]:
        """Return what the field had before its record was last flagged: field -> value."""
        query = (
            select(outcomes.c.changes)
            .where(
                outcomes.c.destination == self._destination,
                outcomes.c.entity == entity,
                outcomes.c.external_id == external_id,
                outcomes.c.reason == "flagged",
            )
            .order_by(outcomes.c.id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        return {name: old for name, (old, _) in (found or {}).items()}

    def intend(self, run_id: int, entity: str, actions: Mapping[str, str], at: datetime) -> None:
        """Note the writes about to be sent: external ID -> action."""
        rows = [
            {
                "destination": self._destination,
                "entity": entity,
                "external_id": external_id,
                "run_id": run_id,
                "action": action,
                "at": at,
            }
            for external_id, action in actions.items()
        ]
        transact(self._engine, lambda connection: upsert(connection, intents, rows))

    def interrupted(self, entity: str) -> list[str]:
        """Return the external IDs of creates that were in flight when an earlier run died."""
        query = select(intents.c.external_id).where(self._left_behind(entity), intents.c.action == "create")
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def forget_intents(self, entity: str) -> None:
        """Drop the notes of writes that were in flight, once what became of them is known."""
        with self._engine.begin() as connection:
            connection.execute(intents.delete().where(self._left_behind(entity)))

    def _left_behind(self, entity: str) -> t.Any:
        """Notes of runs that have ended; those of a run that lasts are its own."""
        living = select(runs.c.id).where(runs.c.status == "running")
        return and_(
            intents.c.destination == self._destination,
            intents.c.entity == entity,
            intents.c.run_id.not_in(living),
        )
