"""What is counted: requests and rows against the entitlement, requests and concurrency over several processes."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.ledger import Ledger
from sync_ledger.limits import AccountLimits
from target_dynamics.batches import BatchRequest
from target_dynamics.estimating import estimate
from target_dynamics_login import client_of, settings_of

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.dynamics.emulator import DynamicsEmulator
    from target_dynamics.client import DynamicsClient

CREATE = "/accounts/Microsoft.Dynamics.CRM.CreateMultiple"


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 25, 22, 30, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.moment


def create(client: DynamicsClient, rows: int) -> int:
    """Make rows by one bulk request and return its status."""
    kind = "Microsoft.Dynamics.CRM.account"
    targets = [{"@odata.type": kind, "name": f"Company {number}"} for number in range(rows)]
    return client.write("POST", CREATE, {"Targets": targets}, records=rows).status


def sharing(dynamics: DynamicsEmulator, folder: Path, budget: int | None = None, **options: t.Any) -> DynamicsClient:
    """Return a client as another process on the same ledger has it."""
    client = client_of(settings_of(dynamics, folder), **{"sleep": time.sleep, **options})
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", "dynamics:1")
    client.share_limits(AccountLimits(ledger.database, ledger.destination, budget, 0))
    return client


def test_each_row_and_each_part_of_a_batch_is_one_request_of_the_entitlement(
    dynamics: DynamicsEmulator, tmp_path: Path
) -> None:
    client = client_of(settings_of(dynamics, tmp_path))
    client.get("/WhoAmI")
    assert create(client, 30) == 200
    client.batch([BatchRequest("GET", "/WhoAmI")] * 4)
    client.batch([BatchRequest("POST", "/accounts", {"name": "A"})] * 3)
    usage = client.usage()
    assert (usage.calls, usage.writes, usage.cost) == (4, 2, 1 + 30 + 4 + 3)
    assert usage.calls == dynamics.control.counters()["requests"] - 2  # signing in takes two
    dynamics.control.fault("status", status=429, path="WhoAmI", headers={"Retry-After": "1"})
    client.get("/WhoAmI")
    assert client.usage().cost == usage.cost + 1  # what was turned away costs nothing


def test_the_budget_counts_any_24_hours_over_all_processes(dynamics: DynamicsEmulator, tmp_path: Path) -> None:
    now = Time()
    dynamics.control.set_clock(now=now.moment.isoformat())
    first, second = (sharing(dynamics, tmp_path, 100, now=now) for _ in range(2))
    assert [create(client, 30) for client in (first, second, first)] == [200] * 3
    with pytest.raises(BudgetExhaustedError, match=r"of the 100 a day \(daily_budget\)"):
        create(second, 30)
    first.close()
    second.close()
    assert dynamics.counts()["accounts"] == 90
    now.moment += timedelta(hours=25)
    dynamics.control.set_clock(now=now.moment.isoformat())
    third = sharing(dynamics, tmp_path, 100, now=now)
    assert create(third, 30) == 200
    third.close()


def test_two_processes_share_what_the_service_lets_run_at_the_same_time(
    dynamics: DynamicsEmulator, tmp_path: Path
) -> None:
    dynamics.control.switch(latency_ms=20)
    clients = [sharing(dynamics, tmp_path) for _ in range(2)]
    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(lambda number: clients[number % 2].get("/WhoAmI").status, range(128)))
    for client in clients:
        client.close()
    assert set(found) == {200}
    seen = dynamics.control.limits()
    assert seen["refused"] == {"requests": 0, "execution_ms": 0, "concurrency": 0}
    assert seen["most"]["concurrency"] <= 52


def test_a_planned_row_costs_one_request_and_a_table_its_questions_once() -> None:
    row = estimate(opens=0, reading=0, creates=1, updates=0, chunk=500)
    assert (row.calls, row.writes, row.cost) == (1, 1, 1)
    table = estimate(opens=1, reading=0, creates=600, updates=1, chunk=500)
    assert table.writes == 3
    empty = estimate(opens=1, reading=0, creates=0, updates=0, chunk=500)
    assert table.cost - empty.cost == 601 + 2  # each row, and one question for each of the two messages
