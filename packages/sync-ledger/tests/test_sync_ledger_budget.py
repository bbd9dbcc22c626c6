from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import budget_days
from sync_ledger.limits import AccountLimits, DailyBudget

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


class Day:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def database(ledger_url: str) -> Iterator[Engine]:
    engine = open_engine(ledger_url)
    yield engine
    engine.dispose()


def process(database: Engine, day: Day, budget: int | None = 1000, reserve: int = 0) -> DailyBudget:
    found = DailyBudget(day)
    found.share(AccountLimits(database, "fake:acme", budget, reserve).budget())
    return found


def spend_all(budget: DailyBudget, cost: int = 5) -> int:
    """Spend until nothing is left and return how much that was."""
    spent = 0
    while spent < 10_000:
        try:
            with budget.spend(cost):
                spent += cost
        except BudgetExhaustedError:
            break
    return spent


def used(database: Engine) -> dict[str, int]:
    with database.connect() as connection:
        return {row.day: row.used for row in connection.execute(select(budget_days))}


def test_a_day_is_shared_by_all_processes_and_runs(database: Engine) -> None:
    day = Day()
    first, second = process(database, day), process(database, day)
    with first.spend(5):
        pass
    assert spend_all(second) == 1000 - 20, "the first has put a part aside"
    first.close()
    third = process(database, day)
    assert spend_all(third) == 15, "what was not spent was given back"
    assert used(database) == {"2026-11-25": 1000}
    with pytest.raises(BudgetExhaustedError, match=r"1000 of the 1000 a day \(daily_budget\) are used"), third.spend(1):
        pass


def test_the_reserve_is_left_to_others(database: Engine) -> None:
    budget = process(database, Day(), reserve=300)
    assert spend_all(budget) == 700
    assert budget.left == 300
    with pytest.raises(BudgetExhaustedError, match="300 are kept for others"), budget.spend(1):
        pass


def test_what_is_too_dear_for_what_is_left_is_known_and_told(database: Engine) -> None:
    budget = process(database, Day(), budget=1000, reserve=300)
    assert budget.affords(700)
    assert not budget.affords(701)
    with budget.spend(210):
        pass
    assert budget.affords(490)
    assert not budget.affords(491)
    with (
        pytest.raises(BudgetExhaustedError, match=r"^210 of the 1000 .* and the next request takes 500$"),
        budget.spend(500),
    ):
        pass
    assert not budget.affords(1)
    assert DailyBudget(Day()).affords(10**9), "nobody knows of a limit"


def test_what_was_spent_before_the_account_was_known_counts(database: Engine) -> None:
    day = Day()
    budget = DailyBudget(day)
    with budget.spend(2):
        pass
    budget.share(AccountLimits(database, "fake:acme", 100, 0).budget())
    assert used(database) == {"2026-11-25": 2}
    assert spend_all(budget, 1) == 98


def test_a_new_day_has_its_own_budget(database: Engine) -> None:
    day = Day()
    budget = process(database, day, 100)
    with budget.spend(5):
        pass
    day.now += timedelta(hours=12)
    assert spend_all(budget) == 100
    assert used(database) == {"2026-11-25": 5, "2026-11-26": 100}


def test_what_was_not_sent_costs_nothing(database: Engine) -> None:
    budget = process(database, Day(), 10)
    with budget.spend(10) as spending:
        spending.sent = False
    assert budget.left == 10
    assert spend_all(budget) == 10


def test_without_a_budget_everything_is_counted_and_nothing_refused(database: Engine) -> None:
    budget = process(database, Day(), None)
    assert spend_all(budget, 50) == 10_000
    assert budget.left is None
    budget.close()
    assert used(database) == {"2026-11-25": 10_000}


def test_what_the_service_says_is_left_ends_the_spending_before_it_refuses(database: Engine) -> None:
    budget = process(database, Day(), None, reserve=20)
    with budget.spend(5) as spending:
        budget.learn(spending, 40)
    assert spend_all(budget) == 20
    assert budget.left == 20
    with (
        pytest.raises(BudgetExhaustedError, match="20 of the daily budget are left, 20 of it are kept"),
        budget.spend(5),
    ):
        pass


def test_a_process_that_was_refused_stops_the_others(database: Engine) -> None:
    day = Day()
    first, second = process(database, day, None), process(database, day, None)
    first.exhausted("used up")
    assert first.left == 0
    with pytest.raises(BudgetExhaustedError, match="another process"), second.spend(5):
        pass
    day.now += timedelta(minutes=1)
    assert spend_all(process(database, day, None)) == 10_000, (
        "a later run finds out for itself: it begins with one call"
    )


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.integers(0, 3)), max_size=60), st.integers(0, 100))
@example([(1, False, 0), (1, True, 0), (1, True, 1), (1, False, 1), (18, False, 0), (20, False, 0)], 41)
def test_what_is_thought_to_be_left_is_never_more_than_the_service_has(
    steps: list[tuple[int, bool, int]], begin: int
) -> None:
    """Answers overtake each other, some never come, some carry no header; the service counts what it gets."""
    budget = DailyBudget(Day())
    left = begin
    known = False
    open_calls: list[tuple[t.Any, t.Any, int | None]] = []
    for cost, told, position in steps:
        call = budget.spend(cost)
        try:
            spending = call.__enter__()
        except BudgetExhaustedError:
            continue
        if known:
            assert left >= cost, "the service would have refused it"
        if left < cost:
            call.__exit__(None, None, None)
            break  # before the first answer nobody knows; the refusal ends the spending
        left -= cost
        open_calls.append((call, spending, left if told else None))
        if len(open_calls) > position:
            done, of, said = open_calls.pop(position)
            if said is not None:
                budget.learn(of, said)
                known = known or not open_calls
            done.__exit__(None, None, None)
    for done, _, _ in open_calls:
        done.__exit__(None, None, None)


@given(
    st.lists(st.tuples(st.integers(0, 3 * 1440), st.integers(1, 30)), min_size=1, max_size=40),
    st.integers(30, 120),
)
def test_where_any_24_hours_count_none_of_them_goes_beyond_the_budget(
    spendings: list[tuple[int, int]], budget: int
) -> None:
    """Whatever is spent when, by processes that begin anew each time."""
    engine = open_engine("sqlite://")
    day = Day()
    sent: list[tuple[datetime, int]] = []
    try:
        for minutes, cost in sorted(spendings):
            day.now = NOON + timedelta(minutes=minutes)
            one = DailyBudget(day, rolling=True)
            one.share(AccountLimits(engine, "fake:acme", budget, 0).budget())
            try:
                with one.spend(cost):
                    sent.append((day.now, cost))
            except BudgetExhaustedError:
                old = day.now - timedelta(hours=25)
                assert sum(price for moment, price in sent if moment > old) + cost > budget, "refused without need"
            one.close()
        for end, _ in sent:
            begin = end - timedelta(hours=24)
            assert sum(price for moment, price in sent if begin < moment <= end) <= budget
    finally:
        engine.dispose()


def test_an_hour_that_ends_does_not_lose_what_was_put_aside(database: Engine) -> None:
    day = Day()
    budget = DailyBudget(day, rolling=True)
    budget.share(AccountLimits(database, "fake:acme", 1000, 0).budget())
    with budget.spend(5):
        pass
    day.now += timedelta(hours=1)
    with budget.spend(5):
        pass
    budget.close()
    assert used(database) == {"2026112512": 5, "2026112513": 5}
