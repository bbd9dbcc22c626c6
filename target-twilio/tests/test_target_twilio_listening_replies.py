"""`alerts listen`: what people answer to texts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_ledger.ledger.alert_tables import alert_decisions, alert_escalations, alert_instances
from sync_ledger.ledger.sending_tables import message_events, suppressions
from target_twilio.listening.replies import STOP
from target_twilio.listening.telling import masked
from target_twilio.ticking import tick
from target_twilio_commands import ago, change_rules, column, later, received, statuses
from target_twilio_listeners import events, inbound, listening, message, post
from target_twilio_runs import ORDERS, PAYABLES, PHONE, order, payable, run

CHIEF = "+12125550199"


@pytest.fixture(autouse=True)
def _texts_come_in(heard, twilio):
    """The number of the account hands texts to a listener."""
    twilio.control.switch(inbound_url=f"{heard['status_callback_url']}/twilio/inbound")


@pytest.fixture
def escalating(heard):
    """Settings with which overdue payables go to a phone and after 15 minutes to another."""
    change_rules(heard, "{name: finance, email: {to: [ap@example.com]}}", _ESCALATING)
    return heard


_ESCALATING = f"""{{name: finance, sms: {{to: ["{PHONE}"]}}, escalation: [{{after: 15m, receiver: chief}}]}}
  - {{name: chief, sms: {{to: ["{CHIEF}"]}}}}"""


def asked(twilio):
    """Return how many texts the account was asked to send."""
    found = twilio.control.requests()
    return len([one for one in found if one["method"] == "POST" and one["path"].endswith("/Messages.json")])


def tick_past_escalation(config):
    """Let the time of the escalation pass, by moving what began and what is due into the past."""
    later(config, alert_instances, since=ago(minutes=20))
    later(config, alert_escalations, due_at=ago(minutes=1))
    tick(config)


def answer(twilio, heard, body, person=PHONE):
    twilio.control.inbound(person, heard["from_number"], body)
    called = [one for one in twilio.control.callbacks() if one["parameters"].get("Body") == body]
    assert called[-1]["results"] == [200]


def test_who_answers_stop_gets_nothing_more(heard, twilio):
    with listening(heard):
        run(heard, ORDERS, order(1, 60000))
        assert len(received(twilio)) == 1
        answer(twilio, heard, "STOP")
        before = asked(twilio)
        run(heard, ORDERS, order(2, 60000), order(3, 60000, phone="212 555 0177"))
    assert [row[:2] for row in message(heard, "status", "reason")[1:]] == [("held", "opted_out"), ("queued", None)]
    assert asked(twilio) - before == 1
    said = column(heard, suppressions, "channel", "recipient", "why")
    assert said == [("sms", PHONE, "answered STOP"), ("voice", PHONE, "answered STOP")]


def test_stop_holds_what_waits_already(heard, twilio):
    run({**heard, "auth_token": "f" * 32}, ORDERS, order(1, 60000))
    assert statuses(heard) == ["waiting"]
    with listening(heard):
        answer(twilio, heard, "STOP")
    assert message(heard, "status", "reason") == [("held", "opted_out")]


def test_who_answers_start_is_told_again(heard, twilio):
    with listening(heard):
        run(heard, ORDERS, order(1, 60000))
        answer(twilio, heard, "STOP")
        answer(twilio, heard, "START")
        run(heard, ORDERS, order(2, 60000))
    texts = [text for text in received(twilio) if text.startswith("PO")]
    assert texts == ["PO 1 USD 60,000.00", "PO 2 USD 60,000.00"]


def test_words_count_however_they_are_written(heard):
    stops = [*sorted(STOP), "stop", " Unsubscribe. ", "opt-out", "Stop all!", '"STOP"\n']
    starts, others = ["START", "unstop", "Yes!"], ["Stop calling Bob", "don't stop", "start over", "A1", "OKAY?", ""]
    with listening(heard) as server:

        def says(body):
            assert post(heard, server, "/twilio/inbound", inbound(str(next(numbers)), body)).status_code == 200
            return {at is None for (at,) in column(heard, suppressions, "lifted_at")}

        numbers = itertools.count(1)
        for number, body in enumerate(stops):
            assert says(body) == {True}, body
            assert [says(body) for body in others] == [{True}] * len(others)
            assert says(starts[number % len(starts)]) == {False}


def test_words_that_a_messaging_service_takes_for_stop_count(heard, twilio):
    with listening(heard) as server:
        for sid, body, kind in (("SM1", "arrêt", "STOP"), ("SM2", "retour", "START"), ("SM3", "aide", "HELP")):
            assert post(heard, server, "/twilio/inbound", inbound(sid, body, OptOutType=kind)).status_code == 200
            lifted = [at is not None for (at,) in column(heard, suppressions, "lifted_at")]
            assert lifted == [kind != "STOP"] * 2


@pytest.mark.parametrize("body", ["ACK", "a", "Ok, on it"])
def test_an_answer_takes_alerts_on_and_stops_their_escalation(escalating, twilio, body):
    with listening(escalating):
        run(escalating, PAYABLES, payable(1, 40))
        assert len(received(twilio)) == 1
        answer(twilio, escalating, body)
        tick_past_escalation(escalating)
    assert received(twilio, CHIEF) == []
    assert column(escalating, alert_instances, "acknowledged_by") == [("the reply of ...0123",)]
    assert ("acknowledged",) in column(escalating, alert_decisions, "code")
    assert (f"replied: {body}",) in events(escalating, "text", source="person")


@pytest.mark.parametrize("body", ["", "A supplier called, I cannot do it", "\U0001f600 Stop calling Bob", "x" * 1600])
def test_any_other_answer_is_noted_and_changes_nothing(escalating, twilio, body):
    with listening(escalating):
        run(escalating, PAYABLES, payable(1, 40))
        received(twilio)
        answer(twilio, escalating, body)
        tick_past_escalation(escalating)
    assert len(received(twilio, CHIEF)) == 1
    assert column(escalating, suppressions, "why") == []
    assert events(escalating, "text", source="person") == [(f"replied: {body[:200]}",)]


def test_an_answer_takes_on_what_was_told_and_not_what_waits(escalating, twilio):
    with listening(escalating):
        run(escalating, PAYABLES, payable(1, 40))
        received(twilio)
        run({**escalating, "auth_token": "f" * 32}, PAYABLES, payable(2, 40))
        assert statuses(escalating)[-1] == "waiting"
        answer(twilio, escalating, "ACK")
    by = column(escalating, alert_instances, "source_key", "acknowledged_by")
    assert sorted(by, key=str) == [('{"DOC": 1}', "the reply of ...0123"), ('{"DOC": 2}', None)]


def test_an_answer_takes_on_nothing_that_never_went_out(escalating):
    with listening(escalating) as server:
        post(escalating, server, "/twilio/inbound", inbound("SM1", "STOP"))
        run(escalating, PAYABLES, payable(1, 40))
        assert statuses(escalating) == ["held"]
        for sid, body in (("SM2", "START"), ("SM3", "ACK")):
            post(escalating, server, "/twilio/inbound", inbound(sid, body))
    assert column(escalating, alert_instances, "acknowledged_by") == [(None,)]


def test_an_answer_that_comes_twice_takes_on_nothing_that_was_told_in_between(escalating, twilio):
    with listening(escalating) as server:
        run(escalating, PAYABLES, payable(1, 40))
        received(twilio)
        assert post(escalating, server, "/twilio/inbound", inbound("SM7", "ACK")).status_code == 200
        run(escalating, PAYABLES, payable(2, 40))
        assert post(escalating, server, "/twilio/inbound", inbound("SM7", "ACK")).status_code == 200
    taken = [by is not None for (by,) in column(escalating, alert_instances, "acknowledged_by")]
    assert sorted(taken) == [False, True]


def test_a_stop_that_comes_again_after_a_start_changes_nothing(heard):
    with listening(heard) as server:
        for sid, body in (("SM1", "STOP"), ("SM2", "START"), ("SM1", "STOP")):
            post(heard, server, "/twilio/inbound", inbound(sid, body))
    assert [at is not None for (at,) in column(heard, suppressions, "lifted_at")] == [True, True]


def test_a_stranger_takes_nothing_on_and_its_words_are_not_kept(escalating, twilio):
    with listening(escalating):
        run(escalating, PAYABLES, payable(1, 40))
        received(twilio)
        answer(twilio, escalating, "ACK me", "+12025550188")
    assert column(escalating, alert_instances, "acknowledged_by") == [(None,)]
    assert not any("ACK me" in (text or "") for (text,) in column(escalating, message_events, "text"))


@given(st.text())
def test_what_is_masked_shows_four_characters_and_a_domain(text):
    name, at, domain = text.partition("@")
    assert len(masked(text)) <= len(domain) + 8
    if not at:
        assert masked(text) == f"...{text[-4:]}"
    elif len(name) > 1:
        assert not masked(text).startswith(name)
