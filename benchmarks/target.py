"""The targets beside the loops people write: one row after the other, each by its external ID.

Dynamics 365 has a client of Microsoft's own; target-dynamics is measured beside that as well.

Both write the same rows into emulated accounts of their own in one run of this script: a first load, the same rows
again, and the same rows with one in a hundred changed. The emulators' limits are lifted, so that only calls and their
handling count; with real limits (Pipedrive: 10 searches in 2 seconds) the loop is slower by far. After that each target
alone loads few and many rows, for its peak memory, and the many once more, for the calls of a run in which nothing
changed. target-zoho then makes a first load by bulk write and by upsert. See the README of this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from service_emulators.client import Control
from services.dynamics import DYNAMICS
from services.pipedrive import PIPEDRIVE
from services.zoho import ZOHO

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from services.service import Account, Row, Service

SERVICES = {service.name: service for service in (PIPEDRIVE, ZOHO, DYNAMICS)}


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="script/bench target", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", choices=SERVICES, help="measure one service instead of all")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-rows", type=int, nargs=2, default=(20_000, 200_000), metavar=("FEW", "MANY"))
    parser.add_argument(
        "--bulk-rows", type=int, default=20_000, help="rows of the first loads that compare bulk writes"
    )
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    result: dict[str, float] = {}
    for service in SERVICES.values():
        if arguments.only in {None, service.name}:
            found = _beside_the_loop(service, arguments.rows, arguments.repeats)
            found |= _growth(service, *arguments.memory_rows)
            if service is ZOHO:
                found |= _bulk(arguments.bulk_rows, arguments.repeats)
            result |= {f"{service.prefix}{key}": value for key, value in found.items()}
    for key, value in result.items():
        print(f"{key:45} {value:10.4g}")
    if arguments.json:
        file = Path(os.environ.get("CALLED_FROM", "."), arguments.json)
        file.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _beside_the_loop(service: Service, count: int, repeats: int) -> dict[str, float]:
    rows = [service.row(number) for number in range(1, count + 1)]
    changed = [{**row, "Credit Limit": 1} if int(row["id"]) % 100 == 0 else row for row in rows]
    phases = {"first_load": rows, "unchanged": rows, "one_percent_changed": changed}
    measured: dict[str, list[float]] = {}
    for repeat in range(repeats):
        print(f"{service.name}, round {repeat + 1} of {repeats}: {count} {service.stream} ...", flush=True)
        for name in ("ours", "loop", *service.others):
            with tempfile.TemporaryDirectory() as folder, _account(service, Path(folder)) as account:
                for phase, content in phases.items():
                    ours = partial(_ours, service, account, content, Path(folder))
                    other = service.others.get(name, service.loop)
                    work = ours if name == "ours" else partial(other, account, content)
                    _measure(measured, f"{name}_{phase}", service, account, work)
    medians = {name: statistics.median(values) for name, values in measured.items()}
    result: dict[str, float] = {}
    for name in ("loop", *service.others):
        key = "" if name == "loop" else f"{name}_"
        for phase in phases:
            ours, other = f"ours_{phase}", f"{name}_{phase}"
            result[f"{key}{phase}_speed_ratio"] = medians[f"{other}_seconds"] / medians[f"{ours}_seconds"]
            for unit in ("calls", service.unit):
                result[f"{key}{phase}_{unit}_ratio"] = medians[f"{ours}_{unit}"] / medians[f"{other}_{unit}"]
    return result | medians


def _growth(service: Service, few: int, many: int) -> dict[str, float]:
    """Load few and many rows for the target's peak memory, then the many again for what that costs."""
    peaks: list[float] = []
    result: dict[str, float] = {}
    for count in (few, many):
        print(f"{service.name}, memory: {count} {service.stream} ...", flush=True)
        with tempfile.TemporaryDirectory() as folder, _account(service, Path(folder)) as account:
            peaks.append(_ours(service, account, _rows(service, count), Path(folder)))
            if count != many:
                continue
            control = Control(account["url"])
            control.reset_counters()
            begun = time.monotonic()
            result["unchanged_many_peak_mb"] = _ours(service, account, _rows(service, count), Path(folder))
            result["unchanged_many_seconds"] = time.monotonic() - begun
            counters = control.counters()
            result["unchanged_many_writes"] = counters["writes"]
            result["unchanged_many_rows_per_list_call"] = count / counters["by_endpoint"][service.listing]
    result |= {"few_peak_mb": peaks[0], "many_peak_mb": peaks[1], "memory_ratio": peaks[1] / peaks[0]}
    return result


