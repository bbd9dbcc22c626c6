from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st
from sync_ledger.limits import BurstLimiter

WINDOW_SECONDS = 2.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def limiter_with_clock(limit: int = 20) -> tuple[BurstLimiter, Clock]:
    clock = Clock()
    return BurstLimiter(limit, clock=clock, sleep=clock.sleep), clock


def busiest_window(times: list[float]) -> int:
    return max(sum(1 for other in times if start <= other < start + WINDOW_SECONDS) for start in times)


@settings(max_examples=50)
@given(st.integers(1, 30), st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=120))
def test_the_server_never_counts_more_than_its_limit(limit: int, delays: list[tuple[float, float]]) -> None:
    """Whatever time a request takes to the server and its answer back."""
    limiter, clock = limiter_with_clock(limit)
    counted = []
    for there, back in delays:
        with limiter.slot():
            clock.now += there
            counted.append(clock.now)
            clock.now += back
    assert busiest_window(counted) <= limit


def test_a_full_window_waits_until_the_oldest_request_left_it() -> None:
    limiter, clock = limiter_with_clock(2)
    for _ in range(2):
        with limiter.slot():
            pass
    with limiter.slot():
        assert clock.now == 100.0 + WINDOW_SECONDS


def test_the_limit_is_learned_from_the_answers() -> None:
    limiter, clock = limiter_with_clock(20)
    for number in range(120):
        with limiter.slot() as slot:
            limiter.learn(slot, 120, 119 - number, 1.0)
    assert limiter.limit == 120
    assert clock.now == 100.0


def test_requests_of_other_programs_on_the_token_take_their_share() -> None:
    limiter, clock = limiter_with_clock(10)
    with limiter.slot() as slot:
        limiter.learn(slot, 10, 1, 1.5)
    with limiter.slot():
        assert clock.now == 100.0
    with limiter.slot():
        assert clock.now == 101.5


def test_own_requests_under_way_are_not_taken_for_strangers() -> None:
    limiter, clock = limiter_with_clock(10)
    with limiter.slot() as first, limiter.slot() as second:
        limiter.learn(second, 10, 8, 2.0)
        limiter.learn(first, 10, 8, 2.0)
    for _ in range(8):
        with limiter.slot():
            assert clock.now == 100.0


def test_a_pause_holds_everyone_back() -> None:
    limiter, clock = limiter_with_clock()
    limiter.pause(1.25)
    with limiter.slot():
        assert clock.now == 101.25


def test_an_answer_without_headers_changes_nothing() -> None:
    limiter, _ = limiter_with_clock(20)
    with limiter.slot() as slot:
        limiter.learn(slot, None, None, None)
    assert limiter.limit == 20


def test_threads_never_hold_more_places_than_the_limit() -> None:
    limiter = BurstLimiter(3, sleep=lambda _seconds: None)
    held = [0]
    most = [0]
    lock = threading.Lock()

    def work() -> None:
        with limiter.slot():
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert most[0] <= 3
