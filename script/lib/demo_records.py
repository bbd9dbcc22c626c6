"""The demo of a pipeline into a CRM: a first load, a run without changes, a run with a few."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict

import changes
from service_emulators.client import JdeControl
from showing import Commands, console, expect

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines import Expected, RecordPipeline
    from showing import Run

MOST_OFF_PLAN = 0.02
"""How far a first load may be from what its plan said it costs."""
MANY_ROWS = 1000
"""From so many on, calls per row mean something: what every run asks for is few beside them."""


class RecordDemonstration:
    """Shows one pipeline into a CRM.

    Args:
        pipeline: The pipeline.
        services: What the emulators say of themselves.
    """

    def __init__(self, pipeline: RecordPipeline, services: Mapping[str, t.Any]) -> None:
        self._pipeline = pipeline
        self._jde = JdeControl(services["jde"]["url"])
        self._service = pipeline.control(services[pipeline.services[0]]["url"])
        self._commands = Commands(pipeline, services, [self._service])

    def show(self) -> dict[str, t.Any]:
        """Run the pipeline three times, check each run, and return the counts."""
        pipeline, commands = self._pipeline, self._commands
        console.print(f"\n[bold]JD Edwards to {pipeline.label}[/]")
        if pipeline.set_up:
            console.print(f"Make the custom fields: [bold]meltano invoke {pipeline.loader}:setup --yes[/] …")
            commands.meltano(["invoke", f"{pipeline.loader}:setup", "--yes"])
        plan = self._plan() if pipeline.planned else None
        everything = pipeline.everything(self._jde)
        runs = [commands.run("Run 1: everything is new")]
        self._check_first(runs[0], everything, plan)
        runs.append(commands.run("Run 2: nothing has changed"))
        expect(runs[1].writes == 0, f"run 2 wrote {runs[1].writes} times although nothing had changed")
        before = self._stamps(everything)
        changed = changes.change(self._jde)
        console.print(f"In JD Edwards change {changed}.")
        runs.append(commands.run("Run 3: what changed, and only that"))
        self._check_third(runs[2], pipeline.concerned(self._jde, changed), before)
        commands.table(runs, plan)
        example = sorted(changed.people)[0]
        commands.show(
            f"The whole life of one of the {pipeline.example}", "sync-ledger", "why", pipeline.example, example
        )
        commands.show_state()
        told = {"runs": [asdict(run) for run in runs]}
        return told if plan is None else {"plan": plan, **told}

    def _plan(self) -> dict[str, int]:
        """Plan the first load; return what it will take."""
        loader = self._pipeline.loader
        run = self._commands.run("Plan: what would be written?", **{f"{loader.replace('-', '_').upper()}_MODE": "plan"})
        expect(run.writes == 0, f"the plan wrote {run.writes} times")
        plans = json.loads(self._commands.output(["sync-ledger", "plans", "--json"]))
        [plan] = [one for one in plans if one["target"] == loader]
        return {"rows": run.rows, "api_calls": plan["calls"], "cost": plan["cost"]}

    def _check_first(self, run: Run, everything: Expected, plan: Mapping[str, int] | None) -> None:
        wanted = {"created": sum(map(len, everything.values()))}
        expect(run.outcomes == wanted, f"run 1 should have {wanted}, has {run.outcomes}")
        expect(run.writes == run.outcomes["created"], f"run 1 wrote {run.writes} times for {run.outcomes}")
        for entity, external_ids in everything.items():
            there = [self._pipeline.key(record) for record in self._service.records(entity)]
            expect(sorted(there) == sorted(external_ids), f"{self._pipeline.label} has not each of {entity} once")
        most = self._pipeline.most_calls_per_row
        if most is not None and run.rows >= MANY_ROWS:
            allowed = self._pipeline.fixed_calls + most * run.rows
            expect(run.api_calls <= allowed, f"run 1 took {run.api_calls} calls for {run.rows} rows")
        if plan is not None:
            off = abs(run.cost - plan["cost"]) / plan["cost"]
            said = f"{run.cost} {self._pipeline.unit}, not {plan['cost']} as planned"
            expect(off <= MOST_OFF_PLAN, f"run 1 cost {said}")

    def _check_third(self, run: Run, concerned: Expected, before: Mapping[str, Mapping[str, str]]) -> None:
        count = sum(map(len, concerned.values()))
        wrote = {outcome: rows for outcome, rows in run.outcomes.items() if outcome != "unchanged"}
        expect(wrote == {"updated": count}, f"run 3 should update {count} records: {run.outcomes}")
        expect(run.writes == count, f"run 3 wrote {run.writes} times for {count} changed records")
        for entity, after in self._stamps(before).items():
            touched = {external_id for external_id, stamp in after.items() if stamp != before[entity][external_id]}
            others = ", ".join(sorted(touched ^ concerned[entity]))
            expect(not others, f"run 3 did not update exactly the {entity} that changed: {others}")

    def _stamps(self, entities: t.Iterable[str]) -> dict[str, dict[str, str]]:
        """Return when each record was last written, by entity and external ID."""
        pipeline = self._pipeline
        return {
            entity: {pipeline.key(record): record[pipeline.modified] for record in self._service.records(entity)}
            for entity in entities
        }