def _bulk(count: int, repeats: int) -> dict[str, float]:
    """Make a first load by bulk write and by upsert."""
    measured: dict[str, list[float]] = {}
    ways = {"bulk_write": "1", "upsert": "0"}
    for repeat in range(repeats):
        print(f"zoho, bulk write and upsert, round {repeat + 1} of {repeats}: {count} {ZOHO.stream} ...", flush=True)
        for way, threshold in ways.items():
            with tempfile.TemporaryDirectory() as folder, _account(ZOHO, Path(folder)) as account:
                more = {ZOHO.variable("bulk_threshold"): threshold}
                work = partial(_ours, ZOHO, account, _rows(ZOHO, count), Path(folder), more)
                _measure(measured, way, ZOHO, account, work)
    medians = {name: statistics.median(values) for name, values in measured.items()}
    result = {"bulk_speed_ratio": medians["upsert_seconds"] / medians["bulk_write_seconds"]}
    for unit in ("calls", ZOHO.unit):
        result[f"bulk_{unit}_ratio"] = medians[f"bulk_write_{unit}"] / medians[f"upsert_{unit}"]
    return result | medians


@contextmanager
def _account(service: Service, folder: Path) -> Iterator[Account]:
    """Run an emulated account in a process of its own."""
    file = folder / "emulators.json"
    command = ["service-emulators", "serve", service.name, "--json", str(file), *service.options]
    for switch in service.switches:
        command += ["--switch", f"{service.name}.{switch}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not file.exists():
            if process.poll() is not None:
                sys.exit("Error: the emulator did not start")
            time.sleep(0.05)
        account = json.loads(file.read_text())[service.name]
        if service.prepare is not None:
            service.prepare(account, {**service.settings(account), service.variable("token_file"): str(folder / "t")})
        yield account
    finally:
        process.terminate()
        process.wait()


def _measure(
    measured: dict[str, list[float]], name: str, service: Service, account: Account, work: Callable[[], object]
) -> None:
    control = Control(account["url"])
    control.reset_counters()
    begun = time.monotonic()
    work()
    seconds = time.monotonic() - begun
    counters = control.counters()
    for unit, value in (("seconds", seconds), ("calls", counters["requests"]), (service.unit, counters["cost"])):
        measured.setdefault(f"{name}_{unit}", []).append(value)


def _rows(service: Service, count: int) -> Iterator[Row]:
    return (service.row(number) for number in range(1, count + 1))


def _ours(
    service: Service, account: Account, rows: Iterable[Row], folder: Path, more: t.Mapping[str, str] | None = None
) -> float:
    """Run the target as a process, its start included; returns its peak memory in MB."""
    given = folder / "input"
    with given.open("w") as file:
        file.write(json.dumps(service.schema()) + "\n")
        for row in rows:
            file.write(json.dumps({"type": "RECORD", "stream": service.stream, "record": row}) + "\n")
    settings = {
        **service.settings(account),
        service.variable("ledger_url"): f"sqlite:///{folder}/ledger.db",
        service.variable("token_file"): str(folder / "tokens.json"),
        **(more or {}),
    }
    with given.open("rb") as stdin, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [service.target, "--config=ENV"],
            stdin=stdin,
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"Error: the target failed\n{(folder / 'log').read_text()[-2000:]}")
    return used.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
