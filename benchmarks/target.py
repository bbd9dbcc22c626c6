"""target-pipedrive beside the loop people write first: search each row, then create or update it.

Both write the same rows into emulated accounts of their own in one run of this script: a first load, the same rows
again, and the same rows with one in a hundred changed. The emulators' limits are lifted, so that only calls and their
handling count; with real limits (10 searches in 2 seconds) the loop is slower by far. After that the target alone loads
few and many rows, for its peak memory, and the many once more, for the calls of a run in which nothing changed. See the
README of this folder.
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

import requests
from service_emulators.client import Control

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Rows = list[dict[str, t.Any]]

SCHEMA = {
    "type": "SCHEMA",
    "stream": "organizations",
    "key_properties": ["id"],
    "schema": {
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "Credit Limit": {"type": ["number", "null"]},
            "Tax ID": {"type": ["string", "null"]},
        }
    },
}
LIFTED = ("burst=0", "search_burst=0", "daily_budget=0", "search_lag_ms=0")


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="script/bench target", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-rows", type=int, nargs=2, default=(20_000, 200_000), metavar=("FEW", "MANY"))
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    rows = list(_rows(arguments.rows))
    changed = [{**row, "Credit Limit": -1} if int(row["id"]) % 100 == 0 else row for row in rows]
    phases = {"first_load": rows, "unchanged": rows, "one_percent_changed": changed}
    measured: dict[str, list[float]] = {}
    for repeat in range(arguments.repeats):
        print(f"Round {repeat + 1} of {arguments.repeats}: {arguments.rows} organizations ...", flush=True)
        for name, write in (("ours", _ours), ("loop", _loop)):
            with tempfile.TemporaryDirectory() as folder, _account(Path(folder)) as account:
                for phase, content in phases.items():
                    _measure(measured, f"{name}_{phase}", account, partial(write, account, content, Path(folder)))
    result = _result(measured, phases) | _growth(*arguments.memory_rows)
    for key, value in result.items():
        print(f"{key:45} {value:10.4g}")
    if arguments.json:
        file = Path(os.environ.get("CALLED_FROM", "."), arguments.json)
        file.write_text(json.dumps(result, indent=2) + "\n")
    return 0


@contextmanager
def _account(folder: Path) -> Iterator[dict[str, str]]:
    """Run an emulated account in a process of its own."""
    file = folder / "emulators.json"
    command = ["service-emulators", "serve", "pipedrive", "--json", str(file)]
    for switch in LIFTED:
        command += ["--switch", f"pipedrive.{switch}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not file.exists():
            if process.poll() is not None:
                sys.exit("Error: the emulator did not start")
            time.sleep(0.05)
        yield json.loads(file.read_text())["pipedrive"]
    finally:
        process.terminate()
        process.wait()


def _measure(measured: dict[str, list[float]], name: str, account: dict[str, str], work: Callable[[], object]) -> None:
    control = Control(account["url"])
    control.reset_counters()
    begun = time.monotonic()
    work()
    seconds = time.monotonic() - begun
    counters = control.counters()
    for unit, value in (("seconds", seconds), ("calls", counters["requests"]), ("tokens", counters["cost"])):
        measured.setdefault(f"{name}_{unit}", []).append(value)


def _growth(few: int, many: int) -> dict[str, float]:
    """Load few and many rows for the target's peak memory, then the many again for what that costs."""
    peaks: list[float] = []
    result: dict[str, float] = {}
    for count in (few, many):
        print(f"Memory: {count} organizations ...", flush=True)
        with tempfile.TemporaryDirectory() as folder, _account(Path(folder)) as account:
            peaks.append(_ours(account, _rows(count), Path(folder)))
            if count != many:
                continue
            control = Control(account["url"])
            control.reset_counters()
            begun = time.monotonic()
            result["unchanged_many_peak_mb"] = _ours(account, _rows(count), Path(folder))
            result["unchanged_many_seconds"] = time.monotonic() - begun
            counters = control.counters()
            result["unchanged_many_writes"] = counters["writes"]
            result["unchanged_many_rows_per_list_call"] = count / counters["by_endpoint"]["GET /api/v2/organizations"]
    result |= {"few_peak_mb": peaks[0], "many_peak_mb": peaks[1], "memory_ratio": peaks[1] / peaks[0]}
    return result


def _rows(count: int) -> Iterator[dict[str, t.Any]]:
    for number in range(1, count + 1):
        values = {"name": f"Customer {number}", "Credit Limit": number * 10, "Tax ID": f"DE{number:09d}"}
        yield {"id": str(number), **values}


def _ours(account: dict[str, str], rows: Iterable[dict[str, t.Any]], folder: Path) -> float:
    """Run the target as a process, its start included; returns its peak memory in MB."""
    given = folder / "input"
    with given.open("w") as file:
        file.write(json.dumps(SCHEMA) + "\n")
        for row in rows:
            file.write(json.dumps({"type": "RECORD", "stream": "organizations", "record": row}) + "\n")
    settings = {
        "TARGET_PIPEDRIVE_API_URL": account["url"],
        "TARGET_PIPEDRIVE_API_TOKEN": account["api_token"],
        "TARGET_PIPEDRIVE_LEDGER_URL": f"sqlite:///{folder}/ledger.db",
    }
    with given.open("rb") as stdin, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["target-pipedrive", "--config=ENV"],
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


def _loop(account: dict[str, str], rows: Rows, folder: Path) -> None:
    """Search by external ID, then POST or PATCH everything, one row after the other."""
    del folder
    with requests.Session() as session:
        session.headers["x-api-token"] = account["api_token"]
        base = f"{account['url']}/api/v2"
        fields = session.get(f"{base}/organizationFields", params={"limit": 500}).json()["data"]
        codes = {field["field_name"]: field["field_code"] for field in fields}
        for row in rows:
            found = session.get(
                f"{base}/itemSearch/field",
                params={
                    "term": row["id"],
                    "entity_type": "organization",
                    "field": codes["JDE Number"],
                    "match": "exact",
                },
            ).json()["data"]
            custom = {codes[name]: row[name] for name in ("Credit Limit", "Tax ID")}
            body = {"name": row["name"], "custom_fields": {codes["JDE Number"]: row["id"], **custom}}
            if found:
                answer = session.patch(f"{base}/organizations/{found[0]['id']}", json=body)
            else:
                answer = session.post(f"{base}/organizations", json=body)
            answer.raise_for_status()


def _result(measured: dict[str, list[float]], phases: dict[str, Rows]) -> dict[str, float]:
    medians = {name: statistics.median(values) for name, values in measured.items()}
    result: dict[str, float] = {}
    for phase in phases:
        ours, loop = f"ours_{phase}", f"loop_{phase}"
        result[f"{phase}_speed_ratio"] = medians[f"{loop}_seconds"] / medians[f"{ours}_seconds"]
        result[f"{phase}_calls_ratio"] = medians[f"{ours}_calls"] / medians[f"{loop}_calls"]
        result[f"{phase}_tokens_ratio"] = medians[f"{ours}_tokens"] / medians[f"{loop}_tokens"]
    return result | medians


if __name__ == "__main__":
    sys.exit(main())
