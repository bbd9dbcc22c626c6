"""The outbox: messages are kept in the transaction that decides on them, and only then anybody sends them."""

from __future__ import annotations

import hashlib
import json
import typing as t

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.sending_tables import message_events, message_members, messages
from sync_ledger.ledger.upsert import insert
from sync_ledger.sending.service import Delivery, Outgoing
from sync_ledger.sending.suppressions import OPTED_OUT, REMEDY, Suppressions, sender_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Member(t.Protocol):
    """What a message tells of: one change of one alert, and the row behind it."""

    @property
    def rule(self) -> str:
        """Name of the rule."""

    @property
    def fingerprint(self) -> str:
        """Identity of the alert."""

    @property
    def version(self) -> int:
        """Which of its changes."""

    @property
    def stream(self) -> str:
        """Stream of the row behind it."""

    @property
    def source_key(self) -> str:
        """Key of that row as JSON."""


class Kept(Outgoing, t.Protocol):
    """A message as it is put into the outbox; `alert_rules.notifications.Notification` is one."""

    @property
    def purpose(self) -> str:
        """Why it is sent, in one word."""

    @property
    def group_key(self) -> str:
        """What it was put together by."""

    @property
    def segments(self) -> int:
        """Of an SMS: segments it is sent in."""

    @property
    def not_before(self) -> datetime:
        """When it may go out."""

    @property
    def on_lost_answer(self) -> t.Literal["hold", "send_again"]:
        """What becomes of it once it cannot be cleared up whether it went out."""

    @property
    def members(self) -> Sequence[Member]:
        """What it tells of."""


class Outbox:
    """Keeps the messages of one destination until they are sent.

    Args:
        destination: The account they are sent by.
        clock: The moment now, in UTC.
    """

    def __init__(self, destination: str, *, clock: Callable[[], datetime] = now) -> None:
        self._destination = destination
        self._clock = clock
        self._suppressions = Suppressions(destination)

    def put(self, connection: Connection, notifications: Iterable[Kept]) -> list[str]:
        """Keep messages in the caller's transaction and return the keys of those that were not there.

        A key that is there is left as it is, whatever the message says now. What goes to somebody who has opted out is
        kept as held.
        """
        given = list({one.key: one for one in notifications}.values())
        if not given:
            return []
        moment = self._clock()
        whys = self._suppressions.whys(connection, given)
        rows = [self._row(one, moment, whys.get((one.channel, one.recipient, sender_of(one)))) for one in given]
        statement = (
            insert(connection, messages)
            .on_conflict_do_nothing(index_elements=["destination", "key"])
            .returning(messages.c.id, messages.c.key)
        )
        ids = {key: number for number, key in connection.execute(statement, rows)}
        new = [(one, row) for one, row in zip(given, rows, strict=True) if one.key in ids]
        members = [
            {
                "message_id": ids[one.key],
                "place": place,
                "rule": member.rule,
                "fingerprint": member.fingerprint,
                "version": member.version,
                "stream": member.stream,
                "source_key": member.source_key,
            }
            for one, _ in new
            for place, member in enumerate(one.members)
        ]
        if members:
            connection.execute(message_members.insert(), members)
        events = [self._event(ids[one.key], row, moment) for one, row in new]
        if events:
            connection.execute(message_events.insert(), events)
        return [one.key for one, _ in new]

    def _row(self, one: Kept, moment: datetime, why: str | None) -> dict[str, t.Any]:
        held = why is not None
        row = {
            "destination": self._destination,
            "key": one.key,
            "channel": one.channel,
            "receiver": one.receiver,
            "recipient": one.recipient,
            "purpose": one.purpose,
            "group_key": one.group_key,
            "subject": one.subject,
            "text": one.text,
            "html": one.html,
            "text_hash": text_hash(one),
            "segments": one.segments,
            "sender": one.sender,
            "messaging_service": one.messaging_service,
            "reply_to": one.reply_to,
            "language": one.language,
            "not_before": one.not_before,
            "valid_until": one.valid_until,
            "on_lost_answer": one.on_lost_answer,
            "status": (Delivery.HELD if held else Delivery.WAITING).value,
            "reason": OPTED_OUT if held else None,
            "error": f"{one.recipient} wants no messages: {why}" if held else None,
            "remedy": REMEDY if held else None,
            "due_at": None if held else one.not_before,
            "guessed": False,
            "attempts": 0,
            "tries": 0,
            "sent_again": False,
            "looks": 0,
            "put_at": moment,
            "status_at": moment,
            "failure_told": False,
            "erased": False,
        }
        # PostgreSQL keeps no NUL, and no phone or mailbox shows one.
        return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in row.items()}

    def _event(self, number: int, row: dict[str, t.Any], moment: datetime) -> dict[str, t.Any]:
        return {
            "destination": self._destination,
            "message_id": number,
            "source": "ledger",
            "status": row["status"],
            "moved": True,
            "code": row["reason"],
            "text": row["error"],
            "at": moment,
            "noted_at": moment,
        }


def text_hash(message: Outgoing) -> str:
    """Return the hash of what a recipient would see; equal ones cannot be told apart at the service."""
    seen = (message.channel, message.recipient, message.subject, message.text, message.html)
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
