"""What every part of the demo uses: commands as a user gives them, what a run did, expectations, the console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import children
import surroundings
from rich.console import Console
from rich.table import Table

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines import Pipeline
    from service_emulators.client import Control

HOME = Path(os.environ.get("DEMO_HOME") or surroundings.ROOT / ".demo")
"""Folder of this demo; demos that run beside each other have one each."""

console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


@dataclass
class Run:
    """What one `meltano run` did; calls, writes and cost as the emulators counted, seconds of the whole command."""

    rows: int
    outcomes: dict[str, int]
    api_calls: int
    writes: int
    cost: int
    seconds: float


class ExpectationError(Exception):
    """The demo did not show what it promises."""


def expect(condition: bool, otherwise: str) -> None:
    """Go on only if a condition holds.

    Raises:
        ExpectationError: It does not.
    """
    if not condition:
        raise ExpectationError(otherwise)


class Commands:
    """Runs a pipeline and the commands around it, as a user would.

    Args:
        pipeline: The pipeline.
        services: What the emulators say of themselves.
        controls: Control interfaces of the emulators that the pipeline writes to.
    """

    def __init__(self, pipeline: Pipeline, services: Mapping[str, t.Any], controls: Sequence[Control]) -> None:
        self._pipeline = pipeline
        self._controls = controls
        quiet = {"MELTANO_CLI_LOG_LEVEL": "warning", "NO_COLOR": "1", "COLUMNS": "120"}
        self._environment = {**os.environ, **surroundings.variables(HOME, services), **quiet}

    def run(self, title: str, **settings: str) -> Run:
        """Run the pipeline once."""
        shown = " ".join([*(f"{name}={value}" for name, value in settings.items()), "meltano run"])
        console.print(f"{title}: [bold]{shown} {' '.join(self._pipeline.blocks)}[/] …", soft_wrap=True)
        for control in self._controls:
            control.reset_counters()
        begun = time.monotonic()
        self.meltano(["run", *self._pipeline.blocks], **settings)
        seconds = time.monotonic() - begun
        counters = [control.counters() for control in self._controls]
        calls, writes, cost = (sum(one[name] for one in counters) for name in ("requests", "writes", "cost"))
        last = json.loads(self.output(["sync-ledger", "runs", "--limit", "1", "--json"]))[-1]
        rows = last["rows"] + last["replayed"]
        expect(rows == sum(last["outcomes"].values()), f"{rows} rows but outcomes {last['outcomes']}")
        return Run(rows, last["outcomes"], calls, writes, cost, round(seconds, 1))

    def meltano(self, arguments: list[str], **settings: str) -> None:
        """Run a command of Meltano; its log goes to a file."""
        options = {"env": {**self._environment, **settings}, "cwd": surroundings.ROOT}
        command = ["meltano", *arguments]
        with (
            (HOME / "runs.log").open("ab") as log,
            children.child(command, stdout=log, stderr=log, **options) as process,
        ):
            code = process.wait()
        expect(code == 0, f"meltano {arguments[0]} ended with {code}; its log is {HOME / 'runs.log'}")

    def output(self, command: list[str]) -> str:
        """Run a command and return what it prints."""
        done = subprocess.run(
            command, env=self._environment, cwd=surroundings.ROOT, capture_output=True, text=True, check=False
        )
        expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def show(self, title: str, *command: str) -> None:
        """Show a command and what it prints."""
        console.print(f"\n{title}: [bold]{' '.join(command)}[/]")
        console.print(self.output(list(command)), markup=False)

    def show_state(self) -> None:
        """Show the bookmarks that the next run starts from."""
        blocks = self._pipeline.blocks
        state_id = f"demo:{blocks[0]}-to-{blocks[-1]}"
        console.print(f"What the next run starts from: [bold]meltano state get {state_id}[/]")
        state = json.loads(self.output(["meltano", "state", "get", state_id]))
        for stream, bookmark in state["singer_state"]["bookmarks"].items():
            expect(bookmark.get("replication_key") == "UPMJ", f"the bookmark of {stream} is {bookmark}")
            time.strptime(bookmark["replication_key_value"], "%Y-%m-%d")
            read = f"UPMJ {bookmark['replication_key_value']} {bookmark['replication_key_time']}"
            console.print(f"  {stream:20} {read}, the latest of {len(bookmark['tables'])} tables")

    def table(self, runs: Sequence[Run], plan: Mapping[str, int] | None = None) -> None:
        """Show the counts of the runs."""
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
