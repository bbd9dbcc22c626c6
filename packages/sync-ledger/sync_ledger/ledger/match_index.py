"""The match index: what match rules compare, for every record the sweeps of the service saw."""

from __future__ import annotations

import typing as t
from itertools import islice

from sqlalchemy import and_, select

from sync_ledger.engine.match_rules import Candidate
from sync_ledger.ledger.tables import links, match_index, remote_index
from sync_ledger.ledger.upsert import slices, upsert

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Engine

    from sync_ledger.adapter import IndexEntry

_CHUNK = 500
_BUILT = ""
"""Stands in place of a record: a line that says that the index of a rule is complete."""


class MatchIndex:
    """The match index of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def keep(self, entity: str, rules: Sequence[str]) -> bool:
        """Forget what belongs to rules no longer set, which sweeps would not keep up to date.

        Returns:
            Whether the index holds all of these rules; if not, only a full sweep can build it.
        """
        with self._engine.begin() as connection:
            connection.execute(match_index.delete().where(self._of(entity), match_index.c.rule.not_in(rules)))
            built = select(match_index.c.rule).where(self._of(entity), match_index.c.remote_id == _BUILT)
            return set(rules) <= set(connection.execute(built).scalars())

    def taking(
        self,
        entity: str,
        entries: Iterable[IndexEntry],
        number: int,
        keys: Callable[[IndexEntry], Sequence[tuple[str, str]]],
    ) -> Iterator[IndexEntry]:
        """Pass the records of a sweep on, taking their keys in on the way, a few hundred at a time."""
        left = iter(entries)
        while chunk := list(islice(left, _CHUNK)):
            rows = [
                self._row(entity, rule, entry, key, number)
                for entry in chunk
                if not entry.deleted
                for rule, key in keys(entry)
            ]
            with self._engine.begin() as connection:
                met = [entry.remote_id for entry in chunk]
                connection.execute(match_index.delete().where(self._of(entity), match_index.c.remote_id.in_(met)))
                upsert(connection, match_index, rows)
            yield from chunk

    def swept(self, entity: str, rules: Sequence[str], number: int, *, full: bool) -> None:
        """Note that a sweep came to its end; after a full one, records it did not meet are dropped."""
        if not full:
            return
        rows = [
            {**self._where(entity), "rule": rule, "remote_id": _BUILT, "value": _BUILT, "filled": 0, "sweep": number}
            for rule in rules
        ]
        with self._engine.begin() as connection:
            connection.execute(match_index.delete().where(self._of(entity), match_index.c.sweep != number))
            upsert(connection, match_index, rows)

    def find(self, entity: str, rule: str, keys: Sequence[str]) -> dict[str, list[Candidate]]:
        """Return key -> the records that have it."""
        columns = (match_index.c.value, match_index.c.remote_id, match_index.c.added_at, match_index.c.filled)
        query = (
            select(*columns)
            .where(self._of(entity), match_index.c.rule == rule, match_index.c.remote_id != _BUILT)
            .order_by(match_index.c.remote_id)
        )
        found: dict[str, list[Candidate]] = {}
        with self._engine.connect() as connection:
            for part in slices(keys):
                for row in connection.execute(query.where(match_index.c.value.in_(part))):
                    found.setdefault(row.value, []).append(Candidate(row.remote_id, row.added_at, row.filled))
        return found

    def owners(self, entity: str, remote_ids: Sequence[str]) -> dict[str, set[str]]:
        """Return record -> the external IDs it carries or is linked to."""
        found: dict[str, set[str]] = {}
        with self._engine.connect() as connection:
            for table in (remote_index, links):
                query = select(table.c.remote_id, table.c.external_id).where(
                    table.c.destination == self._destination, table.c.entity == entity
                )
                for part in slices(remote_ids):
                    for remote_id, external_id in connection.execute(query.where(table.c.remote_id.in_(part))):
                        found.setdefault(remote_id, set()).add(external_id)
        return found

    def drop(self, entity: str, remote_ids: Sequence[str]) -> None:
        """Forget records that turned out to be gone or to say something else by now."""
        with self._engine.begin() as connection:
            connection.execute(match_index.delete().where(self._of(entity), match_index.c.remote_id.in_(remote_ids)))

    def _row(self, entity: str, rule: str, entry: IndexEntry, key: str, number: int) -> dict[str, t.Any]:
        return {
            **self._where(entity),
            "rule": rule,
            "remote_id": entry.remote_id,
            "value": key,
            "added_at": entry.added_at,
            "filled": sum(1 for value in entry.values.values() if value not in (None, "", [])),
            "sweep": number,
        }

    def _where(self, entity: str) -> dict[str, str]:
        return {"destination": self._destination, "entity": entity}

    def _of(self, entity: str) -> t.Any:
        return and_(match_index.c.destination == self._destination, match_index.c.entity == entity)
