"""The engine: takes mapped rows, gives each exactly one outcome, and settles them in the ledger.

The way of a batch, and where each stage is: `preparing` (validate, relate), `deciding` (resolve, match, diff; `needs`
has the end of it), `sending` and `writer` (write), `running` (settle). `deletions`, `replaying`, `remapping` and
`undoing` tell of the rows that take another way.
"""

from __future__ import annotations

import logging
import typing as t

from sync_ledger.engine.bulk import most_rows, parts
from sync_ledger.engine.deciding import Deciding
from sync_ledger.engine.deletion_rules import check_when
from sync_ledger.engine.deletions import Deletions, out_of_budget
from sync_ledger.engine.guards import DeleteGuard
from sync_ledger.engine.options import Options
from sync_ledger.engine.outcomes import newest
from sync_ledger.engine.planning import close_plan, rows_of_plan
from sync_ledger.engine.preparing import Preparing
from sync_ledger.engine.remapping import Remapping
from sync_ledger.engine.replaying import CHUNK, Replay
from sync_ledger.engine.running import Run
from sync_ledger.engine.sending import Sending
from sync_ledger.engine.undo_file import UndoFile, of_destination
from sync_ledger.engine.undoing import undo
from sync_ledger.engine.work import check_properties
from sync_ledger.engine.writer import Writer
from sync_ledger.errors import BudgetExhaustedError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sync_ledger.adapter import Destination
    from sync_ledger.engine.checked import Checked
    from sync_ledger.engine.mapper_process import MapperProcess
    from sync_ledger.engine.undo_file import Removal
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.errors import SyncError
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import Settled, SourceRow, Tally

__all__ = ["Options", "UpsertEngine"]

logger = logging.getLogger("sync_ledger")


