"""The demo: emulated JD Edwards into emulated services by `meltano run`, three times each, checked and shown.

Run 1 creates everything, run 2 must write nothing, then a few rows change in JD Edwards and run 3 must update exactly
the records concerned. Exits non-zero when one of these expectations fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import changes
import children
import surroundings
from pipelines import PIPELINES
from rich.console import Console
from rich.table import Table
from service_emulators.client import JdeControl

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines import Expected, Pipeline

HOME = surroundings.ROOT / ".demo"
MOST_OFF_PLAN = 0.02
"""How far a first load may be from what its plan said it costs."""
MANY_ROWS = 1000
"""From so many on, calls per row mean something: what every run asks for is few beside them."""

console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


@dataclass
class Run:
    """What one `meltano run` did; calls, writes and cost as the emulator counted them, seconds of the whole command."""

    rows: int
    outcomes: dict[str, int]
    api_calls: int
    writes: int
    cost: int
    seconds: float


class ExpectationError(Exception):
    """The demo did not show what it promises."""


def main() -> int:
    """Run the demo and return the exit code."""
    arguments = _arguments()
    surroundings.keep_compiled_modules()
    wanted = list(PIPELINES) if arguments.pipeline == "all" else [arguments.pipeline]
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    result: dict[str, t.Any] = {"pipelines": {}}
    begun = time.monotonic()
    try:
        with _emulators([PIPELINES[name] for name in wanted], arguments.customers) as services:
            for turn, name in enumerate(wanted, 1):
                demonstration = Demonstration(PIPELINES[name], services, turn)
                result["pipelines"][PIPELINES[name].mapping] = demonstration.show()
    except (ExpectationError, changes.TooFewError) as error:
        console.print(f"\nThe demo failed: {error}", style="bold red", markup=False)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"\nAll expectations met in {time.monotonic() - begun:.0f} seconds.", style="bold green")
    console.print("The emulators are stopped. Look around: [bold]source .demo/env && sync-ledger runs[/]")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("pipeline", nargs="?", default="all", choices=[*PIPELINES, "all"])
    parser.add_argument("--customers", type=int, default=1000, help="customers in JD Edwards (default 1000)")
    parser.add_argument("--json", metavar="FILE", type=_writable, help="write counts of every run to FILE")
    arguments = parser.parse_args()
    if arguments.customers < changes.FEWEST_CUSTOMERS:
        parser.error(f"--customers must be {changes.FEWEST_CUSTOMERS} at least, so that there is something to change")
    return arguments


def _writable(name: str) -> Path:
    """Return the file, counted from where the command was called; refuse one that cannot be written."""
    file = Path(os.environ.get("CALLED_FROM", "."), name)
    try:
        file.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from error
    return file


@contextmanager
def _emulators(pipelines: list[Pipeline], customers: int) -> Iterator[dict[str, t.Any]]:
    accounts = " and ".join(f"an empty {pipeline.label} account" for pipeline in pipelines)
    console.print(f"Starting emulators: JD Edwards with {customers} customers, {accounts} …")
    file = HOME / "emulators.json"
    command = ["service-emulators", "serve", "jde", *(one.service for one in pipelines), "--json", str(file)]
    command += ["--seed", "1", "--customers", str(customers), "--contacts", str(customers * 3 // 2)]
    for pipeline in pipelines:
        command += [part for switch in pipeline.switches for part in ("--switch", f"{pipeline.service}.{switch}")]
    patience = time.monotonic() + 60 + customers / 500
    with (HOME / "emulators.log").open("wb") as log, children.child(command, stdout=log, stderr=log) as process:
        while not file.exists():
            if process.poll() is not None or time.monotonic() > patience:
                raise ExpectationError(f"the emulators did not start:\n{(HOME / 'emulators.log').read_text()}")
            time.sleep(0.05)
        services = json.loads(file.read_text())
        surroundings.write(HOME, services)
        yield services


class Demonstration:
    """Shows one pipeline.

    Args:
        pipeline: The pipeline.
        services: What the emulators say of themselves.
        turn: The how manieth demonstration this is, from 1.
    """

    def __init__(self, pipeline: Pipeline, services: Mapping[str, t.Any], turn: int) -> None:
        self._pipeline = pipeline
        self._turn = turn
        self._jde = JdeControl(services["jde"]["url"])
        self._service = pipeline.control(services[pipeline.service]["url"])
        quiet = {"MELTANO_CLI_LOG_LEVEL": "warning", "NO_COLOR": "1", "COLUMNS": "120"}
        self._environment = {**os.environ, **surroundings.variables(HOME, services), **quiet}

    def show(self) -> dict[str, t.Any]:
        """Run the pipeline three times, check each run, and return the counts."""
        pipeline = self._pipeline
        console.print(f"\n[bold]JD Edwards to {pipeline.label}[/]")
        if pipeline.set_up:
            console.print(f"Make the custom fields: [bold]meltano invoke {pipeline.loader}:setup --yes[/] …")
            self._meltano(["invoke", f"{pipeline.loader}:setup", "--yes"])
        plan = self._plan() if pipeline.planned else None
        everything = pipeline.everything(self._jde)
        runs = [self._run("Run 1: everything is new")]
        self._check_first(runs[0], everything, plan)
        runs.append(self._run("Run 2: nothing has changed"))
        _expect(runs[1].writes == 0, f"run 2 wrote {runs[1].writes} times although nothing had changed")
        before = self._stamps(everything)
        changed = changes.change(self._jde, self._turn)
        console.print(f"In JD Edwards change {changed}.")
        runs.append(self._run("Run 3: what changed, and only that"))
        self._check_third(runs[2], pipeline.concerned(self._jde, changed), before)
        self._print(runs, plan)
        self._print_life(sorted(changed.people)[0])
        if self._turn == 1:  # it looks the same in each pipeline
            self._print_state()
        told = {"runs": [asdict(run) for run in runs]}
        return told if plan is None else {"plan": plan, **told}

    # -- runs --

    def _run(self, title: str, **settings: str) -> Run:
        shown = " ".join([*(f"{name}={value}" for name, value in settings.items()), "meltano run"])
        console.print(f"{title}: [bold]{shown} {' '.join(self._pipeline.blocks)}[/] …", soft_wrap=True)
        self._service.reset_counters()
        begun = time.monotonic()
        self._meltano(["run", *self._pipeline.blocks], **settings)
        seconds = time.monotonic() - begun
        counters = self._service.counters()
        last = json.loads(self._output(["sync-ledger", "runs", "--limit", "1", "--json"]))[-1]
        rows = last["rows"] + last["replayed"]
        _expect(rows == sum(last["outcomes"].values()), f"{rows} rows but outcomes {last['outcomes']}")
        return Run(
            rows, last["outcomes"], counters["requests"], counters["writes"], counters["cost"], round(seconds, 1)
        )

    def _plan(self) -> dict[str, int]:
        """Plan the first load; return what it will take."""
        run = self._run("Plan: what would be written?", **{f"TARGET_{self._pipeline.service.upper()}_MODE": "plan"})
        _expect(run.writes == 0, f"the plan wrote {run.writes} times")
        plans = json.loads(self._output(["sync-ledger", "plans", "--json"]))
        [plan] = [one for one in plans if one["target"] == self._pipeline.loader]
        return {"rows": run.rows, "api_calls": plan["calls"], "cost": plan["cost"]}

    def _meltano(self, arguments: list[str], **settings: str) -> None:
        options = {"env": {**self._environment, **settings}, "cwd": surroundings.ROOT}
        command = ["meltano", *arguments]
        with (
            (HOME / "runs.log").open("ab") as log,
            children.child(command, stdout=log, stderr=log, **options) as process,
        ):
            code = process.wait()
        _expect(code == 0, f"meltano {arguments[0]} ended with {code}; its log is {HOME / 'runs.log'}")

    def _output(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self._environment, cwd=surroundings.ROOT, capture_output=True, text=True, check=False
        )
        _expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # -- expectations --

    def _check_first(self, run: Run, everything: Expected, plan: Mapping[str, int] | None) -> None:
        wanted = {"created": sum(map(len, everything.values()))}
        _expect(run.outcomes == wanted, f"run 1 should have {wanted}, has {run.outcomes}")
        _expect(run.writes == run.outcomes["created"], f"run 1 wrote {run.writes} times for {run.outcomes}")
        for entity, external_ids in everything.items():
            there = [self._pipeline.key(record) for record in self._service.records(entity)]
            _expect(sorted(there) == sorted(external_ids), f"{self._pipeline.label} has not each of {entity} once")
        most = self._pipeline.most_calls_per_row
        if most is not None and run.rows >= MANY_ROWS:
            allowed = self._pipeline.fixed_calls + most * run.rows
            _expect(run.api_calls <= allowed, f"run 1 took {run.api_calls} calls for {run.rows} rows")
        if plan is not None:
            off = abs(run.cost - plan["cost"]) / plan["cost"]
            said = f"{run.cost} {self._pipeline.unit}, not {plan['cost']} as planned"
            _expect(off <= MOST_OFF_PLAN, f"run 1 cost {said}")

    def _check_third(self, run: Run, concerned: Expected, before: Mapping[str, Mapping[str, str]]) -> None:
        count = sum(map(len, concerned.values()))
        wrote = {outcome: rows for outcome, rows in run.outcomes.items() if outcome != "unchanged"}
        _expect(wrote == {"updated": count}, f"run 3 should update {count} records: {run.outcomes}")
        _expect(run.writes == count, f"run 3 wrote {run.writes} times for {count} changed records")
        for entity, after in self._stamps(before).items():
            touched = {external_id for external_id, stamp in after.items() if stamp != before[entity][external_id]}
            others = ", ".join(sorted(touched ^ concerned[entity]))
            _expect(not others, f"run 3 did not update exactly the {entity} that changed: {others}")

    def _stamps(self, entities: t.Iterable[str]) -> dict[str, dict[str, str]]:
        """Return when each record was last written, by entity and external ID."""
        pipeline = self._pipeline
        return {
            entity: {pipeline.key(record): record[pipeline.modified] for record in self._service.records(entity)}
            for entity in entities
        }

    # -- output --

    def _print(self, runs: list[Run], plan: Mapping[str, int] | None) -> None:
        table = Table(title=f"\n{self._pipeline.mapping}", title_justify="left", header_style="bold")
        for column in ("run", "rows", "outcomes", "API calls", "writes", self._pipeline.unit, "seconds"):
            table.add_column(column, justify="left" if column == "outcomes" else "right")
        if plan is not None:
            table.add_row("plan", *map(str, (plan["rows"], "", plan["api_calls"], "", plan["cost"], "")))
        for number, run in enumerate(runs, 1):
            outcomes = ", ".join(f"{rows} {outcome}" for outcome, rows in run.outcomes.items()) or "none"
            cells = (number, run.rows, outcomes, run.api_calls, run.writes, run.cost, run.seconds)
            table.add_row(*(str(cell) for cell in cells))
        console.print(table)

    def _print_life(self, external_id: str) -> None:
        command = ["sync-ledger", "why", self._pipeline.example, external_id]
        console.print(f"\nThe whole life of one of the {self._pipeline.example}: [bold]{' '.join(command)}[/]")
        console.print(self._output(command), markup=False)

    def _print_state(self) -> None:
        blocks = self._pipeline.blocks
        state_id = f"demo:{blocks[0]}-to-{blocks[-1]}"
        console.print(f"What the next run starts from: [bold]meltano state get {state_id}[/]")
        state = json.loads(self._output(["meltano", "state", "get", state_id]))
        console.print_json(json.dumps(state))
        for stream, bookmark in state["singer_state"]["bookmarks"].items():
            _expect(bookmark.get("replication_key") == "UPMJ", f"the bookmark of {stream} is {bookmark}")
            time.strptime(bookmark["replication_key_value"], "%Y-%m-%d")


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ExpectationError(otherwise)


if __name__ == "__main__":
    children.run(main)
