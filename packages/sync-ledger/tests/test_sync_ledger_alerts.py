"""Who is told what and when: tables of cases with a clock."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.compiling import compile_files
from alert_rules.compiling_receivers import GROUP_VALUES
from sync_ledger.alerts.engine import SourceRow
from sync_ledger.alerts.rehearsal import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alert_rules.compiled import Compiled

START = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)  # a Monday
BUYER = "+14155550100"
CHIEF = "+14155550101"
MAIL = "ap@example.com"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ORDERS: dict[str, t.Any] = {
    "alert": "BigOrder",
    "stream": "orders",
    "identity": ["DOCO"],
    "when": "amount >= 50000",
    "steps": [50000, 250000],
    "labels": {"severity": "warning", "company": "{{ company | default('1') }}"},
    "annotations": {"summary": "PO {{ DOCO }} {{ amount | money('USD') }}"},
}
PAYABLES: dict[str, t.Any] = {
    "alert": "Overdue",
    "stream": "payables",
    "kind": "state",
    "identity": ["invoice"],
    "when": "days_overdue > 30",
    "steps": [30, 60, 90],
    "resolve_when": "open_amount == 0",
    "annotations": {"summary": "Invoice {{ invoice }}: {{ days_overdue | days }}"},
}
ROUTE: dict[str, t.Any] = {
    "receiver": "buyers",
    "group_by": ["alert"],
    "group_wait": "run",
    "group_interval": "30m",
    "repeat_interval": "24h",
}
BUYERS: dict[str, t.Any] = {"name": "buyers", "sms": {"to": [BUYER]}}


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Rehearsal]]:
    made: list[Rehearsal] = []

    def one(start: datetime = START, initial: t.Any = "send", **file: t.Any) -> Rehearsal:
        made.append(Rehearsal(compiled(tmp_path, **file), start, initial=initial))
        return made[-1]

    yield one
    for rehearsal in made:
        rehearsal.close()


def compiled(tmp_path: Path, **file: t.Any) -> Compiled:
    whole = {"rules": [ORDERS], "route": ROUTE, "receivers": [BUYERS], **file}
    path = tmp_path / "alerts.yml"
    path.write_text(json.dumps(whole))
    return compile_files(str(path))


def order(number: int, amount: float = 60000, **more: t.Any) -> dict[str, t.Any]:
    return {"DOCO": number, "amount": amount, **more}


def invoice(number: int, days: int, amount: float = 100) -> dict[str, t.Any]:
    return {"invoice": number, "days_overdue": days, "open_amount": amount}


def texts(rehearsal: Rehearsal) -> list[str]:
    return [one.text for one in rehearsal.sent()]


def codes(rehearsal: Rehearsal, **by: t.Any) -> set[str]:
    return {one.decision.code.value for one in rehearsal.decisions(**by)}


def test_an_event_is_told_once_and_again_when_it_crosses_the_next_step(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse()
    assert [one.outcome.value for one in it.run({"orders": [order(1), order(2, 10)]})] == ["created", "unchanged"]
    assert texts(it) == ["PO 1 USD 60,000.00"]
    for amount, expected in ((70000, []), (260000, ["PO 1 USD 260,000.00"]), (60000, []), (900000, [])):
        it.wait(HOUR)
        it.run({"orders": [order(1, amount)]})
        assert texts(it) == expected
    assert codes(it, key="1") == {"fired", "notified", "not_new", "step"}


def test_several_alerts_of_a_group_are_one_message_and_rows_of_one_alert_in_a_run_one(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse()
    it.run({"orders": [order(1), order(2), order(1, 61000)]})
    assert texts(it) == ["2 alerts:\nPO 1 USD 60,000.00\nPO 2 USD 60,000.00"]


def test_a_state_goes_through_its_steps_and_is_told_when_it_is_over_and_begins_anew(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse(rules=[PAYABLES], route={**ROUTE, "repeat_interval": "never"})
    table = [
        (10, 100, []),
        (31, 100, ["Invoice 7: 31 days"]),
        (45, 100, []),
        (61, 100, ["Invoice 7: 61 days"]),
        (95, 100, ["Invoice 7: 95 days"]),
        (96, 0, ["[RESOLVED] Invoice 7: 96 days"]),
        (97, 0, ["Invoice 7: 97 days"]),
    ]
    for days, amount, expected in table[:6]:
        it.run({"payables": [invoice(7, days, amount)]})
        assert texts(it) == expected, days
        it.wait(DAY)
    it.run({"payables": [invoice(7, 31)]})
    assert texts(it) == ["Invoice 7: 31 days"]


def test_what_is_over_before_it_was_told_is_not_told(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse(rules=[PAYABLES])
    it.run({"payables": [invoice(7, 31), invoice(7, 32, 0)]})
    assert texts(it) == []
    assert "not_told" in codes(it)


def test_what_still_fires_is_told_again_after_the_repeat_interval_but_not_what_was_taken_on(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse(rules=[PAYABLES])
    it.run({"payables": [invoice(1, 31), invoice(2, 31)]})
    assert len(texts(it)) == 1
    it.wait(23 * HOUR)
    it.tick()
    assert texts(it) == []
    it.wait(HOUR)
    it.tick()
    it.tick()
    assert texts(it) == ["Still firing (2):\nInvoice 1: 31 days\nInvoice 2: 31 days"]
    taken = it.engine().acknowledge("Ann", it.now, recipient=BUYER)
    assert len(taken) == 2
    it.wait(DAY)
    it.tick()
    assert texts(it) == []


def test_for_waits_and_keep_firing_for_waits_too(rehearse: Callable[..., Rehearsal]) -> None:
    rule = {**PAYABLES, "for": "1h", "keep_firing_for": "2h", "steps": []}
    it = rehearse(rules=[rule])
    it.run({"payables": [invoice(1, 31), invoice(2, 31)]})
    it.run({"payables": [invoice(2, 3)]})
    assert texts(it) == []
    it.wait(HOUR)
    it.tick()
    assert texts(it) == ["Invoice 1: 31 days"]
    it.run({"payables": [invoice(1, 31, 0)]})
    it.wait(HOUR)
    it.tick()
    assert texts(it) == []
    it.wait(HOUR)
    it.tick()
    assert texts(it) == ["[RESOLVED] Invoice 1: 31 days"]
    assert {"pending", "cancelled", "kept_firing"} <= codes(it)


def test_the_first_run_is_a_baseline_until_it_has_ended_and_so_is_that_of_a_rule_that_changes(
    rehearse: Callable[..., Rehearsal], tmp_path: Path
) -> None:
    it = rehearse(initial=None)
    it.run({"orders": [order(1)]}, ends=False)
    it.run({"orders": [order(1), order(2)]})
    it.run({"orders": [order(1), order(2), order(3)]})
    assert texts(it) == ["PO 3 USD 60,000.00"]
    it.use(compiled(tmp_path, rules=[{**ORDERS, "when": "amount >= 40000", "steps": [40000]}]))
    it.wait(HOUR)
    it.run({"orders": [order(4, 45000)]})
    it.run({"orders": [order(5, 45000)]})
    assert texts(it) == ["PO 5 USD 45,000.00"]
    assert codes(it, key="4") == {"baseline"}


def test_a_run_that_died_before_its_end_tells_with_the_next(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse()
    it.run({"orders": [order(1)]}, ends=False)
    it.tick()
    assert texts(it) == []
    it.run({"orders": [order(1)]})
    assert texts(it) == ["PO 1 USD 60,000.00"]


NIGHT = {"name": "night", "times": ["22:00-07:00"], "location": "Europe/Berlin"}
QUIET = {**ROUTE, "routes": [{"matchers": ['severity="warning"'], "mute_time_intervals": ["night"]}]}


@pytest.mark.parametrize(
    ("at", "free"),
    [
        ("2026-03-02T23:30+00:00", "2026-03-03T06:00+00:00"),
        ("2026-03-28T22:30+00:00", "2026-03-29T05:00+00:00"),  # the clock goes forward: an hour less
        ("2026-10-24T21:30+00:00", "2026-10-25T06:00+00:00"),  # and back: an hour more
    ],
)
def test_quiet_hours_over_midnight_and_a_change_of_the_clock(
    rehearse: Callable[..., Rehearsal], at: str, free: str
) -> None:
    it = rehearse(datetime.fromisoformat(at), time_intervals=[NIGHT], route=QUIET)
    it.run({"orders": [order(1), order(2)]})
    it.now = datetime.fromisoformat(free) - timedelta(minutes=1)
    it.tick()
    assert texts(it) == []
    assert "muted" in codes(it)
    it.now = datetime.fromisoformat(free)
    it.tick()
    it.tick()
    assert texts(it) == ["2 alerts:\nPO 1 USD 60,000.00\nPO 2 USD 60,000.00"]


def test_a_digest_collects_until_its_time_and_leaves_out_what_is_over(rehearse: Callable[..., Rehearsal]) -> None:
    receiver = {"name": "buyers", "email": {"to": [MAIL]}, "digest": {"at": "07:30", "days": "mon-fri"}}
    it = rehearse(rules=[PAYABLES], receivers=[receiver], route={**ROUTE, "repeat_interval": "never"})
    it.run({"payables": [invoice(1, 31), invoice(2, 31)]})
    it.wait(HOUR)
    it.run({"payables": [invoice(2, 31, 0), invoice(3, 31)]})
    assert texts(it) == []
    it.now = datetime(2026, 3, 3, 7, 30, tzinfo=timezone.utc)
    it.tick()
    it.tick()
    (mail,) = it.sent()
    assert (mail.purpose, mail.text, mail.subject) == (
        "digest",
        "Digest (2):\nInvoice 1: 31 days\nInvoice 3: 31 days",
        "Digest (2) - Overdue",
    )
    assert "<li>Invoice 1: 31 days</li>" in (mail.html or "")
    it.run({"payables": [invoice(1, 31, 0)]})
    it.wait(DAY)
    it.tick()
    assert texts(it) == ["Digest (1):\n[RESOLVED] Invoice 1: 31 days"]


def test_silences_are_kept_with_their_reason_and_a_state_is_told_when_they_end(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse(rules=[PAYABLES, ORDERS])
    silence = it.engine().silence(
        ['alert=~"Overdue|BigOrder"'], it.now + 2 * HOUR, now=it.now, by="Ann", reason="migration"
    )
    it.run({"payables": [invoice(1, 31)], "orders": [order(1)]})
    assert texts(it) == []
    assert any("migration" in one.decision.text for one in it.decisions(key="1"))
    assert it.engine().show(it.now).silences == [silence]
    it.wait(2 * HOUR)
    it.tick()
    assert texts(it) == ["Invoice 1: 31 days"]  # the order was news while it was silenced, and is not any more


def test_an_alert_makes_others_needless_while_it_fires(rehearse: Callable[..., Rehearsal]) -> None:
    hold = {
        "alert": "Hold",
        "stream": "holds",
        "kind": "state",
        "identity": ["company"],
        "when": "on",
        "labels": {"company": "{{ company }}"},
    }
    rule = {"source_matchers": ['alert="Hold"'], "target_matchers": ['alert="BigOrder"'], "equal": ["company"]}
    it = rehearse(rules=[ORDERS, hold], inhibit_rules=[rule])
    it.run({"holds": [{"company": "A", "on": True}]})
    texts(it)
    it.run({"orders": [order(1, company="A"), order(2, company="B")]})
    assert texts(it) == ["PO 2 USD 60,000.00"]
    assert "inhibited" in codes(it, key="1")


def test_a_budget_collects_what_is_too_much_and_counts_again_later(rehearse: Callable[..., Rehearsal]) -> None:
    receiver = {**BUYERS, "budget": {"per_recipient": "2/1h"}}
    it = rehearse(receivers=[receiver], route={**ROUTE, "group_by": ["alert", "company"]})
    it.run({"orders": [order(number, company=str(number)) for number in range(1, 6)]})
    assert len(texts(it)) == 2
    it.wait(HOUR)
    it.tick()
    (digest,) = it.sent()
    assert digest.text.startswith("Digest (3):")
    assert "over_budget" in codes(it)


def test_a_budget_may_keep_what_is_too_much_for_a_person(rehearse: Callable[..., Rehearsal]) -> None:
    receiver = {**BUYERS, "budget": {"per_day": 1, "on_exceed": "hold"}}
    it = rehearse(receivers=[receiver], route={**ROUTE, "group_by": ["alert", "company"]})
    it.run({"orders": [order(1, company="1"), order(2, company="2")]})
    assert len(texts(it)) == 1
    it.wait(2 * DAY)
    it.tick()
    assert texts(it) == []
    assert len(it.engine().show(it.now).collected) == 1
    assert it.engine().release(it.now) == 1
    it.tick()
    assert len(texts(it)) == 1


def test_what_a_person_lets_go_is_told_though_the_budget_is_used_up(rehearse: Callable[..., Rehearsal]) -> None:
    receiver = {**BUYERS, "budget": {"per_day": 1, "on_exceed": "hold"}}
    it = rehearse(receivers=[receiver], route={**ROUTE, "group_by": ["alert", "company"]})
    it.run({"orders": [order(1, company="1"), order(2, company="2")]})
    assert len(texts(it)) == 1
    assert it.engine().release(it.now) == 1
    it.tick()
    assert len(texts(it)) == 1
    it.run({"orders": [order(3, company="3")]})
    assert texts(it) == []
    assert it.engine().release(it.now) == 1


def test_a_storm_is_one_summary_and_every_row_is_explained(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse(route={**ROUTE, "group_by": ["..."]})
    outcomes = it.run({"orders": [order(number, 60000 + number) for number in range(5000)]})
    assert {one.outcome.value for one in outcomes} == {"created"}
    (summary,) = it.sent()
    assert summary.purpose == "storm"
    assert summary.text.splitlines()[:2] == [
        "5,000 new alerts BigOrder:",
        "PO 4999 USD 64,999.00",
    ]
    told = [one.decision for one in it.decisions() if one.decision.code.value == "storm"]
    assert len({one.source_key for one in told}) == 5000
    assert {one.notification for one in told} == {summary.key}


def test_escalation_until_somebody_takes_it_on(rehearse: Callable[..., Rehearsal]) -> None:
    buyers = {**BUYERS, "escalation": [{"after": "1h", "receiver": "chief"}, {"after": "2h", "receiver": "mail"}]}
    chief = {"name": "chief", "sms": {"to": [CHIEF]}}
    mail = {"name": "mail", "email": {"to": [MAIL]}}
    it = rehearse(receivers=[buyers, chief, mail])
    it.run({"orders": [order(1)]})
    it.sent()
    it.wait(HOUR)
    it.tick()
    it.tick()
    assert [(one.to, one.text) for one in it.sent()] == [(CHIEF, "Nobody has acted:\nPO 1 USD 60,000.00")]
    it.engine().acknowledge("Ann", it.now, matchers=['alert="BigOrder"'])
    it.wait(HOUR)
    it.tick()
    assert texts(it) == []
    assert any("acknowledged by Ann" in one.decision.text for one in it.decisions())


def test_what_did_not_arrive_goes_to_somebody_else(rehearse: Callable[..., Rehearsal]) -> None:
    buyers = {**BUYERS, "escalation": [{"receiver": "mail", "on": "undelivered"}]}
    it = rehearse(receivers=[buyers, {"name": "mail", "email": {"to": [MAIL]}}])
    it.run({"orders": [order(1)]})
    it.sent()
    it.undelivered(BUYER)
    it.tick()
    assert [one.to for one in it.sent()] == [MAIL]


def test_no_rows_for_too_long_is_an_alert_and_over_with_the_next(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse(rules=[{**ORDERS, "no_data": {"after": "2h"}}])
    it.run({"orders": [order(1)]})
    it.sent()
    it.wait(2 * HOUR)
    it.tick()
    it.tick()
    (silent,) = it.sent()
    assert silent.purpose == "no_data"
    it.wait(HOUR)
    it.run({"orders": [order(1)]})
    assert [one.purpose for one in it.sent()] == ["resolved"]


def test_a_recipient_of_the_row_is_told_of_its_own_and_a_bad_number_holds_the_row(
    rehearse: Callable[..., Rehearsal],
) -> None:
    it = rehearse(receivers=[{"name": "buyers", "sms": {"to": ["{{ phone }}"]}}])
    rows = [order(1, phone=BUYER), order(2, phone=CHIEF), order(3, phone="12")]
    outcomes = it.run({"orders": rows})
    assert [one.outcome.value for one in outcomes] == ["created", "created", "held"]
    assert outcomes[2].field == "phone"
    assert sorted((one.to, one.text) for one in it.sent()) == [
        (BUYER, "PO 1 USD 60,000.00"),
        (CHIEF, "PO 2 USD 60,000.00"),
    ]
    it.wait(HOUR)
    it.run({"orders": [order(3, phone=BUYER)]})
    assert texts(it) == ["PO 3 USD 60,000.00"]


def test_a_stream_that_no_rule_names_is_skipped(rehearse: Callable[..., Rehearsal]) -> None:
    assert rehearse().run({"others": [{"a": 1}]})[0].outcome.value == "skipped"


def test_a_group_speaks_again_only_after_its_interval(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse()
    it.run({"orders": [order(1)]})
    it.wait(timedelta(minutes=10))
    it.run({"orders": [order(2)]})
    assert texts(it) == ["PO 1 USD 60,000.00"]
    it.wait(timedelta(minutes=20))
    it.tick()
    assert texts(it) == ["PO 2 USD 60,000.00"]


def test_a_text_of_a_receiver_has_the_names_the_checker_knows(rehearse: Callable[..., Rehearsal]) -> None:
    names = " ".join(f"{{{{ {name} is defined }}}}" for name in sorted(GROUP_VALUES))
    it = rehearse(receivers=[{"name": "buyers", "email": {"to": [MAIL], "text": names}}])
    it.run({"orders": [order(1)]})
    assert set(texts(it)[0].split()) == {"True"}


def test_an_older_row_after_a_newer_one_changes_nothing(rehearse: Callable[..., Rehearsal]) -> None:
    it = rehearse(rules=[PAYABLES])
    engine = it.engine(1)
    newer = SourceRow('{"invoice": 1}', invoice(1, 31), START)
    older = SourceRow('{"invoice": 1}', invoice(1, 31, 0), START - HOUR)
    assert [one.reason for one in engine.take("payables", [newer, older], it.now)] == ["fired", "older_row"]
    engine.flush(it.now, run_ended=True)
    assert texts(it) == ["Invoice 1: 31 days"]
