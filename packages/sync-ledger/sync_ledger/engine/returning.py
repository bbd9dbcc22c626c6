"""Rows that come again after their record was archived or flagged because the source had deleted them."""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.engine.deletions import out_of_budget
from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.verdict import verdict
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Writer
    from sync_ledger.errors import ServiceError
    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.links import Link
    from sync_ledger.rows import SourceRow


def unflagged(
    ledger: Ledger, entity: str, link: Link | None, values: Mapping[str, t.Any], before: Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return what a returning row must say of its flag field, when the mapping does not say it: the value before.

    Args:
        ledger: Ledger of the run.
        entity: Entity of the record.
        link: The row's link.
        values: What the row says.
        before: The value before, when it is known of a flag that was just being set.
    """
    if link is None or link.deleted_as != "flag":
        return {}
    before = before or ledger.links.before_flag(entity, link.external_id)
    return {name: old for name, old in before.items() if name not in values}


def bring_back(
    work: EntityWork,
    ledger: Ledger,
    writer: Writer,
    rows: Sequence[tuple[SourceRow, Link]],
    values: Mapping[str, Mapping[str, t.Any]],
) -> tuple[dict[str, Settled], ServiceError | None]:
    """Take records out of the archive; the ledger knows at once of those that are.

    Args:
        work: Entity of the records.
        ledger: Ledger of the run.
        writer: Writer of the run.
        rows: Rows with their links.
        values: External ID -> normalised payload.

    Returns:
        External ID -> outcome, of rows that could not be brought back and of those that need nothing else; and the
        fault that ended it early, if one did.
    """
    operations = {row.external_id: Operation(Action.RESTORE, row.external_id, {}, link.remote_id) for row, link in rows}
    report = writer.write(work.adapter, list(operations.values()))
    back = {key for key, result in report.results.items() if result.result is Result.WRITTEN}
    ledger.links.brought_back(work.description.entity, sorted(back))
    outcomes: dict[str, Settled] = {}
    for row, link in rows:
        key = row.external_id
        result = report.results.get(key)
        if key in back:
            if link.payload_hash == payload_hash(values[key]):
                outcomes[key] = Settled(
                    row, Outcome.UPDATED, Reason.RESTORED, remote_id=link.remote_id, values=values[key]
                )
        elif result is not None:
            answers = report.answers.get(key, ())
            outcomes[key] = verdict(row, operations[key], result, {}, None, answers)
        elif isinstance(report.stopped_by, BudgetExhaustedError):
            outcomes[key] = out_of_budget(row)
    return outcomes, report.stopped_by
