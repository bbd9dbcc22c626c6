"""Texts and calls as messages of the sending ledger."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from service_calls import LostAnswerError
from sync_ledger.sending.service import Accepted, Delivery, Later, Lost, Refused, Seen

from target_twilio.services import SettingError
from target_twilio.twilio.codes import BAD_CALLBACK, OF_THE_SENDER, OPTED_OUT, remedy

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sync_ledger.sending.service import Answer, Outgoing

    from target_twilio.twilio.client import Reply, Twilio

STATUSES: t.Final[Mapping[str, Delivery]] = {
    "accepted": Delivery.SENT,
    "scheduled": Delivery.SENT,
    "queued": Delivery.QUEUED,
    "sending": Delivery.QUEUED,
    "sent": Delivery.PASSED_ON,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "partially_delivered": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}
"""Status of a text -> how far it is."""

CALL_STATUSES: t.Final[Mapping[str, Delivery]] = {
    "queued": Delivery.QUEUED,
    "initiated": Delivery.QUEUED,
    "ringing": Delivery.PASSED_ON,
    "in-progress": Delivery.PASSED_ON,
    "completed": Delivery.DELIVERED,
    "busy": Delivery.UNDELIVERED,
    "no-answer": Delivery.UNDELIVERED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}
"""Status of a call -> how far it is."""

KEY_PARAMETER: t.Final = "message"
"""Parameter of the callback address that has the key of the message."""

_SAID_AGAIN: t.Final = "#rc=3&rp=ct,rt,5xx"
"""Twilio says by itself only once more what it could not say; this lets it also where the ledger was busy ("Webhooks
connection overrides"). It is no part of what is called or signed."""

_LONGEST_VALIDITY: t.Final = 36_000
_LONGEST_TWIML: t.Final = 4_000
_NOT_XML: t.Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RINGS: t.Final = "25"
_PAGE: t.Final = "200"

_TRIAL: t.Final = "Sent from your Twilio trial account - "
"""What Twilio puts before the texts of trial accounts."""


class TwilioMessages:
    """Texts and calls of one account.

    Args:
        client: The account.
        sender: Number of the settings.
        messaging_service: Messaging Service of the settings.
        callback_address: Public address of `alerts listen`; None when there is none.
        clock: The present moment, in UTC.
    """

    channels = ("sms", "voice")
    per_second = 0.0  # what a sender cannot send at once Twilio keeps in its queue

    def __init__(
        self,
        client: Twilio,
        *,
        sender: str | None,
        messaging_service: str | None,
        callback_address: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._client = client
        self._sender = sender
        self._messaging_service = messaging_service
        self._callback_address = callback_address
        self._clock = clock

    def send(self, message: Outgoing) -> Answer:
        """Send a text or make a call, once.

        Raises:
            ServiceError: Nothing can be sent at all; the message was not taken.
            SettingError: A setting is missing or of no use.
        """
        path, form = (
            ("/Calls", self._call(message)) if message.channel == "voice" else ("/Messages", self._text(message))
        )
        try:
            reply = self._client.post(path, form)
        except LostAnswerError as error:
            return Lost(str(error))
        if reply.ok:
            return self._accepted(reply, message.channel)
        if reply.later:
            return Later(str(reply.code), reply.text, reply.seconds)
        self._check_settings(reply, own=message.sender is None and message.messaging_service is None)
        return Refused(str(reply.code), reply.text, remedy(reply.code), opted_out=reply.code == OPTED_OUT)

    def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
        """Return the texts it took since then with the same recipient and words, newest first.

        Raises:
            ServiceError: It cannot be asked now.
        """
        if message.channel != "sms":
            return None
        found: list[Seen] = []
        least = since.replace(microsecond=0)
        for page in self._client.pages("/Messages", {"To": message.recipient, "PageSize": _PAGE}):
            for one in page.get("messages", ()):
                created = _moment(one.get("date_created"))
                if created is not None and created < least:
                    return found
                body = str(one.get("body")).removeprefix(_TRIAL)
                if body == message.text and str(one.get("direction", "")).startswith("outbound"):
                    found.append(_seen(one, STATUSES))
        return found

    def status(self, remote_id: str, channel: str) -> Seen | None:
        """Return how far a message is.

        Raises:
            ServiceError: It cannot be asked now.
        """
        voice = channel == "voice"
        reply = self._client.get(f"/{'Calls' if voice else 'Messages'}/{remote_id}")
        if not reply.ok:
            return Seen(remote_id, Delivery.SENT, str(reply.code), reply.text)  # deleted there: nothing more is known
        return _seen(reply.body, CALL_STATUSES if voice else STATUSES)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _check_settings(self, reply: Reply, *, own: bool) -> None:
        """Raise what keeps every message from going out; `own`: this one has the sender of the settings."""
        said = f"{reply.code} {reply.text}"
        if reply.code == BAD_CALLBACK:
            raise SettingError(
                f"Twilio cannot call back: {said}; correct status_callback_url (a public host name without underscores)"
            )
        if reply.status == HTTPStatus.NOT_FOUND and own:
            raise SettingError(f"Twilio finds nothing to send with: {said}; check account_sid and api_url")
        if reply.code in OF_THE_SENDER and own:
            raise SettingError(f"Twilio refuses the sender: {said}; {remedy(reply.code)}")

    def _text(self, message: Outgoing) -> list[tuple[str, str]]:
        form = [("To", message.recipient), *self._from(message), ("Body", message.text)]
        if message.valid_until is not None:
            left = int((message.valid_until - self._clock()) / timedelta(seconds=1))
            form.append(("ValidityPeriod", str(min(max(left, 1), _LONGEST_VALIDITY))))
        return form + self._callback(message, "status")

    def _call(self, message: Outgoing) -> list[tuple[str, str]]:
        sender = message.sender or self._sender
        if sender is None:
            raise SettingError("There is a call to make and no number to call from: set from_number")
        language = quoteattr(message.language or "en-US")
        text = _NOT_XML.sub(" ", message.text)  # Twilio calls in any case, and reads what is no XML to nobody
        said = escape(text)
        spoken = f"<Response><Say language={language}>{said}</Say></Response>"
        if len(spoken) > _LONGEST_TWIML:
            said = escape(text[: _LONGEST_TWIML // 6])  # no escape is longer than six characters
            spoken = f"<Response><Say language={language}>{said}</Say></Response>"
        form = [("To", message.recipient), ("From", sender), ("Twiml", spoken), ("Timeout", _RINGS)]
        return form + self._callback(message, "call")

    def _from(self, message: Outgoing) -> list[tuple[str, str]]:
        service = message.messaging_service or (self._messaging_service if message.sender is None else None)
        sender = message.sender or (self._sender if service is None else None)
        if service is None and sender is None:
            raise SettingError("There are texts to send and no sender: set from_number or messaging_service_sid")
        named = [("From", sender)] if sender is not None else []
        return [*named, *([("MessagingServiceSid", service)] if service is not None else [])]

    def _callback(self, message: Outgoing, kind: str) -> list[tuple[str, str]]:
        if self._callback_address is None:
            return []
        query = urlencode({KEY_PARAMETER: message.key})
        return [("StatusCallback", f"{self._callback_address.rstrip('/')}/twilio/{kind}?{query}{_SAID_AGAIN}")]

    def _accepted(self, reply: Reply, channel: str) -> Answer:
        sid = reply.body.get("sid")
        if not isinstance(sid, str) or not sid:
            return Lost("Twilio took it and gave no SID")
        known = CALL_STATUSES if channel == "voice" else STATUSES
        return Accepted(sid, known.get(str(reply.body.get("status")), Delivery.SENT))


def _seen(one: Mapping[str, t.Any], known: Mapping[str, Delivery]) -> Seen:
    code = one.get("error_code")
    return Seen(
        remote_id=str(one.get("sid")),
        status=known.get(str(one.get("status")), Delivery.SENT),
        code=None if code is None else str(code),
        text=one.get("error_message"),
        created_at=_moment(one.get("date_created")),
        at=_moment(one.get("date_updated")),
        remedy=None if code is None else remedy(code),
    )


def _moment(text: t.Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
