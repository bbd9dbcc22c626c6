"""Odd values and texts: no run ends by them, and nothing to tell is lost."""

from __future__ import annotations

import random
import string
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.identity import key_of
from alert_trials import DESK, FILE, RULE
from sync_ledger.alerts.rehearsal import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from alert_trials import Trial

SIMPLE = {"alert": "Undated", "stream": "payables", "identity": ["invoice"]}
EVENT = {key: value for key, value in RULE.items() if key not in {"kind", "resolve_when"}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "NaN", "Infinity"])
def test_a_value_that_is_no_finite_number_holds_its_row_and_no_other(
    trial: Callable[..., Trial], value: float | str
) -> None:
    of = "days" if isinstance(value, float) else "number(days)"
    it = trial(rules=[{**EVENT, "when": "invoice > 0", "steps_of": of, "annotations": {}}]).it
    rows = [{"invoice": 1, "days": value, "open": 1}, {"invoice": 2, "days": 31, "open": 1}]
    assert [one.outcome.value for one in it.run({"payables": rows})] == ["held", "created"]
    assert [one.text for one in it.sent()] == ["Overdue 2"]


def test_a_text_of_a_receiver_that_cannot_be_made_is_told_in_the_words_by_default(trial: Callable[..., Trial]) -> None:
    receivers = [
        {**FILE["receivers"][0], "sms": {"to": [DESK], "text": "{{ first.labels.team }}: {{ first.summary }}"}}
    ]
    it = trial(receivers=receivers)
    assert it.run(65) == [(DESK, "Invoice 1: 65 days")]
    (why,) = [one.decision.text for one in it.it.decisions() if one.decision.code.value == "notified"]
    assert "in the words by default: the text `{{ first.labels.team }}" in why


def test_somebody_is_told_once_however_the_address_is_written(trial: Callable[..., Trial]) -> None:
    receivers = [{"name": "desk", "email": {"to": ["Ann@example.com", "{{ mail }}"]}}]
    it = trial(receivers=receivers).it
    rows = [
        {"invoice": one, "days": 35, "open": 1, "mail": mail}
        for one, mail in ((1, "ann@EXAMPLE.com"), (2, "ANN@example.com"))
    ]
    it.run({"payables": rows})
    assert [one.to for one in it.sent()] == ["ann@example.com"]


def test_a_row_with_a_very_long_key_is_told_on_both_databases(trial: Callable[..., Trial], ledger_url: str) -> None:
    compiled = trial().it.compiled
    long = "".join(random.Random(1).choices(string.ascii_letters, k=20_000))
    it = Rehearsal(compiled, datetime(2026, 3, 2, 9, tzinfo=timezone.utc), initial="send", ledger_url=ledger_url)
    it.run({"payables": [{"invoice": long, "days": 35, "open": 1}]})
    assert len(it.sent()) == 1
    assert len(it.decisions(key=long[:40])) == 2
    it.close()


def test_long_keys_that_differ_stay_different() -> None:
    keys = [key_of({"a": "x" * 1_000 + end, "b": 7}, ["a", "b"]) for end in "12"]
    assert keys[0] != keys[1]
    assert all(len(key) <= 500 and '"b": 7' in key for key in keys)
    assert len(key_of({str(name): "x" for name in range(1_000)}, list(map(str, range(1_000))))) < 500


def test_a_clock_that_was_set_back_keeps_no_group_silent(trial: Callable[..., Trial]) -> None:
    it = trial(route={**FILE["route"], "group_wait": "1m"})
    it.it.wait(timedelta(days=365))
    it.run(35)
    assert it.tick(timedelta(minutes=1)) == [(DESK, "Invoice 1: 35 days")]
    it.it.wait(-timedelta(days=365))
    assert it.run(35, invoices=[2]) == [(DESK, "Invoice 2: 35 days")]


def test_a_row_that_is_deleted_ends_its_alert_in_the_words_it_was_told_by(trial: Callable[..., Trial]) -> None:
    it = trial()
    assert it.run(35) == [(DESK, "Invoice 1: 35 days")]
    gone = {"invoice": 1, "days": None, "open": None, "_sdc_deleted_at": "2026-03-02T12:00:00Z"}
    it.it.run({"payables": [gone, {**gone, "invoice": 2}]})
    assert [one.decision.text for one in it.it.decisions() if one.decision.code.value == "resolved"] == [
        "its row was deleted at the source"
    ]
    assert it.tick(timedelta(hours=1)) == [(DESK, "[RESOLVED] Invoice 1: 35 days")]
    assert it.tick(timedelta(days=3)) == []


def test_a_deleted_row_makes_no_alert_by_the_fields_it_no_longer_has(trial: Callable[..., Trial]) -> None:
    it = trial(rules=[{**SIMPLE, "when": "days == null"}]).it
    gone = {"invoice": 1, "days": None, "_sdc_deleted_at": "2026-03-02T12:00:00Z"}
    assert [one.outcome.value for one in it.run({"payables": [gone]})] == ["unchanged"]
    assert it.sent() == []
