"""`alerts listen` beside the services: their callbacks and events, lost, repeated and in any order."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest
from sync_ledger.ledger.sending_tables import messages, suppressions
from target_twilio.ticking import tick
from target_twilio_commands import alerts, change_rules, column, later, received, statuses
from target_twilio_listeners import events, listening, message, subscribe
from target_twilio_runs import ORDERS, PAYABLES, PHONE, order, payable, run


def test_a_text_moves_on_by_its_callbacks_alone(heard, twilio):
    with listening(heard):
        assert run(heard, ORDERS, order(1, 60000)).code == 0
        twilio.control.advance(3600)
        assert statuses(heard) == ["delivered"]
        assert ("callback", "delivered", True) in events(heard, "source", "status", "moved")
        assert {one["results"][0] for one in twilio.control.callbacks()} == {204}


@pytest.mark.parametrize("order_of_callbacks", ["reversed", "shuffled", "as_made"])
@pytest.mark.parametrize(("code", "end"), [(None, "delivered"), (30003, "undelivered")])
def test_callbacks_in_any_order_and_thrice_count_once(heard, twilio, listener_log, order_of_callbacks, code, end):
    twilio.control.switch(callback_order=order_of_callbacks, callback_copies=3)
    twilio.control.set_phone(PHONE, code=code)
    with listening(heard):
        run(heard, ORDERS, order(1, 60000))
        twilio.control.advance(3600)
        made = twilio.control.callbacks()
    assert len(made) == 9  # sending, sent and the end, three times each
    assert {one["results"][0] for one in made} == {204}
    said = events(heard, "status", source="callback")
    assert len(said) == len(set(said)) == 3
    found = message(heard, "status", "code", "remedy")
    assert found[0][:2] == (end, None if code is None else str(code))
    assert bool(found[0][2]) == (code is not None)
    lines = [line for line in listener_log() if "not_delivered" in line]
    assert len(lines) == (code is not None)
    assert all("code=30003" in line and "the phone is off" in line for line in lines)


def test_what_callbacks_did_not_tell_a_tick_asks_for(heard, twilio):
    twilio.control.switch(callback_copies=0)
    with listening(heard):
        run(heard, ORDERS, order(1, 60000))
        twilio.control.advance(3600)
        assert statuses(heard) == ["queued"]
        later(heard, messages, looked_at=None)
        assert tick(heard).moved == 1
    assert statuses(heard) == ["delivered"]
    assert events(heard, "source", status="delivered") == [("poll",)]


def test_a_listener_that_was_away_and_a_poll_come_to_the_same_end(heard, twilio):
    run(heard, ORDERS, order(1, 60000))
    twilio.control.advance(3600)
    assert {result for one in twilio.control.callbacks() for result in one["results"]} == {"ct"}
    later(heard, messages, looked_at=None)
    tick(heard)
    with listening(heard):
        assert statuses(heard) == ["delivered"]


def test_twilio_is_asked_to_call_again_where_the_ledger_was_busy(heard, twilio):
    run(heard, ORDERS, order(1, 60000))
    twilio.control.advance(3600)
    callback = urlsplit(twilio.control.callbacks()[0]["url"])
    assert (callback.path, callback.fragment) == ("/twilio/status", "rc=3&rp=ct,rt,5xx")
    assert callback.query == f"message={message(heard, 'key')[0][0]}"


def test_a_call_moves_on_by_its_callback(heard, twilio):
    change_rules(heard, "sms: {to:", "voice: {to:")
    with listening(heard):
        run(heard, ORDERS, order(1, 60000))
        twilio.control.advance(3600)
        assert statuses(heard) == ["delivered"]
    assert [kind for kind, _ in message(heard, "channel", "status")] == ["voice"]
    assert ("delivered",) in events(heard, "status", source="callback")


@pytest.mark.parametrize(
    ("outcome", "end", "code"),
    [("delivered", "delivered", None), ("bounce", "undelivered", "5.1.1"), ("blocked", "undelivered", "5.7.1")],
)
@pytest.mark.parametrize("order_of_events", ["as_made", "reversed"])
def test_mail_moves_on_by_its_events(heard, sendgrid, listener_log, outcome, end, code, order_of_events):
    sendgrid.control.switch(event_copies=2, event_order=order_of_events)
    sendgrid.control.set_mailbox("ap@example.com", outcome)
    with listening(heard) as server:
        subscribe(sendgrid, f"{server.url}/sendgrid/events")
        run(heard, PAYABLES, payable(1, 40))
        sendgrid.control.advance(1)
        sendgrid.control.advance(60)
    assert message(heard, "channel", "status", "code") == [("email", end, code)]
    assert sum("not_delivered" in line for line in listener_log()) == (end == "undelivered")
    assert len(events(heard, "id", source="callback")) == 2


def test_mail_that_sendgrid_drops_failed_with_the_reason(heard, sendgrid):
    sendgrid.control.set_mailbox("ap@example.com", "bounce")
    with listening(heard) as server:
        subscribe(sendgrid, f"{server.url}/sendgrid/events")
        for number in (1, 2):
            run(heard, PAYABLES, payable(number, 40))
            sendgrid.control.advance(1)
            sendgrid.control.advance(60)
    first, second = message(heard, "status", "error", "remedy")
    assert first[:2] == ("undelivered", "550 5.1.1 no such user")
    assert second[:2] == ("failed", "Bounced Address")
    assert "list" in second[2]


def test_events_are_posted_again_until_a_listener_is_there(heard, sendgrid):
    sendgrid.control.switch(event_ids="changing")
    port = urlsplit(heard["status_callback_url"]).port
    subscribe(sendgrid, f"http://127.0.0.1:{port}/sendgrid/events")
    run(heard, PAYABLES, payable(1, 40))
    sendgrid.control.advance(60)
    assert statuses(heard) == ["sent"]
    with listening(heard):
        sendgrid.control.advance(600)
        assert statuses(heard) == ["delivered"]


@pytest.mark.parametrize(("deed", "why"), [("spamreport", "reported a mail as spam"), ("unsubscribe", "unsubscribed")])
def test_who_wants_no_mail_gets_none_until_they_ask_for_it(heard, sendgrid, file, deed, why):
    with listening(heard) as server:
        subscribe(sendgrid, f"{server.url}/sendgrid/events")
        run(heard, PAYABLES, payable(1, 40))
        sendgrid.control.advance(60)
        assert sendgrid.control.feedback("ap@example.com", deed) == 1
        sendgrid.control.advance(60)
        sendgrid.control.reset_counters()
        run(heard, PAYABLES, payable(2, 40))
    (first, second) = message(heard, "status", "reason", "error")
    assert first[0] == "delivered"
    assert second[:2] == ("held", "opted_out")
    assert why in second[2]
    assert len(sendgrid.received("ap@example.com")["ap@example.com"]) == 1
    assert alerts("release", "--wants-mail", "AP@example.com", "--config", file).code == 0
    assert column(heard, suppressions, "lifted_at") >= column(heard, suppressions, "since")  # by a clock ahead of ours
    run(heard, PAYABLES, payable(3, 40))
    assert statuses(heard) == ["delivered", "held", "sent"]


def test_callbacks_come_while_a_run_writes_the_same_ledger(heard, twilio):
    phones = [f"+121255501{number:02}" for number in range(30)]
    with listening(heard):
        run(heard, ORDERS, *(order(number, 60000, phone=phone) for number, phone in enumerate(phones)))
        rows = [order(number, 10) for number in range(1_000, 4_000)]
        runs = threading.Thread(target=run, args=(heard, ORDERS, *rows))
        runs.start()
        twilio.control.advance(3600)
        runs.join(120)
        assert not runs.is_alive()
        made = twilio.control.callbacks()
    assert {one["results"][-1] for one in made} == {204}
    assert statuses(heard) == ["delivered"] * len(phones)
    assert [len(received(twilio, phone)) for phone in phones] == [1] * len(phones)
