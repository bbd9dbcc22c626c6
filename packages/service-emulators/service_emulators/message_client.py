"""Python clients of the control interface of services that send messages: Twilio and SendGrid."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from service_emulators.client import Control


class DueControl(Control):
    """Control interface of a service that does things by itself when their time has come."""

    def advance(self, seconds: float = 0.0) -> str:
        """Lets time pass at once; returns the new moment when all that was due is done, calls to webhooks included."""
        result: str = self.call("POST", "/advance", {"seconds": seconds})["now"]
        return result


class TwilioControl(DueControl):
    """Control interface of the Twilio emulator."""

    def phones(self) -> dict[str, list[dict[str, Any]]]:
        """Returns what phones received, oldest first, by number: at, kind (sms, call), from, text, sid."""
        result: dict[str, list[dict[str, Any]]] = self.call("GET", "/phones")
        return result

    def phone(self, number: str) -> list[dict[str, Any]]:
        """Returns what one phone received, oldest first."""
        result: list[dict[str, Any]] = self.call("GET", f"/phones/{quote(number)}")
        return result

    def set_phone(self, number: str, **values: Any) -> dict[str, Any]:
        """Says what a phone is like.

        Args:
            number: its number.
            values: `code`, the error that messages to it end with (300xx) or are refused with (21xxx), None for none;
                `verified`, for trial accounts; `line_type`, for example `landline`.
        """
        result: dict[str, Any] = self.call("POST", f"/phones/{quote(number)}", values)
        return result

    def inbound(self, person: str, number: str, body: str) -> str:
        """Lets a person send a text to a number of the account; returns its SID."""
        result: str = self.call("POST", "/inbound", {"from": person, "to": number, "body": body})["sid"]
        return result

    def callbacks(self) -> list[dict[str, Any]]:
        """Returns the calls to webhooks, oldest first: sid, url, parameters, state, results."""
        result: list[dict[str, Any]] = self.call("GET", "/callbacks")
        return result


class SendGridControl(DueControl):
    """Control interface of the SendGrid emulator."""

    def mailboxes(self) -> dict[str, list[dict[str, Any]]]:
        """Returns what mailboxes received, oldest first, by address: at, from, to, subject, text, html and more."""
        result: dict[str, list[dict[str, Any]]] = self.call("GET", "/mailboxes")
        return result

    def mailbox(self, address: str) -> list[dict[str, Any]]:
        """Returns what one mailbox received, oldest first."""
        result: list[dict[str, Any]] = self.call("GET", f"/mailboxes/{quote(address)}")
        return result

    def set_mailbox(self, address: str, outcome: str) -> dict[str, Any]:
        """Says what becomes of mail to an address: `delivered`, `bounce`, `blocked` or `deferred` (at first)."""
        result: dict[str, Any] = self.call("POST", f"/mailboxes/{quote(address)}", {"outcome": outcome})
        return result

    def feedback(self, address: str, event: str) -> int:
        """Lets a person act on the last mail: `open`, `click`, `spamreport` or `unsubscribe`; returns events made."""
        result: int = self.call("POST", f"/mailboxes/{quote(address)}/feedback", {"event": event})["events"]
        return result

    def events(self) -> list[dict[str, Any]]:
        """Returns the events made for webhooks, oldest first."""
        result: list[dict[str, Any]] = self.call("GET", "/events")
        return result
