"""What each answer of SendGrid means for a mail: taken, refused for good, later, unknown, or nothing can be sent."""

from __future__ import annotations

import pytest
from service_emulators.testing import start_sendgrid
from sync_ledger.errors import ServiceError
from sync_ledger.sending.service import Accepted, Later, Lost, Refused
from target_twilio.sendgrid import SendGridMail
from target_twilio.services import SettingError
from target_twilio_messages import Message

MAIL = Message(channel="email", recipient="ap@example.com", subject="Order held")
OWN_SENDER = Message(channel="email", recipient="ap@example.com", subject="Order held", sender="erp@example.com")


@pytest.fixture(scope="module")
def account():
    with start_sendgrid() as emulator:
        yield emulator


@pytest.fixture
def mail(account):
    account.control.clear_faults()
    return service(account)


def service(account, **changed):
    facts = {**account.describe(), **changed}
    return SendGridMail(facts["api_key"], sender=facts["from_email"], address=account.url, clock=account.clock.seconds)


def answer(account, status, message=None, field=None, **headers):
    body = {"errors": [{"message": message, "field": field, "help": None}]} if message else "<html>"
    account.control.fault("status", method="POST", status=status, body=body, headers=headers)


@pytest.mark.parametrize("message", [MAIL, OWN_SENDER])
@pytest.mark.parametrize(
    ("status", "text", "says"),
    [
        (301, None, "check sendgrid_api_url"),
        (308, None, "check sendgrid_api_url"),
        (401, "authorization required", "check sendgrid_api_key"),
        (401, "Maximum credits exceeded", r"\(Maximum credits exceeded\); wait, or have more in the plan"),
        (403, "Maximum credits exceeded", r"\(Maximum credits exceeded\); wait, or have more in the plan"),
        (404, "not found", "check sendgrid_api_url"),
        (405, None, "check sendgrid_api_url"),
        (406, None, "check sendgrid_api_url"),
        (451, "data residency", r"451 data residency\); check sendgrid_api_url"),
    ],
)
def test_what_is_no_fault_of_the_mail_ends_all(account, mail, message, status, text, says):
    answer(account, status, text)
    with pytest.raises(ServiceError, match=says):
        mail.send(message)
    answer(account, status, text)
    with pytest.raises(ServiceError, match=says):
        mail.rehearse()
    assert isinstance(mail.send(message), Accepted), "it was not taken, and is now"


def test_a_plan_that_is_used_up_is_told_as_such(account, mail):
    account.control.switch(credits=0)
    try:
        with pytest.raises(ServiceError, match="have more in the plan"):
            mail.send(MAIL)
    finally:
        account.control.switch(credits=None)


def test_a_sender_of_the_settings_that_is_no_address_ends_all(account, mail):
    with pytest.raises(SettingError, match=r"from\.email: Does not contain a valid address.*correct from_email"):
        service(account, from_email="alerts").send(MAIL)
    answer(account, 400, "Does not contain a valid address.", "from.email")
    assert isinstance(mail.send(OWN_SENDER), Refused), "its own sender is its own fault"


@pytest.mark.parametrize(
    ("status", "text", "field", "remedy"),
    [
        (400, "Does not contain a valid address.", "personalizations.0.to.0.email", "correct the receiver"),
        (400, None, None, "correct the receiver"),
        (413, None, None, "shorten the mail"),
    ],
)
def test_what_is_refused_for_good(account, mail, status, text, field, remedy):
    answer(account, status, text, field)
    assert mail.send(MAIL) == Refused(str(status), f"{field}: {text}" if text else str(status), remedy)


def test_a_sender_of_a_receiver_that_is_not_verified_is_its_own_fault(account, mail):
    message = Message(channel="email", recipient="ap@example.com", subject="x", sender="erp@elsewhere.example")
    got = mail.send(message)
    assert (type(got), got.code, got.remedy) == (Refused, "403", "verify the sender the receiver names")


def test_a_limit_is_waited_for_until_its_reset(account, mail):
    reset = int(account.clock.seconds()) + 42
    answer(account, 429, "too many requests", **{"X-RateLimit-Reset": str(reset)})
    got = mail.send(MAIL)
    assert isinstance(got, Later)
    assert (got.code, got.text) == ("429", "too many requests")
    assert 40 <= got.seconds <= 42


@pytest.mark.parametrize("status", [500, 502, 503])
def test_what_tells_nothing_is_unknown(account, mail, status):
    answer(account, status)
    assert isinstance(mail.send(MAIL), Lost)
