"""Everything at once: random faults, bulk jobs that fail, kill -9; the CRM must end equal to the source."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import typing as t
from collections import Counter

import pytest
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.history import History
from target_zoho_runs import account, contact, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.zoho.emulator import ZohoEmulator

    from conftest import Org

ROWS = int(os.environ.get("SOAK_ROWS", "2000"))
"""A fifth of them contacts. SOAK_ROWS=20000 makes it a long soak."""

KILLS = 3
STATE_EVERY = 50
API = "^/crm/v8/(Accounts|Contacts|coql|settings)"
JOBS = "^/crm/(bulk|v8/upload)"

FAULTS: tuple[dict[str, t.Any], ...] = (
    {"kind": "partial", "method": "POST", "path": "/upsert", "every": 7, "probability_percent": 10},
    {"kind": "partial", "method": "PUT", "path": API, "every": 3, "probability_percent": 10},
    {"kind": "status", "status": 429, "path": API, "probability_percent": 2},
    {"kind": "sign_off", "path": API, "probability_percent": 0.5},
    {"kind": "status", "status": 500, "when": "before", "path": API},
    {"kind": "status", "status": 503, "body": "<html>", "when": "after", "path": API},
    {"kind": "reset", "when": "before", "path": API},
    {"kind": "reset", "when": "after", "path": API},
    {"kind": "truncate", "path": API},
    {"kind": "reset", "when": "after", "path": JOBS, "probability_percent": 10},
    {"kind": "truncate", "path": JOBS, "probability_percent": 10},
    {"kind": "partial", "path": JOBS, "every": 5, "probability_percent": 100, "times": 1},
)
WAITING = Counter({"budget": 1, "unknown_result": 1, "unavailable": 1, "parent_missing": 1})


class Source:
    """What the tap would read: rows in the order of their last change."""

    def __init__(self) -> None:
        self.log: list[dict[str, t.Any]] = []
        self.rows: dict[tuple[str, str], dict[str, t.Any]] = {}

    def put(self, message: dict[str, t.Any]) -> None:
        self.log.append(message)
        self.rows[message["stream"], message["record"]["external_id"]] = message["record"]

    def begin_anew(self) -> None:
        """Let every row come once more."""
        self.log = [{"type": "RECORD", "stream": stream, "record": row} for (stream, _), row in self.rows.items()]

    def messages(self, position: int) -> t.Iterator[dict[str, t.Any]]:
        yield schema("Accounts")
        yield schema("Contacts")
        for number, message in enumerate(self.log[position:], position + 1):
            yield message
            if number % STATE_EVERY == 0 or number == len(self.log):
                yield state(number)


class Pipeline:
    """Runs of the target as a process, from the last STATE it passed."""

    def __init__(self, emulator: ZohoEmulator, source: Source, settings: dict[str, t.Any], folder: Path) -> None:
        self.emulator, self.source, self.folder = emulator, source, folder
        self.position = 0
        self.url = settings["ledger_url"]
        changed = {"state_interval_seconds": 1, "bulk_threshold": 500, "bulk_timeout_seconds": 3}
        (folder / "config.json").write_text(json.dumps({**settings, **changed}))

    def run(self, *, die_after: int | None = None) -> int:
        """Run once, perhaps until so many more records were written, and return its exit code.

        It is 1 when a read fails five times in a row: the run ends, and the next one goes on.
        """
        given = self.folder / "input"
        given.write_text("".join(json.dumps(one) + "\n" for one in self.source.messages(self.position)))
        command = [sys.executable, "-m", "target_zoho", "--config", str(self.folder / "config.json")]
        with (
            given.open("rb") as stdin,
            (self.folder / "log").open("ab") as log,
            subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "LOGLEVEL": "INFO"}
            ) as target,
        ):
            ended = threading.Event()
            if die_after is not None:
                limit = self._written() + die_after
                killer = threading.Thread(target=self._kill, args=(target, limit, ended), daemon=True)
                killer.start()
            for line in target.stdout or ():
                self.position = json.loads(line)["bookmarks"]["customers"]["position"]
            code = target.wait()
            ended.set()
        assert code in {0, 1, -signal.SIGKILL}, (self.folder / "log").read_text()[-3000:]
        return code

    def last_reasons(self) -> Counter[str]:
        engine = open_engine(self.url)
        history = History(engine)
        run = history.run(history.runs(limit=1)[0]["id"]) or {}
        engine.dispose()
        return Counter({count["reason"]: count["rows"] for count in run["counts"]})

    def _written(self) -> int:
        return int(self.emulator.control.counters()["writes"])

    def _kill(self, target: subprocess.Popen[bytes], limit: int, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            if self._written() >= limit:
                target.send_signal(signal.SIGKILL)
                return


def truth(org: Org, module: str) -> list[tuple[t.Any, ...]]:
    """Return what the organisation holds of a module, in comparable form."""
    records = org.truth(module)
    if module == "Accounts":
        return sorted((one["JDE_Number"], one["Account_Name"], one["Credit_Limit"]) for one in records)
    names = {one["id"]: one["JDE_Number"] for one in org.truth("Accounts")}
    return sorted((one["JDE_Number"], one["Last_Name"], names[one["Account_Name"]["id"]]) for one in records)


def wanted(source: Source, module: str) -> list[tuple[t.Any, ...]]:
    names = ("Account_Name", "Credit Limit") if module == "Accounts" else ("Last_Name", "Account_Name")
    rows = [row for (stream, _), row in source.rows.items() if stream == module]
    return sorted((row["external_id"], row[names[0]], row[names[1]]) for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(max(600, ROWS // 4))
@pytest.mark.parametrize("job", ["fails", "stalls", "completes"])
def test_a_load_full_of_faults_and_kills_ends_equal_to_the_source(
    org: Org, zoho: ZohoEmulator, settings: dict[str, t.Any], tmp_path: Path, job: str
) -> None:
    chance = random.Random(7)
    source = Source()
    for number in range(ROWS * 4 // 5):
        source.put(account(number))
        if number % 4 == 0:
            source.put(contact(number))
    end = chance.randrange(100, ROWS // 2)
    zoho.control.switch(token_throttle=0, bulk_end=job, bulk_end_after=end, bulk_start_ms=0)
    for number, fault in enumerate(FAULTS):
        zoho.control.fault(**{"times": None, "probability_percent": 4, "seed": number, **fault})
    pipeline = Pipeline(zoho, source, settings, tmp_path)
    killed = given_up = 0

    def drive(*, kills: int) -> None:
        """Run until everything has come over."""
        nonlocal killed, given_up
        reasons = Counter({"": 1})
        while pipeline.position < len(source.log) or reasons & WAITING:
            left = len(source.log) - pipeline.position
            die_after = chance.randrange(10, max(20, min(ROWS // 4, left // 2)))
            code = pipeline.run(die_after=die_after if killed < kills else None)
            if code:
                killed += code == -signal.SIGKILL
                given_up += code == 1
                zoho.control.switch(bulk_end="completes")
                continue
            reasons = pipeline.last_reasons()

    drive(kills=KILLS)
    # On a busy machine a run may be over before anybody sees how far it is; then more changes come to be killed at.
    for change in range(1, 10):
        for number in range(change, ROWS * 4 // 5, 10):
            source.put(account(number, **{"Credit Limit": change * 1_000_000 + number}))
        drive(kills=KILLS + 1)
        if killed > KILLS:
            break
    assert killed >= KILLS
    assert given_up <= 3
    assert sum(fault["hits"] for fault in zoho.control.faults()) > 10
    zoho.control.clear_faults()
    writes = zoho.control.counters()["writes"]
    pipeline.position = 0
    source.begin_anew()
    assert pipeline.run() == 0
    assert zoho.control.counters()["writes"] == writes, "all came once more, and nothing was to be written"
    for module in ("Accounts", "Contacts"):
        assert truth(org, module) == wanted(source, module)
    engine = open_engine(pipeline.url)
    runs = History(engine).runs(limit=1000)
    engine.dispose()
    assert len(runs) > killed
    for run in runs:
        assert run["rows"] + run["replayed"] == sum(run["outcomes"].values()), run
