from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import rate_leases
from sync_ledger.limits import BurstLimiter
from sync_ledger.limits.leases import LEASE_SECONDS, Lease
from sync_ledger.limits.shares import shares

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

WINDOW = 2.0
LIMIT = 20
LEASED = 18
"""Of a limit of 20; the other two are for processes that have no lease yet."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def database(tmp_path: t.Any) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.db")
    yield engine
    engine.dispose()


def lease(database: Engine, clock: Clock, account: str = "fake:acme") -> Lease:
    return Lease(database, account, "token", window_seconds=WINDOW, clock=clock)


def renew(one: Lease, held: int = 0, wanted: int | None = None, told: int | None = LIMIT) -> int:
    return one.renew(told=told, fallback=5, held=held, wanted=wanted).places


@given(st.integers(0, 500), st.dictionaries(st.text(max_size=3), st.integers(0, 200), min_size=1, max_size=8))
def test_shares_are_fair_and_leave_nothing_that_is_wanted(total: int, wants: dict[str, int]) -> None:
    parts = shares(total, wants)
    assert all(0 <= parts[name] <= wanted for name, wanted in wants.items())
    assert sum(parts.values()) == min(total, sum(wants.values()))
    unsatisfied = [parts[name] for name, wanted in wants.items() if parts[name] < wanted]
    assert all(part <= least + 1 for part in parts.values() for least in unsatisfied)


def test_one_process_has_the_whole_window_but_the_places_of_newcomers(database: Engine) -> None:
    assert renew(lease(database, Clock())) == LEASED


def test_a_second_process_gets_its_share_only_when_the_first_can_no_longer_use_it(database: Engine) -> None:
    clock = Clock()
    first, second = lease(database, clock), lease(database, clock)
    assert renew(first) == LEASED
    assert renew(second) == 0
    assert renew(first, held=LEASED) == LEASED // 2, "it may send no more than its share from now on"
    assert renew(second) == 0, "what the first has sent is still in the window"
    assert renew(first, held=12) == LEASED // 2
    assert renew(second) == LEASED - 12
    renew(first, held=9)
    assert renew(second, held=6) == LEASED // 2


def test_what_one_does_not_want_the_other_gets(database: Engine) -> None:
    clock = Clock()
    first, second = lease(database, clock), lease(database, clock)
    assert renew(first, wanted=4) == 4
    assert renew(second) == LEASED - 4


def test_a_process_that_died_frees_its_places_by_time(database: Engine) -> None:
    clock = Clock()
    renew(lease(database, clock))
    second = lease(database, clock)
    clock.now += LEASE_SECONDS + WINDOW / 2
    assert renew(second) == 0, "it may have sent until its lease ended, and the service counts that for a window"
    clock.now += WINDOW / 2
    assert renew(second) == LEASED
    with database.connect() as connection:
        assert len(connection.execute(select(rate_leases)).all()) == 1


def test_a_lease_given_back_counts_for_one_more_window(database: Engine) -> None:
    clock = Clock()
    first, second = lease(database, clock), lease(database, clock)
    renew(first)
    first.release(5)
    assert renew(second) == LEASED - 5
    clock.now += WINDOW
    assert renew(second) == LEASED


def test_both_databases_keep_leases(ledger_url: str) -> None:
    """PostgreSQL tells the time itself: its clients may be on several machines."""
    engine = open_engine(ledger_url)
    first, second = (Lease(engine, "fake:acme", "token", window_seconds=WINDOW) for _ in range(2))
    assert renew(first, wanted=10) == 10
    assert renew(second) == LEASED - 10
    assert renew(first, held=10) == LEASED // 2
    first.release(0)
    assert renew(second) == LEASED
    engine.dispose()


def test_accounts_do_not_share(database: Engine) -> None:
    clock = Clock()
    renew(lease(database, clock))
    assert renew(lease(database, clock, "fake:other")) == LEASED


def test_a_process_that_was_told_no_limit_goes_by_what_another_was_told(database: Engine) -> None:
    clock = Clock()
    renew(lease(database, clock), wanted=1, told=120)
    assert lease(database, clock).renew(told=None, fallback=20, held=0, wanted=None).limit == 120


class Server:
    """Counts requests the way the service does."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def busiest(self) -> int:
        return max(sum(start <= other < start + WINDOW for other in self.times) for start in self.times)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.4), st.floats(0, 0.4)), min_size=20, max_size=80),
)
def test_processes_together_never_exceed_the_limit(steps: list[tuple[int, float, float]]) -> None:
    """Whoever asks when, and however long requests take; a process that gets no place does something else."""
    engine = create_engine("sqlite://")
    rate_leases.create(engine)
    clock, server = Clock(), Server()

    class Later(Exception):  # noqa: N818 - not an error
        pass

    def no_place(seconds: float) -> None:
        clock.now += min(seconds, 0.1)
        raise Later

    limiters = [BurstLimiter(LIMIT, window_seconds=WINDOW, clock=clock, sleep=no_place) for _ in range(3)]
    for one in limiters:
        one.share(lease(engine, clock))
    for number, there, back in steps:
        for _ in range(10):
            try:
                with limiters[number].slot():
                    clock.now += there / 10
                    server.times.append(clock.now)
                    clock.now += back / 10
            except Later:
                break
    engine.dispose()
    assert server.times
    assert server.busiest() <= LEASED


def test_a_lease_is_renewed_by_time_and_not_by_request(database: Engine) -> None:
    clock = Clock()
    renewals: list[float] = []

    class Counted(Lease):
        def renew(self, **asked: t.Any) -> t.Any:
            renewals.append(clock.now)
            return super().renew(**asked)

    limiter = BurstLimiter(1000, window_seconds=WINDOW, clock=clock, sleep=clock.sleep)
    limiter.share(Counted(database, "fake:acme", "token", window_seconds=WINDOW, clock=clock))
    for _ in range(400):
        with limiter.slot():
            clock.now += 0.005
    assert len(renewals) == pytest.approx(4, abs=1)


def test_a_limiter_whose_lease_ran_out_asks_again_before_it_sends(database: Engine) -> None:
    clock = Clock()
    idle = BurstLimiter(LIMIT, window_seconds=WINDOW, clock=clock, sleep=clock.sleep)
    idle.share(lease(database, clock))
    with idle.slot():
        pass
    clock.now += LEASE_SECONDS + WINDOW
    other = lease(database, clock)
    assert renew(other) == LEASED
    other.release(3)
    begun = clock.now
    for _ in range(LEASED - 3):
        with idle.slot():
            assert clock.now == begun
    with idle.slot():
        assert clock.now >= begun + WINDOW, "the other's last three requests are in the window until then"


def test_requests_of_processes_with_a_lease_are_no_strangers(database: Engine) -> None:
    clock = Clock()
    limiter = BurstLimiter(LIMIT, window_seconds=WINDOW, clock=clock, sleep=clock.sleep)
    other = lease(database, clock)
    renew(other, wanted=9)
    limiter.share(lease(database, clock))
    begun = clock.now
    for number in range(9):
        with limiter.slot() as slot:
            limiter.learn(slot, LIMIT, LIMIT - 9 - number - 1, 2.0)
    assert clock.now == begun
