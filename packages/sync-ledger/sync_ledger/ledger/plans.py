"""Plans: what `mode: plan` would write, row by row, and what became of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import and_, func, select, update

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import plan_rows, plans
from sync_ledger.privacy import mask_fields
from sync_ledger.rows import OPEN_OUTCOMES, Outcome, PlannedRow, Reason, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine

    from sync_ledger.adapter import Usage
    from sync_ledger.privacy import Masks
    from sync_ledger.rows import Settled

_DELETIONS = ("archive", "flag", "delete")
_ACTIONS = {
    Reason.CREATE: "create",
    Reason.UPDATE: "update",
    Reason.ADOPT: "adopt",
    Reason.RESTORED: "restore",
    **{Reason(action): action for action in _DELETIONS},
}


@dataclass(frozen=True)
class Plan:
    """One plan.

    Attributes:
        id: Its number.
        destination: Account it was made for.
        target: Target that made it.
        run_id: Run that made it.
        status: `making`, `ready` or `applied`.
    """

    id: int
    destination: str
    target: str
    run_id: int
    status: str


@dataclass(frozen=True)
class PlannedWork:
    """How much of a plan is left to do in one entity.

    Attributes:
        creates: Records to make.
        updates: Records to change, adopted ones included; each is read before.
    """

    creates: int
    updates: int


def find_plan(engine: Engine, plan_id: int) -> Plan | None:
    """Return a plan by its number, None when there is none."""
    columns = (plans.c.id, plans.c.destination, plans.c.target, plans.c.run_id, plans.c.status)
    with engine.connect() as connection:
        row = connection.execute(select(*columns).where(plans.c.id == plan_id)).one_or_none()
    return None if row is None else Plan(*row)


class Plans:
    """Plans of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def start(self, target: str, run_id: int) -> int:
        """Open a plan and return its number."""
        row = {
            "destination": self._destination,
            "target": target,
            "run_id": run_id,
            "made_at": now(),
            "status": "making",
            "calls": 0,
            "cost": 0,
        }
        with self._engine.begin() as connection:
            return int(connection.execute(plans.insert().values(row).returning(plans.c.id)).scalar_one())

    def ready(self, plan_id: int, estimate: Usage) -> None:
        """Note that a plan is whole, and what it will take to apply it."""
        self._change(plan_id, status="ready", calls=estimate.calls, cost=estimate.cost)

    def applied(self, plan_id: int, run_id: int) -> None:
        """Note that every row of a plan has been dealt with."""
        self._change(plan_id, status="applied", applied_by=run_id)

    def work(self, plan_id: int) -> dict[str, PlannedWork]:
        """Return entity -> what is left to write."""
        query = (
            select(plan_rows.c.entity, func.count(), func.count(plan_rows.c.remote_id))
            .where(plan_rows.c.plan_id == plan_id, plan_rows.c.status == "planned")
            .group_by(plan_rows.c.entity)
        )
        with self._engine.connect() as connection:
            return {row[0]: PlannedWork(row[1] - row[2], row[2]) for row in connection.execute(query)}

    def rows(self, plan_id: int, entity: str, *, chunk: int) -> Iterator[list[SourceRow]]:
        """Yield the rows still to be written, `chunk` at a time: first those whose records exist, then new ones.

        Kept apart, because the former are read first, and full calls are the cheapest. Each row is met once, also when
        it stays planned.
        """
        columns = [plan_rows.c[name] for name in ("id", "external_id", "action", "remote_id", "changes", "payload")]
        for existing in (plan_rows.c.remote_id.is_not(None), plan_rows.c.remote_id.is_(None)):
            after = 0
            while True:
                where = and_(
                    plan_rows.c.plan_id == plan_id,
                    plan_rows.c.entity == entity,
                    plan_rows.c.status == "planned",
                    plan_rows.c.id > after,
                    existing,
                )
                query = select(*columns).where(where).order_by(plan_rows.c.id).limit(chunk)
                with self._engine.connect() as connection:
                    found = connection.execute(query).all()
                if not found:
                    break
                yield [_source_row(entity, row) for row in found]
                after = found[-1].id

    def remote_ids(self, plan_id: int, entity: str, external_ids: Sequence[str]) -> dict[str, str]:
        """Return external ID -> record of rows for which the plan has found one that is there."""
        where = and_(
            plan_rows.c.plan_id == plan_id,
            plan_rows.c.entity == entity,
            plan_rows.c.external_id.in_(external_ids),
            plan_rows.c.status == "planned",
            plan_rows.c.remote_id.is_not(None),
        )
        query = select(plan_rows.c.external_id, plan_rows.c.remote_id).where(where)
        with self._engine.connect() as connection:
            return {row.external_id: row.remote_id for row in connection.execute(query)}

    def contend(self, plan_id: int, entity: str, texts: dict[tuple[str, str], str]) -> None:
        """Hold rows planned before, because a later one wants the same record: (record, external ID) -> why."""
        with self._engine.begin() as connection:
            for (remote_id, external_id), text in texts.items():
                where = and_(
                    plan_rows.c.plan_id == plan_id,
                    plan_rows.c.entity == entity,
                    plan_rows.c.external_id == external_id,
                    plan_rows.c.remote_id == remote_id,
                    plan_rows.c.status == "planned",
                )
                held = {"action": "hold", "status": "held", "reason": Reason.CONTENDED.value, "text": text, "cost": 0}
                connection.execute(update(plan_rows).where(where).values(**held, candidates=[remote_id]))

    def _change(self, plan_id: int, **values: t.Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(plans).where(plans.c.id == plan_id).values(values))


