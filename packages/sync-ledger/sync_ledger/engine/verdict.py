"""From the answer of a service to the outcome of a row."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.adapter import Action, Result
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.adapter import Operation, WriteResult
    from sync_ledger.rows import SourceRow


def verdict(
    row: SourceRow,
    operation: Operation,
    result: WriteResult,
    values: Mapping[str, t.Any],
    changes: Mapping[str, tuple[t.Any, t.Any]] | None,
    answers: Sequence[Mapping[str, t.Any]] = (),
) -> Settled:
    """Return the outcome of a row whose operation was answered by `result`.

    Args:
        row: The source row.
        operation: What was sent for it.
        result: What is known of it now.
        values: The whole normalised payload, the link's when it is there.
        changes: Field -> (old, new) of what was sent.
        answers: What the service answered on the way, plain successes left out.
    """
    return replace(_verdict(row, operation, result, values, changes), answers=answers)


def busy(row: SourceRow) -> Settled:
    """Return the outcome of a row whose record another run is writing."""
    return Settled(row, Outcome.FAILED, Reason.BUSY, text="another run is writing this record")


def _verdict(
    row: SourceRow,
    operation: Operation,
    result: WriteResult,
    values: Mapping[str, t.Any],
    changes: Mapping[str, tuple[t.Any, t.Any]] | None,
) -> Settled:
    text = " ".join(part for part in (result.code, result.text) if part) or None
    if result.result is Result.WRITTEN:
        remote_id = result.remote_id or operation.remote_id
        outcome, reason = Outcome.UPDATED, Reason.NONE
        if operation.action is Action.CREATE and result.created is False:
            reason = Reason.ALREADY_THERE
        elif operation.action is Action.CREATE:
            outcome = Outcome.CREATED
        return Settled(row, outcome, reason, remote_id=remote_id, changes=changes, values=values)
    if result.result is Result.REJECTED and result.candidates:
        return Settled(
            row, Outcome.HELD, Reason.AMBIGUOUS, result.field, text, operation.remote_id, candidates=result.candidates
        )
    if result.result is Result.REJECTED:
        return Settled(row, Outcome.REJECTED, Reason.REFUSED, result.field, text, operation.remote_id)
    if result.result is Result.GONE:
        text = f"record {operation.remote_id} was deleted at the service"
        return Settled(row, Outcome.HELD, Reason.RECORD_DELETED, text=text, remote_id=operation.remote_id)
    reason = Reason.UNKNOWN_RESULT if result.result is Result.UNKNOWN else Reason.UNAVAILABLE
    return Settled(row, Outcome.FAILED, reason, result.field, text, operation.remote_id)
