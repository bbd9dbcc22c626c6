from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.checkpoints import Checkpoints


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_state_waits_for_every_sink_that_held_rows_when_it_came() -> None:
    points = Checkpoints(3, Clock())
    points.came({"n": 1}, ["a", "b"])
    points.settled("a")
    assert points.due() is None
    points.came({"n": 2}, ["b"])
    points.settled("b")
    assert points.due() == {"n": 2}
    assert points.due() is None


def test_a_sink_that_gets_new_rows_does_not_hold_back_an_older_state() -> None:
    points = Checkpoints(3, Clock())
    points.came({"n": 1}, ["a"])
    points.settled("a")
    points.came({"n": 2}, ["a"])
    assert points.due() == {"n": 1}


def test_states_go_out_a_second_apart_and_one_that_waits_too_long_is_overdue() -> None:
    clock = Clock()
    points = Checkpoints(3, clock)
    points.came({"n": 1}, [])
    assert points.due() == {"n": 1}
    points.passed()
    points.came({"n": 2}, [])
    assert points.due() is None
    clock.seconds = 1
    assert points.due() == {"n": 2}
    points.came({"n": 3}, ["a"])
    assert not points.overdue()
    clock.seconds = 4
    assert points.overdue()
    points.all_passed()
    assert not points.overdue()


def test_no_older_state_follows_a_newer_one() -> None:
    clock = Clock()
    points = Checkpoints(3, clock)
    points.passed()
    points.came({"n": 1}, [])
    points.passed()  # everything was drained and {"n": 2} went out
    clock.seconds = 9
    assert points.due() is None


events = st.lists(
    st.one_of(
        st.tuples(st.just("row"), st.sampled_from("abc")),
        st.tuples(st.just("state"), st.none()),
        st.tuples(st.just("drain"), st.sampled_from("abc")),
    ),
    max_size=60,
)


@given(events)
def test_no_state_passes_a_row_that_is_not_settled(steps: list[tuple[str, str | None]]) -> None:
    clock = Clock()
    points = Checkpoints(0, clock)
    buffered: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    rows = 0
    for step, sink in steps:
        if step == "row":
            rows += 1
            buffered[sink or ""].append(rows)
        elif step == "state":
            points.came({"rows": rows}, [name for name, held in buffered.items() if held])
        else:
            buffered[sink or ""].clear()
            points.settled(sink)
        while (state := points.due()) is not None:
            oldest = min((row for held in buffered.values() for row in held), default=rows + 1)
            assert state["rows"] < oldest
