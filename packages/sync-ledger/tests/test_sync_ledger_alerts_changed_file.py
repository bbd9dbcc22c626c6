"""An alert file that is changed between runs: nothing is told twice by that, and nothing is lost."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from alert_trials import DESK, FILE, HOUR, RULE

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from alert_trials import Trial

OTHER = {"alert": "Other", "stream": "others", "identity": ["id"], "when": "v > 0"}
NEXT_DAY = timedelta(hours=24)


def invoice(days: int) -> list[tuple[str, str]]:
    return [(DESK, f"Invoice 1: {days} days")]


@pytest.mark.parametrize("kind", ["state", "event"])
def test_steps_that_are_put_in_or_taken_out_are_compared_by_what_they_are(
    trial: Callable[..., Trial], kind: str
) -> None:
    def rule(*steps: int) -> dict[str, t.Any]:
        made = {**RULE, "kind": kind, "steps": steps}
        if kind == "event":
            made.pop("resolve_when")
        return made

    it = trial()
    it.change(rules=[rule(30, 60, 90)])
    assert it.run(65) == invoice(65)
    it.change(rules=[rule(10, 30, 60, 90)])
    assert it.run(66) == []  # 60 was told already
    it.change(rules=[rule(90)])
    assert it.run(67) == []
    assert it.run(91) == invoice(91)
    it.change(rules=[rule(30)])  # fewer steps than it has crossed
    assert it.run(92) == []


def test_a_step_that_is_new_to_the_file_is_noted_where_the_first_run_is_a_baseline(
    trial: Callable[..., Trial],
) -> None:
    it = trial(initial=None)
    it.run(0)
    assert it.run(65) == invoice(65)
    it.change(rules=[{**RULE, "steps": [30, 60, 62, 90]}])
    assert it.run(66) == []
    assert it.run(67) == []
    it.it.wait(HOUR)
    assert it.run(91) == invoice(91)
    it.it.wait(HOUR)
    assert it.run(91, 0) == [(DESK, "[RESOLVED] Invoice 1: 91 days")]


def test_what_fires_by_a_rule_that_is_no_more_is_not_told_again(trial: Callable[..., Trial]) -> None:
    it = trial()
    assert it.run(65) == invoice(65)
    it.change(rules=[OTHER])
    assert it.tick(NEXT_DAY) == []


def test_a_receiver_by_another_name_is_told_of_what_still_fires_when_it_is_time_to_say_so_again(
    trial: Callable[..., Trial],
) -> None:
    it = trial()
    assert it.run(65) == invoice(65)
    route = {**FILE["route"], "receiver": "office"}
    it.change(route=route, receivers=[{"name": "office", "sms": {"to": ["+14155550111"]}}])
    it.it.tick()
    assert it.told() == []
    assert it.tick(NEXT_DAY) == [("+14155550111", "Invoice 1: 65 days")]
    assert it.tick(NEXT_DAY) == [("+14155550111", "Still firing:\nInvoice 1: 65 days")]
    assert it.run(65, 0) == []  # the group waits
    assert it.tick(HOUR) == [("+14155550111", "[RESOLVED] Invoice 1: 65 days")]


@pytest.mark.parametrize("repeats", [True, False])
def test_a_receiver_knows_what_it_was_told_by_a_route_that_is_written_otherwise_now(
    trial: Callable[..., Trial], *, repeats: bool
) -> None:
    def route(matcher: str) -> dict[str, t.Any]:
        return {**FILE["route"], "routes": [{"matchers": [matcher], "receiver": "desk"}]}

    it = trial()
    it.change(route=route('alert="Overdue"'))
    assert it.run(65) == invoice(65)
    it.change(route=route('alert=~"Over.*"'))
    if repeats:
        assert it.tick(NEXT_DAY) == [(DESK, "Still firing:\nInvoice 1: 65 days")]
        it.it.wait(HOUR)
    assert it.run(65, 0) == [(DESK, "[RESOLVED] Invoice 1: 65 days")]


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (["new@example.com"], ["new@example.com"]),
        (["old@example.com", "new@example.com"], ["old@example.com"]),
        (["both@example.com"], ["both@example.com"]),
    ],
)
def test_a_digest_goes_to_those_the_file_names_when_it_is_sent(
    trial: Callable[..., Trial], then: list[str], told: list[str]
) -> None:
    def receivers(*to: str) -> list[dict[str, t.Any]]:
        return [{"name": "desk", "email": {"to": to}, "digest": {"at": "12:00"}}]

    it = trial()
    it.change(receivers=receivers("old@example.com", *(one for one in then if one.startswith("both"))))
    assert it.run(35) == []
    it.change(receivers=receivers(*then))
    assert [to for to, _ in it.tick(HOUR)] == told


CHIEF = "+14155550111"
OF_STATES = {"resolve_when", "steps", "steps_of"}
EVENT = {**{name: one for name, one in RULE.items() if name not in OF_STATES}, "kind": "event"}


def test_who_was_told_of_an_event_is_not_told_again_when_the_route_of_somebody_else_changes(
    trial: Callable[..., Trial],
) -> None:
    def route(matcher: str) -> dict[str, t.Any]:
        first = {"matchers": ['alert="Overdue"'], "receiver": "desk", "group_interval": "1m", "continue": True}
        second = {"matchers": [matcher], "receiver": "chief", "group_wait": "5h"}
        return {**FILE["route"], "routes": [first, second]}

    receivers = [*FILE["receivers"], {"name": "chief", "sms": {"to": [CHIEF]}}]
    it = trial()
    it.change(rules=[EVENT], route=route('alert="Overdue"'), receivers=receivers)
    assert it.run(7) == [(DESK, "Invoice 1: 7 days")]
    it.it.wait(HOUR)
    assert it.run(7, invoices=[2]) == [(DESK, "Invoice 2: 7 days")]
    it.change(rules=[EVENT], route=route('alert=~"Over.*"'), receivers=receivers)
    assert it.tick(HOUR) == []
    assert it.tick(5 * HOUR) == [(CHIEF, "2 alerts:\nInvoice 1: 7 days\nInvoice 2: 7 days")]


def test_what_waits_for_a_digest_is_told_by_one_when_the_route_of_somebody_else_changes(
    trial: Callable[..., Trial],
) -> None:
    def route(matcher: str) -> dict[str, t.Any]:
        first = {"matchers": ['alert="Overdue"'], "receiver": "desk", "group_interval": "5h", "continue": True}
        return {**FILE["route"], "routes": [first, {"matchers": [matcher], "receiver": "chief", "group_wait": "9h"}]}

    desk = {**FILE["receivers"][0], "digest": {"at": "12:00"}}
    it = trial()
    receivers = [desk, {"name": "chief", "sms": {"to": [CHIEF]}}]
    it.change(rules=[EVENT], route=route('alert="Overdue"'), receivers=receivers)
    assert it.run(7) == []
    it.change(rules=[EVENT], route=route('alert=~"Over.*"'), receivers=receivers)
    assert it.tick(timedelta(0)) == []
    assert it.tick(2 * HOUR) == [(DESK, "Digest (1):\nInvoice 1: 7 days")]
    assert it.tick(6 * HOUR) == [(CHIEF, "Invoice 1: 7 days")]
    assert it.tick(NEXT_DAY) == []


def test_who_was_told_by_escalation_alone_is_told_by_a_route_that_is_new_to_them(trial: Callable[..., Trial]) -> None:
    def route(matcher: str, *more: dict[str, t.Any]) -> dict[str, t.Any]:
        first = {"matchers": ['alert="Overdue"'], "receiver": "desk", "continue": True}
        late = {"matchers": [matcher], "receiver": "late", "group_wait": "9h"}
        return {**FILE["route"], "routes": [first, *more, late]}

    desk = {**FILE["receivers"][0], "escalation": [{"after": "1h", "receiver": "chief"}]}
    others = [{"name": "chief", "sms": {"to": [CHIEF]}}, {"name": "late", "sms": {"to": ["+14155550122"]}}]
    it = trial()
    it.change(rules=[EVENT], route=route('alert="Overdue"'), receivers=[desk, *others])
    assert it.run(7) == [(DESK, "Invoice 1: 7 days")]
    assert [to for to, _ in it.tick(2 * HOUR)] == [CHIEF]
    to_chief = {"matchers": ['alert="Overdue"'], "receiver": "chief", "continue": True}
    it.change(rules=[EVENT], route=route('alert=~"Over.*"', to_chief), receivers=[desk, *others])
    assert (CHIEF, "Invoice 1: 7 days") in [*it.tick(HOUR), *it.tick(HOUR)]


@pytest.mark.parametrize("rule", [EVENT, RULE])
def test_what_waits_for_the_digest_of_a_receiver_that_is_no_more_goes_to_those_who_are_told_now(
    trial: Callable[..., Trial], rule: dict[str, t.Any]
) -> None:
    def told_by(name: str) -> dict[str, t.Any]:
        receiver = {"name": name, "sms": {"to": [DESK]}, "digest": {"at": "12:00"}}
        return {"rules": [rule], "route": {"receiver": name, "repeat_interval": "never"}, "receivers": [receiver]}

    it = trial()
    it.change(**told_by("desk"))
    assert it.run(35) == []
    it.change(**told_by("office"))
    assert it.tick(2 * HOUR) == []
    assert it.tick(HOUR) == []
    assert it.tick(NEXT_DAY) == [(DESK, "Digest (1):\nInvoice 1: 35 days")]
    assert it.tick(NEXT_DAY) == []
