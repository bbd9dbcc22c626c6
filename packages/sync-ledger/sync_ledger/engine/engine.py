"""The engine: takes mapped rows, gives each exactly one outcome, and settles them in the ledger."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sync_ledger.adapter import Action, Operation
from sync_ledger.engine.adoption import adoption, gap, held_values
from sync_ledger.engine.bulk import enough, most_rows, parts, writes_in_bulk
from sync_ledger.engine.deletion_rules import FLAG, check_when, deletion_rules
from sync_ledger.engine.deletions import Deletions, out_of_budget
from sync_ledger.engine.diff import changes, live_changes
from sync_ledger.engine.guards import DeleteGuard, FailureGuard
from sync_ledger.engine.lost_creates import LostCreates, held_create
from sync_ledger.engine.match_rules import by_stream
from sync_ledger.engine.matching import Matcher
from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.planning import APPLY_CHUNK, action_of, deviation, estimate, price
from sync_ledger.engine.remapping import Remapping
from sync_ledger.engine.replaying import CHUNK, Replay
from sync_ledger.engine.resolve import Match, resolve
from sync_ledger.engine.returning import bring_back, unflagged
from sync_ledger.engine.undo_file import UndoFile, of_destination
from sync_ledger.engine.undoing import undo
from sync_ledger.engine.validate import Invalid, check_create, check_external_id, check_update, normalise
from sync_ledger.engine.verdict import busy, verdict
from sync_ledger.engine.work import check_properties, open_entity
from sync_ledger.engine.writer import Writer
from sync_ledger.errors import BudgetExhaustedError, CountMismatchError
from sync_ledger.ledger.clock import now
from sync_ledger.privacy.masking import check_kept, revealed
from sync_ledger.rows import Outcome, Reason, Settled, Tally

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sync_ledger.adapter import Destination, RemoteRecord
    from sync_ledger.engine.mapper_process import MapperProcess
    from sync_ledger.engine.matching import Finding
    from sync_ledger.engine.undo_file import Removal
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Report
    from sync_ledger.errors import SyncError
    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.links import Flight
    from sync_ledger.rows import SourceRow

logger = logging.getLogger("sync_ledger")


@dataclass(frozen=True)
class Options:
    """How a run behaves.

    Attributes:
        mode: `apply` writes, `plan` reads and compares only, `adopt` links what is there.
        full_sweep_after: Age at which the index is read anew as a whole.
        adopt: What to do with a record a match rule found: `external_ids` writes the external ID into it, `links_only`
            keeps the link in the ledger alone.
        match_rules: Entity -> its match rules, as the setting has them.
        field_rules: Entity -> its field rules, as the setting has them.
        deletions: Entity -> what to do when its source row is gone, as the setting has it.
        delete_guard_rows: Most deletions of one run; None for any number.
        delete_guard_percent: Largest share of an entity's linked records one run may delete; None for any.
        failure_guard_percent: Share of rows that may fail before the run ends; None for any.
        undo_file: Where records are kept before they are deleted.
    """

    mode: str = "apply"
    full_sweep_after: timedelta = timedelta(days=7)
    adopt: str = "external_ids"
    match_rules: Mapping[str, t.Any] = field(default_factory=dict)
    field_rules: Mapping[str, t.Any] = field(default_factory=dict)
    deletions: Mapping[str, t.Any] = field(default_factory=dict)
    delete_guard_rows: int | None = None
    delete_guard_percent: int | None = None
    failure_guard_percent: int | None = None
    undo_file: Path = Path("sync-ledger.undo.jsonl")


@dataclass(slots=True)
class _Checked:
    """A row that passed validation, with what stages resolve and diff learn about it.

    Attributes:
        mark: What the link said when it was looked up; None without one.
        flight: A write of an earlier try whose result nobody knows.
        unflagged: Fields that get back what they had before the record was flagged, whatever the field rules say.
    """

    row: SourceRow
    values: dict[str, t.Any]
    match: Match | None = None
    mark: tuple[str, str, bool] | None = None
    flight: Flight | None = None
    unflagged: frozenset[str] = frozenset()
    operation: Operation | None = None
    changes: Mapping[str, tuple[t.Any, t.Any]] | None = None
    note: str | None = None


class UpsertEngine:
    """One run of one target against one destination.

    Rows come in through `process`, a batch of one entity at a time; when it returns, each of them is settled in the
    ledger. `finish` replays what failed before and checks the books.
    """

    def __init__(self, destination: Destination, ledger: Ledger, *, target: str, options: Options) -> None:
        self._destination = destination
        self._ledger = ledger
        self._options = options
        self._writer = Writer(destination.concurrency, lambda: ledger.runs.beat(self.run_id))
        self._wrote_in_bulk: set[str] = set()
        self._work: dict[str, EntityWork] = {}
        self._budget_gone = False
        self._received = 0
        self.tally = Tally()
        self._match_rules = by_stream(options.match_rules, destination.entities, "match_rules")
        self._field_rules = by_stream(options.field_rules, destination.entities, "field_rules")
        rules = deletion_rules(options.deletions, destination)
        self._failure_guard = FailureGuard(options.failure_guard_percent)
        self._delete_guard = DeleteGuard(options.delete_guard_rows, options.delete_guard_percent)
        self.run_id = ledger.runs.start(target, options.mode)
        self.plan_id = ledger.plans.start(target, self.run_id) if self.planning else None
        ledger.mode, ledger.plan_id = options.mode, self.plan_id
        self._matcher = Matcher(ledger, self.plan_id)
        self._deletions = Deletions(
            rules, ledger, self._writer, UndoFile(options.undo_file), run_id=self.run_id, mode=options.mode
        )

    @property
    def destination_name(self) -> str:
        """Name of the account in the ledger."""
        return self._ledger.destination

    @property
    def planning(self) -> bool:
        """Whether this run only plans."""
        return self._options.mode == "plan"

    @property
    def adopting(self) -> bool:
        """Whether this run only links records that are there."""
        return self._options.mode == "adopt"

    def open(self, entity: str, properties: Sequence[str]) -> None:
        """Make an entity ready for rows with these properties.

        Raises:
            ConfigError: If the service has no such field or does not let it be written.
        """
        try:
            check_properties(self._entity(entity).description, properties)
        except BudgetExhaustedError as error:
            self._note_budget(error)  # its rows are kept as they came; the run in which there is a budget checks them
        check_when(self._deletions.rules.get(entity), entity, properties)

    def parents(self, entity: str) -> frozenset[str]:
        """Return the entities whose rows have to be written before those of `entity`."""
        return self._work[entity].parents if entity in self._work else frozenset()

    def process(self, entity: str, rows: Sequence[SourceRow]) -> None:
        """Take a batch of rows through all stages and settle them.

        Raises:
            ServiceError: If the destination failed for all rows alike; what was decided before is settled.
            GuardError: If too many rows of the run fail; the batch is settled.
        """
        self._received += len(rows)
        settled: list[Settled] = []
        newest, gone = self._deletions.split(_newest(rows, settled))
        try:
            work = self._entity(entity)
        except BudgetExhaustedError as error:
            self._note_budget(error)
            self._settle([*settled, *map(out_of_budget, [*newest, *gone])])
            return
        put_aside: list[_Checked] | None = [] if self._may_write_in_bulk(work, len(newest)) else None
        for part in parts(newest):  # only one, unless rows have been gathered for a bulk write
            pending = self._decide(work, part, settled)
            if put_aside is not None:
                put_aside += filter(_creates, pending)
                pending = [item for item in pending if not _creates(item)]
            self._close_part(settled, self._write(work, pending, settled))
        if put_aside is not None:
            self._write_put_aside(work, put_aside, settled)
        for part in parts(gone):
            self._close_part(settled, self._take_deletions(work, part, settled))
        self._close_part(settled, None)

    def rows_per_turn(self, entity: str) -> int:
        """Return the rows it takes for each thread that writes to have one full call; 1 where every call is full."""
        most = self._destination.entity(entity).batch_size
        return most * self._destination.concurrency if most > 1 else 1

    def gathers(self, entity: str) -> int:
        """Return how many rows to gather for one batch because a bulk write may come of it; 0 if none will.

        That is so while the entity has no links, since all its rows may be new then, and as long as bulk writes come.
        """
        bulk = writes_in_bulk(self._destination.entity(entity))
        if bulk is None or self._options.mode != "apply" or self._budget_gone or entity not in self._work:
            return 0
        if self._work[entity].description.external_id_field is None:
            return 0
        first_load = entity in self._wrote_in_bulk or not self._ledger.links.any(entity)
        return bulk.bulk_size if first_load else 0

    def note_alive(self) -> None:
        """Give a sign of life while no row is settled."""
        self._ledger.runs.beat(self.run_id)

    def settle_directly(self, settled: Sequence[Settled]) -> None:
        """Settle rows whose outcome is clear without any stage: unmapped rows, streams that are skipped."""
        self._received += len(settled)
        self._settle(settled)
        self._failure_guard.check()

    def note_state(self, *, came: Mapping[str, t.Any] | None = None, passed: Mapping[str, t.Any] | None = None) -> None:
        """Keep the run's first and last STATE in the ledger."""
        self._ledger.runs.note_state(self.run_id, came=came, passed=passed)

    def finish(self) -> None:
        """Replay what failed in earlier runs or for want of a parent in this one, then check the books.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails while rows are replayed.
            GuardError: If more records would be deleted than the settings allow.
        """
        if not self.planning and not self.adopting:
            self._replay.run(self._waiting(), self._failed)
        self._check_books()
        self._delete_guard.check()
        if self.plan_id is not None:
            expected = estimate(self._destination, self._ledger.plans.work(self.plan_id))
            self._ledger.plans.ready(self.plan_id, expected)
            logger.info(
                "Plan %d is ready: to apply it takes %d calls and %d of the budget; `sync-ledger plan --diff` shows it",
                self.plan_id,
                expected.calls,
                expected.cost,
            )
        if self.adopting:
            for line in self._ledger.adoption(self.run_id):
                logger.info("Adopted: %s", line)

    def apply_plan(self, plan_id: int) -> None:
        """Write what a plan says, as far as it still holds; what is left after a used-up budget stays planned.

        Deletions come last, under the guards of a run.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails for all rows alike; the plan can be applied once more.
            GuardError: If more records would be deleted than the settings allow.
        """
        for entity in self._destination.entities:
            adapter = self._destination.entity(entity)
            planned = self._ledger.plans.work(plan_id).get(entity)
            in_bulk = planned is not None and enough(adapter, planned.creates)
            chunk = most_rows(adapter, APPLY_CHUNK) if in_bulk else APPLY_CHUNK
            for rows in self._ledger.plans.rows(plan_id, entity, chunk=chunk):
                if not self._budget_gone:
                    self.process(entity, rows)
        self._replay.run(self._waiting(), self._deletions_that_wait)
        self._check_books()
        self._delete_guard.check()
        if not self._ledger.plans.work(plan_id):
            self._ledger.plans.applied(plan_id, self.run_id)

    def _waiting(self) -> list[str]:
        waiting = self._ledger.open_rows.entities_with_failed()
        return [entity for entity in self._destination.entities if entity in waiting]

    def _failed(self, entity: str) -> Iterator[list[SourceRow]]:
        chunk = most_rows(self._destination.entity(entity), CHUNK)
        return self._ledger.open_rows.failed(entity, chunk=chunk)

    def _deletions_that_wait(self, entity: str) -> Iterator[list[SourceRow]]:
        for rows in self._ledger.open_rows.failed(entity, chunk=CHUNK):
            yield self._deletions.split(rows)[1]

    def replay(self, ids: Sequence[int]) -> None:
        """Try some open rows again, whatever their outcome was.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails; the rows left stay open.
        """
        entities = self._destination.entities
        self._replay.run(entities, lambda entity: self._ledger.open_rows.chosen(entity, ids, chunk=CHUNK))
        self._check_books()

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
            go_on=lambda: not self._budget_gone,
        )
        remapping.run(self._destination.entities, ids)
        waiting = self._ledger.open_rows.put_off(ids)
        if waiting:
            self.replay(waiting)
        self._check_books()

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
            for start in range(0, len(of_entity), CHUNK):
                part = of_entity[start : start + CHUNK]
                settled, stopped_by = undo(self._entity(entity), self._ledger, self._writer, self.run_id, part, known)
                self.settle_directly(settled)
                done += settled
                if stopped_by is not None:
                    raise stopped_by
        self._check_books()
        return done

    def _check_books(self) -> None:
        taken, outcomes = self._ledger.runs.counted(self.run_id)
        if not self._received == taken == outcomes:
            raise CountMismatchError(
                f"Run {self.run_id}: {self._received} rows read, {taken} in the ledger, {outcomes} outcomes; "
                "this must never happen, please report it"
            )

    def end(self, status: str, error: str | None = None) -> None:
        """Close the run in the ledger, mask what waits no more, and let go of destination and ledger."""
        self._writer.close()
        self._ledger.runs.end(self.run_id, status, self._destination.usage(), error)
        self._ledger.eraser.mask_closed()
        self._destination.close()
        self._ledger.close()

    # -- stages ------------------------------------------------------------------------------------------------

    def _entity(self, entity: str) -> EntityWork:
        if entity not in self._work:
            self._work[entity] = open_entity(
                self._destination,
                self._ledger,
                entity,
                full_sweep_after=self._options.full_sweep_after,
                rules=self._match_rules.get(entity, ()),
                fields=self._field_rules.get(entity),
            )
            description = self._work[entity].description
            self._ledger.descriptions.keep(description)
            if (rule := self._deletions.rules.get(entity)) is not None and rule.do == FLAG:
                rule.flag(description)
        return self._work[entity]

    def _decide(self, work: EntityWork, rows: Sequence[SourceRow], settled: list[Settled]) -> list[_Checked]:
        """Take rows through all stages but the last ones; return those for which something is to be sent."""
        checked = self._validate(work, rows, settled)
        checked = self._relate(work, checked, settled)
        checked = _hold_undecided(work, checked, settled)
        self._diff(work, checked, settled)
        return [item for item in checked if item.operation is not None]

    def _close_part(self, settled: list[Settled], stopped_by: SyncError | None) -> None:
        """Settle a part of a batch, and end the run if it cannot go on."""
        self._settle(settled)
        settled.clear()
        if stopped_by is not None:
            raise stopped_by
        self._failure_guard.check()

    def _validate(self, work: EntityWork, rows: Iterable[SourceRow], settled: list[Settled]) -> list[_Checked]:
        checked = []
        for row in rows:
            try:
                check_kept(row)
                check_external_id(work.description, row.external_id)
                checked.append(_Checked(row, normalise(work.description, row.payload)))
            except Invalid as problem:
                settled.append(_held(row, problem))
            except BudgetExhaustedError as error:  # options that are only asked for when a row needs them
                self._note_budget(error)
                settled.append(out_of_budget(row))
        return checked

    def _relate(self, work: EntityWork, checked: list[_Checked], settled: list[Settled]) -> list[_Checked]:
        """Replace the external IDs in relation fields by the remote ids of their links."""
        for name, parent in work.relations.items():
            wanted = {item.values[name] for item in checked if item.values.get(name) is not None}
            if not wanted:
                continue
            remote = {**self._named(work, name, wanted), **self._remote_ids(parent, sorted(wanted))}
            kept = []
            for item in checked:
                external_id = item.values.get(name)
                if external_id is None:
                    kept.append(item)
                elif external_id in remote:
                    item.values[name] = remote[external_id]
                    kept.append(item)
                elif self.planning or self.adopting:
                    # Planned at best, so there is no id to put in yet; the external ID alone may be that of another.
                    item.values[name] = f"{parent} {external_id}"
                    item.note = f"waits for {parent} {external_id}"
                    kept.append(item)
                elif self._budget_gone:
                    settled.append(out_of_budget(item.row))  # nobody could look for its parent
                else:
                    text = f"{parent} {external_id} is not at the destination yet"
                    settled.append(Settled(item.row, Outcome.FAILED, Reason.PARENT_MISSING, name, text))
            checked = kept
        return checked

    def _named(self, work: EntityWork, name: str, wanted: Iterable[str]) -> dict[str, str]:
        """Return the remote ids of parents given by the name the service knows them by."""
        field = work.description.find(name)
        options = (field.options if field else None) or {}
        return {one: str(options[one]) for one in wanted if one in options}

    def _remote_ids(self, entity: str, external_ids: Sequence[str]) -> dict[str, str]:
        found = self._ledger.links.remote_ids(entity, external_ids)
        if self.plan_id is not None:
            found = {**self._ledger.plans.remote_ids(self.plan_id, entity, external_ids), **found}
        missing = [external_id for external_id in external_ids if external_id not in found]
        if missing:
            try:
                self._entity(entity)  # a parent that no stream of this run brings still needs its index
            except BudgetExhaustedError as error:
                self._note_budget(error)
            hits = self._ledger.index.find(entity, missing)
            found.update({key: ids[0] for key, ids in hits.items() if len(ids) == 1})
        return found

    def _diff(self, work: EntityWork, checked: list[_Checked], settled: list[Settled]) -> None:
        """Decide what each row needs; rows that need nothing are settled, the others get their operation."""
        matches = resolve(self._ledger, work.description.entity, [item.row.external_id for item in checked])
        checked = self._in_flight(work, checked, matches, settled)
        checked = self._bring_back(work, checked, matches, settled)
        unread: list[_Checked] = []
        unmatched: list[_Checked] = []
        for item in checked:
            match = item.match = revealed(matches[item.row.external_id], item.values)
            if item.flight and match.candidates:
                unread.append(item)
            elif match.link and match.link.payload_hash == payload_hash(item.values):
                settled.append(_unchanged(item, Reason.SAME_PAYLOAD, relink=False))
            elif match.link and match.remote_id and self.adopting:
                settled.append(_unchanged(item, Reason.LINKED, relink=False))
            elif not match.candidates:
                unmatched.append(item)
            elif match.link and match.remote_id and not self._wants_reading(work, item, match.link.payload):
                self._plan(work, item, match.link.payload, settled)
            else:
                unread.append(item)
        self._match(work, unmatched, settled)
        self._diff_with_records(work, unread, settled)

    def _in_flight(
        self, work: EntityWork, checked: list[_Checked], matches: dict[str, Match], settled: list[Settled]
    ) -> list[_Checked]:
        """Look for writes of other runs, and of earlier tries that may or may not have happened; return rows to decide.

        What such a write did is not in the link, so its record is compared whatever the link says.
        """
        entity = work.description.entity
        flights = self._ledger.links.in_flight(self.run_id, entity, [item.row.external_id for item in checked])
        kept = []
        for item in checked:
            key = item.row.external_id
            match, flight = matches[key], flights.get(key)
            item.mark = match.seen
            if flight and flight.elsewhere and not self.planning:
                settled.append(busy(item.row))
                continue
            kept.append(item)
            if flight and match.link and flight.action != Action.CREATE.value and not self.adopting:
                item.flight = flight
                if flight.action in {Action.ARCHIVE.value, FLAG}:
                    matches[key] = replace(match, link=replace(match.link, deleted_as=flight.action))
        return kept

    def _wants_reading(self, work: EntityWork, item: _Checked, sent: Mapping[str, t.Any]) -> bool:
        """Whether a linked row is compared with the record itself, and not only with what was last sent."""
        if self.planning or item.row.planned:
            return True
        return work.field_rules.need_reading(changes(sent, item.values))

    def _match(self, work: EntityWork, items: Sequence[_Checked], settled: list[Settled]) -> None:
        """Decide on rows without link and external ID: the record a match rule finds, or a new one."""
        try:
            findings = self._matcher.find(work, {item.row.external_id: item.values for item in items})
        except BudgetExhaustedError as error:
            self._note_budget(error)
            settled.extend(out_of_budget(item.row) for item in items)
            return
        for item in items:
            finding = findings.get(item.row.external_id)
            if finding is None:
                self._plan(work, item, None, settled)
            elif finding.record is None:
                settled.append(_undecided(item.row, finding))
            else:
                carries = finding.record.external_id == item.row.external_id
                item.match = Match(None, (finding.record.remote_id,), finding.rule, carries)
                self._plan(work, item, finding.record.values, settled)

    def _bring_back(
        self, work: EntityWork, checked: list[_Checked], matches: Mapping[str, Match], settled: list[Settled]
    ) -> list[_Checked]:
        """Undo what was done with records whose rows had gone and come again; return the rows still to be decided."""
        if self.adopting:
            return checked  # nothing but external IDs is written
        archived = []
        for item in checked:
            link = matches[item.row.external_id].link
            before = item.flight.before if item.flight else {}
            values = unflagged(self._ledger, work.description.entity, link, item.values, before)
            item.unflagged = frozenset(values)
            item.values.update(values)
            if link is not None and link.deleted_as == "archive":
                archived.append((item.row, link))
        if not archived:
            return checked
        if self.planning or self._budget_gone:
            outcomes = {
                row.external_id: Settled(row, Outcome.PLANNED, Reason.RESTORED, remote_id=link.remote_id)
                if self.planning
                else out_of_budget(row)
                for row, link in archived
            }
        else:
            values = {item.row.external_id: item.values for item in checked}
            outcomes, stopped_by = bring_back(work, self._ledger, self._writer, archived, values)
            if isinstance(stopped_by, BudgetExhaustedError):
                self._note_budget(stopped_by)
            elif stopped_by is not None:
                raise stopped_by
        settled.extend(outcomes.values())
        return [item for item in checked if item.row.external_id not in outcomes]

    def _diff_with_records(self, work: EntityWork, items: Sequence[_Checked], settled: list[Settled]) -> None:
        """Decide on rows known from the index only, or under several ids, by what the records say now.

        The index may be behind: of several records all but one may have been deleted, merged, or lost the external ID.
        """
        wanted = [candidate for item in items if item.match for candidate in item.match.candidates]
        if not wanted:
            return
        try:
            records = work.adapter.read(wanted)
        except BudgetExhaustedError as error:
            self._note_budget(error)
            settled.extend(out_of_budget(item.row) for item in items)
            return
        stale: list[str] = []
        for item in items:
            candidates = item.match.candidates if item.match else ()
            link = item.match.link if item.match else None
            found = [one for one in candidates if _carries(work, records.get(one), item.row.external_id)]
            stale += [one for one in candidates if one not in found]
            if link and not found and link.remote_id in records:
                found = [link.remote_id]  # ours, though somebody emptied its field
            item.match = Match(link if link and found == [link.remote_id] else None, tuple(found))
            if len(found) > 1:
                settled.append(_ambiguous(item, found))
            elif link and not found and not (item.flight and item.flight.action == Action.DELETE.value):
                settled.append(_deleted(item.row, candidates))
            else:
                self._plan(work, item, records[found[0]].values if found else None, settled)
        if stale:
            self._ledger.index.drop(work.description.entity, stale)

    def _plan(
        self, work: EntityWork, item: _Checked, before: Mapping[str, t.Any] | None, settled: list[Settled]
    ) -> None:
        remote_id = item.match.remote_id if item.match and before is not None else None
        if self.adopting:
            self._adopt(work, item, before, settled)
            return
        try:
            if remote_id is None:
                values = check_create(work.description, item.values)
                if values == item.values:
                    values = item.values  # once is enough: there may be many
                item.operation = Operation(Action.CREATE, item.row.external_id, values)
            else:
                link = item.match.link if item.match else None
                sent = link.payload if link and not item.flight else None
                differing = live_changes(sent, before or {}, item.values)
                allowed = work.field_rules.allowed(differing)
                differing = {
                    name: pair for name, pair in differing.items() if name in allowed or name in item.unflagged
                }
                values = check_update(work.description, {name: new for name, (_, new) in differing.items()})
                item.changes = {name: differing[name] for name in values}
                adopt = self._adopts(work, item.match)
                if values or adopt:
                    item.operation = Operation(Action.UPDATE, item.row.external_id, values, remote_id, adopt)
                else:
                    settled.append(
                        _unchanged(item, Reason.SAME_PAYLOAD if link else Reason.SAME_AS_REMOTE, relink=True)
                    )
        except Invalid as problem:
            settled.append(_held(item.row, problem, remote_id))
            return
        if item.operation and item.row.planned:
            text = deviation(item.row.planned, item.operation, _changes(item))
            if text is not None:
                item.operation = None
                settled.append(Settled(item.row, Outcome.HELD, Reason.PLAN_CHANGED, text=text, remote_id=remote_id))

    def _adopts(self, work: EntityWork, match: Match | None) -> bool:
        """Whether the external ID is to be written into the record a row was matched with."""
        if match is None or match.matched_by is None or match.carries:
            return False
        return self._options.adopt == "external_ids" and work.description.external_id_field is not None

    def _adopt(
        self, work: EntityWork, item: _Checked, before: Mapping[str, t.Any] | None, settled: list[Settled]
    ) -> None:
        if before is None or item.match is None:
            settled.append(gap(item.row))
            return
        item.values = held_values(item.values, before)
        if self._adopts(work, item.match):
            item.operation = adoption(item.row, item.match)
        else:
            settled.append(_unchanged(item, Reason.LINKED, relink=True))

    def _write(self, work: EntityWork, pending: Sequence[_Checked], settled: list[Settled]) -> SyncError | None:
        if self.planning:
            settled.extend(_planned(work, item, item.operation) for item in pending if item.operation)
            return None
        if not pending:
            return None
        if self._budget_gone:
            settled.extend(out_of_budget(item.row) for item in pending)
            return None
        lost = LostCreates(self._ledger, work.adapter) if work.description.external_id_field is None else None
        pending = self._intend(work, pending, settled, keeping_payloads=lost is not None)
        report = self._writer.write(work.adapter, _operations(pending), lost)
        work.undecided.update(report.undecided)
        self._take_answers(pending, report, settled)
        return self._end_of_budget(report.stopped_by)

    def _may_write_in_bulk(self, work: EntityWork, rows: int) -> bool:
        if self._options.mode != "apply" or work.description.external_id_field is None:
            return False  # without the external ID in the record, creates of a job could not be told apart
        return enough(work.adapter, rows)

    def _write_put_aside(self, work: EntityWork, creates: Sequence[_Checked], settled: list[Settled]) -> None:
        """Write the creates of a large batch: as one job if there still are enough of them, else by ordinary calls."""
        entity = work.description.entity
        if self._budget_gone or not enough(work.adapter, len(creates)):
            self._wrote_in_bulk.discard(entity)
            for part in parts(creates):
                self._close_part(settled, self._write(work, part, settled))
            return
        self._wrote_in_bulk.add(entity)
        pending: list[_Checked] = []
        for part in parts(creates):
            pending += self._intend(work, part, settled)
        logger.info("Writing %d new %s in bulk", len(pending), entity)
        report = self._writer.write(work.adapter, _operations(pending), in_bulk=True)
        for part in parts(pending):
            self._take_answers(part, report, settled)
            self._settle(settled)
            settled.clear()
        self._close_part(settled, self._end_of_budget(report.stopped_by))

    def _intend(
        self,
        work: EntityWork,
        pending: Sequence[_Checked],
        settled: list[Settled],
        *,
        keeping_payloads: bool = False,
    ) -> list[_Checked]:
        """Note what is about to be sent; return what is this run's to send."""
        entity = work.description.entity
        operations = _operations(pending)
        actions = {operation.external_id: operation.action.value for operation in operations}
        sent = {one.external_id: one.values for one in operations if keeping_payloads and one.action is Action.CREATE}
        mine = self._ledger.links.intend(self.run_id, entity, actions, now(), sent)
        # Between the look at a link and this note another run may have written the record, and be done with it.
        marks = self._ledger.links.marks(entity, sorted(mine))
        free = {item.row.external_id for item in pending if marks.get(item.row.external_id) == item.mark} & mine
        settled.extend(busy(item.row) for item in pending if item.row.external_id not in free)
        return [item for item in pending if item.row.external_id in free]

    def _take_answers(self, pending: Sequence[_Checked], report: Report, settled: list[Settled]) -> None:
        """Turn the answers to what was sent into outcomes; what was not sent gets one only at the end of a budget."""
        budget_gone = isinstance(report.stopped_by, BudgetExhaustedError)
        for item in pending:
            external_id = item.row.external_id
            if several := report.several.get(external_id):
                settled.append(_ambiguous(item, several))
            elif external_id in report.undecided:
                settled.append(held_create(item.row, report.undecided[external_id]))
            elif (result := report.results.get(external_id)) and item.operation:
                answers = report.answers.get(external_id, ())
                decided = verdict(item.row, item.operation, result, item.values, _changes(item), answers)
                if item.operation.adopt and decided.outcome is Outcome.UPDATED:
                    decided = replace(decided, reason=Reason.ADOPTED)
                settled.append(replace(decided, matched_by=item.match.matched_by if item.match else None))
            elif budget_gone:
                settled.append(out_of_budget(item.row))

    def _end_of_budget(self, stopped_by: SyncError | None) -> SyncError | None:
        """Note the end of the budget, with which a run goes on, and return any other fault that ends it."""
        if not isinstance(stopped_by, BudgetExhaustedError):
            return stopped_by
        self._note_budget(stopped_by)
        return None

    def _note_budget(self, error: BudgetExhaustedError) -> None:
        if self.planning:
            raise error  # rows left out of a plan must not come into the next run by the back door
        if not self._budget_gone:
            self._budget_gone = True
            logger.warning("%s: rows left are kept for the next run", error)

    def _settle(self, settled: Sequence[Settled]) -> None:
        self._failure_guard.saw(settled)
        for part in parts(settled):
            self._ledger.settle(self.run_id, part, self._destination.usage())
        for item in settled:
            self.tally.add(item)

    def _take_deletions(self, work: EntityWork, rows: Sequence[SourceRow], settled: list[Settled]) -> SyncError | None:
        before = len(settled)
        stopped_by = self._deletions.take(work, rows, settled)
        if not isinstance(stopped_by, BudgetExhaustedError):
            return stopped_by
        self._end_of_budget(stopped_by)
        done = {item.row.external_id for item in settled[before:]}
        settled.extend(out_of_budget(row) for row in rows if row.external_id not in done)
        return None

    @property
    def _replay(self) -> Replay:
        return Replay(
            self._ledger,
            self._deletions,
            self._delete_guard,
            process=self.process,
            settle=self.settle_directly,
            go_on=lambda: not self._budget_gone,
        )


