"""Twilio's own Python library, unmodified but for the address, against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from message_strangers import twilio_library
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

if TYPE_CHECKING:
    from message_strangers import Receiver
    from twilio.rest import Client

    from conftest import Account

PERSON = "+447700900123"


@pytest.fixture
def client(account: Account) -> Client:
    return twilio_library(account.emulator)


def test_send_fetch_list_cancel(account: Account, client: Client) -> None:
    sender = account.facts["from_number"]
    sids = [client.messages.create(to=PERSON, from_=sender, body=f"text {n}").sid for n in range(5)]
    assert [one.sid for one in client.messages.list(to=PERSON, page_size=2)] == sids[::-1]
    account.control.advance(60)
    message = client.messages(sids[0]).fetch()
    assert (message.status, message.num_segments, message.date_sent.year) == ("delivered", "1", 2026)
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to="+12", from_=sender, body="x")
    assert (refused.value.status, refused.value.code) == (400, 21211)
    assert client.lookups.v2.phone_numbers(PERSON).fetch().valid


def test_signatures_of_callbacks_and_inbound_texts(account: Account, receiver: Receiver) -> None:
    account.control.switch(inbound_url=f"{receiver.url}/inbound")
    account.sent(StatusCallback=f"{receiver.url}/status?alert_id=A-17")
    account.control.advance(10)
    account.control.inbound(PERSON, account.facts["from_number"], "Ok, thanks & bye")
    validator = RequestValidator(account.facts["auth_token"])
    assert [path for path, _headers, _body in receiver.received].count("/inbound") == 1
    for path, headers, body in receiver.received:
        parameters = parse_qs(body.decode(), keep_blank_values=True)
        form = {name: values[0] for name, values in parameters.items()}
        assert validator.validate(receiver.url + path, form, headers["x-twilio-signature"])
        assert not validator.validate(receiver.url + path, {**form, "To": "x"}, headers["x-twilio-signature"])
