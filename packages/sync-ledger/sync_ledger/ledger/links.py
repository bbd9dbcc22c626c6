"""Links: which remote record stands for an external ID, and what it was last sent."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, func, select, update

from sync_ledger.engine.payload import payload_hash
from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import intents, links, outcomes, runs
from sync_ledger.ledger.transactions import transact
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, Select

    from sync_ledger.privacy import Masks

_CHUNK = 500


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

    @property
    def mark(self) -> tuple[str, str, bool]:
        """What changes whenever somebody writes the record."""
        return self.remote_id, self.payload_hash, self.deleted_as == "delete"


@dataclass(frozen=True)
class LostCreate:
    """A create that was in flight when its run died, at an entity that does not keep the external ID.

    Attributes:
        external_id: External ID of its row.
        payload: What it sent, normalised.
        at: When it was noted, just before it was sent.
        run_id: The run that sent it.
    """

    external_id: str
    payload: Mapping[str, t.Any]
    at: datetime
    run_id: int


@dataclass(frozen=True)
class Flight:
    """A write that is under way, or whose result nobody knows.

    Attributes:
        action: What it does.
        elsewhere: Another run that lasts is sending it.
        before: What the flag field of a record had before it was flagged.
    """

    action: str
    elsewhere: bool
    before: Mapping[str, t.Any]


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

    def any(self, entity: str) -> bool:
        """Whether the entity has a link at all."""
        query = select(links.c.external_id).where(links.c.destination == self._destination, links.c.entity == entity)
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

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

    def intend(
        self,
        run_id: int,
        entity: str,
        actions: Mapping[str, str],
        at: datetime,
        payloads: Mapping[str, Mapping[str, t.Any]] | None = None,
    ) -> set[str]:
        """Note the writes about to be sent, but for those whose external ID another run is writing right now.

        Args:
            run_id: The run that sends them.
            entity: Entity written to.
            actions: External ID -> action.
            at: Now.
            payloads: External ID -> what is sent, for creates that cannot be found again by their external ID; what was
                there before, for flags.

        Returns:
            The external IDs that are this run's to write.
        """
        sent = payloads or {}
        rows = [
            {
                "destination": self._destination,
                "entity": entity,
                "external_id": external_id,
                "run_id": run_id,
                "action": action,
                "at": at,
                "payload": dict(sent[external_id]) if external_id in sent else None,
            }
            for external_id, action in actions.items()
        ]

        def take(connection: Connection) -> set[str]:
            upsert(connection, intents, rows, where=intents.c.run_id.not_in(self._others(run_id)))
            mine = select(intents.c.external_id).where(
                self._intents(entity), intents.c.run_id == run_id, intents.c.external_id.in_(list(actions))
            )
            return set(connection.execute(mine).scalars())

        return transact(self._engine, take)

    def in_flight(self, run_id: int, entity: str, external_ids: Sequence[str]) -> dict[str, Flight]:
        """Return the writes under way or without a known result, of any run, for some external IDs."""
        query = select(intents).where(self._intents(entity), intents.c.external_id.in_(external_ids))
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
            others = set(connection.execute(self._others(run_id)).scalars()) if found else set()
        return {row.external_id: Flight(row.action, row.run_id in others, row.payload or {}) for row in found}

    def marks(self, entity: str, external_ids: Sequence[str]) -> dict[str, tuple[str, str, bool]]:
        """Return external ID -> what changes in a link whenever somebody writes its record."""
        columns = (links.c.external_id, links.c.remote_id, links.c.payload_hash, links.c.deleted_as)
        where = and_(
            links.c.destination == self._destination,
            links.c.entity == entity,
            links.c.external_id.in_(external_ids),
        )
        with self._engine.connect() as connection:
            found = connection.execute(select(*columns).where(where)).all()
        return {row.external_id: (row.remote_id, row.payload_hash, row.deleted_as == "delete") for row in found}

    def _intents(self, entity: str) -> ColumnElement[bool]:
        return and_(intents.c.destination == self._destination, intents.c.entity == entity)

    def _others(self, run_id: int) -> Select[tuple[int]]:
        """Select the other runs that last."""
        lasting = select(runs.c.id).where(runs.c.status == "running", runs.c.id != run_id)
        return lasting.where(runs.c.destination == self._destination)

    def interrupted(self, entity: str) -> list[str]:
        """Return the external IDs of creates that were in flight when an earlier run died."""
        query = select(intents.c.external_id).where(self._left_behind(entity), intents.c.action == "create")
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def interrupted_creates(self, entity: str) -> list[LostCreate]:
        """Return the creates in flight when an earlier run died, with what they sent, oldest first."""
        query = (
            select(intents.c.external_id, intents.c.payload, intents.c.at, intents.c.run_id)
            .where(self._left_behind(entity), intents.c.action == "create")
            .order_by(intents.c.at, intents.c.external_id)
        )
        with self._engine.connect() as connection:
            return [
                LostCreate(row.external_id, row.payload or {}, as_utc(row.at) or row.at, row.run_id)
                for row in connection.execute(query)
            ]

    def forget_creates(self, entity: str, *, keeping: Collection[str] = ()) -> None:
        """Drop the notes of creates that were in flight, once what became of them is known.

        Those of other writes stay until a row of the same external ID has been compared with its record.
        """
        where = and_(self._left_behind(entity), intents.c.action == "create")
        if keeping:
            where = and_(where, intents.c.external_id.not_in(keeping))
        with self._engine.begin() as connection:
            connection.execute(intents.delete().where(where))

    def linked(self, entity: str, remote_ids: Sequence[str]) -> set[str]:
        """Return those of these records that some external ID is linked to."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for start in range(0, len(remote_ids), _CHUNK):
                where = and_(
                    links.c.destination == self._destination,
                    links.c.entity == entity,
                    links.c.remote_id.in_(remote_ids[start : start + _CHUNK]),
                )
                found.update(connection.execute(select(links.c.remote_id).where(where)).scalars())
        return found

    def link_recovered(
        self, entity: str, recovered: Mapping[str, str], creates: Sequence[LostCreate], masks: Masks
    ) -> None:
        """Link the records that creates of a run that died have made: external ID -> remote id."""
        rows = [
            {
                "destination": self._destination,
                "entity": entity,
                "external_id": one.external_id,
                "remote_id": recovered[one.external_id],
                "payload_hash": payload_hash(one.payload),
                "payload": masks.payload(entity, one.payload),
                "erased": False,
                "written_at": one.at,
                "run_id": one.run_id,
                "origin": "created",
                "deleted_as": None,  # one that was made anew after the record before it was deleted
            }
            for one in creates
            if one.external_id in recovered
        ]
        with self._engine.begin() as connection:
            upsert(connection, links, rows)

    def _left_behind(self, entity: str) -> t.Any:
        """Notes of runs that have ended; those of a run that lasts are its own."""
        living = select(runs.c.id).where(runs.c.status == "running")
        return and_(
            intents.c.destination == self._destination,
            intents.c.entity == entity,
            intents.c.run_id.not_in(living),
        )
