"""Stage delete: archive, flag or delete the records of source rows that are gone, own links only.

A run puts deletions off to its end: a row that comes again meanwhile is none, the guards see all of them before the
first is carried out, and children go before their parents. Until then they wait in the ledger as failed rows do.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.engine.deletion_rules import FLAG
from sync_ledger.engine.diff import changes
from sync_ledger.engine.undo_file import Removal
from sync_ledger.engine.verdict import busy, verdict
from sync_ledger.errors import BudgetExhaustedError, ServiceError
from sync_ledger.ledger.clock import now
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_ledger.adapter import RemoteRecord, WriteResult
    from sync_ledger.engine.deletion_rules import DeletionRule
    from sync_ledger.engine.undo_file import UndoFile
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Writer
    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.links import Link
    from sync_ledger.rows import SourceRow

_DELETE = "delete"
_DONE: t.Final = {"archive": Reason.ARCHIVED, FLAG: Reason.FLAGGED, _DELETE: Reason.DELETED}
_GONE_TEXT: t.Final = "the record is no longer at the service"

Changes = dict[str, tuple[t.Any, t.Any]]


class Deletions:
    """Carries out the deletions of one run.

    Args:
        rules: Entity -> what to do with its records.
        ledger: Ledger of the run.
        writer: Writer of the run.
        undo: Where each record goes before.
        run_id: Number of the run.
        mode: Mode of the run; only `apply` deletes.
    """

    def __init__(
        self,
        rules: Mapping[str, DeletionRule],
        ledger: Ledger,
        writer: Writer,
        undo: UndoFile,
        *,
        run_id: int,
        mode: str,
    ) -> None:
        self.rules = rules
        self._ledger = ledger
        self._writer = writer
        self._undo = undo
        self._run_id = run_id
        self._mode = mode

    def concerns(self, row: SourceRow) -> bool:
        """Whether a row says that its record is wanted no more."""
        rule = self.rules.get(row.entity)
        return row.deleted if rule is None else rule.concerns(row)

    def split(self, rows: Iterable[SourceRow]) -> tuple[list[SourceRow], list[SourceRow]]:
        """Return the rows to be written and those whose records are wanted no more."""
        parts: tuple[list[SourceRow], list[SourceRow]] = ([], [])
        for row in rows:
            parts[self.concerns(row)].append(row)
        return parts

    def take(self, work: EntityWork, rows: Sequence[SourceRow], settled: list[Settled]) -> ServiceError | None:
        """Settle rows whose records are wanted no more: put off those that are new, carry out those that waited.

        Returns:
            The fault that left rows without an outcome, if one did.
        """
        if not rows:
            return None
        entity = work.description.entity
        rule = self.rules.get(entity)
        links = self._ledger.links.find(entity, [row.external_id for row in rows])
        due: list[tuple[SourceRow, Link]] = []
        for row in rows:
            link = links.get(row.external_id)
            clear = self._clear(rule, row, link)
            if clear is not None:
                settled.append(clear)
            elif link is not None:
                due.append((row, link))
        if rule is None or not due:
            return None
        try:
            return self._carry_out(work, rule, due, settled)
        except ServiceError as error:
            return error

    def _clear(self, rule: DeletionRule | None, row: SourceRow, link: Link | None) -> Settled | None:
        """Return the outcome of a row for which nothing has to be sent, not now at least."""
        if rule is None:
            text = "deleted at the source; setting deletions says nothing of this stream, so its record is left alone"
            return Settled(row, Outcome.SKIPPED, Reason.SOURCE_DELETED, text=text)
        if link is None:
            text = "deleted at the source; this ledger has not linked a record to it"
            return Settled(row, Outcome.SKIPPED, Reason.NOT_LINKED, text=text)
        if link.deleted_as in {rule.do, _DELETE}:
            return Settled(row, Outcome.UNCHANGED, Reason.ALREADY_DELETED, remote_id=link.remote_id)
        if self._mode == "plan":
            return Settled(row, Outcome.PLANNED, Reason(rule.do), remote_id=link.remote_id)
        if self._mode != "apply":
            return Settled(row, Outcome.SKIPPED, Reason.SOURCE_DELETED, remote_id=link.remote_id)
        if row.open_row_id is None or row.original is not None:
            return Settled(row, Outcome.SKIPPED, Reason.DELETION_WAITS, remote_id=link.remote_id)
        return None

    def _carry_out(
        self, work: EntityWork, rule: DeletionRule, due: Sequence[tuple[SourceRow, Link]], settled: list[Settled]
    ) -> ServiceError | None:
        records = work.adapter.read([link.remote_id for _, link in due])
        flag = rule.flag(work.description) if rule.do == FLAG else {}
        pending: list[tuple[SourceRow, Link, Operation, Changes]] = []
        removals: list[Removal] = []
        for row, link in due:
            record = records.get(link.remote_id)
            if record is None:
                settled.append(_gone(row, link))
            elif not _ours(work, record, link):
                text = f"record {link.remote_id} carries {record.external_id or 'no external ID'} now"
                settled.append(Settled(row, Outcome.HELD, Reason.NOT_OURS, text=text, candidates=(link.remote_id,)))
            else:
                differing = changes(record.values, flag)
                if rule.do == FLAG and not differing:
                    settled.append(_done(row, link, FLAG, flag, {}, Outcome.UNCHANGED))
                    continue
                action = Action.UPDATE if rule.do == FLAG else Action(rule.do)
                operation = Operation(action, row.external_id, flag, link.remote_id)
                pending.append((row, link, operation, differing))
                removals.append(self._removal(work, rule, link, record, flag))
        if not pending:
            return None
        self._undo.add(self._run_id, removals)
        actions = {row.external_id: rule.do for row, *_ in pending}
        before = {
            row.external_id: {name: old for name, (old, _) in differing.items()} for row, *_, differing in pending
        }
        mine = self._ledger.links.intend(
            self._run_id, work.description.entity, actions, now(), before if rule.do == FLAG else None
        )
        settled.extend(busy(row) for row, *_ in pending if row.external_id not in mine)
        pending = [item for item in pending if item[0].external_id in mine]
        report = self._writer.write(work.adapter, [operation for _, _, operation, _ in pending])
        for row, link, operation, differing in pending:
            result = report.results.get(row.external_id)
            if result is not None:
                answers = report.answers.get(row.external_id, ())
                outcome = _outcome(row, link, rule.do, operation, result, differing)
                settled.append(replace(outcome, answers=answers))
            elif isinstance(report.stopped_by, BudgetExhaustedError):
                settled.append(out_of_budget(row))
        return report.stopped_by

    def _removal(
        self,
        work: EntityWork,
        rule: DeletionRule,
        link: Link,
        record: RemoteRecord,
        flag: Mapping[str, t.Any],
    ) -> Removal:
        return Removal(
            self._ledger.destination,
            work.description.entity,
            link.external_id,
            link.remote_id,
            rule.do,
            record.values,
            link.payload,
            flag,
        )


def out_of_budget(row: SourceRow) -> Settled:
    """Return the outcome of a row for which the account has no budget left."""
    return Settled(row, Outcome.FAILED, Reason.BUDGET, text="the rate or daily budget of the account is used up")


def _ours(work: EntityWork, record: RemoteRecord, link: Link) -> bool:
    """Whether a linked record still is the row's: it carries its external ID, or never had a place for one."""
    if record.external_id == link.external_id:
        return True
    return record.external_id is None and (link.origin == "adopted" or work.description.external_id_field is None)


def _outcome(
    row: SourceRow, link: Link, did: str, operation: Operation, result: WriteResult, differing: Changes
) -> Settled:
    if result.result is Result.GONE:
        return _gone(row, link)
    if result.result is Result.WRITTEN:
        return _done(row, link, did, operation.values, differing, Outcome.UPDATED)
    return verdict(row, operation, result, {}, None)


def _done(
    row: SourceRow, link: Link, did: str, flag: Mapping[str, t.Any], differing: Changes, outcome: Outcome
) -> Settled:
    return Settled(
        row,
        outcome,
        _DONE[did] if outcome is Outcome.UPDATED else Reason.ALREADY_DELETED,
        remote_id=link.remote_id,
        changes=differing or None,
        values={**link.payload, **flag},
        deleted_as=did,
    )


def _gone(row: SourceRow, link: Link) -> Settled:
    return Settled(
        row,
        Outcome.UNCHANGED,
        Reason.ALREADY_DELETED,
        text=_GONE_TEXT,
        remote_id=link.remote_id,
        values=link.payload,
        deleted_as=_DELETE,
    )
