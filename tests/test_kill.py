"""Kill -9 at any moment, run again: nothing lost, nothing double."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
import typing as t

import pytest
from service_emulators.testing import start_jde, start_pipedrive
from suite import Suite

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CUSTOMERS = 2000
KILLED_AT = 1000
"""Customers of the trials, each of which is killed at another one."""


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What tap and mapper give for 1,000 customers, made once."""
    home = tmp_path_factory.mktemp("load")
    file = home / "load.singer"
    with start_jde(customers=KILLED_AT, contacts=0) as jde, start_pipedrive() as pipedrive:
        Suite(jde, pipedrive, home).extract(file, streams='["customers"]')
    return file


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(8))
def test_a_load_killed_at_a_random_point_and_run_again_has_every_customer_once(
    suite_of: Callable[..., Suite], load: Path, trial: int
) -> None:
    suite = suite_of(customers=1, contacts=0)
    point = random.Random(trial).randrange(1, KILLED_AT)
    # The very last create takes effect but is never answered: the signal always comes before the end.
    suite.pipedrive.control.fault("timeout", method="POST", path="/organizations$", skip=KILLED_AT - 1, when="after")
    with load.open("rb") as lines:
        target = suite.start(
            "target-pipedrive", "--config=ENV", stdin=lines, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        while suite.pipedrive.control.counters()["writes"] < point:
            assert target.poll() is None
            time.sleep(0.01)
        target.send_signal(signal.SIGKILL)
        target.wait()
        assert target.stdout is not None
        target.stdout.close()
    suite.pipedrive.control.clear_faults()
    written = suite.pipedrive.control.counters()["writes"]
    done = suite.load(load)
    assert done.returncode == 0, done.stderr
    numbers = suite.numbers_at_pipedrive("organizations")
    assert len(numbers) == len(set(numbers)) == KILLED_AT
    died, run = suite.runs()
    assert died["status"] == "died"
    assert sum(died["outcomes"].values()) == died["rows"] <= written
    assert run["rows"] == KILLED_AT == sum(run["outcomes"].values())
    assert run["outcomes"].get("created", 0) == KILLED_AT - written
    assert run["writes"] == KILLED_AT - written


def test_killing_the_target_half_way_leaves_a_state_from_which_the_next_run_goes_on(
    suite_of: Callable[..., Suite],
) -> None:
    suite = suite_of(customers=CUSTOMERS, contacts=60, burst=480)
    command = ("meltano", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")
    pipeline = suite.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while suite.pipedrive.control.counters()["writes"] < CUSTOMERS * 6 // 10:
        assert pipeline.poll() is None
        time.sleep(0.05)
    os.kill(_pid_of_target(suite), signal.SIGKILL)
    assert pipeline.wait(timeout=60) != 0
    state = suite.call("meltano", "state", "get", "demo:tap-jdedwards-to-target-pipedrive")
    assert '"customers"' in state.stdout, state.stderr
    assert suite.call(*command).returncode == 0
    died, run = suite.runs()
    organizations = _rows_of(suite, run["id"], "organizations")
    assert died["status"] == "died"
    assert organizations < CUSTOMERS, "the second run began from the start"
    read_twice = _rows_of(suite, died["id"], "organizations") + organizations - CUSTOMERS
    assert 0 <= read_twice < CUSTOMERS // 2
    assert sorted(suite.numbers_at_pipedrive("organizations")) == sorted(suite.customers())


def _pid_of_target(suite: Suite) -> int:
    with sqlite3.connect(suite.home / "ledger.db") as ledger:
        (pid,) = ledger.execute("SELECT pid FROM runs WHERE status = 'running'").fetchone()
    ledger.close()
    return int(pid)


def _rows_of(suite: Suite, run_id: int, entity: str) -> int:
    run = json.loads(suite.call("sync-ledger", "run", str(run_id), "--json").stdout)
    return sum(count["rows"] for count in run["counts"] if count["entity"] == entity)
