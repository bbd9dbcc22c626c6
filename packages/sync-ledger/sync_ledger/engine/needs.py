"""Stage diff, its end: what is to be sent for a row, now that its record is known."""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Action, Operation
from sync_ledger.engine.adoption import adoption, gap, held_values
from sync_ledger.engine.diff import live_changes
from sync_ledger.engine.outcomes import invalid, unchanged
from sync_ledger.engine.planning import deviation
from sync_ledger.engine.validate import Invalid, check_create, check_update
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.engine.checked import Checked
    from sync_ledger.engine.options import Options
    from sync_ledger.engine.resolve import Match
    from sync_ledger.engine.work import EntityWork

    Values = Mapping[str, t.Any]


class Needs:
    """Finds out what rows need.

    Args:
        options: How the run behaves.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def decide(self, work: EntityWork, item: Checked, before: Values | None, settled: list[Settled]) -> None:
        """Give a row its operation; one that needs none, or cannot have it, is settled.

        Args:
            work: Its entity.
            item: The row.
            before: What its record says; None if there is no record.
            settled: Takes the outcome of a row without an operation.
        """
        if self._options.adopting:
            self._adopt(work, item, before, settled)
            return
        remote_id = item.match.remote_id if item.match and before is not None else None
        try:
            if remote_id is None:
                _create(work, item)
            elif not self._update(work, item, remote_id, before or {}):
                linked = item.match is not None and item.match.link is not None
                reason = Reason.SAME_PAYLOAD if linked else Reason.SAME_AS_REMOTE
                settled.append(unchanged(item, reason, relink=True))
        except Invalid as problem:
            settled.append(invalid(item.row, problem, remote_id))
            return
        if item.operation and item.row.planned:
            text = deviation(item.row.planned, item.operation, item.changes)
            if text is not None:
                item.operation = None
                settled.append(Settled(item.row, Outcome.HELD, Reason.PLAN_CHANGED, text=text, remote_id=remote_id))

    def _update(self, work: EntityWork, item: Checked, remote_id: str, before: Values) -> bool:
        """Let a row change its record in what differs and is ours to change; return whether it has to."""
        link = item.match.link if item.match else None
        sent = link.payload if link and not item.flight else None
        differing = live_changes(sent, before, item.values)
        allowed = work.field_rules.allowed(differing)
        differing = {name: pair for name, pair in differing.items() if name in allowed or name in item.unflagged}
        values = check_update(work.description, {name: new for name, (_, new) in differing.items()})
        item.updates = {name: differing[name] for name in values}
        adopt = self._adopts(work, item.match)
        if values or adopt:
            item.operation = Operation(Action.UPDATE, item.row.external_id, values, remote_id, adopt)
        return item.operation is not None

    def _adopts(self, work: EntityWork, match: Match | None) -> bool:
        """Whether the external ID is to be written into the record a row was matched with."""
        if match is None or match.matched_by is None or match.carries:
            return False
        return self._options.adopt == "external_ids" and work.description.external_id_field is not None

    def _adopt(self, work: EntityWork, item: Checked, before: Values | None, settled: list[Settled]) -> None:
        if before is None or item.match is None:
            settled.append(gap(item.row))
            return
        item.values = held_values(item.values, before)
        if self._adopts(work, item.match):
            item.operation = adoption(item.row, item.match)
        else:
            settled.append(unchanged(item, Reason.LINKED, relink=True))


def _create(work: EntityWork, item: Checked) -> None:
    values: Values = check_create(work.description, item.values)
    if values == item.values:
        values = item.values  # once is enough: there may be many
    item.operation = Operation(Action.CREATE, item.row.external_id, values)
