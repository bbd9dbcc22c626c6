"""Faults, counters and the control interface over real connections, with a service of three lines behind them."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.client import Control, ControlRefused
from service_emulators.clock import EmulatorClock
from service_emulators.control import Switches, control_app
from service_emulators.faults import FaultPlan
from service_emulators.serving import serve
from service_emulators.traffic import Recorder, TrafficMiddleware, tally_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = b'{"success":true,"data":{"id":1,"name":"a name long enough to be cut in two"}}'


class Bell:
    """A service that counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.rung += 1
        tally = tally_of(scope)
        tally.cost = 5
        tally.writes = 1
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": ANSWER})


class SomeSwitches(Switches):
    lag: int = 3
    mode: str = "on"


class Stage:
    def __init__(self) -> None:
        self.bell = Bell()
        self.switches = SomeSwitches()
        recorder, faults = Recorder(), FaultPlan()
        control = control_app(recorder, faults, self.switches, EmulatorClock())
        self.served = serve(TrafficMiddleware(self.bell, control, recorder, faults))
        self.url = self.served.url
        self.control = Control(self.url)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.served.stop()


@pytest.fixture
def stage(shared: Stage) -> Stage:
    shared.control.clear_faults()
    shared.control.reset_counters()
    shared.bell.rung = 0
    return shared


def post(stage: Stage, path: str = "/things", **options: Any) -> requests.Response:
    return requests.post(stage.url + path, timeout=5, **options)


def test_counts_requests_effects_and_cost_but_not_control_calls(stage: Stage) -> None:
    assert post(stage).content == ANSWER
    assert post(stage, "/things/17").status_code == 200
    stage.control.fault("status", status=404)
    post(stage)
    assert stage.control.counters() == {
        "requests": 3,
        "writes": 2,
        "cost": 10,
        "rejected": 1,
        "by_endpoint": {"POST /things": 2, "POST /things/{id}": 1},
        "by_status": {"200": 2, "404": 1},
    }


def test_the_request_log_masks_secrets_and_parses_bodies(stage: Stage) -> None:
    post(stage, "/login?api_token=sesame&fields=a,b", json={"username": "U", "inner": {"password": "sesame"}})
    post(stage, "/raw", data="not json")
    first, second = stage.control.requests(limit=2)
    assert "sesame" not in str(first)
    assert first["query"] == "api_token=********&fields=a,b"
    assert first["body"] == {"username": "U", "inner": {"password": "********"}}
    assert second == {"method": "POST", "path": "/raw", "query": "", "body": "not json", "status": 200}
    assert stage.control.requests(limit=1) == [second]


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_status_before_and_after_the_effect(stage: Stage, when: str, effects: int) -> None:
    stage.control.fault("status", status=500, body={"error": "x"}, headers={"Retry-After": "2"}, when=when)
    response = post(stage)
    assert (response.status_code, response.json(), response.headers["Retry-After"]) == (500, {"error": "x"}, "2")
    assert stage.bell.rung == effects
    assert stage.control.counters()["writes"] == effects
    assert post(stage).status_code == 200


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_reset_closes_the_connection_without_an_answer(stage: Stage, when: str, effects: int) -> None:
    stage.control.fault("reset", when=when)
    with pytest.raises(requests.ConnectionError):
        post(stage)
    assert stage.bell.rung == effects
    assert stage.control.counters()["by_status"] == {"none": 1}
    assert post(stage).status_code == 200


def test_reset_is_a_tcp_reset_not_an_orderly_end(stage: Stage) -> None:
    stage.control.fault("reset")
    host, port = stage.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /things HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1000)


