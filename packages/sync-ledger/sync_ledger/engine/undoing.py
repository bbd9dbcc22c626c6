"""Undoing deletions: records back as the undo file has them, where the service lets them be."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.engine.deletion_rules import FLAG
from sync_ledger.engine.lost_creates import LostCreates, held_create
from sync_ledger.engine.validate import Invalid, check_create
from sync_ledger.engine.verdict import verdict
from sync_ledger.ledger.clock import now
from sync_ledger.rows import OPEN_OUTCOMES, Outcome, Reason, Settled, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.adapter import RemoteRecord
    from sync_ledger.engine.undo_file import Removal
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Writer
    from sync_ledger.errors import ServiceError
    from sync_ledger.ledger import Ledger

    Part = tuple[Removal, Operation]


def undo(
    work: EntityWork,
    ledger: Ledger,
    writer: Writer,
    run_id: int,
    removals: Sequence[Removal],
    among: Sequence[Removal],
) -> tuple[list[Settled], ServiceError | None]:
    """Bring the records of one entity back.

    An archived record is taken out of the archive and a flagged one gets the value it had. A deleted one is made anew
    from the file, with a new id, unless it is there again; what others knew by its old id, such as its history, is
    not part of it.

    Args:
        work: Entity of the records.
        ledger: Ledger of the run.
        writer: Writer of the run.
        run_id: Number of the run.
        removals: Records to bring back.
        among: All removals of the account, which tell whose the ids were that parents had before.

    Returns:
        One outcome per record, and the fault that left some without one, if one did.
    """
    entity = work.description.entity
    keys = [removal.external_id for removal in removals]
    links = ledger.links.find(entity, keys)
    index = ledger.index.find(entity, keys)
    records = work.adapter.read([removal.remote_id for removal in removals])
    settled: list[Settled] = []
    pending: list[Part] = []
    parents = _parents(work, ledger, removals, among)
    for removal in removals:
        link = links.get(removal.external_id)
        if link is None or link.deleted_as is None or link.remote_id != removal.remote_id:
            settled.append(_left(removal, "the ledger does not know it as deleted; it is back, or was never linked"))
            continue
        found = records.get(removal.remote_id)
        others = index.get(removal.external_id, [])
        step = _step(work, removal, found, others, parents)
        if isinstance(step, Settled):
            settled.append(step)
        else:
            pending.append((removal, step))
    actions = {operation.external_id: operation.action.value for _, operation in pending}
    lost = LostCreates(ledger, work.adapter) if work.description.external_id_field is None else None
    sent = {one.external_id: one.values for _, one in pending if lost and one.action is Action.CREATE}
    mine = ledger.links.intend(run_id, entity, actions, now(), sent) if actions else set()
    settled.extend(
        _left(removal, "another run is writing it") for removal, _ in pending if removal.external_id not in mine
    )
    pending = [part for part in pending if part[0].external_id in mine]
    report = writer.write(work.adapter, [operation for _, operation in pending], lost)
    for removal, operation in pending:
        result = report.results.get(removal.external_id)
        if several := report.several.get(removal.external_id):
            settled.append(_left(removal, f"records {', '.join(several)} carry its external ID"))
        elif candidates := report.undecided.get(removal.external_id):
            settled.append(_left(removal, held_create(_row(removal), candidates).text or ""))
        elif result is not None:
            row = _row(removal)
            outcome = verdict(
                row, operation, result, _related(work, removal.payload, parents), _changes(removal, operation)
            )
            if outcome.outcome in OPEN_OUTCOMES:
                outcome = replace(outcome, outcome=Outcome.SKIPPED, reason=Reason.NOT_RESTORED)
            elif result.result is Result.WRITTEN:
                outcome = replace(outcome, reason=Reason.RESTORED)
            settled.append(replace(outcome, answers=report.answers.get(removal.external_id, ())))
    return settled, report.stopped_by


def _parents(
    work: EntityWork, ledger: Ledger, removals: Sequence[Removal], among: Sequence[Removal]
) -> dict[tuple[str, str], str]:
    """Return entity and id of parents before they were deleted -> their ids now."""
    old = {(name, str(one.record[name])) for one in removals for name in work.relations if one.record.get(name)}
    found: dict[tuple[str, str], str] = {}
    for name, parent in work.relations.items():
        wanted = {number for field, number in old if field == name}
        keys = {one.external_id: one.remote_id for one in among if one.entity == parent and one.remote_id in wanted}
        now_there = ledger.links.remote_ids(parent, sorted(keys)) if keys else {}
        found.update({(parent, keys[key]): remote_id for key, remote_id in now_there.items()})
    return found


def _related(work: EntityWork, values: Mapping[str, t.Any], parents: Mapping[tuple[str, str], str]) -> dict[str, t.Any]:
    """Return values that point to the parents as they are now."""
    now_there = {
        name: parents[parent, str(values[name])]
        for name, parent in work.relations.items()
        if (parent, str(values.get(name))) in parents
    }
    return {**values, **now_there}


def _step(
    work: EntityWork,
    removal: Removal,
    found: RemoteRecord | None,
    others: Sequence[str],
    parents: Mapping[tuple[str, str], str],
) -> Operation | Settled:
    """Return what to send for one record, or its outcome when nothing is to be sent."""
    if removal.did == FLAG and found is not None:
        before = {name: removal.record.get(name) for name in removal.flag}
        return Operation(Action.UPDATE, removal.external_id, before, removal.remote_id)
    if removal.did == "archive" and found is not None:
        return Operation(Action.RESTORE, removal.external_id, {}, removal.remote_id)
    there = removal.remote_id if found is not None else others[0] if len(others) == 1 else None
    if there is not None:
        return Settled(_row(removal), Outcome.UNCHANGED, Reason.RESTORED, remote_id=there, values=dict(removal.payload))
    if others:
        return _left(removal, f"records {', '.join(others)} carry its external ID")
    own = work.description.external_id_field
    values = {name: value for name, value in removal.record.items() if own is None or name != own.name}
    try:
        return Operation(
            Action.CREATE, removal.external_id, check_create(work.description, _related(work, values, parents))
        )
    except Invalid as problem:
        return _left(removal, problem.text)


def _changes(removal: Removal, operation: Operation) -> Mapping[str, tuple[t.Any, t.Any]]:
    return {name: (removal.flag.get(name), value) for name, value in operation.values.items()}


def _row(removal: Removal) -> SourceRow:
    return SourceRow(removal.entity, removal.external_id, removal.payload)


def _left(removal: Removal, text: str) -> Settled:
    return Settled(_row(removal), Outcome.SKIPPED, Reason.NOT_RESTORED, text=text, remote_id=removal.remote_id)
