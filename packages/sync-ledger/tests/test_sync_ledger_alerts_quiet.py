"""What is quiet stays quiet on every way: also what a budget or a digest has put off."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.compiling import compile_files
from sync_ledger.alerts.rehearsal import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUYER = "+14155550100"
EVENING = datetime(2026, 3, 2, 21, 30, tzinfo=timezone.utc)
MINUTES = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ORDER: dict[str, t.Any] = {
    "alert": "Order",
    "stream": "orders",
    "identity": ["number"],
    "when": "open",
    "annotations": {"summary": "Order {{ number }}"},
}
STATE = {**ORDER, "kind": "state"}
DIGEST = {"name": "buyers", "sms": {"to": [BUYER]}, "digest": {"at": "08:00"}}


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Rehearsal]]:
    made: list[Rehearsal] = []

    def one(**file: t.Any) -> Rehearsal:
        whole = {"location": "UTC", "rules": [ORDER], "route": {"receiver": "buyers"}, "receivers": [DIGEST], **file}
        path = tmp_path / "alerts.yml"
        path.write_text(json.dumps(whole))
        made.append(Rehearsal(compile_files(str(path)), EVENING, initial="send"))
        return made[-1]

    yield one
    for rehearsal in made:
        rehearsal.close()


def orders(it: Rehearsal, *numbers: int, is_open: bool = True) -> None:
    it.run({"orders": [{"number": number, "open": is_open} for number in numbers]})


def tick(it: Rehearsal, after: timedelta) -> list[str]:
    it.wait(after)
    it.tick()
    return [one.text for one in it.sent()]


def silence(it: Rehearsal, length: timedelta) -> None:
    it.engine().silence(['alert="Order"'], it.now + length, now=it.now, by="test")


def test_a_storm_that_a_budget_puts_off_does_not_come_in_quiet_hours(rehearse: Callable[..., Rehearsal]) -> None:
    child = {"matchers": ['alert="Order"'], "group_interval": "1m", "mute_time_intervals": ["night"]}
    budget = {"per_recipient": "1/1h", "on_exceed": "digest"}
    it = rehearse(
        rules=[{**ORDER, "storm_limit": 1}],
        route={"receiver": "buyers", "routes": [child]},
        time_intervals=[{"name": "night", "times": ["22:00-06:00"]}],
        receivers=[{"name": "buyers", "sms": {"to": [BUYER]}, "budget": budget}],
    )
    orders(it, 1)
    it.wait(10 * MINUTES)
    orders(it, 2, 3, 4)
    assert [one.text for one in it.sent()] == ["Order 1"]
    assert tick(it, HOUR) == []
    assert tick(it, 8 * HOUR) != []


def test_an_event_silenced_while_it_waits_for_a_digest_is_never_told(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse()
    orders(it, 1)
    silence(it, 24 * HOUR)
    assert tick(it, 12 * HOUR) == []
    assert tick(it, 48 * HOUR) == []
    assert "silenced" in {one.decision.code.value for one in it.decisions()}


def test_a_state_that_is_silenced_while_it_waits_for_a_digest_comes_with_the_first_one_after_the_silence(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse(rules=[STATE], route={"receiver": "buyers", "repeat_interval": "never"})
    orders(it, 1)
    silence(it, 24 * HOUR)
    assert tick(it, 12 * HOUR) == []
    assert tick(it, 14 * HOUR) == []  # the silence is over, and it is no time for a digest
    assert tick(it, 12 * HOUR) == ["Digest (1):\nOrder 1"]
    assert tick(it, 24 * HOUR) == []


@pytest.mark.parametrize("length", [6, 24])
def test_what_was_over_while_it_was_silenced_is_not_told_by_a_digest(
    rehearse: Callable[..., Rehearsal], length: int
) -> None:
    it = rehearse(rules=[STATE])
    orders(it, 1)
    silence(it, length * HOUR)
    it.wait(HOUR)
    orders(it, 1, is_open=False)
    assert tick(it, 12 * HOUR) == []
    assert tick(it, 48 * HOUR) == []


def test_what_a_budget_puts_off_is_silenced_too(rehearse: Callable[..., Rehearsal]) -> None:
    budget = {"per_recipient": "1/1h", "on_exceed": "digest"}
    it = rehearse(
        rules=[STATE],
        route={"receiver": "buyers", "repeat_interval": "never"},
        receivers=[{"name": "buyers", "sms": {"to": [BUYER]}, "budget": budget}],
    )
    orders(it, 1)
    it.wait(10 * MINUTES)
    orders(it, 2)
    assert [one.text for one in it.sent()] == ["Order 1"]
    silence(it, 4 * HOUR)
    assert tick(it, 2 * HOUR) == []
    assert tick(it, 3 * HOUR) == ["Digest (1):\nOrder 2"]
