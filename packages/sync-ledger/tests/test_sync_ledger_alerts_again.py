"""What is said again, and what is over: no more messages than people can live with, and none put off for good."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from alert_trials import DESK, FILE, HOUR, RULE

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from alert_trials import Trial

CHIEF = "+14155550101"
APART = {**FILE["route"], "group_by": ["alert", "invoice"]}
LABELLED = {**RULE, "labels": {"invoice": "{{ invoice }}"}}


def test_news_do_not_put_off_when_the_rest_of_a_group_is_said_again(trial: Callable[..., Trial]) -> None:
    it = trial()
    assert it.run(35) == [(DESK, "Invoice 1: 35 days")]
    it.it.wait(12 * HOUR)
    assert it.run(35, invoices=[2]) == [(DESK, "Invoice 2: 35 days")]
    it.it.wait(12 * HOUR)
    told = it.run(35, invoices=[3])
    assert told == [(DESK, "Invoice 3: 35 days"), (DESK, "Still firing (2):\nInvoice 1: 35 days\nInvoice 2: 35 days")]


def test_what_was_one_summary_is_one_message_when_it_is_said_again_goes_on_and_is_over(
    trial: Callable[..., Trial],
) -> None:
    it = trial(rules=[LABELLED], route=APART, storm_limit=3)
    four = range(4)
    assert len(it.run(35, invoices=four)) == 1
    (again,) = it.tick(timedelta(hours=24))
    assert again[1].startswith("Still firing (4):\n")
    (once_more,) = it.tick(timedelta(hours=24))
    assert once_more == again
    it.it.wait(HOUR)
    (step,) = it.run(61, invoices=four)
    assert step[1].startswith("4 alerts:\nInvoice ")
    it.it.wait(HOUR)
    (over,) = it.run(61, 0, invoices=four)
    assert over[1].startswith("4 alerts:\n[RESOLVED] ")


def test_as_many_groups_as_the_limit_are_told_one_by_one(trial: Callable[..., Trial]) -> None:
    it = trial(rules=[LABELLED], route=APART, storm_limit=3)
    assert len(it.run(35, invoices=range(3))) == 3
    assert len(it.tick(timedelta(hours=24))) == 3
    it.it.wait(HOUR)
    assert len(it.run(35, 0, invoices=range(3))) == 3


def test_who_was_told_is_told_the_end_though_a_step_has_led_to_others(trial: Callable[..., Trial]) -> None:
    rule = {**RULE, "labels": {"severity": "{{ 'critical' if days > 60 else 'warning' }}"}}
    route = {**FILE["route"], "routes": [{"matchers": ['severity="critical"'], "receiver": "chief"}]}
    it = trial(rules=[rule], route=route, receivers=[*FILE["receivers"], {"name": "chief", "sms": {"to": [CHIEF]}}])
    assert it.run(35) == [(DESK, "Invoice 1: 35 days")]
    it.it.wait(HOUR)
    assert it.run(65) == [(CHIEF, "Invoice 1: 65 days")]
    assert it.tick(timedelta(hours=25)) == [(CHIEF, "Still firing:\nInvoice 1: 65 days")]
    it.it.wait(HOUR)
    assert sorted(it.run(66, 0)) == [(DESK, "[RESOLVED] Invoice 1: 66 days"), (CHIEF, "[RESOLVED] Invoice 1: 66 days")]


def test_what_was_over_in_between_is_passed_on_in_its_own_time(trial: Callable[..., Trial]) -> None:
    receivers = [
        {**FILE["receivers"][0], "escalation": [{"receiver": "chief", "after": "2h"}]},
        {"name": "chief", "sms": {"to": [CHIEF]}},
    ]
    it = trial(receivers=receivers)
    assert len(it.run(35)) == 1
    it.it.wait(HOUR / 2)
    assert it.run(35, 0) == [(DESK, "[RESOLVED] Invoice 1: 35 days")]
    it.it.wait(HOUR)
    assert len(it.run(35)) == 1
    assert it.tick(HOUR) == []  # two hours and a half after the first time, one after the second
    assert it.tick(HOUR) == [(CHIEF, "Nobody has acted:\nInvoice 1: 35 days")]
    assert it.tick(HOUR) == []
