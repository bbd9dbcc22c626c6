"""The engine: takes mapped rows, gives each exactly one outcome, and settles them in the ledger."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from datetime import timedelta

from sync_ledger.adapter import Action, Operation
from sync_ledger.engine.diff import changes
from sync_ledger.engine.lost_creates import LostCreates, held_create
from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.resolve import Match, resolve
from sync_ledger.engine.validate import Invalid, check_create, check_external_id, check_update, normalise
from sync_ledger.engine.verdict import verdict
from sync_ledger.engine.work import check_properties, open_entity
from sync_ledger.engine.writer import Writer
from sync_ledger.errors import BudgetExhaustedError, CountMismatchError
from sync_ledger.ledger.clock import now
from sync_ledger.rows import Outcome, Reason, Settled, Tally

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_ledger.adapter import Destination, RemoteRecord
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.errors import SyncError
    from sync_ledger.ledger import Ledger
    from sync_ledger.rows import SourceRow

logger = logging.getLogger("sync_ledger")

_REPLAY_CHUNK = 500


@dataclass(frozen=True)
class Options:
    """How a run behaves.

    Attributes:
        mode: `apply` writes, `plan` reads and compares only.
        full_sweep_after: Age at which the index is read anew as a whole.
    """

    mode: str = "apply"
    full_sweep_after: timedelta = timedelta(days=7)


@dataclass
class _Checked:
    """A row that passed validation, with what stages resolve and diff learn about it."""

    row: SourceRow
    values: dict[str, t.Any]
    match: Match | None = None
    operation: Operation | None = None
    changes: Mapping[str, tuple[t.Any, t.Any]] | None = None


class UpsertEngine:
    """One run of one target against one destination.

    Rows come in through `process`, a batch of one entity at a time; when it returns, each of them is settled in the
    ledger. `finish` replays what failed before and checks the books.
    """

    def __init__(self, destination: Destination, ledger: Ledger, *, target: str, options: Options) -> None:
        self._destination = destination
        self._ledger = ledger
        self._options = options
        self._writer = Writer(destination.concurrency)
        self._work: dict[str, EntityWork] = {}
        self._budget_gone = False
        self._received = 0
        self.tally = Tally()
        self.run_id = ledger.runs.start(target, options.mode)

    @property
    def planning(self) -> bool:
        """Whether this run only plans."""
        return self._options.mode == "plan"

    def open(self, entity: str, properties: Iterable[str]) -> None:
        """Make an entity ready for rows with these properties.

        Raises:
            ConfigError: If the service has no such field or does not let it be written.
        """
        check_properties(self._entity(entity).description, properties)

    def parents(self, entity: str) -> frozenset[str]:
        """Return the entities whose rows have to be written before those of `entity`."""
        return self._entity(entity).parents

    def process(self, entity: str, rows: Sequence[SourceRow]) -> None:
        """Take a batch of rows through all stages and settle them.

        Raises:
            ServiceError: If the destination failed for all rows alike; what was decided before is settled.
        """
        self._received += len(rows)
        work = self._entity(entity)
        settled: list[Settled] = []
        newest = _newest(rows, settled)
        checked = self._validate(work, newest, settled)
        checked = self._relate(work, checked, settled)
        checked = _hold_undecided(work, checked, settled)
        self._diff(work, checked, settled)
        pending = [item for item in checked if item.operation is not None]
        stopped_by = self._write(work, pending, settled)
        self._settle(settled)
        if stopped_by is not None:
            raise stopped_by

    def settle_directly(self, settled: Sequence[Settled]) -> None:
        """Settle rows whose outcome is clear without any stage: unmapped rows, streams that are skipped."""
        self._received += len(settled)
        self._settle(settled)

    def note_state(self, *, came: Mapping[str, t.Any] | None = None, passed: Mapping[str, t.Any] | None = None) -> None:
        """Keep the run's first and last STATE in the ledger."""
        self._ledger.runs.note_state(self.run_id, came=came, passed=passed)

    def finish(self) -> None:
        """Replay what failed in earlier runs or for want of a parent in this one, then check the books.

        Raises:
            CountMismatchError: If rows and outcomes differ.
            ServiceError: If the destination fails while rows are replayed.
        """
        if not self.planning:
            self._replay()
        taken, outcomes = self._ledger.runs.counted(self.run_id)
        if not self._received == taken == outcomes:
            raise CountMismatchError(
                f"Run {self.run_id}: {self._received} rows read, {taken} in the ledger, {outcomes} outcomes; "
                "this must never happen, please report it"
            )

    def end(self, status: str, error: str | None = None) -> None:
        """Close the run in the ledger and let go of destination and ledger."""
        self._writer.close()
        self._ledger.runs.end(self.run_id, status, self._destination.usage(), error)
        self._destination.close()
        self._ledger.close()

    # -- stages ------------------------------------------------------------------------------------------------

    def _entity(self, entity: str) -> EntityWork:
        if entity not in self._work:
            self._work[entity] = open_entity(
                self._destination, self._ledger, entity, full_sweep_after=self._options.full_sweep_after
            )
        return self._work[entity]

    def _validate(self, work: EntityWork, rows: Iterable[SourceRow], settled: list[Settled]) -> list[_Checked]:
        checked = []
        for row in rows:
            try:
                check_external_id(work.description, row.external_id)
                checked.append(_Checked(row, normalise(work.description, row.payload)))
            except Invalid as problem:
                settled.append(_held(row, problem))
            except BudgetExhaustedError as error:  # options that are only asked for when a row needs them
                self._note_budget(error)
                settled.append(_out_of_budget(row))
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
                elif self.planning:
                    kept.append(item)  # its parent is planned at best: there is no id to put in yet
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
        missing = [external_id for external_id in external_ids if external_id not in found]
        if missing:
            self._entity(entity)  # a parent that no stream of this run brings still needs its index
            hits = self._ledger.index.find(entity, missing)
            found.update({key: ids[0] for key, ids in hits.items() if len(ids) == 1})
        return found

    def _diff(self, work: EntityWork, checked: list[_Checked], settled: list[Settled]) -> None:
        """Decide what each row needs; rows that need nothing are settled, the others get their operation."""
        matches = resolve(self._ledger, work.description.entity, [item.row.external_id for item in checked])
        unread: list[_Checked] = []
        for item in checked:
            match = item.match = matches[item.row.external_id]
            if match.link and match.link.payload_hash == payload_hash(item.values):
                settled.append(_unchanged(item, Reason.SAME_PAYLOAD, relink=False))
            elif match.remote_id is None and not match.candidates:
                self._plan(work, item, None, settled)
            elif match.link and match.remote_id:
                self._plan(work, item, match.link.payload, settled)
            else:
                unread.append(item)
        self._diff_with_records(work, unread, settled)

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
            settled.extend(_out_of_budget(item.row) for item in items)
            return
        stale: list[str] = []
        for item in items:
            candidates = item.match.candidates if item.match else ()
            link = item.match.link if item.match else None
            found = [one for one in candidates if _carries(work, records.get(one), item.row.external_id)]
            stale += [one for one in candidates if one not in found]
            if link and not found and link.remote_id in records:
                found = [link.remote_id]  # ours, though somebody emptied its field
            item.match = Match(None, tuple(found))
            if len(found) > 1:
                settled.append(_ambiguous(item, found))
            elif link and not found:
                settled.append(_deleted(item.row, candidates))
            else:
                self._plan(work, item, records[found[0]].values if found else None, settled)
        if stale:
            self._ledger.index.drop(work.description.entity, stale)

    def _plan(
        self, work: EntityWork, item: _Checked, before: Mapping[str, t.Any] | None, settled: list[Settled]
    ) -> None:
        remote_id = item.match.remote_id if item.match and before is not None else None
        try:
            if remote_id is None:
                item.changes = {name: (None, value) for name, value in item.values.items() if value is not None}
                values = check_create(work.description, item.values)
                item.operation = Operation(Action.CREATE, item.row.external_id, values)
            else:
                differing = changes(before or {}, item.values)
                values = check_update(work.description, {name: new for name, (_, new) in differing.items()})
                item.changes = {name: differing[name] for name in values}
                if values:
                    item.operation = Operation(Action.UPDATE, item.row.external_id, values, remote_id)
                else:
                    reason = Reason.SAME_PAYLOAD if item.match and item.match.link else Reason.SAME_AS_REMOTE
                    settled.append(_unchanged(item, reason, relink=True))
        except Invalid as problem:
            settled.append(_held(item.row, problem, remote_id))

    def _write(self, work: EntityWork, pending: Sequence[_Checked], settled: list[Settled]) -> SyncError | None:
        if self.planning:
            for item in pending:
                reason = Reason.CREATE if item.operation and not item.operation.remote_id else Reason.UPDATE
                settled.append(Settled(item.row, Outcome.PLANNED, reason, changes=item.changes))
            return None
        if not pending:
            return None
        if self._budget_gone:
            settled.extend(_out_of_budget(item.row) for item in pending)
            return None
        operations = [item.operation for item in pending if item.operation]
        actions = {operation.external_id: operation.action.value for operation in operations}
        lost = LostCreates(self._ledger, work.adapter) if work.description.external_id_field is None else None
        payloads = {one.external_id: one.values for one in operations if lost and one.action is Action.CREATE}
        self._ledger.links.intend(self.run_id, work.description.entity, actions, now(), payloads)
        report = self._writer.write(work.adapter, operations, lost)
        work.undecided.update(report.undecided)
        budget_gone = isinstance(report.stopped_by, BudgetExhaustedError)
        for item in pending:
            external_id = item.row.external_id
            if several := report.several.get(external_id):
                settled.append(_ambiguous(item, several))
            elif external_id in report.undecided:
                settled.append(held_create(item.row, report.undecided[external_id]))
            elif (result := report.results.get(external_id)) and item.operation:
                settled.append(verdict(item.row, item.operation, result, item.values, item.changes))
            elif budget_gone:
                settled.append(_out_of_budget(item.row))
        if isinstance(report.stopped_by, BudgetExhaustedError):
            self._note_budget(report.stopped_by)
            return None
        return report.stopped_by

    def _note_budget(self, error: BudgetExhaustedError) -> None:
        if not self._budget_gone:
            self._budget_gone = True
            logger.warning("%s: rows left are kept for the next run", error)

    def _settle(self, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        self._ledger.settle(self.run_id, settled, self._destination.usage())
        for item in settled:
            self.tally.add(item)

    def _replay(self) -> None:
        waiting = self._ledger.open_rows.entities_with_failed()
        for entity in self._destination.entities:
            if entity not in waiting:
                continue
            for rows in self._ledger.open_rows.failed(entity, chunk=_REPLAY_CHUNK):
                if self._budget_gone:
                    return
                self.process(entity, rows)


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
    return Settled(item.row, Outcome.UNCHANGED, reason, remote_id=remote_id, values=values)


def _ambiguous(item: _Checked, candidates: Sequence[str]) -> Settled:
    text = f"{len(candidates)} records carry this external ID: {', '.join(candidates)}"
    return Settled(item.row, Outcome.HELD, Reason.AMBIGUOUS, text=text, candidates=candidates)


def _deleted(row: SourceRow, candidates: Sequence[str]) -> Settled:
    text = f"records {', '.join(candidates)} were deleted at the service"
    return Settled(row, Outcome.HELD, Reason.RECORD_DELETED, text=text)


def _held(row: SourceRow, problem: Invalid, remote_id: str | None = None) -> Settled:
    return Settled(row, Outcome.HELD, problem.reason, problem.field, problem.text, remote_id)


def _out_of_budget(row: SourceRow) -> Settled:
    return Settled(row, Outcome.FAILED, Reason.BUDGET, text="the rate or daily budget of the account is used up")
