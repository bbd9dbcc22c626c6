from __future__ import annotations

import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.ledger import Ledger
from sync_ledger.limits import AccountLimits
from target_zoho.costs import coql_credits, heavy_read, heavy_write, read_credits, write_credits
from target_zoho.pacing import EDITIONS, FIRST_LIMIT, Pacing
from target_zoho_login import client_of, settings_of

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.zoho.emulator import ZohoEmulator
    from target_zoho.client import ZohoClient

QUERY = "select id from Accounts where id is not null order by id asc limit {}"


def accounts(number: int) -> dict[str, t.Any]:
    return {"data": [{"Account_Name": f"Account {one}"} for one in range(number)], "trigger": []}


# -- prices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "records", "price"),
    [
        ("POST", "/Accounts/upsert", 1, 1),
        ("POST", "/Accounts/upsert", 10, 1),
        ("POST", "/Accounts/upsert", 11, 2),
        ("POST", "/Accounts/upsert", 100, 10),
        ("PUT", "/Contacts", 95, 10),
        ("DELETE", "/Contacts", 100, 1),
        ("POST", "/settings/fields", 1, 1),
        ("PATCH", "/settings/fields/1", 1, 1),
        ("POST", "/crm/bulk/v8/write", 1, 500),
        ("POST", "/crm/bulk/v8/read", 1, 50),
    ],
)
def test_the_price_of_a_write(method: str, path: str, records: int, price: int) -> None:
    assert write_credits(method, path, records) == price


@given(st.integers(0, 2000), st.sampled_from(["limit {}", "LIMIT {} offset 100", "limit 7, {}"]))
def test_the_price_of_a_query_goes_by_the_rows_it_asks_for(rows: int, clause: str) -> None:
    price = coql_credits(f"select id from Accounts where id > 1 {clause.format(rows)}")
    assert price == (1 if rows <= 200 else 2 if rows <= 1000 else 3)


def test_a_query_without_a_limit_asks_for_200_rows() -> None:
    assert coql_credits("select Credit_Limit from Accounts where id is not null") == 1


def test_the_price_of_a_read_and_what_counts_twice() -> None:
    assert (read_credits(), read_credits({"cvid": 1})) == (1, 3)
    assert heavy_write("/Accounts", 11)
    assert not heavy_write("/Accounts", 10)
    assert heavy_read("/Accounts/search")
    assert heavy_read("/Accounts", {"cvid": 1})
    assert not heavy_read("/Accounts", {"fields": "id"})


def test_calls_and_credits_are_counted_as_zoho_counts_them(zoho: ZohoEmulator, tmp_path: Path) -> None:
    client = client_of(settings_of(zoho, tmp_path))
    _ = client.org
    client.get("/settings/fields", {"module": "Accounts"})
    for number in (1, 10, 11, 100):
        client.write("POST", "/Accounts", accounts(number), records=number)
    for limit in (200, 1000, 2000):
        client.coql(QUERY.format(limit))
    ids = [row["id"] for row in client.coql(QUERY.format(100)).rows]
    client.write("DELETE", "/Accounts", None, records=100, params={"ids": ",".join(ids)})
    usage, counted = client.usage(), zoho.control.counters()
    assert usage.cost == counted["cost"] == zoho.control.credits()["used"]
    assert usage.calls == counted["requests"] - 1  # the question for a token is none of the API's
    assert usage.writes == 5
    assert usage.budget_left is None


# -- the budget ------------------------------------------------------------------------------------------------


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 25, 22, 30, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.moment


def sharing(
    zoho: ZohoEmulator, folder: Path, *, budget: int | None = None, reserve: int = 0, **options: t.Any
) -> ZohoClient:
    client = client_of(settings_of(zoho, folder), **options)
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", "zoho:1")
    client.share_limits(AccountLimits(ledger.database, ledger.destination, budget, reserve))
    return client


def write_accounts(client: ZohoClient, *, calls: int) -> None:
    for _ in range(calls):
        client.write("POST", "/Accounts", accounts(100), records=100)


def test_the_budget_counts_any_24_hours_over_all_processes(zoho: ZohoEmulator, tmp_path: Path) -> None:
    now = Time()
    zoho.control.set_clock(now=now.moment.isoformat())
    first, second = (sharing(zoho, tmp_path, budget=60, now=now, sleep=time.sleep) for _ in range(2))
    for client in (first, second):
        write_accounts(client, calls=2)
    with pytest.raises(BudgetExhaustedError, match=r"of the 60 a day \(daily_budget\) are used"):
        write_accounts(second, calls=3)
    first.close()
    second.close()
    assert zoho.control.credits()["used"] <= 60
    now.moment += timedelta(hours=2)  # another day, but not 24 hours later
    zoho.control.set_clock(now=now.moment.isoformat())
    third = sharing(zoho, tmp_path, budget=60, now=now, sleep=time.sleep)
    with pytest.raises(BudgetExhaustedError):
        write_accounts(third, calls=3)
    third.close()
    assert zoho.control.credits()["used"] <= 60
    now.moment += timedelta(hours=25)
    zoho.control.set_clock(now=now.moment.isoformat())
    fourth = sharing(zoho, tmp_path, budget=60, now=now, sleep=time.sleep)
    assert fourth.write("POST", "/Accounts", accounts(100), records=100).status == 201
    fourth.close()


