"""Being turned away: fewer requests at the same time, and single parts of a batch."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from service_calls import BusyError, LostAnswerError, NotSentError
from sync_ledger.errors import BudgetExhaustedError
from target_dynamics import batches
from target_dynamics.answers import CROWDED, refusal, retry_after
from target_dynamics.batches import BatchAnswer, BatchRequest
from target_dynamics.pacing import CONCURRENCY, GROW_AFTER, Pacing
from target_dynamics.patience import PATIENCE_SECONDS, GivenUpError, Patience
from target_dynamics_login import client_of, settings_of

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service_emulators.dynamics.emulator import DynamicsEmulator


class Clock:
    """A clock that waits move on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_a_crowded_service_gets_half_as_many_requests_and_slowly_more_again() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    assert pacing.at_once == CONCURRENCY
    with pacing.slot(), pacing.slot(), pacing.slot():
        pacing.crowded()  # the fourth was refused
    assert pacing.at_once == 2
    for _ in range(GROW_AFTER):
        pacing.answered()
    assert pacing.at_once == 3
    for _ in range(5):
        pacing.crowded()
    assert pacing.at_once == 1
    for _ in range(GROW_AFTER * CONCURRENCY):
        pacing.answered()
    assert pacing.at_once == CONCURRENCY


def test_no_more_requests_than_are_left_after_a_refusal_run_at_the_same_time() -> None:
    pacing = Pacing()
    with pacing.slot():
        pacing.crowded()
    lock, running, most = threading.Lock(), 0, 0

    def one(_: int) -> None:
        nonlocal running, most
        with pacing.slot():
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(8)))
    assert most == 1


def test_threads_of_one_client_learn_how_many_the_service_takes(dynamics: DynamicsEmulator, tmp_path: Path) -> None:
    dynamics.control.switch(concurrency=2, latency_ms=50, max_retry_after=1)
    client = client_of(settings_of(dynamics, tmp_path), sleep=lambda seconds: threading.Event().wait(seconds))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: client.write("POST", "/accounts", {"name": f"A {number}"}), range(18)))
    assert {one.status for one in found} == {204}
    assert sorted(one["name"] for one in dynamics.records("accounts")) == sorted(f"A {n}" for n in range(18))
    assert dynamics.control.limits()["most"]["concurrency"] <= 2
    assert dynamics.control.limits()["refused"]["concurrency"] <= 12


def test_patience_has_an_end_and_keeps_to_what_the_service_says() -> None:
    clock = Clock()
    patience = Patience(clock)
    assert 22 <= patience.wait(BusyError("429", 22)) <= 23
    assert [int(patience.wait(BusyError("429"))) for _ in range(2)] == [4, 8]
    with pytest.raises(GivenUpError, match="told to wait for 1440 min: 429"):
        patience.wait(BusyError("429", 86_400))
    clock.seconds = PATIENCE_SECONDS
    with pytest.raises(GivenUpError, match="turned away for 20 min: 429"):
        patience.wait(BusyError("429"))


def answer(status: int, seconds: str = "7") -> BatchAnswer:
    if status < 400:
        return BatchAnswer(status)
    body = {"error": {"code": CROWDED if status == 429 else "0x80044331", "message": "no"}}
    return BatchAnswer(status, body, {"Retry-After": seconds}, refusal(status, body))


ITEMS = [BatchRequest("POST", f"/accounts({number})", {}) for number in range(4)]


def test_parts_that_were_turned_away_are_sent_again_in_their_places() -> None:
    sent: list[list[str]] = []
    waits: list[tuple[str, float | None]] = []
    statuses = iter([[204, 429, 400, 429], [429, 204], [204]])

    def exchange(items: Sequence[BatchRequest]) -> list[BatchAnswer]:
        sent.append([item.path for item in items])
        return [answer(status) for status in next(statuses)]

    def hold_back(error: t.Any) -> bool:
        waits.append((error.code, error.seconds))
        return True

    found = batches.send(ITEMS, exchange, hold_back)
    assert [one.status for one in found] == [204, 204, 400, 204]
    assert sent == [[item.path for item in ITEMS], ["/accounts(1)", "/accounts(3)"], ["/accounts(1)"]]
    assert waits == [(CROWDED, 7.0)] * 2


def test_parts_that_are_turned_away_for_too_long_say_so() -> None:
    found = batches.send(ITEMS[:2], lambda items: [answer(204), answer(429)], lambda _: False)
    assert [one.status for one in found] == [204, 429]
    assert batches.send([], lambda items: [], lambda _: True) == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [(NotSentError("refused"), 429), (BudgetExhaustedError("used"), 429), (LostAnswerError("reset", "broken"), 500)],
)
def test_parts_that_were_answered_stay_so_when_sending_the_others_again_fails(fault: Exception, status: int) -> None:
    rounds = iter([[answer(204), answer(429), answer(400)], fault])

    def exchange(_: Sequence[BatchRequest]) -> list[BatchAnswer]:
        found = next(rounds)
        if isinstance(found, Exception):
            raise found
        return found

    found = batches.send(ITEMS[:3], exchange, lambda _: True)
    assert [one.status for one in found] == [204, status, 400]
    assert found[1].error is not None


def test_a_fault_of_the_first_sending_is_raised() -> None:
    def exchange(_: Sequence[BatchRequest]) -> list[BatchAnswer]:
        raise NotSentError("refused")

    with pytest.raises(NotSentError):
        batches.send(ITEMS, exchange, lambda _: True)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("22", 22.0), ("Thu, 01 Jan 2015 00:00:00 -0000", 0.0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0), ("soon", None)],
)
def test_the_time_to_wait_is_read_in_any_form(given: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": given}) == seconds
