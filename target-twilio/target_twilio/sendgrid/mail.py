"""Mail by SendGrid as messages of the sending ledger."""

from __future__ import annotations

import time
import typing as t
from http import HTTPStatus

import msgspec
from requests.auth import AuthBase
from service_calls import LostAnswerError, NotSentError, Tally, Transport
from sync_ledger.errors import CredentialsError, ServiceUnavailableError
from sync_ledger.sending.service import Accepted, Later, Lost, Refused

from target_twilio.services import SENDGRID, TIME_LIMIT, SettingError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import requests
    from sync_ledger.sending.service import Answer, Outgoing, Seen

DEFAULT_ADDRESS: t.Final = "https://api.sendgrid.com"
KEY_ARGUMENT: t.Final = "message_key"
"""Custom argument that has the key of the message; events of the mail carry it."""

_LONGEST_CATEGORY: t.Final = 255


class Bearer(AuthBase):
    """Puts the API key into requests.

    Args:
        api_key: The key.
    """

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into a request."""
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


class SendGridMail:
    """Mail of one account.

    Args:
        api_key: Its API key.
        sender: Address of the settings.
        address: Address of the API, or of what stands before it.
        tally: Counts requests.
        clock: Seconds since 1970.
    """

    channels = ("email",)
    per_second = 0.0

    def __init__(
        self,
        api_key: str,
        *,
        sender: str | None,
        address: str = DEFAULT_ADDRESS,
        tally: Tally | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tally = tally or Tally()
        self._sender = sender
        self._address = address.rstrip("/")
        self._clock = clock
        self._transport = Transport(SENDGRID, Bearer(api_key), timeout_seconds=TIME_LIMIT, cookies=False)

    def send(self, message: Outgoing) -> Answer:
        """Send a mail, once.

        Raises:
            ServiceError: Nothing can be sent at all; the mail was not taken.
            SettingError: Setting from_email is missing or of no use.
        """
        self.tally.add(write=True, cost=1)
        try:
            answer = self._post(self._body(message))
        except LostAnswerError as error:
            return Lost(str(error))
        return self._read(answer, message)

    def rehearse(self) -> None:
        """Have a mail from the sender to itself checked in the sandbox, which delivers nothing ("Sandbox mode").

        Raises:
            ServiceError: It is not taken; the text names the setting.
        """
        sender = self._sender
        if sender is None:
            raise SettingError("No sender of mail is set; set from_email")
        body = {
            "personalizations": [{"to": [{"email": sender}]}],
            "from": {"email": sender},
            "subject": "Check of the settings",
            "content": [{"type": "text/plain", "value": "Sent to the sandbox only."}],
            "mail_settings": {"sandbox_mode": {"enable": True}},
        }
        self.tally.add(write=False, cost=0)
        try:
            answer = self._post(body)
        except LostAnswerError as error:
            raise ServiceUnavailableError(f"SendGrid does not answer: {error}; try again") from None
        text = _words(answer.content) or str(answer.status_code)
        _check_sender(answer.status_code, text, own=True)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise ServiceUnavailableError(f"SendGrid does not take a mail ({answer.status_code} {text}); try later")

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        """Return None: SendGrid lists mails only to those who pay for it, and its events tell by the key."""
        del message, since
        return None

    def status(self, remote_id: str, channel: str) -> Seen | None:
        """Return None: only its events tell how far a mail is."""
        del remote_id, channel
        return None

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _body(self, message: Outgoing) -> dict[str, t.Any]:
        sender = message.sender or self._sender
        if sender is None:
            raise SettingError("There is mail to send and no sender: set from_email")
        parts = [{"type": "text/plain", "value": message.text}]
        if message.html:
            parts.append({"type": "text/html", "value": message.html})
        body: dict[str, t.Any] = {
            "personalizations": [{"to": [{"email": message.recipient}], "custom_args": {KEY_ARGUMENT: message.key}}],
            "from": {"email": sender},
            "subject": message.subject or message.text.split("\n", 1)[0][:100],
            "content": parts,
            "categories": [f"alerts-{message.receiver}"[:_LONGEST_CATEGORY]],
            "tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
        }
        if message.reply_to:
            body["reply_to"] = {"email": message.reply_to}
        return body

    def _post(self, body: Mapping[str, t.Any]) -> requests.Response:
        try:
            return self._transport.send("POST", f"{self._address}/v3/mail/send", body=msgspec.json.encode(body))
        except NotSentError as error:
            raise ServiceUnavailableError(f"SendGrid cannot be reached: {error}; nothing was sent") from None

    def _read(self, answer: requests.Response, message: Outgoing) -> Answer:
        status = answer.status_code
        if status < HTTPStatus.BAD_REQUEST:
            return Accepted(answer.headers.get("X-Message-Id") or f"key:{message.key}")
        text = _words(answer.content) or str(status)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Lost(f"SendGrid answered {status}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Later(str(status), text, self._wait(answer.headers))
        _check_sender(status, text, own=message.sender is None)
        remedy = "verify the sender the receiver names" if status == HTTPStatus.FORBIDDEN else "correct the receiver"
        return Refused(str(status), text, remedy)

    def _wait(self, headers: Mapping[str, str]) -> float | None:
        reset = headers.get("X-RateLimit-Reset", "")
        return max(float(reset) - self._clock(), 1.0) if reset.isdigit() else None


def _check_sender(status: int, text: str, *, own: bool) -> None:
    """Raise what keeps every mail from going out: the key, or the sender of the settings."""
    if status == HTTPStatus.UNAUTHORIZED:
        raise CredentialsError(f"SendGrid refuses the API key ({text}); check sendgrid_api_key")
    if status == HTTPStatus.FORBIDDEN and own:
        raise SettingError(
            f"SendGrid refuses the sender or the key may not send ({text}); verify from_email in the console, or "
            "give the key the permission Mail Send"
        )


def _words(content: bytes) -> str:
    """Return the error texts of an answer, with the fields they are about."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    errors = found.get("errors") if isinstance(found, dict) else None
    told = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return "; ".join(
        f"{one['field']}: {one.get('message')}" if one.get("field") else str(one.get("message")) for one in told
    )
