"""Rows that change while they are read, servers that are old, clocks that pass midnight, and faults at random."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import pytest
import requests
from service_emulators.client import KINDS, ControlRefused
from service_emulators.jde.testing import start_jde

NOW = datetime(2026, 11, 20, 9, 30, 5)
PEOPLE = [{"AN8": number, "ALPH": f"Person {number}"} for number in range(1, 31)]


def read_all(caller, condition, size="10"):
    """Walk the address book by key, as clients do."""
    rows, last = [], 0
    while True:
        query = {"condition": [condition("AN8", "GREATER", str(last))]}
        page = caller.browse("F0101", ("AN8", "ALPH"), query, ("AN8",), size)
        rows += page.rows
        if not page.more:
            return rows
        last = page.rows[-1]["AN8"]


def test_a_callback_sees_each_data_request_and_may_change_rows(caller, condition):
    seen = []

    def on_request(info):
        seen.append((info.number, info.service, info.target))
        if info.number == 2:
            jde.control.insert_rows("F0101", [{"AN8": 99, "ALPH": "Late"}])
            jde.control.delete_rows("F0101", {"AN8": 30})

    with start_jde(now=NOW, on_request=on_request) as jde:
        jde.control.insert_rows("F0101", PEOPLE)
        reader = type(caller)(jde)
        reader.log_in()
        assert [row["AN8"] for row in read_all(reader, condition)] == [*range(1, 30), 99]
        body = reader.body("F0101", (), dataServiceType="COUNT")
        assert reader.post("/dataservice", body).json() == {"ds_F0101": {"count": 30}}
        page = reader.browse("F0101", ("AN8",), size="20", enableNextPageProcessing=True)
        assert len(reader.follow(page.href).json()["fs_DATABROWSE_F0101"]["data"]["gridData"]["rowset"]) == 10
    services = ["BROWSE", "BROWSE", "BROWSE", "COUNT", "BROWSE", "NEXT"]
    assert seen == [(number, service, "F0101") for number, service in enumerate(services, start=1)]


def test_something_is_done_once_after_so_many_requests(fresh, condition):
    jde = fresh.jde
    jde.control.insert_rows("F0101", PEOPLE)
    calls = []
    jde.after_requests(2, lambda: calls.append(jde.store.delete("F0101", {"AN8": [1, 25]})), target="F0101")
    fresh.browse("F0111")
    assert [row["AN8"] for row in read_all(fresh, condition)] == [*range(1, 25), *range(26, 31)]
    assert calls == [2]
    with pytest.raises(ValueError, match="counts from 1"):
        jde.after_requests(0, calls.clear)


def test_changes_can_be_put_off_by_another_process(fresh, condition):
    control = fresh.jde.control
    control.insert_rows("F0101", PEOPLE)
    control.schedule(1, "update", "F0101", where={"AN8": [5, 15]}, set={"ALPH": "Changed"})
    control.schedule(1, "insert", "F0101", rows=[{"AN8": 31}], stamp=False)
    control.schedule(2, "delete", "F0101", where={"AN8": 16}, of="F0101")
    control.schedule(2, "delete", "F0101", where={"NOPE": 16})
    control.schedule(3, "expire_sessions")
    assert {one["done"] for one in control.scheduled()} == {None}
    rows = read_all(fresh, condition, size="12")
    # The first answer shows the row as it was; the change of the second page's row is seen.
    assert [row["AN8"] for row in rows if row["ALPH"] == "Changed"] == [15]
    assert [row["AN8"] for row in rows] == list(range(1, 32))
    assert control.rows("F0101", {"AN8": 31})[0]["UPMJ"] is None
    assert control.rows("F0101", {"AN8": 16}) == []
    done = control.scheduled()
    assert [one["done"] for one in done] == [2, 1, 1, None, 1]
    assert "NOPE" in done[3]["error"]
    assert fresh.refused("F0101")[0] == 444


@pytest.mark.parametrize("wrong", [(0, "delete", "F0101"), (1, "delete", "F9999"), (1, "drop", "F0101")])
def test_what_can_not_be_put_off_is_refused_at_once(empty, wrong):
    with pytest.raises(ControlRefused):
        empty.control.schedule(*wrong)


def test_a_slow_hook_holds_up_no_other_request(caller):
    blocked, go_on = threading.Event(), threading.Event()

    def on_request(_info):
        blocked.set()
        go_on.wait(20)

    with start_jde(now=NOW, on_request=on_request) as jde:
        reader = type(caller)(jde)
        reader.log_in()
        thread = threading.Thread(target=reader.browse, args=("F0101",))
        thread.start()
        assert blocked.wait(20)
        assert jde.control.counters()["requests"] == 1
        go_on.set()
        thread.join()


def test_an_old_release_knows_the_first_version_alone(caller, switches):
    switches(v1_only=True)
    base = f"{caller.jde.url}/jderest"
    for path in ("/v2/defaultconfig", "/v2/tokenrequest", "/v2/dataservice/table/F0101", "/v3/orchestrator/X"):
        answer = requests.get(base + path, timeout=20)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, "text/html")
    capabilities = requests.get(f"{base}/defaultconfig", timeout=20).json()["capabilityList"]
    assert "nextPage" not in {one["name"] for one in capabilities}
    body = {"username": caller.jde.username, "password": caller.jde.password, "deviceName": "old"}
    token = requests.post(f"{base}/tokenrequest", json=body, timeout=20).json()["userInfo"]["token"]
    asked = caller.body("F0101", ("AN8",), order=("AN8",), size="2", token=token, deviceName="old")
    answer = requests.post(f"{base}/dataservice", json={**asked, "enableNextPageProcessing": True}, timeout=20).json()
    assert answer["fs_DATABROWSE_F0101"]["data"]["gridData"]["rowset"] == [{"F0101_AN8": 1001}, {"F0101_AN8": 1002}]
    assert answer["links"] == []


def test_a_running_clock_passes_midnight(empty):
    empty.control.set_clock(now="2026-11-20T23:59:59.200", running=True)
    deadline = time.monotonic() + 20
    while empty.emulator.local_now() < datetime(2026, 11, 21):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    empty.control.insert_rows("F0101", [{"AN8": 1}])
    assert empty.control.rows("F0101")[0]["UPMJ"] == "2026-11-21"
    empty.control.set_clock(now="2026-11-20T23:59:59")
    empty.control.set_clock(offset_seconds=2)
    assert empty.emulator.local_now() == datetime(2026, 11, 21, 0, 0, 1)


def test_a_walk_survives_faults_at_random(fresh, condition):
    """Every kind of fault hits, and who asks again until a page is whole still reads every row once."""
    control = fresh.jde.control
    control.insert_rows("F0101", [{"AN8": number} for number in range(1, 1001)])
    control.random_faults(40, seed=5, path="/dataservice$")
    rows, last = [], 0
    while True:
        try:
            query = {"condition": [condition("AN8", "GREATER", str(last))]}
            answer = fresh.post("/dataservice", fresh.body("F0101", ("AN8",), query, ("AN8",), "4"), timeout=20)
            if answer.status_code == 444:
                fresh.log_in()
            grid = answer.json()["fs_DATABROWSE_F0101"]["data"]["gridData"]
        except (requests.RequestException, KeyError):
            continue
        rows += [row["F0101_AN8"] for row in grid["rowset"]]
        if not grid["summary"]["moreRecords"]:
            break
        last = rows[-1]
    assert rows == list(range(1, 1001))
    hits = [one["hits"] for one in control.faults()]
    assert len(hits) == len(KINDS)
    assert all(hits)
