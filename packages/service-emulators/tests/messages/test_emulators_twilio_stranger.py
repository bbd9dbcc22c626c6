"""Twilio's own Python library, unmodified but for the address, against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

if TYPE_CHECKING:
    from conftest import Account, Receiver

PERSON = "+447700900123"


class _ToEmulator(TwilioHttpClient):
    """Leads requests for Twilio's hosts to the emulator."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        target = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, target, *args, **kwargs)


@pytest.fixture
def client(account: Account) -> Client:
    return Client(*account.credentials, http_client=_ToEmulator(account.emulator.url))


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
