"""Several targets at once on one ledger and one account, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest
from service_emulators.testing import start_pipedrive
from sqlalchemy import create_engine, make_url, text
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.history import History
from target_pipedrive_runs import organization, person, schema

if t.TYPE_CHECKING:
    from pathlib import Path


def start(emulator: t.Any, folder: Path, *messages: dict[str, t.Any], **settings: t.Any) -> subprocess.Popen[bytes]:
    """Start a target as a process with its input in a file."""
    number = len(list(folder.glob("input-*")))
    given = folder / f"input-{number}"
    given.write_text("".join(json.dumps(message) + "\n" for message in messages))
    config = folder / f"config-{number}.json"
    shared = {
        "api_url": emulator.url,
        "api_token": emulator.api_token,
        "ledger_url": f"sqlite:///{folder}/ledger.db",
        "lookup_delay_seconds": 0,
    }
    config.write_text(json.dumps({**shared, **settings}))
    with given.open("rb") as stdin, (folder / f"log-{number}").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "target_pipedrive.target", "--config", str(config)],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "LOGLEVEL": "INFO"},
        )


def wait(folder: Path, *processes: subprocess.Popen[bytes]) -> list[int]:
    codes = [process.wait(120) for process in processes]
    if any(codes):
        pytest.fail("".join(log.read_text()[-3000:] for log in sorted(folder.glob("log-*"))))
    return codes


def runs(folder: Path, url: str = "") -> list[dict[str, t.Any]]:
    engine = open_engine(url or f"sqlite:///{folder}/ledger.db")
    found = History(engine).runs()
    engine.dispose()
    return found


@pytest.mark.parametrize("plan", ["lite", "premium"])
def test_two_targets_on_one_account_never_meet_the_burst_limit(plan: str, tmp_path: Path) -> None:
    """Each alone would use the whole window; the emulator refuses what is over it, and one refusal fails the test."""
    each = {"lite": 30, "premium": 150}[plan]
    with start_pipedrive(plan=plan) as emulator:
        halves = [[organization(number) for number in range(start, start + each)] for start in (0, each)]
        wait(tmp_path, *[start(emulator, tmp_path, schema("organizations"), *half) for half in halves])
        assert set(emulator.control.counters()["by_status"]) == {"200"}
        assert len(emulator.control.records("organizations")) == 2 * each
    assert [run["outcomes"] for run in runs(tmp_path)] == [{"created": each}] * 2


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, in a file and in a server's database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server = make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE together"))
    engine.dispose()
    return server.set(database="together", drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.slow
def test_three_targets_write_into_one_ledger_at_once(ledger_url: str, tmp_path: Path) -> None:
    rows = [organization(number) for number in range(300)]
    with start_pipedrive(burst=0) as emulator:
        parts = [rows[start : start + 100] for start in range(0, 300, 100)]
        targets = [start(emulator, tmp_path, schema("organizations"), *part, ledger_url=ledger_url) for part in parts]
        wait(tmp_path, *targets)
        wait(tmp_path, start(emulator, tmp_path, schema("organizations"), *rows, ledger_url=ledger_url))
        assert len(emulator.control.records("organizations")) == 300
    found = runs(tmp_path, ledger_url)
    assert [run["outcomes"] for run in found] == [{"created": 100}] * 3 + [{"unchanged": 300}]
    assert [run["writes"] for run in found] == [100, 100, 100, 0]


def test_a_budget_is_shared_and_what_is_left_over_comes_with_the_next_run(tmp_path: Path) -> None:
    """The service is never asked for more than its day has: it refuses nothing."""
    rows = [organization(number) for number in range(100)]
    with start_pipedrive(burst=0, daily_budget=400) as emulator:
        halves = (rows[:50], rows[50:])
        messages = [[schema("organizations"), *half] for half in halves]
        settings = {"daily_budget": 400, "budget_reserve": 50}
        wait(tmp_path, *[start(emulator, tmp_path, *one, **settings) for one in messages])
        counters = emulator.control.counters()
        assert set(counters["by_status"]) == {"200"}
        assert 300 < counters["cost"] <= 350, "the reserve is left, and the rest is used"
        written = len(emulator.control.records("organizations"))
        first, second = runs(tmp_path)
        assert first["outcomes"].get("created", 0) + second["outcomes"].get("created", 0) == written < 100
        assert first["outcomes"].get("failed", 0) + second["outcomes"].get("failed", 0) == 100 - written
        assert all(50 <= run["budget_left"] <= 400 for run in (first, second))
        assert all(run["status"] == "succeeded" for run in (first, second))

        emulator.control.set_clock(offset_seconds=86_400)
        wait(tmp_path, start(emulator, tmp_path, schema("organizations"), **settings))
        assert runs(tmp_path)[-1]["outcomes"] == {"created": 100 - written}
        assert len(emulator.control.records("organizations")) == 100


def test_a_run_that_begins_without_a_budget_keeps_its_rows(tmp_path: Path) -> None:
    with start_pipedrive(burst=0) as emulator:
        messages = [
            schema("organizations"),
            *[organization(number) for number in range(5)],
            schema("persons"),
            *[person(number) for number in range(5)],
        ]
        emulator.control.switch(rate_limit="daily")
        wait(tmp_path, start(emulator, tmp_path, *messages, company_domain=emulator.company_domain))
        assert emulator.control.counters()["requests"] == 1, "one request is refused, and that was it"
        assert runs(tmp_path)[-1]["outcomes"] == {"failed": 10}
        emulator.control.switch(rate_limit="normal")
        wait(tmp_path, start(emulator, tmp_path, schema("organizations")))
        assert runs(tmp_path)[-1]["outcomes"] == {"created": 10}
        assert len(emulator.control.records("persons")) == 5
