"""What a plan says before, and what applying it checks after."""

from __future__ import annotations

import logging
import typing as t

from sync_ledger.adapter import Action
from sync_ledger.engine.bulk import enough, most_rows
from sync_ledger.engine.diff import same
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sync_ledger.adapter import Destination, EntityAdapter, Operation, Usage
    from sync_ledger.engine.checked import Checked
    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.plans import PlannedWork
    from sync_ledger.rows import PlannedRow, SourceRow

logger = logging.getLogger("sync_ledger")

APPLY_CHUNK = 500
"""Rows of a plan that are read, compared and written together."""


def close_plan(destination: Destination, ledger: Ledger, plan_id: int) -> None:
    """Note that a plan is whole, and tell what applying it will take."""
    expected = estimate(destination, ledger.plans.work(plan_id))
    ledger.plans.ready(plan_id, expected)
    logger.info(
        "Plan %d is ready: to apply it takes %d calls and %d of the budget; `sync-ledger plan --diff` shows it",
        plan_id,
        expected.calls,
        expected.cost,
    )


def rows_of_plan(adapter: EntityAdapter, ledger: Ledger, plan_id: int) -> Iterator[list[SourceRow]]:
    """Yield the rows of a plan that are still to be written, so many together that bulk writes come of them."""
    planned = ledger.plans.work(plan_id).get(adapter.entity)
    by_jobs = planned is not None and enough(adapter, planned.creates)
    chunk = most_rows(adapter, APPLY_CHUNK) if by_jobs else APPLY_CHUNK
    return ledger.plans.rows(plan_id, adapter.entity, chunk=chunk)


def estimate(destination: Destination, work: Mapping[str, PlannedWork]) -> Usage:
    """Return what applying a plan will take: opening the entities, reading the records to change, and the writes."""
    total = destination.estimate()
    for entity, planned in work.items():
        adapter = destination.entity(entity)
        total += adapter.estimate(opens=1, creates=planned.creates, updates=planned.updates)
        full, rest = divmod(planned.updates, APPLY_CHUNK)
        for _ in range(full):
            total += adapter.estimate(reads=APPLY_CHUNK)
        total += adapter.estimate(reads=rest)
    return total


def price(adapter: EntityAdapter, operation: Operation) -> int:
    """Return what one write takes of the budget."""
    create = operation.action is Action.CREATE
    return (adapter.estimate(creates=1) if create else adapter.estimate(updates=1)).cost


def planned_outcome(adapter: EntityAdapter, item: Checked, operation: Operation) -> Settled:
    """Return the outcome of a row that would be written if the run did not only plan."""
    return Settled(
        item.row,
        Outcome.PLANNED,
        Reason(action_of(operation)),
        text=item.note,
        remote_id=operation.remote_id,
        changes=item.changes,
        matched_by=item.matched_by,
        cost=price(adapter, operation),
    )


def action_of(operation: Operation) -> str:
    """Return what a plan calls an operation."""
    if operation.action is Action.CREATE:
        return "create"
    return "adopt" if operation.adopt else "update"


def deviation(
    planned: PlannedRow, operation: Operation, changes: Mapping[str, tuple[t.Any, t.Any]] | None
) -> str | None:
    """Return in words what is no longer as planned; None if everything is.

    New values are not compared: they come from the same payload, and a parent that was only planned has an id by now.
    """
    action = action_of(operation)
    if planned.action == "restore" and (action, operation.remote_id) == ("update", planned.remote_id):
        return None  # just taken out of the archive, in which nobody had a reason to change it; the rest is the row's
    if (action, operation.remote_id) != (planned.action, planned.remote_id):
        return f"planned: {_what(planned.action, planned.remote_id)}; now: {_what(action, operation.remote_id)}"
    now = changes or {}
    for name in dict.fromkeys([*planned.changes, *now]):
        if name not in now:
            return f"{name} already is what was planned"
        if name not in planned.changes:
            return f"{name} has been changed since: it is {now[name][0]!r}"
        if not same(now[name][0], planned.changes[name][0]) or not same(planned.changes[name][0], now[name][0]):
            return f"{name} was {planned.changes[name][0]!r} when the plan was made and is {now[name][0]!r}"
    return None


def _what(action: str, remote_id: str | None) -> str:
    return f"{action} record {remote_id}" if remote_id else f"{action} a record"
