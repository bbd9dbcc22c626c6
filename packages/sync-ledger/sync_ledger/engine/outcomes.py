"""Outcomes that are clear before anything is sent."""

from __future__ import annotations

import typing as t

from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.engine.checked import Checked
    from sync_ledger.engine.matching import Finding
    from sync_ledger.engine.validate import Invalid
    from sync_ledger.rows import SourceRow


def unchanged(item: Checked, reason: Reason, *, relink: bool) -> Settled:
    """Return the outcome of a row that needs no write; its link is written anew only if that would change it."""
    values = item.values if relink else None
    return Settled(
        item.row, Outcome.UNCHANGED, reason, remote_id=item.remote_id, values=values, matched_by=item.matched_by
    )


def undecided(row: SourceRow, finding: Finding) -> Settled:
    """Return the outcome of a row for which a match rule found something, but no one record."""
    return Settled(
        row,
        Outcome.HELD,
        finding.reason,
        text=finding.text,
        candidates=finding.candidates,
        matched_by=finding.rule,
    )


def ambiguous(row: SourceRow, candidates: Sequence[str]) -> Settled:
    """Return the outcome of a row whose external ID several records carry."""
    text = f"{len(candidates)} records carry this external ID: {', '.join(candidates)}"
    return Settled(row, Outcome.HELD, Reason.AMBIGUOUS, text=text, candidates=candidates)


def deleted(row: SourceRow, candidates: Sequence[str]) -> Settled:
    """Return the outcome of a row whose record somebody has deleted."""
    text = f"records {', '.join(candidates)} were deleted at the service"
    return Settled(row, Outcome.HELD, Reason.RECORD_DELETED, text=text)


def invalid(row: SourceRow, problem: Invalid, remote_id: str | None = None) -> Settled:
    """Return the outcome of a row the service would refuse."""
    return Settled(row, Outcome.HELD, problem.reason, problem.field, problem.text, remote_id)


def newest(rows: Sequence[SourceRow], settled: list[Settled]) -> list[SourceRow]:
    """Keep the last row of each external ID; those before it are settled as skipped."""
    last = {row.external_id: row for row in rows}
    for row in rows:
        if last[row.external_id] is not row:
            text = "a newer row of the same external ID came in the same batch"
            settled.append(Settled(row, Outcome.SKIPPED, Reason.NEWER_IN_BATCH, text=text))
    return list(last.values())
