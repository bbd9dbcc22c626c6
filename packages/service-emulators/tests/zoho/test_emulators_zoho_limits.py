"""Credits, concurrency, faults, and what the control interface tells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests
from service_emulators.client import KINDS, ZOHO_KINDS, ControlRefused
from service_emulators.zoho.testing import start_zoho

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Org


def rows(count: int, start: int = 0) -> dict[str, object]:
    return {"data": [{"Account_Name": f"A{number}"} for number in range(start, start + count)]}


def test_ten_records_cost_a_credit(fresh_org: Org) -> None:
    org = fresh_org
    for count, cost in ((1, 1), (10, 1), (11, 2), (100, 10)):
        org.control.reset_counters()
        org.call("POST", "/Accounts", rows(count))
        assert org.control.counters()["cost"] == cost
    org.control.reset_counters()
    org.ok("GET", "/Accounts", fields="id")
    org.ok("GET", "/settings/modules")
    assert org.control.counters()["cost"] == 2
    assert org.control.credits() == {"limit": 60_000, "used": 16}


def test_credits_are_those_of_the_last_24_hours() -> None:
    with start_zoho(credits=10, access_token_seconds=10**6) as emulator:
        call = {"headers": {"Authorization": f"Zoho-oauthtoken {emulator.access_token}"}, "timeout": 10}
        url = f"{emulator.url}/crm/v8/org"
        emulator.control.set_clock(offset_seconds=0)
        remaining = [requests.get(url, **call).headers.get("X-API-CREDITS-REMAINING") for _ in range(10)]
        assert remaining == [None] * 4 + ["5", "4", "3", "2", "1", "0"]
        refused = requests.get(url, **call)
        assert refused.status_code == 429
        assert refused.json() == {
            "code": "TOO_MANY_REQUESTS",
            "details": {},
            "message": "too many requests. please try again after some time",
            "status": "error",
        }
        assert "Retry-After" not in refused.headers
        emulator.control.set_clock(offset_seconds=23 * 3600)
        assert requests.get(url, **call).status_code == 429
        emulator.control.set_clock(offset_seconds=24 * 3600 + 60)
        assert requests.get(url, **call).status_code == 200
        assert emulator.control.counters()["cost"] == 11


def statuses(org: Org, count: int, method: str, path: str, body: object = None) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(lambda _: org.call(method, path, body).status_code, range(count)))


def test_only_so_many_calls_run_at_a_time(org: Org) -> None:
    org.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=40))
    org.control.switch(concurrency=None, edition="free", latency_ms=700)
    assert statuses(org, 8, "GET", "/org") == [200] * 5 + [429] * 3
    org.control.switch(edition="ultimate", sub_concurrency=10)
    assert statuses(org, 14, "POST", "/Accounts/upsert", rows(11)) == [200] * 10 + [429] * 4
    assert statuses(org, 14, "GET", "/org") == [200] * 14


def test_a_batch_fails_in_part_on_request(org: Org) -> None:
    org.control.fault("partial", path="/upsert$", every=3)
    response = org.call("POST", "/Accounts/upsert", rows(7))
    assert response.status_code == 207
    codes = [entry["code"] for entry in response.json()["data"]]
    assert codes == ["DEPENDENT_SERVICE_ERROR" if place % 3 == 0 else "SUCCESS" for place in range(7)]
    assert org.control.counters()["writes"] == 4
    org.control.fault("partial", body={"code": "RECORD_LOCKED", "message": "locked", "details": {"api_name": "id"}})
    assert org.call("POST", "/Accounts", rows(1)).json()["data"][0]["code"] == "RECORD_LOCKED"


def test_an_answer_is_lost_after_the_effect(org: Org) -> None:
    before = org.ok("GET", "/Accounts/actions/count")["count"]
    org.control.fault("reset", path="/Accounts$", when="after")
    with pytest.raises(requests.ConnectionError):
        org.call("POST", "/Accounts", rows(3))
    org.control.fault("truncate", path="/Accounts$")
    with pytest.raises(requests.RequestException):
        org.call("POST", "/Accounts", rows(3))
    org.control.fault("status", path="/Accounts$", status=500, when="before")
    assert org.call("POST", "/Accounts", rows(3)).status_code == 500
    assert org.ok("GET", "/Accounts/actions/count")["count"] == before + 6


def test_soak_faults_of_all_kinds_can_be_drawn(org: Org) -> None:
    org.control.random_faults(100, seed=7, path="/upsert$", kinds=("in part",))
    assert org.call("POST", "/Accounts/upsert", rows(2)).status_code == 207
    org.control.clear_faults()
    org.control.random_faults(100, seed=7, path="/upsert$", kinds=("too many requests",))
    refused = org.call("POST", "/Accounts/upsert", rows(2))
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert "Retry-After" not in refused.headers
    org.control.clear_faults()
    org.control.random_faults(100, path="/upsert$", kinds=ZOHO_KINDS)
    assert len(org.control.faults()) == len(ZOHO_KINDS) == len(KINDS) + 2


def test_strangers_are_not_told_the_credits(org: Org) -> None:
    org.ok("GET", "/org")  # uses the one credit
    org.control.switch(credits=1)
    url = f"{org.emulator.url}/crm/v8/org"
    refused = requests.get(url, headers={"Authorization": "Zoho-oauthtoken none"}, timeout=10)
    assert refused.status_code == 401
    assert "X-API-CREDITS-REMAINING" not in refused.headers
    org.call("GET", "/org")  # takes the last one, unless tests before it have
    over = org.call("GET", "/org")
    assert (over.status_code, over.headers["X-API-CREDITS-REMAINING"]) == (429, "0")


def test_control_requests_that_make_no_sense_are_refused(org: Org) -> None:
    for method, path, body in (
        ("GET", "/records/Nothing", None),
        ("POST", "/records/Accounts", {"Phone": "1"}),
        ("DELETE", "/records/Accounts/1", None),
        ("POST", "/records/Accounts/1/restore", None),
        ("POST", "/modules", {"api_name": "Accounts"}),
        ("POST", "/modules", {"api_name": "no name"}),
        ("POST", "/faults", {"kind": "partial", "every": 0}),
        ("POST", "/switches", {"edition": "none"}),
    ):
        with pytest.raises(ControlRefused):
            org.control.call(method, path, body)


def test_tokens_die_on_request(fresh_org: Org) -> None:
    fresh_org.control.fault("sign_off", path="/upsert$")
    response = fresh_org.call("POST", "/Accounts/upsert", rows(1))
    assert (response.status_code, response.json()["code"]) == (401, "INVALID_TOKEN")
    assert fresh_org.control.counters()["writes"] == 0


def test_counters_go_by_endpoint_and_secrets_are_masked(org: Org) -> None:
    org.call("POST", "/Accounts/upsert", rows(2))
    org.add("Vendors", Vendor_Name="V")
    accounts = org.emulator.accounts
    params = {"grant_type": "refresh_token", "refresh_token": accounts.refresh_token, "client_id": accounts.client_id}
    params["client_secret"] = accounts.client_secret
    requests.post(f"{org.emulator.url}/oauth/v2/token", params=params, timeout=10)
    requests.post(f"{org.emulator.url}/oauth/v2/token", data=params, timeout=10)
    counters = org.control.counters()
    assert counters["by_endpoint"] == {
        "POST /crm/v8/Accounts/upsert": 1,
        "POST /crm/v8/Vendors": 1,
        "POST /oauth/v2/token": 2,
    }
    assert (counters["requests"], counters["writes"], counters["cost"]) == (4, 3, 2)
    log = str(org.control.requests())
    assert accounts.refresh_token not in log
    assert accounts.client_secret not in log


def test_users_change_records_without_credits(org: Org) -> None:
    made = org.control.add_record("Accounts", {"Account_Name": "By hand"})
    changed = org.control.patch_record("Accounts", made["id"], {"Phone": "1"})
    assert (changed["Phone"], changed["Modified_By"]["name"]) == ("1", "Sam Sales")
    org.control.delete_record("Accounts", made["id"])
    assert made["id"] not in [row["id"] for row in org.control.records("Accounts")]
    assert org.control.counters()["cost"] == 0


def test_a_failed_call_leaves_nothing_behind(org: Org) -> None:
    before = org.ok("GET", "/Accounts/actions/count")["count"]
    existing = org.add("Accounts", Account_Name="Existing")
    header = {"If-Unmodified-Since": "2020-01-01T00:00:00Z"}
    body = {"data": [{"Account_Name": "New"}, {"Account_Name": "Existing"}]}
    assert org.call("POST", "/Accounts/upsert", body, header).status_code == 412
    assert org.ok("GET", "/Accounts/actions/count")["count"] == before + 1
    assert org.row("Accounts", existing)["Phone"] is None


def test_data_outlives_the_emulator_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "org.sqlite3"
    with start_zoho(path=file, demo_fields=True, own_records=5) as emulator:
        made = emulator.control.add_record("Accounts", {"Account_Name": "Kept", "JDE_Number": "7"})
        counts = emulator.counts()
    assert counts["Accounts"] == 6
    assert counts["Contacts"] == counts["Vendors"] == 5
    with start_zoho(path=file, demo_fields=True, own_records=5) as emulator:
        assert emulator.counts() == counts
        kept = next(row for row in emulator.records("Accounts") if row["Account_Name"] == "Kept")
        assert (kept["id"], kept["JDE_Number"]) == (made["id"], "7")
        new = emulator.control.add_record("Accounts", {"Account_Name": "New"})
        assert int(new["id"]) > int(made["id"])