def _operations(items: Iterable[_Checked]) -> list[Operation]:
    return [item.operation for item in items if item.operation]


def _creates(item: _Checked) -> bool:
    return item.operation is not None and item.operation.action is Action.CREATE


def _changes(item: _Checked) -> Mapping[str, tuple[t.Any, t.Any]] | None:
    """Return field -> (old, new) of what is sent; of a create only when asked for, since many may be put aside."""
    if _creates(item):
        return {name: (None, value) for name, value in item.values.items() if value is not None}
    return item.changes


def _newest(rows: Sequence[SourceRow], settled: list[Settled]) -> list[SourceRow]:
    """Keep the last row of each external ID; those before it are settled as skipped."""
    last = {row.external_id: row for row in rows}
    for row in rows:
        if last[row.external_id] is not row:
            text = "a newer row of the same external ID came in the same batch"
            settled.append(Settled(row, Outcome.SKIPPED, Reason.NEWER_IN_BATCH, text=text))
    return list(last.values())


def _hold_undecided(work: EntityWork, checked: list[_Checked], settled: list[Settled]) -> list[_Checked]:
    """Hold rows whose record may have been made already: only a person can tell which of the candidates it is."""
    kept = []
    for item in checked:
        candidates = work.undecided.get(item.row.external_id)
        if candidates is None:
            kept.append(item)
        else:
            settled.append(held_create(item.row, candidates))
    return kept