def test_truncate_sends_half_a_body_under_the_full_length(stage: Stage) -> None:
    stage.control.fault("truncate")
    host, port = stage.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /things HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while chunk := connection.recv(1000):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(ANSWER)}".encode() in head
    assert body == ANSWER[: len(ANSWER) // 2]
    assert stage.bell.rung == 1
    stage.control.fault("truncate")
    with pytest.raises(requests.RequestException):
        post(stage)


def test_slow_answers_late(stage: Stage) -> None:
    stage.control.fault("slow", delay_ms=60)
    started = time.monotonic()
    assert post(stage).content == ANSWER
    assert time.monotonic() - started >= 0.06


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_timeout_never_answers(stage: Stage, when: str, effects: int) -> None:
    stage.control.fault("timeout", when=when)
    with pytest.raises(requests.ReadTimeout):
        requests.post(stage.url + "/things", timeout=0.05)
    assert stage.bell.rung == effects


def test_skip_times_method_and_path_choose_the_requests(stage: Stage) -> None:
    stage.control.fault("status", status=503, method="post", path="^/things$", skip=1, times=2)
    statuses = [post(stage).status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    stage.control.fault("status", status=503, method="DELETE", times=None)
    assert post(stage).status_code == 200
    assert [fault["hits"] for fault in stage.control.faults()] == [2, 0]
    stage.control.clear_faults()
    assert stage.control.faults() == []


def test_probability_hits_a_share(stage: Stage) -> None:
    stage.control.fault("status", status=503, probability_percent=50, times=None)
    hit = sum(post(stage).status_code == 503 for _ in range(60))
    assert 15 < hit < 45


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "explode"},
        {"kind": "status", "pth": "x"},
        {"kind": "status", "path": "("},
        {"kind": "slow", "delay_ms": "1"},
    ],
)
def test_a_wrong_fault_is_refused_with_a_reason(stage: Stage, rule: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused, match="400"):
        stage.control.call("POST", "/faults", rule)


def test_switches_are_typed_and_changed_all_or_none(stage: Stage) -> None:
    assert stage.control.switch(lag=7)["lag"] == 7
    with pytest.raises(ControlRefused, match="400"):
        stage.control.switch(lag=9, mode=1)
    with pytest.raises(ControlRefused, match="400"):
        stage.control.switch(unknown=1)
    assert stage.control.switches() == {"lag": 7, "mode": "on"}


def test_the_clock_stops_shifts_and_runs_again(stage: Stage) -> None:
    assert stage.control.set_clock(now="2026-11-20T09:30:05").startswith("2026-11-20T09:30:05")
    assert stage.control.set_clock(offset_seconds=10).startswith("2026-11-20T09:30:15")
    assert not stage.control.set_clock().startswith("2026-11-20T09:30")


def test_stopping_does_not_wait_for_a_request_that_hangs() -> None:
    stage = Stage()
    stage.control.fault("timeout")
    failures: list[Exception] = []

    def hang() -> None:
        try:
            post(stage)
        except requests.RequestException as error:
            failures.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    while not stage.control.faults()[0]["hits"]:
        time.sleep(0.005)
    started = time.monotonic()
    stage.served.stop()
    thread.join()
    assert time.monotonic() - started < 3
    assert failures
    with pytest.raises(requests.ConnectionError):
        post(stage)


def test_a_taken_port_is_an_error(stage: Stage) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(stage.bell, port=stage.served.port)


def test_the_same_seed_hits_the_same_requests_whatever_else_is_in_force(stage: Stage) -> None:
    def hits(**other: Any) -> list[bool]:
        stage.control.clear_faults()
        stage.control.fault("status", path="/a", status=503, times=None, probability_percent=12.5, **other)
        if other:
            stage.control.fault("status", path="/b", times=None, probability_percent=50)
        found = []
        for _ in range(60):
            found.append(requests.get(stage.url + "/a", timeout=5).status_code == 503)
            requests.get(stage.url + "/b", timeout=5)
        return found

    assert hits() == hits(seed=1)
    assert 0 < sum(hits()) < 30
    assert hits(seed=2) != hits(seed=1)


def test_only_services_with_sessions_can_end_them(stage: Stage) -> None:
    with pytest.raises(ControlRefused, match="no sessions"):
        stage.control.fault("sign_off")
