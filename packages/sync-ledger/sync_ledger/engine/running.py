"""What the stages of one run share: account, ledger, settings, the entities at work, the budget, and the books."""

from __future__ import annotations

import logging
import typing as t

from sync_ledger.engine.bulk import parts
from sync_ledger.engine.deletion_rules import FLAG, deletion_rules
from sync_ledger.engine.guards import FailureGuard
from sync_ledger.engine.match_rules import by_stream
from sync_ledger.engine.work import open_entity
from sync_ledger.errors import BudgetExhaustedError, CountMismatchError
from sync_ledger.rows import Tally

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.adapter import Destination
    from sync_ledger.engine.options import Options
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.errors import SyncError
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import Settled

logger = logging.getLogger("sync_ledger")


class Run:
    """One run of one target against one destination.

    Attributes:
        destination: The account.
        ledger: Its ledger.
        options: How the run behaves.
        id: Number of the run.
        plan_id: The plan it makes, if it makes one.
        work: Entities it has opened.
        budget_gone: The account has no budget left; rows are settled as such from then on.
        deletion_rules: Entity -> what to do with records that are wanted no more.
        received: Rows taken in.
        tally: Their outcomes.
    """

    def __init__(self, destination: Destination, ledger: Ledger, target: str, options: Options) -> None:
        self.destination = destination
        self.ledger = ledger
        self.options = options
        self.work: dict[str, EntityWork] = {}
        self.budget_gone = False
        self.received = 0
        self.tally = Tally()
        self._match_rules = by_stream(options.match_rules, destination.entities, "match_rules")
        self._field_rules = by_stream(options.field_rules, destination.entities, "field_rules")
        self.deletion_rules = deletion_rules(options.deletions, destination)
        self._failure_guard = FailureGuard(options.failure_guard_percent)
        self.id = ledger.runs.start(target, options.mode)
        self.plan_id = ledger.plans.start(target, self.id) if options.planning else None
        ledger.mode, ledger.plan_id = options.mode, self.plan_id

    def entity(self, entity: str) -> EntityWork:
        """Return an entity ready to take rows; the first time it is described and its index brought up to date."""
        if entity not in self.work:
            self.work[entity] = open_entity(
                self.destination,
                self.ledger,
                entity,
                full_sweep_after=self.options.full_sweep_after,
                rules=self._match_rules.get(entity, ()),
                fields=self._field_rules.get(entity),
            )
            description = self.work[entity].description
            self.ledger.descriptions.keep(description)
            if (rule := self.deletion_rules.get(entity)) is not None and rule.do == FLAG:
                rule.flag(description)
        return self.work[entity]

    def note_budget(self, error: BudgetExhaustedError) -> None:
        """Note that the budget has ended; the run goes on without it, unless it makes a plan."""
        if self.options.planning:
            raise error  # rows left out of a plan must not come into the next run by the back door
        if not self.budget_gone:
            self.budget_gone = True
            logger.warning("%s: rows left are kept for the next run", error)

    def without_budget(self, stopped_by: SyncError | None) -> SyncError | None:
        """Note the end of the budget if that is what a fault is, and return any other, which ends the run."""
        if not isinstance(stopped_by, BudgetExhaustedError):
            return stopped_by
        self.note_budget(stopped_by)
        return None

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write outcomes into the ledger and count them."""
        self._failure_guard.saw(settled)
        for part in parts(settled):
            self.ledger.settle(self.id, part, self.destination.usage())
        for item in settled:
            self.tally.add(item)

    def close_part(self, settled: list[Settled], stopped_by: SyncError | None = None) -> None:
        """Settle a part of a batch and empty the list.

        Raises:
            ServiceError: The fault that stopped it.
            GuardError: If too many rows of the run fail.
        """
        self.settle(settled)
        settled.clear()
        if stopped_by is not None:
            raise stopped_by
        self._failure_guard.check()

    def check_books(self) -> None:
        """Compare the rows taken in with their outcomes.

        Raises:
            CountMismatchError: If they differ.
        """
        taken, outcomes = self.ledger.runs.counted(self.id)
        if not self.received == taken == outcomes:
            raise CountMismatchError(
                f"Run {self.id}: {self.received} rows read, {taken} in the ledger, {outcomes} outcomes; "
                "this must never happen, please report it"
            )
