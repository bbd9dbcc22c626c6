"""Stages resolve, match and diff: which record a row stands for, and whether it has to change."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.adapter import Action
from sync_ledger.engine.deletion_rules import FLAG
from sync_ledger.engine.deletions import out_of_budget
from sync_ledger.engine.diff import changes
from sync_ledger.engine.matching import Matcher
from sync_ledger.engine.needs import Needs
from sync_ledger.engine.outcomes import ambiguous, deleted, unchanged, undecided
from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.resolve import Match, resolve
from sync_ledger.engine.returning import bring_back, unflagged
from sync_ledger.engine.verdict import busy
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.privacy.masking import revealed
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.adapter import RemoteRecord
    from sync_ledger.engine.checked import Checked
    from sync_ledger.engine.running import Run
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.engine.writer import Writer


class Deciding:
    """Decides what the rows of one run need.

    Args:
        run: The run.
        writer: Its writer, for records that are brought back before they are compared.
    """

    def __init__(self, run: Run, writer: Writer) -> None:
        self._run = run
        self._writer = writer
        self._matcher = Matcher(run.ledger, run.plan_id)
        self._needs = Needs(run.options)

    def decide(self, work: EntityWork, checked: list[Checked], settled: list[Settled]) -> None:
        """Settle the rows that need nothing or cannot be decided, and give the others their operation."""
        options = self._run.options
        matches = resolve(self._run.ledger, work.description.entity, [item.row.external_id for item in checked])
        checked = self._in_flight(work, checked, matches, settled)
        checked = self._bring_back(work, checked, matches, settled)
        unread: list[Checked] = []
        unmatched: list[Checked] = []
        for item in checked:
            match = item.match = revealed(matches[item.row.external_id], item.values)
            if item.flight and match.candidates:
                unread.append(item)
            elif match.link and match.link.payload_hash == payload_hash(item.values):
                settled.append(unchanged(item, Reason.SAME_PAYLOAD, relink=False))
            elif match.link and match.remote_id and options.adopting:
                settled.append(unchanged(item, Reason.LINKED, relink=False))
            elif not match.candidates:
                unmatched.append(item)
            elif match.link and match.remote_id and not self._wants_reading(work, item, match.link.payload):
                self._needs.decide(work, item, match.link.payload, settled)
            else:
                unread.append(item)
        self._match(work, unmatched, settled)
        self._compare(work, unread, settled)

    def _in_flight(
        self, work: EntityWork, checked: list[Checked], matches: dict[str, Match], settled: list[Settled]
    ) -> list[Checked]:
        """Look for writes of other runs, and of earlier tries that may or may not have happened; return rows to decide.

        What such a write did is not in the link, so its record is compared whatever the link says.
        """
        options, entity = self._run.options, work.description.entity
        keys = [item.row.external_id for item in checked]
        flights = self._run.ledger.links.in_flight(self._run.id, entity, keys)
        kept = []
        for item in checked:
            key = item.row.external_id
            match, flight = matches[key], flights.get(key)
            item.mark = match.seen
            if flight and flight.elsewhere and not options.planning:
                settled.append(busy(item.row))
                continue
            kept.append(item)
            if flight and match.link and flight.action != Action.CREATE.value and not options.adopting:
                item.flight = flight
                if flight.action in {Action.ARCHIVE.value, FLAG}:
                    matches[key] = replace(match, link=replace(match.link, deleted_as=flight.action))
        return kept

    def _bring_back(
        self, work: EntityWork, checked: list[Checked], matches: Mapping[str, Match], settled: list[Settled]
    ) -> list[Checked]:
        """Undo what was done with records whose rows had gone and come again; return the rows still to be decided."""
        run = self._run
        if run.options.adopting:
            return checked  # nothing but external IDs is written
        archived = []
        for item in checked:
            link = matches[item.row.external_id].link
            before = item.flight.before if item.flight else {}
            values = unflagged(run.ledger, work.description.entity, link, item.values, before)
            item.unflagged = frozenset(values)
            item.values.update(values)
            if link is not None and link.deleted_as == "archive":
                archived.append((item.row, link))
        if not archived:
            return checked
        if run.options.planning or run.budget_gone:
            outcomes = {
                row.external_id: Settled(row, Outcome.PLANNED, Reason.RESTORED, remote_id=link.remote_id)
                if run.options.planning
                else out_of_budget(row)
                for row, link in archived
            }
        else:
            payloads = {item.row.external_id: item.values for item in checked}
            outcomes, stopped_by = bring_back(work, run.ledger, self._writer, archived, payloads)
            if (fault := run.without_budget(stopped_by)) is not None:
                raise fault
        settled.extend(outcomes.values())
        return [item for item in checked if item.row.external_id not in outcomes]

    def _wants_reading(self, work: EntityWork, item: Checked, sent: Mapping[str, t.Any]) -> bool:
        """Whether a linked row is compared with the record itself, and not only with what was last sent."""
        if self._run.options.planning or item.row.planned:
            return True
        return work.field_rules.need_reading(changes(sent, item.values))

    def _match(self, work: EntityWork, items: Sequence[Checked], settled: list[Settled]) -> None:
        """Decide on rows without link and external ID: the record a match rule finds, or a new one."""
        try:
            findings = self._matcher.find(work, {item.row.external_id: item.values for item in items})
        except BudgetExhaustedError as error:
            self._run.note_budget(error)
            settled.extend(out_of_budget(item.row) for item in items)
            return
        for item in items:
            finding = findings.get(item.row.external_id)
            if finding is None:
                self._needs.decide(work, item, None, settled)
            elif finding.record is None:
                settled.append(undecided(item.row, finding))
            else:
                carries = finding.record.external_id == item.row.external_id
                item.match = Match(None, (finding.record.remote_id,), finding.rule, carries)
                self._needs.decide(work, item, finding.record.values, settled)

    def _compare(self, work: EntityWork, items: Sequence[Checked], settled: list[Settled]) -> None:
        """Decide on rows known from the index only, or under several ids, by what the records say now.

        The index may be behind: of several records all but one may have been deleted, merged, or lost the external ID.
        """
        wanted = [candidate for item in items if item.match for candidate in item.match.candidates]
        if not wanted:
            return
        try:
            records = work.adapter.read(wanted)
        except BudgetExhaustedError as error:
            self._run.note_budget(error)
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
                settled.append(ambiguous(item.row, found))
            elif link and not found and not (item.flight and item.flight.action == Action.DELETE.value):
                settled.append(deleted(item.row, candidates))
            else:
                self._needs.decide(work, item, records[found[0]].values if found else None, settled)
        if stale:
            self._run.ledger.index.drop(work.description.entity, stale)


def _carries(work: EntityWork, record: RemoteRecord | None, external_id: str) -> bool:
    if work.description.external_id_field is None:
        return record is not None  # the record says nothing of it: the ledger alone knows
    return record is not None and record.external_id == external_id