class UpsertEngine:
    """One run of one target against one destination.

    Rows come in through `process`, a batch of one entity at a time; when it returns, each of them is settled in the
    ledger. `finish` replays what failed before and checks the books.
    """

    def __init__(self, destination: Destination, ledger: Ledger, *, target: str, options: Options) -> None:
        self._destination = destination
        self._ledger = ledger
        self._options = options
        self._run = Run(destination, ledger, target, options)
        self._writer = Writer(destination.concurrency, lasting=self.note_alive)
        self._preparing = Preparing(self._run)
        self._deciding = Deciding(self._run, self._writer)
        self._sending = Sending(self._run, self._writer)
        self._delete_guard = DeleteGuard(options.delete_guard_rows, options.delete_guard_percent)
        self._deletions = Deletions(
            self._run.deletion_rules,
            ledger,
            self._writer,
            UndoFile(options.undo_file),
            run_id=self.run_id,
            mode=options.mode,
        )

    @property
    def run_id(self) -> int:
        """Number of the run."""
        return self._run.id

    @property
    def plan_id(self) -> int | None:
        """Number of the plan the run makes, if it makes one."""
        return self._run.plan_id

    @property
    def tally(self) -> Tally:
        """Outcomes of the run so far."""
        return self._run.tally

    @property
    def destination_name(self) -> str:
        """Name of the account in the ledger."""
        return self._ledger.destination

    # -- rows of a source --------------------------------------------------------------------------------------

    def open(self, entity: str, properties: Sequence[str]) -> None:
        """Make an entity ready for rows with these properties.

        Raises:
            ConfigError: If the service has no such field or does not let it be written.
        """
        try:
            check_properties(self._run.entity(entity).description, properties)
        except BudgetExhaustedError as error:
            # Its rows are kept as they came; the run in which there is a budget checks them.
            self._run.note_budget(error)
        check_when(self._run.deletion_rules.get(entity), entity, properties)

    def parents(self, entity: str) -> frozenset[str]:
        """Return the entities whose rows have to be written before those of `entity`.

        Of two that point to each other, as accounts and their main contacts do, the destination's order decides.
        """
        work = self._run.work
        if entity not in work:
            return frozenset()
        mutual = {one for one in work[entity].parents if one in work and entity in work[one].parents}
        if not mutual:
            return work[entity].parents
        order = list(self._destination.entities)
        return work[entity].parents - {one for one in mutual if order.index(one) > order.index(entity)}

    def rows_per_turn(self, entity: str) -> int:
        """Return the rows it takes for each thread that writes to have one full call; 1 where every call is full."""
        most = self._destination.entity(entity).batch_size
        return most * self._destination.concurrency if most > 1 else 1

    def gathers(self, entity: str) -> int:
        """Return how many rows to gather for one batch because a bulk write may come of it; 0 if none will."""
        return self._sending.gathers(entity)

    def process(self, entity: str, rows: Sequence[SourceRow]) -> None:
        """Take a batch of rows through all stages and settle them.

        Raises:
            ServiceError: If the destination failed for all rows alike; what was decided before is settled.
            GuardError: If too many rows of the run fail; the batch is settled.
        """
        run = self._run
        run.received += len(rows)
        settled: list[Settled] = []
        wanted, gone = self._deletions.split(newest(rows, settled))
        try:
            work = run.entity(entity)
        except BudgetExhaustedError as error:
            run.note_budget(error)
            run.settle([*settled, *map(out_of_budget, [*wanted, *gone])])
            return
        put_aside: list[Checked] | None = [] if self._sending.puts_aside(work, len(wanted)) else None
        for part in parts(wanted):  # only one, unless rows have been gathered for a bulk write
            pending = self._decide(work, part, settled)
            if put_aside is not None:
                put_aside += (item for item in pending if item.creates)
                pending = [item for item in pending if not item.creates]
            run.close_part(settled, self._sending.send(work, pending, settled))
        if put_aside is not None:
            self._sending.send_put_aside(work, put_aside, settled)
        for part in parts(gone):
            run.close_part(settled, self._take_deletions(work, part, settled))
        run.close_part(settled)

    def _decide(self, work: EntityWork, rows: Sequence[SourceRow], settled: list[Settled]) -> list[Checked]:
        """Take rows through the stages before the write; return those for which something is to be sent."""
        checked = self._preparing.prepare(work, rows, settled)
        self._deciding.decide(work, checked, settled)
        return [item for item in checked if item.operation is not None]

    def _take_deletions(self, work: EntityWork, rows: Sequence[SourceRow], settled: list[Settled]) -> SyncError | None:
        before = len(settled)
        stopped_by = self._deletions.take(work, rows, settled)
        if isinstance(stopped_by, BudgetExhaustedError):
            done = {item.row.external_id for item in settled[before:]}
            settled.extend(out_of_budget(row) for row in rows if row.external_id not in done)
        return self._run.without_budget(stopped_by)

    def settle_directly(self, settled: Sequence[Settled]) -> None:
        """Settle rows whose outcome is clear without any stage: unmapped rows, streams that are skipped."""
        self._run.received += len(settled)
        self._run.close_part(list(settled))

    def note_state(self, *, came: Mapping[str, t.Any] | None = None, passed: Mapping[str, t.Any] | None = None) -> None:
        """Keep the run's first and last STATE in the ledger."""
        self._ledger.runs.note_state(self.run_id, came=came, passed=passed)

    def note_alive(self) -> None:
        """Give a sign of life while no row is settled."""
        self._ledger.runs.beat(self.run_id)

    # -- the end of a run --------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Replay what failed in earlier runs or for want of a parent in this one, then check the books.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails while rows are replayed.
            GuardError: If more records would be deleted than the settings allow.
        """
        if not self._options.planning and not self._options.adopting:
            self._replay.run(self._waiting(), self._failed)
        self._run.check_books()
        self._delete_guard.check()
        if self.plan_id is not None:
            close_plan(self._destination, self._ledger, self.plan_id)
        if self._options.adopting:
            for line in self._ledger.adoption(self.run_id):
                logger.info("Adopted: %s", line)

    def end(self, status: str, error: str | None = None) -> None:
        """Close the run in the ledger, mask what waits no more, and let go of destination and ledger."""
        self._writer.close()
        self._ledger.runs.end(self.run_id, status, self._destination.usage(), error)
        self._ledger.eraser.mask_closed()
        self._destination.close()
        self._ledger.close()

    # -- rows of the ledger ------------------------------------------------------------------------------------

    def apply_plan(self, plan_id: int) -> None:
        """Write what a plan says, as far as it still holds; what is left after a used-up budget stays planned.

        Deletions come last, under the guards of a run.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails for all rows alike; the plan can be applied once more.
            GuardError: If more records would be deleted than the settings allow.
        """
        for entity in self._destination.entities:
            for rows in rows_of_plan(self._destination.entity(entity), self._ledger, plan_id):
                if not self._run.budget_gone:
                    self.process(entity, rows)
        self._replay.run(self._waiting(), self._deletions_that_wait)
        self._run.check_books()
        self._delete_guard.check()
        if not self._ledger.plans.work(plan_id):
            self._ledger.plans.applied(plan_id, self.run_id)

    def replay(self, ids: Sequence[int]) -> None:
        """Try some open rows again, whatever their outcome was.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails; the rows left stay open.
        """
        entities = self._destination.entities
        self._replay.run(entities, lambda entity: self._ledger.open_rows.chosen(entity, ids, chunk=CHUNK))
        self._run.check_books()

    def remap(self, ids: Sequence[int], mapper: MapperProcess) -> None:
        """Try open rows again that could not be mapped, with the mapping as it is now.

        Raises:
            ConfigError: If the mapping does not fit the rows or the destination; the rows left stay open.
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails; the rows left stay open.
        """
        remapping = Remapping(
            self._ledger,
            mapper,
            open_entity=self.open,
            process=self.process,
            settle=self.settle_directly,
            go_on=lambda: not self._run.budget_gone,
        )
        remapping.run(self._destination.entities, ids)
        waiting = self._ledger.open_rows.put_off(ids)
        if waiting:
            self.replay(waiting)
        self._run.check_books()

    def undo(self, removals: Sequence[Removal], among: Sequence[Removal] | None = None) -> list[Settled]:
        """Bring records back that were archived, flagged or deleted, and return what became of each.

        Args:
            removals: Records to bring back.
            among: All removals that are known, when these are only some of them.

        Raises:
            ServiceError: If the destination fails; what was brought back is settled.
        """
        done: list[Settled] = []
        mine = of_destination(removals, self._destination.name)
        known = of_destination(removals if among is None else among, self._destination.name)
        for entity in self._destination.entities:
            of_entity = [removal for removal in mine if removal.entity == entity]
            for part in parts(of_entity, CHUNK):
                work = self._run.entity(entity)
                settled, stopped_by = undo(work, self._ledger, self._writer, self.run_id, part, known)
                self.settle_directly(settled)
                done += settled
                if stopped_by is not None:
                    raise stopped_by
        self._run.check_books()
        return done

    def _waiting(self) -> list[str]:
        waiting = self._ledger.open_rows.entities_with_failed()
        return [entity for entity in self._destination.entities if entity in waiting]

    def _failed(self, entity: str) -> Iterator[list[SourceRow]]:
        chunk = most_rows(self._destination.entity(entity), CHUNK)
        return self._ledger.open_rows.failed(entity, chunk=chunk)

    def _deletions_that_wait(self, entity: str) -> Iterator[list[SourceRow]]:
        for rows in self._ledger.open_rows.failed(entity, chunk=CHUNK):
            yield self._deletions.split(rows)[1]

    @property
    def _replay(self) -> Replay:
        return Replay(
            self._ledger,
            self._deletions,
            self._delete_guard,
            process=self.process,
            settle=self.settle_directly,
            go_on=lambda: not self._run.budget_gone,
        )
