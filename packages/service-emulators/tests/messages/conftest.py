"""Emulated Twilio and SendGrid accounts with clocks that stand still, and a receiver for their webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from message_strangers import Receiver
from service_emulators.testing import start_sendgrid, start_twilio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_emulators.testing import SendGridEmulator, TwilioEmulator

START = "2026-11-20T09:00:00"
PERSON = "+447700900123"


class Account:
    """The Twilio emulator and its messages."""

    def __init__(self, emulator: TwilioEmulator) -> None:
        self.emulator = emulator
        self.control = emulator.control
        self.facts = emulator.describe()
        self.base = f"{emulator.url}/2010-04-01/Accounts/{self.facts['account_sid']}"
        self.credentials = (self.facts["account_sid"], self.facts["auth_token"])

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Calls a path below the account."""
        options.setdefault("auth", self.credentials)
        return requests.request(method, self.base + path, timeout=10, **options)

    def send(self, body: str = "Order held", **parameters: Any) -> requests.Response:
        """Sends a text from the plain number, unless told otherwise."""
        given = {"To": PERSON, "Body": body, **parameters}
        if "MessagingServiceSid" not in given:
            given.setdefault("From", self.facts["from_number"])
        return self.call("POST", "/Messages.json", data=given)

    def sent(self, body: str = "Order held", **parameters: Any) -> str:
        """Sends a text and returns its SID."""
        response = self.send(body, **parameters)
        assert response.status_code == 201, response.text
        return str(response.json()["sid"])

    def refused(self, body: str = "Order held", **parameters: Any) -> tuple[int, int]:
        """Sends a text that is refused; returns status and code."""
        response = self.send(body, **parameters)
        content = response.json()
        assert content["status"] == response.status_code
        assert content["more_info"] == f"https://www.twilio.com/docs/errors/{content['code']}"
        return response.status_code, content["code"]

    def status(self, sid: str) -> tuple[str, int | None]:
        """Returns status and error code of a message."""
        content = self.call("GET", f"/Messages/{sid}.json").json()
        return content["status"], content["error_code"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def account() -> Iterator[Account]:
    with start_twilio() as emulator:
        emulator.control.set_clock(now=START)
        yield Account(emulator)


@pytest.fixture
def mail() -> Iterator[SendGridEmulator]:
    with start_sendgrid() as emulator:
        emulator.control.set_clock(now=START)
        yield emulator