def test_what_zoho_says_is_left_is_kept_to_and_the_reserve_with_it(zoho: ZohoEmulator, tmp_path: Path) -> None:
    zoho.control.switch(credits=40)
    client = sharing(zoho, tmp_path, reserve=15, sleep=time.sleep)
    client.write("POST", "/Accounts", accounts(100), records=100)
    assert client.usage().budget_left is None  # not told below a half
    client.write("POST", "/Accounts", accounts(100), records=100)
    assert client.usage().budget_left == 20
    with pytest.raises(BudgetExhaustedError, match="20 of the daily budget are left, 15 of it are kept for others"):
        client.write("POST", "/Accounts", accounts(100), records=100)
    client.close()
    assert zoho.control.credits()["used"] == 20


# -- 429 -------------------------------------------------------------------------------------------------------


class Waiting:
    """A monotonic clock that only waits move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.now += seconds


def test_too_many_at_a_time_is_waited_for_and_the_call_done_once(zoho: ZohoEmulator, tmp_path: Path) -> None:
    clock = Waiting()
    client = client_of(settings_of(zoho, tmp_path), clock=clock, sleep=clock.wait)
    zoho.control.fault("status", path="/Accounts", status=429, times=4, body={"code": "TOO_MANY_REQUESTS"})
    assert client.write("POST", "/Accounts", accounts(1)).status == 201
    assert all(0 < seconds <= 30 for seconds in clock.waits)
    assert 4 <= clock.now < 60
    assert client.usage().cost == 1  # what was turned away cost nothing
    assert len(zoho.control.records("Accounts")) == 1


def test_after_five_minutes_of_429_the_credits_are_taken_to_be_used_up(zoho: ZohoEmulator, tmp_path: Path) -> None:
    clock = Waiting()
    client = client_of(settings_of(zoho, tmp_path), clock=clock, sleep=clock.wait)
    zoho.control.fault("status", path="/crm/v8", status=429, times=None, body={"code": "TOO_MANY_REQUESTS"})
    with pytest.raises(BudgetExhaustedError, match=r"for 5 min \(429\).*credits.*most likely used up"):
        client.get("/org")
    assert 300 <= clock.now <= 340
    asked = zoho.control.counters()["requests"]
    assert asked < 50
    with pytest.raises(BudgetExhaustedError):
        client.get("/org")
    assert zoho.control.counters()["requests"] == asked  # nothing more is sent in this run


def test_no_credits_left_ends_at_once_when_zoho_says_so(zoho: ZohoEmulator, tmp_path: Path) -> None:
    zoho.control.switch(credits=10)
    clock = Waiting()
    client = client_of(settings_of(zoho, tmp_path), clock=clock, sleep=clock.wait)
    client.write("POST", "/Accounts", accounts(100), records=100)
    with pytest.raises(BudgetExhaustedError, match="0 of the daily budget are left"):
        client.get("/org")
    fresh = client_of(settings_of(zoho, tmp_path), clock=clock, sleep=clock.wait)
    with pytest.raises(BudgetExhaustedError, match="used up"):
        fresh.get("/org")
    assert clock.now < 1


# -- calls at the same time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", ["free", "standard", "enterprise"])
def test_no_edition_ever_has_too_many_calls_under_way(zoho: ZohoEmulator, tmp_path: Path, edition: str) -> None:
    zoho.control.switch(edition=edition, latency_ms=30)
    client = client_of(settings_of(zoho, tmp_path), sleep=time.sleep)
    assert client.org["license_details"]["paid_type"] == edition
    assert client.concurrency_limit == EDITIONS[edition]
    with ThreadPoolExecutor(16) as pool:
        writes = [pool.submit(client.write, "POST", "/Accounts", accounts(11), records=11) for _ in range(30)]
        queries = [pool.submit(client.coql, QUERY.format(10)) for _ in range(20)]
        reads = [pool.submit(client.get, "/org") for _ in range(20)]
        for done in (*writes, *queries, *reads):
            done.result()
    assert "429" not in zoho.control.counters()["by_status"]


def test_processes_on_one_ledger_share_what_the_org_allows(zoho: ZohoEmulator, tmp_path: Path) -> None:
    zoho.control.switch(edition="standard", latency_ms=30)
    clients = [client_of(settings_of(zoho, tmp_path), sleep=time.sleep) for _ in range(3)]
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", "zoho:1")
    for client in clients:
        _ = client.org
        client.share_limits(AccountLimits(ledger.database, ledger.destination))
    with ThreadPoolExecutor(18) as pool:
        calls = [
            pool.submit(client.write, "POST", "/Accounts", accounts(11), records=11)
            for _ in range(15)
            for client in clients
        ]
        for done in calls:
            done.result()
    for client in clients:
        client.close()
    assert "429" not in zoho.control.counters()["by_status"]


def test_an_edition_zoho_does_not_tell_is_taken_for_the_smallest() -> None:
    pacing = Pacing()
    for license_details in ({}, {"paid_type": "Something New"}, {"paid_type": None}):
        pacing.know(license_details)
        assert pacing.limit == FIRST_LIMIT
    pacing.know({"paid_type": "Zoho One"})
    assert pacing.limit == EDITIONS["zohoone"]
