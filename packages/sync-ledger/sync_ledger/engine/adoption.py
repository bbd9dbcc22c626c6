"""`mode: adopt`: rows are linked to the records that are there, and nothing but external IDs is written."""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Action, Operation
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.engine.resolve import Match
    from sync_ledger.rows import SourceRow


def gap(row: SourceRow) -> Settled:
    """Return the outcome of a row for which there is no record."""
    text = "no record carries its external ID or fits a match rule"
    return Settled(row, Outcome.SKIPPED, Reason.NO_MATCH, text=text)


def held_values(values: Mapping[str, t.Any], before: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what a record says now in the fields that a row maps.

    The link keeps these as what was last sent, so that the next run in apply mode writes exactly what differs.
    """
    return {name: before.get(name) for name in values}


def adoption(row: SourceRow, match: Match) -> Operation:
    """Return the write that puts the external ID into a record and touches nothing else."""
    return Operation(Action.UPDATE, row.external_id, {}, match.remote_id, adopt=True)
