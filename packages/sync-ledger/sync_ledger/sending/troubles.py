"""Messages that did not arrive, each handed once to whoever finds another way."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import select, update

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.sending_tables import message_members, messages
from sync_ledger.ledger.upsert import slices
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

NOT_ARRIVED: t.Final = frozenset({Delivery.UNDELIVERED, Delivery.FAILED, Delivery.HELD})


@dataclass(frozen=True, slots=True)
class Alert:
    """One change of one alert that a message tells of; a `sync_ledger.sending.outbox.Member`."""

    rule: str
    fingerprint: str
    version: int
    stream: str
    source_key: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A message that did not arrive, or of which nobody knows.

    Attributes:
        key: Its key.
        status: `undelivered`, `failed` or `held`.
        reason: Why it is held: `opted_out`, `lost_answer`, `not_taken`, `payload_erased`.
        code: Error code.
        error: Error text.
        channel: How it was sent.
        receiver: Name of the receiver.
        recipient: Number or address.
        purpose: Why it was sent.
        group_key: Its group.
        at: Since when that is so.
        members: What it told of.
    """

    key: str
    status: Delivery
    reason: str | None
    code: str | None
    error: str | None
    channel: t.Literal["sms", "email", "voice"]
    receiver: str
    recipient: str
    purpose: str
    group_key: str
    at: datetime
    members: tuple[Alert, ...]


class Troubles:
    """Messages of one destination that did not arrive.

    Args:
        destination: The account.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination

    def take(
        self, connection: Connection, *, statuses: Collection[Delivery] = NOT_ARRIVED, limit: int = 1_000
    ) -> list[Trouble]:
        """Return messages that have come to one of these statuses and were not returned before, oldest first.

        In the caller's transaction: if that is rolled back, they are returned again.
        """
        wanted = (
            messages.c.destination == self._destination,
            messages.c.status.in_([status.value for status in statuses]),
            ~messages.c.failure_told,
        )
        some = select(messages.c.id).where(*wanted).order_by(messages.c.id).limit(limit)
        # The conditions stand in the update as well: of two that take at once, only one gets a message.
        taken = update(messages).where(messages.c.id.in_(some), *wanted).values(failure_told=True)
        rows = sorted(connection.execute(taken.returning(messages)).all(), key=lambda row: int(row.id))
        members = members_of(connection, [row.id for row in rows])
        return [
            Trouble(
                status=Delivery(row.status),
                at=t.cast("datetime", as_utc(row.status_at)),
                members=tuple(members.get(row.id, ())),
                **{name: getattr(row, name) for name in _AS_THEY_ARE},
            )
            for row in rows
        ]


def members_of(connection: Connection, numbers: Collection[int]) -> dict[int, list[Alert]]:
    """Return what messages tell of: number -> members in their order."""
    found: dict[int, list[Alert]] = {}
    for part in slices(sorted(numbers)):
        query = select(message_members).where(message_members.c.message_id.in_(part))
        for row in connection.execute(query.order_by(message_members.c.message_id, message_members.c.place)):
            one = Alert(**{name: getattr(row, name) for name in Alert.__slots__})
            found.setdefault(row.message_id, []).append(one)
    return found


_AS_THEY_ARE = tuple(name for name in Trouble.__slots__ if name not in {"status", "at", "members"})
