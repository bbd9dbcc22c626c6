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
_CREDITS: t.Final = "maximum credits exceeded"

_OF_THE_MAIL: t.Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Statuses that may be about one mail; all others are about where it was sent to ("Mail Send errors")."""

_REMEDIES: t.Final[Mapping[int, str]] = {
    HTTPStatus.FORBIDDEN: "verify the sender the receiver names",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "shorten the mail",
}


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
        text = _check_settings(answer, own=True)
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
        status, text = answer.status_code, _check_settings(answer, own=message.sender is None)
        if status < HTTPStatus.BAD_REQUEST:
            return Accepted(answer.headers.get("X-Message-Id") or f"key:{message.key}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Lost(f"SendGrid answered {status}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Later(str(status), text, self._wait(answer.headers))
        return Refused(str(status), text, _REMEDIES.get(status, "correct the receiver"))

    def _wait(self, headers: Mapping[str, str]) -> float | None:
        reset = headers.get("X-RateLimit-Reset", "")
        return max(float(reset) - self._clock(), 1.0) if reset.isdigit() else None


def _check_settings(answer: requests.Response, *, own: bool) -> str:
    """Return what SendGrid says, or raise what keeps every mail from going out; `own`: it has the settings' sender."""
    status, errors = answer.status_code, _errors(answer.content)
    text = "; ".join(f"{field}: {said}" if field else said for field, said in errors) or str(status)
    if _CREDITS in text.lower() and status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise ServiceUnavailableError(f"SendGrid takes no more mail ({text}); wait, or have more in the plan")
    if status == HTTPStatus.UNAUTHORIZED:
        raise CredentialsError(f"SendGrid refuses the API key ({text}); check sendgrid_api_key")
    if status == HTTPStatus.FORBIDDEN and own:
        raise SettingError(
            f"SendGrid refuses the sender or the key may not send ({text}); verify from_email in the console, or "
            "give the key the permission Mail Send"
        )
    if status == HTTPStatus.BAD_REQUEST and own and errors and all(field.startswith("from") for field, _ in errors):
        raise SettingError(f"SendGrid refuses the sender ({text}); correct from_email")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _OF_THE_MAIL:
        raise SettingError(f"SendGrid takes no mail there ({status} {text}); check sendgrid_api_url")
    return text


def _errors(content: bytes) -> list[tuple[str, str]]:
    """Return the fields that the errors of an answer are about, if any, and their texts."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    errors = found.get("errors") if isinstance(found, dict) else None
    told = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return [(str(one.get("field") or ""), str(one.get("message"))) for one in told]