def _source_row(entity: str, row: t.Any) -> SourceRow:
    changes = {name: (old, new) for name, (old, new) in (row.changes or {}).items()}
    planned = PlannedRow(row.id, row.action, row.remote_id, changes)
    return SourceRow(entity, row.external_id, row.payload, planned=planned, deleted=row.action in _DELETIONS)


def note_plan_rows(
    connection: Connection,
    destination: str,
    plan_id: int | None,
    entity: str,
    items: Sequence[Settled],
    masks: Masks,
) -> None:
    """Bring plans up to date with a batch that is being settled.

    The newest row of an external ID wins: whatever was planned for an older one is superseded. With `plan_id` the batch
    belongs to a plan in the making and is added to it; otherwise rows of a plan being applied get their status. A row
    keeps the values of masked fields, which applying it needs, for as long as it is planned.
    """
    own = {item.row.planned.id: item for item in items if item.row.planned}
    keys = [item.row.external_id for item in items if item.outcome is not Outcome.SKIPPED]
    open_plans = select(plans.c.id).where(plans.c.destination == destination, plans.c.status != "applied")
    where = and_(
        plan_rows.c.entity == entity,
        plan_rows.c.external_id.in_(keys),
        plan_rows.c.status.in_(("planned", "held")),
        plan_rows.c.id.not_in(list(own)),
        plan_rows.c.plan_id.in_(open_plans),
    )
    _mask(connection, where)
    connection.execute(update(plan_rows).where(where).values(status="superseded"))
    for row_id, item in own.items():
        if (status := _status(item)) is not None:
            _mask(connection, plan_rows.c.id == row_id)
            values = {"status": status, "reason": item.reason.value, "text": masks.settled(item).text}
            connection.execute(update(plan_rows).where(plan_rows.c.id == row_id).values(values))
    if plan_id is not None:
        rows = [_plan_row(plan_id, item, masks) for item in items if item.outcome in {Outcome.PLANNED, *OPEN_OUTCOMES}]
        if rows:
            connection.execute(plan_rows.insert(), rows)


def _mask(connection: Connection, where: ColumnElement[bool]) -> None:
    """Mask what rows that are no longer planned have kept of masked fields."""
    kept = select(plan_rows.c.id, plan_rows.c.payload, plan_rows.c.changes, plan_rows.c.masked)
    for row in connection.execute(kept.where(where, plan_rows.c.masked.is_not(None))).all():
        values = {
            "payload": mask_fields(row.payload, row.masked),
            "changes": mask_fields(row.changes, row.masked) if row.changes else None,
            "masked": None,
        }
        connection.execute(update(plan_rows).where(plan_rows.c.id == row.id).values(values))


def _status(item: Settled) -> str | None:
    if item.outcome is Outcome.FAILED:
        return None  # it stays planned: applying the plan once more goes on with it
    return "refused" if item.outcome in OPEN_OUTCOMES else "applied"


def _plan_row(plan_id: int, item: Settled, masks: Masks) -> dict[str, t.Any]:
    planned, text = item.outcome is Outcome.PLANNED, masks.settled(item).text
    contended = item.candidates[0] if item.reason is Reason.CONTENDED and item.candidates else None
    return {
        "plan_id": plan_id,
        "entity": item.row.entity,
        "external_id": item.row.external_id,
        "action": _ACTIONS[item.reason] if planned else "hold",
        "remote_id": item.remote_id or contended,
        "matched_by": item.matched_by,
        "changes": {name: list(pair) for name, pair in item.changes.items()} if item.changes else None,
        "payload": dict(item.row.payload) if planned else mask_fields(item.row.payload, masks.hidden(item)),
        "masked": (sorted(masks.names(item.row.entity)) or None) if planned else None,
        "cost": item.cost if planned else 0,
        "status": "planned" if planned else "held",
        "reason": item.reason.value,
        "text": text if item.field is None else f"{item.field}: {text}",
        "candidates": list(item.candidates) or None,
    }
