"""Stages validate and relate: rows the service would take, with the ids of their parents in them."""

from __future__ import annotations

import typing as t

from sync_ledger.damaged import check_whole
from sync_ledger.engine.checked import Checked
from sync_ledger.engine.deletions import out_of_budget
from sync_ledger.engine.lost_creates import held_create
from sync_ledger.engine.outcomes import invalid
from sync_ledger.engine.validate import Invalid, check_external_id, normalise
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.privacy.masking import check_kept
from sync_ledger.rows import Outcome, Reason, Settled

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sync_ledger.engine.running import Run
    from sync_ledger.engine.work import EntityWork
    from sync_ledger.rows import SourceRow


class Preparing:
    """Prepares the rows of one run.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def prepare(self, work: EntityWork, rows: Iterable[SourceRow], settled: list[Settled]) -> list[Checked]:
        """Return the rows that can be compared with their records; the outcomes of the others go to `settled`."""
        checked = self._relate(work, self._validate(work, rows, settled), settled)
        return _hold_undecided(work, checked, settled)

    def _validate(self, work: EntityWork, rows: Iterable[SourceRow], settled: list[Settled]) -> list[Checked]:
        checked = []
        for row in rows:
            try:
                check_kept(row)
                check_whole(row)
                check_external_id(work.description, row.external_id)
                checked.append(Checked(row, normalise(work.description, row.payload)))
            except Invalid as problem:
                settled.append(invalid(row, problem))
            except BudgetExhaustedError as error:  # options that are only asked for when a row needs them
                self._run.note_budget(error)
                settled.append(out_of_budget(row))
        return checked

    def _relate(self, work: EntityWork, checked: list[Checked], settled: list[Settled]) -> list[Checked]:
        """Replace the external IDs in relation fields by the remote ids of their links."""
        for name, parent in work.relations.items():
            wanted = {item.values[name] for item in checked if item.values.get(name) is not None}
            if not wanted:
                continue
            remote = {**_named(work, name, wanted), **self._remote_ids(parent, sorted(wanted))}
            kept = []
            for item in checked:
                external_id = item.values.get(name)
                if external_id is None:
                    kept.append(item)
                elif external_id in remote:
                    item.values[name] = remote[external_id]
                    kept.append(item)
                elif self._run.options.planning or self._run.options.adopting:
                    # Planned at best, so there is no id to put in yet; the external ID alone may be that of another.
                    item.values[name] = f"{parent} {external_id}"
                    item.note = f"waits for {parent} {external_id}"
                    kept.append(item)
                elif self._run.budget_gone:
                    settled.append(out_of_budget(item.row))  # nobody could look for its parent
                else:
                    text = f"{parent} {external_id} is not at the destination yet"
                    settled.append(Settled(item.row, Outcome.FAILED, Reason.PARENT_MISSING, name, text))
            checked = kept
        return checked

    def _remote_ids(self, entity: str, external_ids: Sequence[str]) -> dict[str, str]:
        ledger, plan_id = self._run.ledger, self._run.plan_id
        found = ledger.links.remote_ids(entity, external_ids)
        if plan_id is not None:
            found = {**ledger.plans.remote_ids(plan_id, entity, external_ids), **found}
        missing = [external_id for external_id in external_ids if external_id not in found]
        if missing:
            try:
                self._run.entity(entity)  # a parent that no stream of this run brings still needs its index
            except BudgetExhaustedError as error:
                self._run.note_budget(error)
            hits = ledger.index.find(entity, missing)
            found.update({key: ids[0] for key, ids in hits.items() if len(ids) == 1})
        return found


def _named(work: EntityWork, name: str, wanted: Iterable[str]) -> dict[str, str]:
    """Return the remote ids of parents given by the name the service knows them by."""
    field = work.description.find(name)
    options = (field.options if field else None) or {}
    return {one: str(options[one]) for one in wanted if one in options}


def _hold_undecided(work: EntityWork, checked: list[Checked], settled: list[Settled]) -> list[Checked]:
    """Hold rows whose record may have been made already: only a person can tell which of the candidates it is."""
    kept = []
    for item in checked:
        candidates = work.undecided.get(item.row.external_id)
        if candidates is None:
            kept.append(item)
        else:
            settled.append(held_create(item.row, candidates))
    return kept
