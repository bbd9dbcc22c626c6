"""Claims: which external IDs want which record by a match rule. Two for one record are both held."""

from __future__ import annotations

import typing as t

from sqlalchemy import exists, or_, select

from sync_ledger.ledger.tables import claims, links, open_rows, plan_rows
from sync_ledger.ledger.upsert import slices, upsert
from sync_ledger.rows import Outcome, Reason

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from sync_ledger.rows import Settled


_HAVING = frozenset({Outcome.UPDATED, Outcome.UNCHANGED})


class Claims:
    """Claims of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def live(self, entity: str, remote_ids: Sequence[str], *, plan_id: int | None) -> dict[str, set[str]]:
        """Return record -> the external IDs that want it still, those of a plan in the making included.

        A claim lives while its row has the record, or is held because others want it too.
        """
        linked = exists().where(
            links.c.destination == claims.c.destination,
            links.c.entity == claims.c.entity,
            links.c.external_id == claims.c.external_id,
            links.c.remote_id == claims.c.remote_id,
        )
        held = exists().where(
            open_rows.c.destination == claims.c.destination,
            open_rows.c.entity == claims.c.entity,
            open_rows.c.external_id == claims.c.external_id,
            open_rows.c.reason == Reason.CONTENDED.value,
            open_rows.c.closed_at.is_(None),
        )
        queries = [
            (
                claims,
                select(claims.c.remote_id, claims.c.external_id).where(
                    claims.c.destination == self._destination, claims.c.entity == entity, or_(linked, held)
                ),
            )
        ]
        if plan_id is not None:
            planned = select(plan_rows.c.remote_id, plan_rows.c.external_id).where(
                plan_rows.c.plan_id == plan_id,
                plan_rows.c.entity == entity,
                plan_rows.c.matched_by.is_not(None),
                plan_rows.c.status.in_(("planned", "held")),
            )
            queries.append((plan_rows, planned))
        found: dict[str, set[str]] = {}
        with self._engine.connect() as connection:
            for table, query in queries:
                for part in slices(remote_ids):
                    for remote_id, external_id in connection.execute(query.where(table.c.remote_id.in_(part))):
                        found.setdefault(remote_id, set()).add(external_id)
        return found


def note_claims(connection: Connection, destination: str, run_id: int, entity: str, items: Sequence[Settled]) -> None:
    """Keep the claims of rows that have adopted a record, or are held because others want it too."""
    rows = {
        (remote_id, item.row.external_id): {
            "destination": destination,
            "entity": entity,
            "remote_id": remote_id,
            "external_id": item.row.external_id,
            "rule": item.matched_by,
            "run_id": run_id,
        }
        for item in items
        if item.matched_by and (item.outcome in _HAVING or item.reason is Reason.CONTENDED)
        for remote_id in ([item.remote_id] if item.remote_id else item.candidates)
    }
    upsert(connection, claims, list(rows.values()))
