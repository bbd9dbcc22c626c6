"""Links as `sync-ledger verify` reads them: by record, by external ID, all of them in order, or a sample."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, func, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import intents, links

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine, Select


@dataclass(frozen=True)
class LinkedRecord:
    """A link with all that is needed to judge its record.

    Attributes:
        external_id: External ID.
        remote_id: Record it stands for.
        payload: What was last sent or found equal, normalised; masked where the ledger keeps no values.
        payload_hash: Hash of the payload before it was masked.
        written_at: When.
    """

    external_id: str
    remote_id: str
    payload: Mapping[str, t.Any]
    payload_hash: str
    written_at: datetime


class LinkedRecords:
    """Links of one destination whose records should be there: those we archived or deleted are left out."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def counts(self) -> dict[str, int]:
        """Return entity -> number of links."""
        query = (
            select(links.c.entity, func.count())
            .where(links.c.destination == self._destination, links.c.deleted_as.is_(None))
            .group_by(links.c.entity)
            .order_by(links.c.entity)
        )
        with self._engine.connect() as connection:
            return {entity: int(count) for entity, count in connection.execute(query)}

    def of_records(self, entity: str, remote_ids: Sequence[str]) -> dict[str, list[LinkedRecord]]:
        """Return remote id -> links to it, for those that have any."""
        found: dict[str, list[LinkedRecord]] = {}
        for link in self._read(self._of(entity).where(links.c.remote_id.in_(remote_ids))):
            found.setdefault(link.remote_id, []).append(link)
        return found

    def of_external_ids(self, entity: str, external_ids: Sequence[str]) -> dict[str, LinkedRecord]:
        """Return external ID -> link."""
        found = self._read(self._of(entity).where(links.c.external_id.in_(external_ids)))
        return {link.external_id: link for link in found}

    def in_flight(self, entity: str, external_ids: Sequence[str]) -> set[str]:
        """Return the external IDs whose write is under way, or was when its run ended."""
        query = select(intents.c.external_id).where(
            intents.c.destination == self._destination,
            intents.c.entity == entity,
            intents.c.external_id.in_(external_ids),
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def walk(self, entity: str, *, chunk: int) -> Iterator[list[LinkedRecord]]:
        """Yield all links by external ID, `chunk` at a time."""
        after = ""
        while found := self._read(
            self._of(entity).where(links.c.external_id > after).order_by(links.c.external_id).limit(chunk)
        ):
            yield found
            after = found[-1].external_id

    def sample(self, entity: str, size: int) -> list[LinkedRecord]:
        """Return so many links drawn by chance."""
        drawn = select(links.c.external_id).where(self._where(entity)).order_by(func.random()).limit(size)
        return self._read(self._of(entity).where(links.c.external_id.in_(drawn)).order_by(links.c.external_id))

    def _where(self, entity: str) -> t.Any:
        return and_(links.c.destination == self._destination, links.c.entity == entity, links.c.deleted_as.is_(None))

    def _of(self, entity: str) -> Select[t.Any]:
        columns = (links.c.external_id, links.c.remote_id, links.c.payload, links.c.payload_hash, links.c.written_at)
        return select(*columns).where(self._where(entity))

    def _read(self, query: Select[t.Any]) -> list[LinkedRecord]:
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            LinkedRecord(
                row.external_id,
                row.remote_id,
                row.payload,
                row.payload_hash,
                t.cast("datetime", as_utc(row.written_at)),
            )
            for row in rows
        ]
