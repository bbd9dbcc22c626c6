"""Service protection limits, faults, counters and what tests steer (fact sheet section 13)."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import trustme
from service_emulators.client import DYNAMICS_KINDS, ControlRefused
from service_emulators.clock import EmulatorClock
from service_emulators.dynamics.errors import ApiError
from service_emulators.dynamics.limits import Protection
from service_emulators.dynamics.rows import Write
from service_emulators.dynamics.switches import DynamicsSwitches
from service_emulators.dynamics.testing import start_dynamics
from service_emulators.traffic import Tally


def refusal(crm, **headers):
    answer = crm.call("GET", "WhoAmI", **headers)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"], int(answer.headers["Retry-After"])


def test_requests_of_five_minutes(crm):
    crm.control.set_clock(now="2026-11-20T09:30:00")
    crm.control.switch(requests=3)
    for _ in range(3):
        assert crm.call("GET", "WhoAmI").status_code == 200
    status, code, message, wait = refusal(crm)
    assert (status, code) == (429, "0x80072322")
    assert message == "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    assert wait == 300
    crm.control.set_clock(now="2026-11-20T09:34:59")
    assert refusal(crm)[0] == 429
    crm.control.set_clock(now="2026-11-20T09:41:00")
    assert crm.call("GET", "WhoAmI").status_code == 200


def test_who_keeps_calling_waits_longer(crm):
    crm.control.set_clock(now="2026-11-20T09:30:00")
    crm.control.switch(requests=2, max_retry_after=1000)
    for second in (0, 1):
        crm.control.set_clock(now=f"2026-11-20T09:30:0{second}")
        crm.call("GET", "WhoAmI")
    waits = [refusal(crm)[3] for _ in range(3)]
    assert waits == sorted(set(waits))
    crm.control.set_clock(now="2026-11-20T09:35:05")  # the window is empty, the time told is not over
    assert refusal(crm)[1] == "0x80072322"


def test_execution_time_of_five_minutes(crm):
    crm.control.set_clock(now="2026-11-20T09:30:00")
    crm.control.switch(execution_ms=1000, record_ms=600)
    crm.add("accounts", name="a")
    crm.add("accounts", name="b")
    status, code, message, wait = refusal(crm)
    assert (status, code) == (429, "0x80072321")
    assert message.startswith("Combined execution time of incoming requests exceeded limit of 1,000 milliseconds")
    assert wait > 0
    assert crm.control.limits()["now"]["execution_ms"] >= 1200


def test_skipping_custom_logic_saves_its_time(crm):
    crm.control.switch(execution_ms=1000, record_ms=600)
    for _ in range(4):
        answer = crm.call("POST", "accounts", {"name": "a"}, **{"MSCRM.BypassCustomPluginExecution": "true"})
        assert answer.status_code == 204


def test_requests_at_the_same_time(crm):
    crm.control.switch(concurrency=2, latency_ms=300)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: crm.call("GET", "WhoAmI"), range(5)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 1 <= len(refused) <= 3
    assert refused[0].json()["error"] == {
        "code": "0x80072326",
        "message": "Number of concurrent requests exceeded the limit of 2.",
    }
    assert int(refused[0].headers["Retry-After"]) > 0
    assert crm.control.limits()["most"]["concurrency"] == 2
    assert crm.control.limits()["refused"]["concurrency"] == len(refused)


def test_answers_say_what_is_left(crm):
    crm.control.switch(requests=10)
    first, second = crm.call("GET", "WhoAmI"), crm.call("GET", "accounts(00000000-0000-0000-0000-000000000009)")
    name = "x-ms-ratelimit-burst-remaining-xrm-requests"
    assert (first.headers[name], second.headers[name]) == ("9", "8")
    assert first.headers["x-ms-ratelimit-time-remaining-xrm-requests"].startswith("1,")
    assert first.headers["x-ms-service-request-id"] != second.headers["x-ms-service-request-id"]


def test_the_greatest_use_is_remembered_and_can_be_forgotten(crm):
    for _ in range(3):
        crm.call("GET", "WhoAmI")
    crm.control.forgive()
    crm.call("GET", "WhoAmI")
    found = crm.control.limits()
    assert (found["most"]["requests"], found["now"]["requests"]) == (3, 1)
    assert found["limits"] == {"requests": 6000, "execution_ms": 1_200_000, "concurrency": 52}
    crm.control.reset_limits()
    assert crm.control.limits()["most"]["requests"] == 0


def test_limits_can_be_lifted():
    clock = EmulatorClock()
    protection = Protection(DynamicsSwitches(requests=0, execution_ms=0, concurrency=0), clock)
    for _ in range(7000):
        protection.leave(protection.enter(), 1000)
    assert protection.headers() == ()
    assert protection.seen()["most"]["requests"] == 7000


def test_concurrency_lets_the_next_in_as_soon_as_one_has_gone():
    protection = Protection(DynamicsSwitches(concurrency=1), EmulatorClock())
    entry = protection.enter()
    waits = []
    for _ in range(2):
        with pytest.raises(ApiError) as refused:
            protection.enter()
        waits.append(int(dict(refused.value.headers)["Retry-After"]))
    assert waits[1] > waits[0]
    protection.leave(entry, 1)
    protection.leave(protection.enter(), 1)


def test_tokens_take_no_part_in_the_limits(crm):
    crm.control.switch(requests=1)
    crm.call("GET", "WhoAmI")
    url = f"{crm.emulator.url}/{crm.emulator.entra.tenant_id}/v2.0/.well-known/openid-configuration"
    assert requests.get(url, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("limit", "code"), [("requests", "0x80072322"), ("execution_ms", "0x80072321"), ("concurrency", "0x80072326")]
)
def test_each_refusal_on_demand(crm, limit, code):
    crm.control.throttle(limit, path="/accounts", retry_after=7, times=1)
    assert crm.call("GET", "WhoAmI").status_code == 200
    answer = crm.call("POST", "accounts", {"name": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, code)
    assert answer.headers["Retry-After"] == "7"
    assert crm.call("POST", "accounts", {"name": "x"}).status_code == 204


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_before_and_after_the_effect(crm, when):
    number = crm.number()
    crm.control.fault("reset", method="PATCH", when=when)
    with pytest.raises(requests.ConnectionError):
        crm.call("PATCH", f"accounts(jde_number='{number}')", {"name": "x"})
    there = crm.call("GET", f"accounts(jde_number='{number}')").status_code
    assert there == (200 if when == "after" else 404)


def test_an_unavailable_service_after_the_effect(crm):
    number = crm.number()
    crm.control.fault("status", status=503, when="after", path="accounts", headers={"Retry-After": "1"})
    answer = crm.call("PATCH", f"accounts(jde_number='{number}')", {"name": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert crm.call("GET", f"accounts(jde_number='{number}')").status_code == 200


def test_signing_off_in_the_middle(crm):
    crm.control.fault("sign_off", path="accounts")
    assert crm.call("POST", "accounts", {"name": "x"}).status_code == 401


def test_random_faults_have_kinds_of_their_own(crm):
    crm.control.random_faults(100, kinds=DYNAMICS_KINDS[-3:])
    codes = {crm.call("GET", "WhoAmI").json().get("error", {}).get("code") for _ in range(60)} - {None}
    assert codes == {"0x80072322", "0x80072321", "0x80072326"}


def test_counters(crm):
    row_id = crm.add("accounts", name="a")
    crm.refused("POST", "accounts", {"name": "x" * 161})
    crm.ok("DELETE", f"accounts({row_id})")
    found = crm.control.counters()
    assert (found["requests"], found["writes"], found["rejected"], found["cost"]) == (3, 2, 1, 3)
    assert found["by_endpoint"] == {"POST /accounts": 2, "DELETE /accounts/()": 1}
    assert [one["status"] for one in crm.control.requests(3)] == [204, 400, 204]


def test_secrets_are_masked_in_the_log(crm):
    url = f"{crm.emulator.url}/{crm.emulator.entra.tenant_id}/oauth2/v2.0/token"
    requests.post(url, {"client_secret": "hidden", "client_assertion": "hidden-too"}, timeout=10)
    assert "hidden" not in str(crm.control.requests(1))


def test_rows_as_people_change_them(crm):
    row = crm.control.add_record("accounts", {"name": "a"})
    person = crm.emulator.parts.environment.user_id
    assert row["_createdby_value"] == person
    row_id = row["accountid"]
    assert crm.control.patch_record("accounts", row_id, {"telephone1": "1"})["versionnumber"] > row["versionnumber"]
    assert crm.control.records("accounts")[-1]["telephone1"] == "1"
    crm.control.delete_record("accounts", row_id)
    for call in (
        lambda: crm.control.delete_record("accounts", row_id),
        lambda: crm.control.records("nothing"),
        lambda: crm.control.add_record("accounts", {"name": "x" * 161}),
        lambda: crm.control.switch(requests="many"),
    ):
        with pytest.raises(ControlRefused):
            call()
    assert crm.control.counters()["requests"] == 0


def test_messages_can_be_taken_from_tables(crm):
    def listed(table):
        found = crm.emulator.records("sdkmessagefilters")
        return sum(row["primaryobjecttypecode"] == table for row in found)

    assert listed("account") == listed("contact") == 5
    crm.control.switch(multiple_messages=["contact"])
    assert (listed("account"), listed("contact")) == (3, 5)
    environment, tables = crm.emulator.parts.environment, crm.emulator.parts.catalog.tables()
    assert not environment.has_message(tables["account"], "UpsertMultiple")
    assert environment.has_message(tables["contact"], "UpsertMultiple")
    crm.control.switch(multiple_messages=None)
    assert listed("account") == 5


def test_data_stays_in_a_file(tmp_path):
    path = tmp_path / "dynamics.sqlite3"
    with start_dynamics(path=path, seed=3, demo_columns=True, own_records=2) as emulator:
        row = emulator.control.add_record("accounts", {"name": "a", "jde_number": "1"})
        counts = emulator.counts()
        emulator.control.switch(key_index_ms=0)
    assert counts == {"accounts": 3, "contacts": 2}
    with start_dynamics(path=path, seed=3, demo_columns=True, own_records=2) as emulator:
        assert emulator.counts() == counts
        with pytest.raises(ControlRefused, match="Entity Key"):
            emulator.control.add_record("accounts", {"name": "b", "jde_number": "1"})
        again = emulator.control.add_record("accounts", {"name": "b"})
        assert again["versionnumber"] > row["versionnumber"]


def test_the_seed_decides_credentials_and_ids():
    with contextlib.ExitStack() as stack:
        first, same, other = (stack.enter_context(start_dynamics(seed=seed)) for seed in (1, 1, 2))
        assert first.entra.client_secret == same.entra.client_secret != other.entra.client_secret
        assert first.parts.environment.organization_id == same.parts.environment.organization_id
        assert first.describe()["tenant_id"] != other.describe()["tenant_id"]


def test_ten_thousand_rows_take_seconds(crm):
    parts = crm.emulator.parts
    table, write = parts.finder.table("accounts"), Write(parts.user, Tally())
    started = time.process_time()
    with parts.store.lock, contextlib.suppress(ZeroDivisionError), parts.store.savepoint():
        for number in range(1000):
            body = {"name": f"n{number}", "jde_number": f"many-{number}", "creditlimit": number, "address1_city": "B"}
            parts.rows.create(table, body, write)
        raise ZeroDivisionError  # drops them again
    assert time.process_time() - started < 2
    assert parts.store.query("SELECT count(*) AS n FROM account WHERE jde_number LIKE 'many-%'") == [{"n": 0}]


def test_https(tmp_path):
    authority, file = trustme.CA(), tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with start_dynamics(tls=(file, file)) as emulator:
        headers = {"Authorization": f"Bearer {emulator.token()}"}
        url = f"{emulator.url}/api/data/v9.2/WhoAmI"
        answer = requests.get(url, headers=headers, verify=str(tmp_path / "ca.pem"), timeout=10)
        assert answer.json()["@odata.context"].startswith("https://127.0.0.1:")
        assert emulator.control.counters()["requests"] == 1
