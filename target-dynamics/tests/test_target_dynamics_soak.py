"""Everything at once: limits, lost answers, tokens that end, kill -9; the CRM must end equal to the source."""

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
from target_dynamics_runs import account, contact, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.dynamics.emulator import DynamicsEmulator

    from conftest import Crm

ROWS = int(os.environ.get("SOAK_ROWS", "800"))
"""A fifth of them contacts. SOAK_ROWS=20000 makes it a long soak."""

KILLS = 3
STATE_EVERY = 50
API = "/api/data/v9.2/"
WRITES = f"{API}.*(CreateMultiple|UpdateMultiple|batch)"


def throttled(code: str) -> dict[str, t.Any]:
    """Return a refusal for one of the three protection limits."""
    body = {"error": {"code": code, "message": "exceeded the limit"}}
    return {"kind": "status", "status": 429, "body": body, "headers": {"Retry-After": "0"}, "path": API}


FAULTS: tuple[dict[str, t.Any], ...] = (
    {**throttled("0x80072322"), "probability_percent": 3},
    {**throttled("0x80072321"), "probability_percent": 3},
    {**throttled("0x80072326"), "probability_percent": 3},
    {"kind": "sign_off", "path": API, "probability_percent": 3},
    {"kind": "reset", "when": "after", "path": WRITES, "probability_percent": 8},
    {"kind": "status", "status": 503, "body": "<html>", "when": "after", "path": WRITES, "probability_percent": 8},
    {"kind": "truncate", "path": WRITES},
    {"kind": "status", "status": 500, "when": "before", "path": API},
    {"kind": "reset", "when": "before", "path": API},
    {"kind": "status", "status": 413, "when": "before", "path": "Multiple"},
    {"kind": "truncate", "path": API},
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
        yield schema("accounts")
        yield schema("contacts")
        for number, message in enumerate(self.log[position:], position + 1):
            yield message
            if number % STATE_EVERY == 0 or number == len(self.log):
                yield state(number)


class Pipeline:
    """Runs of the target as a process, from the last STATE it passed."""

    def __init__(self, emulator: DynamicsEmulator, source: Source, settings: dict[str, t.Any], folder: Path) -> None:
        self.emulator, self.source, self.folder = emulator, source, folder
        self.position = 0
        self.url = settings["ledger_url"]
        changed = {"state_interval_seconds": 1, "chunk_size": 100, "request_timeout_seconds": 30}
        (folder / "config.json").write_text(json.dumps({**settings, **changed}))

    def run(self, *, die_after: int | None = None) -> int:
        """Run once, perhaps until so many more rows were written, and return its exit code.

        It is 1 when a read fails five times in a row: the run ends, and the next one goes on.
        """
        given = self.folder / "input"
        given.write_text("".join(json.dumps(one) + "\n" for one in self.source.messages(self.position)))
        command = [sys.executable, "-m", "target_dynamics", "--config", str(self.folder / "config.json")]
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


def truth(crm: Crm, entity: str) -> list[tuple[t.Any, ...]]:
    """Return what the environment holds of a table, in comparable form."""
    rows = crm.truth(entity)
    if entity == "accounts":
        return sorted((one["jde_number"], one["name"], one["creditlimit"]) for one in rows)
    names = {one["accountid"]: one["jde_number"] for one in crm.truth("accounts")}
    return sorted((one["jde_number"], one["lastname"], names[one["_parentcustomerid_value"]]) for one in rows)


def wanted(source: Source, entity: str) -> list[tuple[t.Any, ...]]:
    names = ("name", "creditlimit") if entity == "accounts" else ("lastname", "parentcustomerid_account")
    rows = [row for (stream, _), row in source.rows.items() if stream == entity]
    return sorted((row["external_id"], row[names[0]], row[names[1]]) for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(max(600, ROWS // 4))
def test_a_load_full_of_faults_and_kills_ends_equal_to_the_source(
    crm: Crm, dynamics: DynamicsEmulator, settings: dict[str, t.Any], tmp_path: Path
) -> None:
    chance = random.Random(7)
    source = Source()
    for number in range(ROWS * 4 // 5):
        source.put(account(number))
        if number % 4 == 0:
            source.put(contact(number))
    crm.control.reset_limits()
    for number, fault in enumerate(FAULTS):
        dynamics.control.fault(**{"times": None, "probability_percent": 4, "seed": number, **fault})
    pipeline = Pipeline(dynamics, source, settings, tmp_path)
    killed = given_up = 0

    def drive(*, kills: int) -> None:
        """Run until everything has come over."""
        nonlocal killed, given_up
        reasons = Counter({"": 1})
        while pipeline.position < len(source.log) or reasons & WAITING:
            code = pipeline.run(die_after=chance.randrange(50, ROWS // 4) if killed < kills else None)
            if code:
                killed += code == -signal.SIGKILL
                given_up += code == 1
                continue
            reasons = pipeline.last_reasons()

    drive(kills=KILLS)
    for number in range(0, ROWS * 4 // 5, 10):
        source.put(account(number, creditlimit=1_000_000 + number))
    drive(kills=KILLS + 1)
    assert killed >= KILLS
    assert given_up <= 3
    assert sum(fault["hits"] for fault in dynamics.control.faults()) > 10
    dynamics.control.clear_faults()
    writes = dynamics.control.counters()["writes"]
    pipeline.position = 0
    source.begin_anew()
    assert pipeline.run() == 0
    assert dynamics.control.counters()["writes"] == writes, "all came once more, and nothing was to be written"
    for entity in ("accounts", "contacts"):
        assert truth(crm, entity) == wanted(source, entity)
    limits = crm.control.limits()
    assert all(limits["most"][name] <= most for name, most in limits["limits"].items()), limits
    assert not any(limits["refused"].values()), limits
    engine = open_engine(pipeline.url)
    runs = History(engine).runs(limit=1000)
    engine.dispose()
    assert len(runs) > killed
    for run in runs:
        assert run["rows"] + run["replayed"] == sum(run["outcomes"].values()), run
