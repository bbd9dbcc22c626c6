"""Stage write, on the engine's side: notes before, outcomes after, and what goes out as a bulk write."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import replace

from sync_ledger.adapter import Action
from sync_ledger.engine.bulk import enough, parts, writes_in_bulk
from sync_ledger.engine.checked import operations_of
from sync_ledger.engine.deletions import out_of_budget
from sync_ledger.engine.lost_creates import LostCreates, held_create
from sync_ledger.engine.outcomes import ambiguous
from sync_ledger.engine.planning import planned_outcome
from sync_ledger.engine.verdict import busy, verdict
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.ledger.clock import now
from sync_ledger.rows import Outcome, Reason

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.engine.checked import Checked
    from sync_ledger.engine.running import Run
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Report, Writer
    from sync_ledger.errors import SyncError
    from sync_ledger.rows import Settled

logger = logging.getLogger("sync_ledger")


class Sending:
    """Sends what the rows of one run need.

    Args:
        run: The run.
        writer: Its writer.
    """

    def __init__(self, run: Run, writer: Writer) -> None:
        self._run = run
        self._writer = writer
        self._in_bulk: set[str] = set()

    def send(self, work: EntityWork, pending: Sequence[Checked], settled: list[Settled]) -> SyncError | None:
        """Send the operations of some rows; return the fault that left rows without an outcome, if one did."""
        if self._run.options.planning:
            settled.extend(planned_outcome(work.adapter, item, item.operation) for item in pending if item.operation)
            return None
        if not pending:
            return None
        if self._run.budget_gone:
            settled.extend(out_of_budget(item.row) for item in pending)
            return None
        lost = LostCreates(self._run.ledger, work.adapter) if work.description.external_id_field is None else None
        pending = self._intend(work, pending, settled, keeping_payloads=lost is not None)
        report = self._writer.write(work.adapter, operations_of(pending), lost)
        work.undecided.update(report.undecided)
        _take_answers(pending, report, settled)
        return self._run.without_budget(report.stopped_by)

    def gathers(self, entity: str) -> int:
        """Return how many rows to gather for one batch because a bulk write may come of it; 0 if none will.

        That is so while the entity has no links, since all its rows may be new then, and as long as bulk writes come.
        """
        bulk = writes_in_bulk(self._run.destination.entity(entity))
        work = self._run.work.get(entity)
        if bulk is None or work is None or self._run.budget_gone or not self._by_jobs(work):
            return 0
        first_load = entity in self._in_bulk or not self._run.ledger.links.any(entity)
        return bulk.bulk_size if first_load else 0

    def puts_aside(self, work: EntityWork, rows: int) -> bool:
        """Whether the creates of a batch of so many rows are to be put aside for `send_put_aside`."""
        return self._by_jobs(work) and enough(work.adapter, rows)

    def _by_jobs(self, work: EntityWork) -> bool:
        # Without the external ID in the record, what a job has made could not be told apart.
        return self._run.options.mode == "apply" and work.description.external_id_field is not None

    def send_put_aside(self, work: EntityWork, creates: Sequence[Checked], settled: list[Settled]) -> None:
        """Write and settle the creates of a large batch: as one job if there are enough of them, else by calls.

        Raises:
            ServiceError: If the destination failed for all rows alike; what was decided before is settled.
            GuardError: If too many rows of the run fail.
        """
        entity = work.description.entity
        if self._run.budget_gone or not enough(work.adapter, len(creates)):
            self._in_bulk.discard(entity)
            for part in parts(creates):
                self._run.close_part(settled, self.send(work, part, settled))
            return
        self._in_bulk.add(entity)
        pending: list[Checked] = []
        for part in parts(creates):
            pending += self._intend(work, part, settled)
        logger.info("Writing %d new %s in bulk", len(pending), entity)
        report = self._writer.write(work.adapter, operations_of(pending), in_bulk=True)
        for part in parts(pending):
            _take_answers(part, report, settled)
            self._run.settle(settled)
            settled.clear()
        self._run.close_part(settled, self._run.without_budget(report.stopped_by))

    def _intend(
        self,
        work: EntityWork,
        pending: Sequence[Checked],
        settled: list[Settled],
        *,
        keeping_payloads: bool = False,
    ) -> list[Checked]:
        """Note what is about to be sent; return what is this run's to send."""
        links, entity = self._run.ledger.links, work.description.entity
        operations = operations_of(pending)
        actions = {operation.external_id: operation.action.value for operation in operations}
        sent = {one.external_id: one.values for one in operations if keeping_payloads and one.action is Action.CREATE}
        mine = links.intend(self._run.id, entity, actions, now(), sent)
        # Between the look at a link and this note another run may have written the record, and be done with it.
        marks = links.marks(entity, sorted(mine))
        free = {item.row.external_id for item in pending if marks.get(item.row.external_id) == item.mark} & mine
        settled.extend(busy(item.row) for item in pending if item.row.external_id not in free)
        return [item for item in pending if item.row.external_id in free]


def _take_answers(pending: Sequence[Checked], report: Report, settled: list[Settled]) -> None:
    """Turn the answers to what was sent into outcomes; what was not sent gets one only at the end of a budget."""
    budget_gone = isinstance(report.stopped_by, BudgetExhaustedError)
    for item in pending:
        external_id = item.row.external_id
        if several := report.several.get(external_id):
            settled.append(ambiguous(item.row, several))
        elif external_id in report.undecided:
            settled.append(held_create(item.row, report.undecided[external_id]))
        elif (result := report.results.get(external_id)) and item.operation:
            answers = report.answers.get(external_id, ())
            decided = verdict(item.row, item.operation, result, item.values, item.changes, answers)
            if item.operation.adopt and decided.outcome is Outcome.UPDATED:
                decided = replace(decided, reason=Reason.ADOPTED)
            settled.append(replace(decided, matched_by=item.matched_by))
        elif budget_gone:
            settled.append(out_of_budget(item.row))
