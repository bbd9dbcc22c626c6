"""SendGrid's events: how far a mail is, and who wants none."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from sync_ledger.sending.service import Delivery
from sync_ledger.sending.statuses import Statuses
from sync_ledger.sending.suppressions import Suppressions

from target_twilio.listening.bodies import word
from target_twilio.listening.telling import NOT_REACHED, masked
from target_twilio.sendgrid.mail import KEY_ARGUMENT

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.sending.journal import Journal

    from target_twilio.listening.telling import Telling

_MEANING: t.Final[Mapping[str, Delivery]] = {
    "processed": Delivery.QUEUED,
    "deferred": Delivery.QUEUED,
    "delivered": Delivery.DELIVERED,
    "bounce": Delivery.UNDELIVERED,
    "dropped": Delivery.FAILED,
    # What somebody does with a mail says that it arrived, also where the event that says so was lost.
    "open": Delivery.DELIVERED,
    "click": Delivery.DELIVERED,
    "spamreport": Delivery.DELIVERED,
    "unsubscribe": Delivery.DELIVERED,
    "group_unsubscribe": Delivery.DELIVERED,
    "group_resubscribe": Delivery.DELIVERED,
}
"""Event -> how far its mail is ("Event Webhook reference")."""

_UNWANTED: t.Final[Mapping[str, str]] = {
    "spamreport": "reported a mail as spam",
    "unsubscribe": "unsubscribed from mail",
}
"""Event that ends all mail of the account to somebody -> why."""

_GROUP: t.Final = "unsubscribed from this kind of mail"

_REMEDIES: t.Final[Mapping[str, str]] = {
    "bounce": "correct the address; SendGrid drops mail to it until it is off its list of bounces",
    "blocked": "the mail server of the recipient refused it; read its words",
    "dropped": "SendGrid does not send to this address; correct it, or take it off the list that the reason names",
}


@dataclass(frozen=True, slots=True)
class _Mailbox:
    """What `Suppressions` looks at: mail to somebody, from whichever sender."""

    recipient: str
    channel: str = "email"
    messaging_service: None = None
    sender: None = None


class MailEvents:
    """Moves mail on, and notes who wants none.

    Args:
        journal: The messages.
        telling: The log.
    """

    def __init__(self, journal: Journal, telling: Telling) -> None:
        self._journal = journal
        self._telling = telling
        self._suppressions = Suppressions(journal.destination)

    def take(self, events: Sequence[Mapping[str, t.Any]]) -> None:
        """Take a batch, in any order and more than once. Each event is a transaction: nobody waits for the whole."""
        for event in events:
            self._take(event)

    def _take(self, event: Mapping[str, t.Any]) -> None:
        kind, key, mailbox = word(event.get("event")), word(event.get(KEY_ARGUMENT)), word(event.get("email"))
        status = _MEANING.get(kind or "")
        if kind is None or status is None:
            return
        at = _moment(event.get("timestamp"))
        if mailbox is not None:
            self._opt(kind, mailbox, at or self._journal.clock(), ours=key is not None)
        if key is None:
            return  # mail of the account that others sent
        bounced = word(event.get("type")) if kind == "bounce" else None
        code, advice = _code(kind, event), _REMEDIES.get(bounced or kind)
        moved = Statuses(self._journal).note(
            status,
            remote_id=_remote_id(event),
            key=key,
            code=code,
            text=word(event.get("reason") or event.get("response")) if kind != "delivered" else None,
            remedy=advice,
            at=at,
            event_id=_event_id(event),
        )
        self._telling.count("moved" if moved else "unmoved")
        if moved and status in NOT_REACHED:
            self._telling.not_delivered(key, status, code=code, remedy=advice)
        if not moved:
            self._tell_unknown(key)

    def _opt(self, kind: str, mailbox: str, at: datetime, *, ours: bool) -> None:
        """Note who wants no mail: a group is one of ours only where the mail was."""
        why = _UNWANTED.get(kind) or (_GROUP if kind == "group_unsubscribe" and ours else None)
        back = kind == "group_resubscribe" and ours
        if why is None and not back:
            return
        with self._journal.alone() as connection:
            if why is not None:
                beyond = (_GROUP,) if why != _GROUP else ()
                self._suppressions.add(connection, "email", mailbox, at=at, why=why, beyond=beyond)
            elif _GROUP in self._suppressions.whys(connection, [_Mailbox(mailbox)]).values():
                self._suppressions.lift(connection, "email", mailbox, at=at)
        if why is not None:
            self._telling.once("opted_out", recipient=masked(mailbox), why=why)

    def _tell_unknown(self, key: str) -> None:
        with self._journal.engine.connect() as connection:
            known = self._journal.by_key(connection, key) is not None
        if not known:
            self._telling.once("unknown_message", message=key)


def _remote_id(event: Mapping[str, t.Any]) -> str | None:
    """Return the X-Message-Id of the mail, with which the id of the event's mail begins."""
    whole = word(event.get("sg_message_id"))
    return whole.split(".", 1)[0] or None if whole is not None else None


def _event_id(event: Mapping[str, t.Any]) -> str | None:
    """Return what tells an event from others.

    That is message, recipient, kind and time: the id SendGrid gives it has been seen to change when it is posted again
    (sendgrid-nodejs, issue 1435), and may be missing. It counts where the others are not complete.
    """
    parts = [word(event.get(name)) for name in ("sg_message_id", "email", "event", "timestamp")]
    if None in parts:
        parts = [word(event.get("sg_event_id"))]
    if parts == [None]:
        return None
    return "mail " + hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()


def _code(kind: str, event: Mapping[str, t.Any]) -> str | None:
    if kind == "bounce":
        return (word(event.get("status")) or word(event.get("type")) or kind)[:50]
    return kind if kind in {"dropped", "deferred", *_UNWANTED} else None


def _moment(timestamp: t.Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(timestamp), timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
