"""What each answer of Twilio means for a message: taken, refused for good, later, unknown, or nothing can be sent."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from service_emulators.testing import start_twilio
from sync_ledger.errors import ServiceError
from sync_ledger.sending.service import Accepted, Later, Lost, Refused
from target_twilio.services import SettingError
from target_twilio.twilio import Twilio, TwilioMessages
from target_twilio_messages import Message
from target_twilio_runs import PHONE


@pytest.fixture(scope="module")
def account():
    with start_twilio(segments_per_second=0) as emulator:
        yield emulator


@pytest.fixture
def messages(account):
    account.control.clear_faults()
    return service(account)


def service(account, **changed):
    facts = {**account.describe(), **changed}
    client = Twilio(facts["account_sid"], facts["api_key_sid"], facts["api_key_secret"], address=account.url)
    return TwilioMessages(client, sender=facts["from_number"], messaging_service=None)


def answer(account, status, code=None, **headers):
    body = {"code": code, "message": "words", "status": status} if code else "<html>"
    account.control.fault("status", method="POST", status=status, body=body, headers=headers)


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize(
    ("status", "code"),
    [(429, 20429), (429, None), (400, 21611), (400, 35125), (429, 60728), (400, 60728), (429, 63038), (400, 63038)],
)
def test_what_may_be_taken_later(account, messages, channel, status, code):
    answer(account, status, code)
    assert messages.send(Message(channel=channel)) == Later(str(code or 429), "words" if code else "429")


def test_too_many_calls_at_once_are_made_later(account, messages):
    answer(account, 400, 10004)
    assert isinstance(messages.send(Message(channel="voice")), Later)


def test_a_wait_that_twilio_names_is_kept(account, messages):
    answer(account, 429, 20429, **{"Retry-After": "7"})
    assert messages.send(Message()) == Later("20429", "words", 7.0)


@pytest.mark.parametrize(
    "code",
    [21211, 21408, 21602, 21604, 21608, 21610, 21612, 21614, 21617, 21658, 21703, 21214, 21215, 21216, 21217, 21219],
)
def test_what_is_refused_for_good_has_a_remedy(account, messages, code):
    answer(account, 400, code)
    got = messages.send(Message())
    assert isinstance(got, Refused)
    assert (got.code, got.opted_out) == (str(code), code == 21610)
    assert "twilio.com" not in got.remedy


@pytest.mark.parametrize("code", [21210, 21212, 21606, 21701, 21702, 21704, 21705])
def test_a_sender_of_the_settings_that_is_refused_ends_all(account, messages, code):
    answer(account, 400, code)
    with pytest.raises(SettingError, match=rf"{code} words; .*(from_number|messaging_service_sid)"):
        messages.send(Message())
    answer(account, 400, code)
    assert isinstance(messages.send(Message(sender="+12025550100")), Refused), "its own sender is its own fault"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, 20003, "check account_sid"),
        (403, 20003, "check account_sid"),
        (403, 20403, "console"),
        (400, 10001, "console"),
        (401, 20005, "check account_sid"),
        (400, 20005, "console"),
        (403, 20006, "console"),
        (403, None, "console"),
        (404, 20404, "check account_sid and api_url"),
        (404, None, "check account_sid and api_url"),
        (301, None, "check api_url"),
        (308, None, "check api_url"),
        (400, 21609, "correct status_callback_url"),
    ],
)
def test_what_is_no_fault_of_the_message_ends_all(account, messages, status, code, says):
    answer(account, status, code)
    with pytest.raises(ServiceError, match=says):
        messages.send(Message())
    assert isinstance(messages.send(Message()), Accepted), "it was not taken, and is now"


def test_an_account_that_an_api_key_is_not_of_ends_all(account):
    with pytest.raises(ServiceError, match="check account_sid"):
        service(account, account_sid="AC" + "0" * 32).send(Message())


@pytest.mark.parametrize(("status", "code"), [(500, 20500), (503, 20503), (502, None), (504, None), (201, None)])
def test_what_tells_nothing_is_unknown(account, messages, status, code):
    answer(account, status, code)
    assert isinstance(messages.send(Message()), Lost)


def test_a_text_of_a_trial_account_is_found_again(account, messages):
    account.control.switch(trial=True)
    account.control.set_phone(PHONE, verified=True)
    message = Message(text="Trial order held")
    sent = messages.send(message)
    (seen,) = messages.find(message, datetime.now(timezone.utc) - timedelta(minutes=1))
    assert seen.remote_id == sent.remote_id


def test_a_call_says_what_xml_cannot_hold_as_blanks(account, messages):
    text = "Order\x0b7 <held> & \x00\ufffe😀 gone"
    sent = messages.send(Message(channel="voice", text=text))
    assert isinstance(sent, Accepted)
    account.control.advance(60)
    (call,) = [one for one in account.control.phone(PHONE) if one["kind"] == "call"]
    assert call["text"] == "Order 7 <held> & 😀 gone"