def _carries(work: EntityWork, record: RemoteRecord | None, external_id: str) -> bool:
    if work.description.external_id_field is None:
        return record is not None  # the record says nothing of it: the ledger alone knows
    return record is not None and record.external_id == external_id


def _unchanged(item: _Checked, reason: Reason, *, relink: bool) -> Settled:
    """Return the outcome of a row that needs no write; its link is written anew only if that would change it."""
    remote_id = item.match.remote_id if item.match else None
    if remote_id is None and item.match and item.match.link:
        remote_id = item.match.link.remote_id
    values = item.values if relink else None
    matched_by = item.match.matched_by if item.match else None
    return Settled(item.row, Outcome.UNCHANGED, reason, remote_id=remote_id, values=values, matched_by=matched_by)


def _planned(work: EntityWork, item: _Checked, operation: Operation) -> Settled:
    return Settled(
        item.row,
        Outcome.PLANNED,
        Reason(action_of(operation)),
        text=item.note,
        remote_id=operation.remote_id,
        changes=_changes(item),
        matched_by=item.match.matched_by if item.match else None,
        cost=price(work.adapter, operation),
    )


def _undecided(row: SourceRow, finding: Finding) -> Settled:
    return Settled(
        row,
        Outcome.HELD,
        finding.reason,
        text=finding.text,
        candidates=finding.candidates,
        matched_by=finding.rule,
    )


def _ambiguous(item: _Checked, candidates: Sequence[str]) -> Settled:
    text = f"{len(candidates)} records carry this external ID: {', '.join(candidates)}"
    return Settled(item.row, Outcome.HELD, Reason.AMBIGUOUS, text=text, candidates=candidates)


def _deleted(row: SourceRow, candidates: Sequence[str]) -> Settled:
    text = f"records {', '.join(candidates)} were deleted at the service"
    return Settled(row, Outcome.HELD, Reason.RECORD_DELETED, text=text)


def _held(row: SourceRow, problem: Invalid, remote_id: str | None = None) -> Settled:
    return Settled(row, Outcome.HELD, problem.reason, problem.field, problem.text, remote_id)
