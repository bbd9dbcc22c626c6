"""The demo: emulated JD Edwards into emulated services by `meltano run`, three times each, checked and shown.

Into a CRM, run 1 creates everything, run 2 must write nothing, then a few rows change in JD Edwards and run 3 must
update exactly the records concerned. Alerts go likewise: run 1 tells what is there, run 2 nothing, run 3 what has
become of it. Exits non-zero when one of these expectations fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import changes
import children
import surroundings
from demo_alerts import AlertDemonstration, put_alert_files
from demo_all import show_all
from demo_records import RecordDemonstration
from pipelines import PIPELINES, RecordPipeline
from showing import HOME, ExpectationError, console

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines import Pipeline

DOCUMENTS = 60
"""Orders, vouchers and the like that alerts are about, each."""


def main() -> int:
    """Run the demo and return the exit code."""
    arguments = _arguments()
    surroundings.keep_compiled_modules()
    wanted = [PIPELINES[name] for name in PIPELINES if arguments.pipeline in {name, "all"}]
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    begun = time.monotonic()
    try:
        told = show_all(wanted, arguments.customers) if len(wanted) > 1 else _show(wanted[0], arguments.customers)
    except (ExpectationError, changes.TooFewError) as error:
        console.print(f"\nThe demo failed: {error}", style="bold red", markup=False)
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps({"pipelines": told}, indent=2) + "\n")
    console.print(f"\nAll expectations met in {time.monotonic() - begun:.0f} seconds.", style="bold green")
    if len(wanted) == 1:
        where = os.path.relpath(HOME, surroundings.ROOT)
        console.print(f"The emulators are stopped. Look around: [bold]source {where}/env && sync-ledger runs[/]")
    return 0


def _show(pipeline: Pipeline, customers: int) -> dict[str, t.Any]:
    put_alert_files()
    with _emulators(pipeline, customers) as services:
        kind = RecordDemonstration if isinstance(pipeline, RecordPipeline) else AlertDemonstration
        return {pipeline.mapping: kind(pipeline, services).show()}


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
def _emulators(pipeline: Pipeline, customers: int) -> Iterator[dict[str, t.Any]]:
    console.print(f"Starting emulators: JD Edwards with {customers} customers, an empty {pipeline.account} …")
    file = HOME / "emulators.json"
    command = ["service-emulators", "serve", "jde", *pipeline.services, "--json", str(file)]
    command += ["--seed", "1", "--customers", str(customers), "--contacts", str(customers * 3 // 2)]
    if pipeline.about_documents:
        command += ["--documents", str(DOCUMENTS)]
    command += [part for switch in pipeline.switches for part in ("--switch", switch)]
    patience = time.monotonic() + 60 + customers / 500
    with (HOME / "emulators.log").open("wb") as log, children.child(command, stdout=log, stderr=log) as process:
        while not file.exists():
            if process.poll() is not None or time.monotonic() > patience:
                raise ExpectationError(f"the emulators did not start:\n{(HOME / 'emulators.log').read_text()}")
            time.sleep(0.05)
        services = json.loads(file.read_text())
        surroundings.write(HOME, services)
        yield services


if __name__ == "__main__":
    children.run(main)
