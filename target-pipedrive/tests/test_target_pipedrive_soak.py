"""Everything at once: random faults, kill -9 and days whose budget runs out; the CRM must end equal to the source."""

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
from service_emulators.testing import start_pipedrive
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.history import History
from target_pipedrive_runs import organization, person, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.pipedrive import PipedriveEmulator

ROWS = int(os.environ.get("SOAK_ROWS", "4000"))
"""A fifth of them persons. SOAK_ROWS=20000 makes it the long soak of docs/invariants.md."""

KILLS = 4
STATE_EVERY = 50
BUDGET = ROWS * 2
"""Tokens of a day: two fifths of what all creates cost, so it runs out twice."""

FAULTS: tuple[dict[str, t.Any], ...] = (
    {"kind": "status", "status": 429, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}},
    {"kind": "status", "status": 429, "headers": {"retry-after": "1"}},
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 503, "body": "<html>", "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "truncate"},
)


class Source:
    """What the tap would read: rows in the order of their last change."""

    def __init__(self) -> None:
        self.log: list[dict[str, t.Any]] = []
        self.rows: dict[tuple[str, str], dict[str, t.Any]] = {}

    def put(self, message: dict[str, t.Any]) -> None:
        self.log.append(message)
        self.rows[message["stream"], message["record"]["external_id"]] = message["record"]

    def message(self, stream: str, external_id: str) -> dict[str, t.Any]:
        """Return the RECORD of a row as it is now."""
        return {"type": "RECORD", "stream": stream, "record": self.rows[stream, external_id]}

    def messages(self, position: int) -> t.Iterator[dict[str, t.Any]]:
        yield schema("organizations")
        yield schema("persons")
        for number, message in enumerate(self.log[position:], position + 1):
            yield message
            if number % STATE_EVERY == 0 or number == len(self.log):
                yield state(number)


class Pipeline:
    """Runs of the target as a process, from the last STATE it passed."""

    def __init__(self, emulator: PipedriveEmulator, source: Source, folder: Path) -> None:
        self.emulator, self.source, self.folder = emulator, source, folder
        self.position = 0
        self.url = f"sqlite:///{folder}/ledger.db"
        settings = {
            "api_url": emulator.url,
            "api_token": emulator.api_token,
            "company_domain": emulator.company_domain,
            "ledger_url": self.url,
            "lookup_delay_seconds": 0,
            "request_timeout_seconds": 5,
            "state_interval_seconds": 1,
        }
        (folder / "config.json").write_text(json.dumps(settings))

    def run(self, *, die_after: int | None = None) -> bool:
        """Run once, perhaps until so many more writes reached the account; returns whether it was killed."""
        given = self.folder / "input"
        given.write_text("".join(json.dumps(one) + "\n" for one in self.source.messages(self.position)))
        command = [sys.executable, "-m", "target_pipedrive.target", "--config", str(self.folder / "config.json")]
        with (
            given.open("rb") as stdin,
            (self.folder / "log").open("ab") as log,
            subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "LOGLEVEL": "INFO"}
            ) as target,
        ):
            ended = threading.Event()
            if die_after is not None:
                limit = self._writes() + die_after
                killer = threading.Thread(target=self._kill, args=(target, limit, ended), daemon=True)
                killer.start()
            for line in target.stdout or ():
                self.position = json.loads(line)["bookmarks"]["customers"]["position"]
            code = target.wait()
            ended.set()
        assert code in {0, -signal.SIGKILL}, (self.folder / "log").read_text()[-3000:]
        return code != 0

    def last_reasons(self) -> Counter[str]:
        engine = open_engine(self.url)
        history = History(engine)
        run = history.run(history.runs(limit=1)[0]["id"]) or {}
        engine.dispose()
        return Counter({count["reason"]: count["rows"] for count in run["counts"]})

    def _writes(self) -> int:
        return int(self.emulator.control.counters()["writes"])

    def _kill(self, target: subprocess.Popen[bytes], limit: int, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            if self._writes() >= limit:
                target.send_signal(signal.SIGKILL)
                return


def truth(emulator: PipedriveEmulator, entity: str) -> list[tuple[t.Any, ...]]:
    """Return what the account holds of an entity, in comparable form."""
    records = emulator.control.records(entity)
    if entity == "organizations":
        return sorted(
            (one["custom_fields"]["JDE Number"], one["name"], one["custom_fields"]["Credit Limit"]) for one in records
        )
    names = {one["id"]: one["custom_fields"]["JDE Number"] for one in emulator.control.records("organizations")}
    return sorted((one["custom_fields"]["JDE Number"], one["name"], names[one["org_id"]]) for one in records)


def wanted(source: Source, entity: str) -> list[tuple[t.Any, ...]]:
    rows = [row for (stream, _), row in source.rows.items() if stream == entity]
    last = "Credit Limit" if entity == "organizations" else "org_id"
    return sorted((row["external_id"], row["name"], row[last]) for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(max(600, ROWS // 4))
def test_a_load_full_of_faults_kills_and_empty_budgets_ends_equal_to_the_source(tmp_path: Path) -> None:
    chance = random.Random(7)
    source = Source()
    for number in range(ROWS * 4 // 5):
        source.put(organization(number))
        if number % 4 == 0:
            source.put(person(number))
    with start_pipedrive(burst=0, daily_budget=BUDGET, cloudflare_after=None) as emulator:
        for number, fault in enumerate(FAULTS):
            share = 0.1 if fault.get("status") == 429 else 0.3
            emulator.control.fault(**fault, path="/v2/", times=None, probability_percent=share, seed=number)
        pipeline = Pipeline(emulator, source, tmp_path)
        killed = empty_days = days = 0

        def drive(*, kills: int) -> None:
            """Run until everything has come over."""
            nonlocal killed, empty_days, days
            reasons = Counter({"": 1})
            while pipeline.position < len(source.log) or reasons & Counter(
                {"budget": 1, "unknown_result": 1, "unavailable": 1, "parent_missing": 1}
            ):
                die = killed < kills
                if pipeline.run(die_after=chance.randrange(50, ROWS // KILLS // 2) if die else None):
                    killed += 1
                    continue
                reasons = pipeline.last_reasons()
                if reasons["budget"]:
                    empty_days += 1
                    days += 1
                    emulator.control.switch(daily_headers=days % 2 == 1)
                    emulator.control.set_clock(offset_seconds=86_400 * days)

        drive(kills=KILLS)
        for number in range(0, ROWS * 4 // 5, 10):
            source.put(organization(number, **{"Credit Limit": 1_000_000 + number}))
        drive(kills=KILLS + 1)
        assert killed == KILLS + 1
        assert empty_days >= 2
        assert sum(fault["hits"] for fault in emulator.control.faults()) > ROWS / 200
        emulator.control.clear_faults()
        writes = emulator.control.counters()["writes"]
        pipeline.position, source.log = 0, [source.message(*key) for key in source.rows]
        pipeline.run()
        assert emulator.control.counters()["writes"] == writes, "all came once more, and nothing was to be written"
        for entity in ("organizations", "persons"):
            assert truth(emulator, entity) == wanted(source, entity)
    engine = open_engine(pipeline.url)
    runs = History(engine).runs(limit=1000)
    engine.dispose()
    assert len(runs) > killed + empty_days
    for run in runs:
        assert run["rows"] + run["replayed"] == sum(run["outcomes"].values()), run
