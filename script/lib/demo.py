"""The demo: emulated JD Edwards into emulated services by `meltano run`, three times, checked and shown.

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

import children
import surroundings
from rich.console import Console
from rich.table import Table
from service_emulators.client import Control, JdeControl

if t.TYPE_CHECKING:
    from collections.abc import Iterator

HOME = surroundings.ROOT / ".demo"
PIPELINES = ("pipedrive",)

CHANGED_CUSTOMERS = 25
CHANGED_ORGANIZATION_PHONES = 5
CHANGED_PERSON_PHONES = 5
CHANGED_CREDIT_LIMITS = 3
FEWEST_CUSTOMERS = 100
CHANGED_RECORDS = CHANGED_CUSTOMERS + CHANGED_ORGANIZATION_PHONES + CHANGED_PERSON_PHONES + CHANGED_CREDIT_LIMITS

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
    wanted = PIPELINES if arguments.pipeline == "all" else (arguments.pipeline,)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    result: dict[str, t.Any] = {"pipelines": {}}
    begun = time.monotonic()
    try:
        with _emulators(arguments.customers) as services:
            for pipeline in wanted:
                name = f"jde-to-{pipeline}"
                runs = show_pipedrive(services, name, arguments.customers)
                result["pipelines"][name] = {"runs": [asdict(run) for run in runs]}
    except ExpectationError as error:
        console.print(f"\nThe demo failed: {error}", style="bold red", markup=False)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"\nAll expectations met in {time.monotonic() - begun:.0f} seconds.", style="bold green")
    console.print("The emulators are stopped. Look around: [bold]source .demo/env && sync-ledger runs[/]")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("pipeline", nargs="?", default="pipedrive", choices=[*PIPELINES, "all"])
    parser.add_argument("--customers", type=int, default=2000, help="customers in JD Edwards (default 2000)")
    parser.add_argument("--json", metavar="FILE", type=_writable, help="write counts of every run to FILE")
    arguments = parser.parse_args()
    if arguments.customers < FEWEST_CUSTOMERS:
        parser.error(f"--customers must be {FEWEST_CUSTOMERS} at least, so that there is something to change")
    return arguments


def _writable(name: str) -> Path:
    """Return the file, counted from where the command was called; refuse one that cannot be written."""
    file = Path(os.environ.get("CALLED_FROM", "."), name)
    try:
        file.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from error
    return file


# -- emulators -------------------------------------------------------------------------------------------------------


@contextmanager
def _emulators(customers: int) -> Iterator[dict[str, t.Any]]:
    console.print(f"Starting emulators: JD Edwards with {customers} customers and an empty Pipedrive account …")
    file = HOME / "emulators.json"
    command = ["service-emulators", "serve", "jde", "pipedrive", "--json", str(file), "--seed", "1"]
    command += ["--customers", str(customers), "--contacts", str(customers * 3 // 2)]
    # The burst limit of an OAuth app in the Ultimate plan; at an API token's the first run takes a minute longer.
    command += ["--switch", "pipedrive.burst=480"]
    patience = time.monotonic() + 60 + customers / 500
    with (HOME / "emulators.log").open("wb") as log, children.child(command, stdout=log, stderr=log) as process:
        while not file.exists():
            if process.poll() is not None or time.monotonic() > patience:
                raise ExpectationError(f"the emulators did not start:\n{(HOME / 'emulators.log').read_text()}")
            time.sleep(0.05)
        services = json.loads(file.read_text())
        surroundings.write(HOME, services)
        yield services


def _environment(services: dict[str, t.Any]) -> dict[str, str]:
    quiet = {"MELTANO_CLI_LOG_LEVEL": "warning", "NO_COLOR": "1", "COLUMNS": "120"}
    return {**os.environ, **surroundings.variables(HOME, services), **quiet}


# -- the Pipedrive pipeline ------------------------------------------------------------------------------------------


def show_pipedrive(services: dict[str, t.Any], name: str, customers: int) -> list[Run]:
    """Run the pipeline three times and check each run."""
    environment = _environment(services)
    jde, pipedrive = JdeControl(services["jde"]["url"]), Control(services["pipedrive"]["url"])
    blocks = ["tap-jdedwards", name, "target-pipedrive"]
    runs = [_run(blocks, environment, pipedrive, "Run 1: everything is new")]
    _check_first(runs[0], customers)
    runs.append(_run(blocks, environment, pipedrive, "Run 2: nothing has changed"))
    _expect(runs[1].writes == 0, f"run 2 wrote {runs[1].writes} times although nothing had changed")
    organizations, persons = _change(jde)
    console.print(
        f"In JD Edwards change {CHANGED_CUSTOMERS} customers, "
        f"{CHANGED_ORGANIZATION_PHONES + CHANGED_PERSON_PHONES} phones and {CHANGED_CREDIT_LIMITS} credit limits."
    )
    runs.append(_run(blocks, environment, pipedrive, "Run 3: what changed, and only that"))
    _check_third(runs[2], organizations, persons, environment)
    _show(name, runs)
    person = sorted(persons)[0]
    console.print(f"\nThe whole life of one person: [bold]sync-ledger why persons {person}[/]")
    console.print(_output(["sync-ledger", "why", "persons", person], environment), markup=False)
    state_id = f"demo:{blocks[0]}-to-{blocks[-1]}"
    console.print(f"What the next run starts from: [bold]meltano state get {state_id}[/]")
    state = json.loads(_output(["meltano", "state", "get", state_id], environment))
    console.print_json(json.dumps(state))
    _check_state(state)
    return runs


def _run(blocks: list[str], environment: dict[str, str], service: Control, title: str) -> Run:
    console.print(f"{title}: [bold]meltano run {' '.join(blocks)}[/] …", soft_wrap=True)
    service.reset_counters()
    begun = time.monotonic()
    command = ["meltano", "run", *blocks]
    options = {"env": environment, "cwd": surroundings.ROOT}
    with (HOME / "runs.log").open("ab") as log, children.child(command, stdout=log, stderr=log, **options) as process:
        code = process.wait()
    seconds = time.monotonic() - begun
    _expect(code == 0, f"meltano run ended with {code}; its log is {HOME / 'runs.log'}")
    counters = service.counters()
    last = json.loads(_output(["sync-ledger", "runs", "--limit", "1", "--json"], environment))[-1]
    rows = last["rows"] + last["replayed"]
    _expect(rows == sum(last["outcomes"].values()), f"{rows} rows but outcomes {last['outcomes']}")
    return Run(rows, last["outcomes"], counters["requests"], counters["writes"], counters["cost"], round(seconds, 1))


def _change(jde: JdeControl) -> tuple[set[str], set[str]]:
    """Change rows in JD Edwards; return the external IDs of the organizations and persons they concern."""
    customers = sorted(row["AN8"] for row in jde.rows("F03012", where={"CO": "00000"}))
    picked = iter(customers[:: max(1, len(customers) // 200)])
    organizations: set[str] = set()
    for number in _take(picked, CHANGED_CUSTOMERS):
        name = jde.rows("F0101", where={"AN8": number})[0]["ALPH"].strip()
        jde.update_rows("F0101", where={"AN8": number}, values={"ALPH": f"{name[:32]} (new)"})
        organizations.add(str(number))
    for number in _take(picked, CHANGED_CREDIT_LIMITS):
        limit = jde.rows("F03012", where={"AN8": number, "CO": "00000"})[0]["ACL"] or 0
        jde.update_rows("F03012", where={"AN8": number, "CO": "00000"}, values={"ACL": limit + 1000})
        organizations.add(str(number))
    free = set(customers) - {int(number) for number in organizations}
    main: dict[tuple[int, int], int] = {}  # address number and line -> the phone the mapping shows first
    for row in sorted(jde.rows("F0115"), key=lambda row: row["RCK7"]):
        if row["AN8"] in free and row["PHTP"].strip() in {"", "BUS"}:
            main.setdefault((row["AN8"], row["IDLN"]), row["RCK7"])
    companies = sorted(key for key in main if key[1] == 0)[:CHANGED_ORGANIZATION_PHONES]
    people = sorted(key for key in main if key[1] > 0)[:CHANGED_PERSON_PHONES]
    for offset, (number, line) in enumerate(companies + people):
        where = {"AN8": number, "IDLN": line, "RCK7": main[number, line]}
        jde.update_rows("F0115", where=where, values={"PH1": f"555-01{offset:02d}"})
    organizations |= {str(number) for number, _ in companies}
    _expect(len(organizations) + len(people) == CHANGED_RECORDS, "the made-up data has too few phones to change")
    return organizations, {f"{number}-{line}" for number, line in people}


def _take(numbers: Iterator[int], count: int) -> list[int]:
    return [next(numbers) for _ in range(count)]


# -- expectations ----------------------------------------------------------------------------------------------------


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ExpectationError(otherwise)


def _check_first(run: Run, customers: int) -> None:
    wanted = {"created": customers + customers * 3 // 2}
    _expect(run.outcomes == wanted, f"run 1 should have {wanted}, has {run.outcomes}")
    _expect(run.writes == run.outcomes["created"], f"run 1 wrote {run.writes} times for {run.outcomes}")


def _check_third(run: Run, organizations: set[str], persons: set[str], environment: dict[str, str]) -> None:
    wrote = {outcome: rows for outcome, rows in run.outcomes.items() if outcome != "unchanged"}
    _expect(wrote == {"updated": CHANGED_RECORDS}, f"run 3 should update {CHANGED_RECORDS} records: {run.outcomes}")
    _expect(run.writes == CHANGED_RECORDS, f"run 3 wrote {run.writes} times for {CHANGED_RECORDS} changed records")
    for entity, wanted in (("organizations", organizations), ("persons", persons)):
        for external_id in wanted:
            life = json.loads(_output(["sync-ledger", "why", entity, external_id, "--json"], environment))
            _expect(life["outcomes"][-1]["outcome"] == "updated", f"{entity} {external_id} was not updated by run 3")


def _check_state(state: dict[str, t.Any]) -> None:
    for stream, bookmark in state["singer_state"]["bookmarks"].items():
        _expect(bookmark.get("replication_key") == "UPMJ", f"the bookmark of {stream} is {bookmark}")
        time.strptime(bookmark["replication_key_value"], "%Y-%m-%d")


# -- output ----------------------------------------------------------------------------------------------------------


def _output(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=surroundings.ROOT, capture_output=True, text=True, check=False)
    _expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _show(name: str, runs: list[Run]) -> None:
    table = Table(title=f"\n{name}", title_justify="left", header_style="bold")
    for column in ("run", "rows", "outcomes", "API calls", "writes", "tokens", "seconds"):
        table.add_column(column, justify="left" if column == "outcomes" else "right")
    for number, run in enumerate(runs, 1):
        outcomes = ", ".join(f"{rows} {outcome}" for outcome, rows in run.outcomes.items()) or "none"
        cells = (number, run.rows, outcomes, run.api_calls, run.writes, run.cost, run.seconds)
        table.add_row(*(str(cell) for cell in cells))
    console.print(table)


if __name__ == "__main__":
    children.run(main)
