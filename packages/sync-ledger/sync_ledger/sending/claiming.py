"""Claims: who sends a message now. Only the owner of a claim sends, and a claim is never given twice.

A claim is committed before the call. If its run dies, nobody knows whether the service has the message: it is unknown,
and looked for, never simply sent.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import func, select, update

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.runs import living
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.journal import FIRST_LOOK, Said
from sync_ledger.sending.service import Delivery
from sync_ledger.sending.suppressions import OPTED_OUT, REMEDY, Suppressions, sender_of

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from sync_ledger.sending.journal import Journal


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that its holder, and nobody else, sends now.

    Attributes:
        number: Its number in the ledger.
        attempt: Which call for it this is.
    """

    number: int
    attempt: int
    key: str
    receiver: str
    channel: t.Literal["sms", "email", "voice"]
    recipient: str
    subject: str | None
    text: str
    html: str | None
    sender: str | None
    messaging_service: str | None
    reply_to: str | None
    language: str | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may be sent yet, because of the pace.

    Attributes:
        seconds: How long.
    """

    seconds: float


class Claims:
    """Claims of one run.

    Args:
        journal: The messages.
        run_id: The run that sends.
        channels: Channels it sends by.
    """

    def __init__(self, journal: Journal, run_id: int, channels: Sequence[str]) -> None:
        self._journal = journal
        self._run_id = run_id
        self._channels = tuple(channels)
        self._suppressions = Suppressions(journal.destination)

    def abandon(self) -> int:
        """Make unknown what runs were sending that are no more; return how many messages that are."""
        with self._journal.alone() as connection:
            rows = connection.execute(select(messages).where(*self._mine(Delivery.CLAIMED))).all()
            owners = {row.claimed_by for row in rows}
            alive = living(connection, owners) | {self._run_id}
            left = [row for row in rows if row.claimed_by not in alive]
            for row in left:
                text = f"run {row.claimed_by} ended while it was sending this"
                due = t.cast("datetime", as_utc(row.claimed_at)) + FIRST_LOOK
                self._journal.move(
                    connection, row.id, Said("ledger", Delivery.UNKNOWN, text=text), {"due_at": due, "looks": 0}
                )
        return len(left)

    def take(self, per_second: float) -> Claim | Pause | None:
        """Claim the next message that is due, in the order in which they were put; None if there is none.

        What is no longer valid, or no longer wanted by its recipient, is settled on the way.

        Args:
            per_second: Most messages a second, by all processes on this ledger together; 0 for any number.
        """
        with self._journal.alone() as connection:
            moment = self._journal.clock()
            query = select(messages).where(*self._mine(Delivery.WAITING), messages.c.due_at <= moment)
            while row := connection.execute(query.order_by(messages.c.due_at, messages.c.id).limit(1)).one_or_none():
                if self._unwanted(connection, row, moment):
                    continue
                pause = self._pause(connection, per_second, moment)
                if pause > 0:
                    return Pause(pause)
                if self._claim(connection, row, moment):
                    return as_claim(self._journal.by_id(connection, row.id))
        return None

    def next_due(self) -> datetime | None:
        """Return when the next message is due to be sent or looked for."""
        found: list[datetime] = []
        with self._journal.engine.connect() as connection:
            for status in (Delivery.WAITING, Delivery.UNKNOWN):
                due = as_utc(
                    connection.execute(select(func.min(messages.c.due_at)).where(*self._mine(status))).scalar()
                )
                if due is not None:
                    found.append(due)
        return min(found, default=None)

    def waiting(self) -> int:
        """Return how many messages wait, due or not."""
        with self._journal.engine.connect() as connection:
            query = select(func.count()).select_from(messages).where(*self._mine(Delivery.WAITING))
            return int(connection.execute(query).scalar_one())

    def _mine(self, status: Delivery) -> tuple[ColumnElement[bool], ...]:
        return (
            messages.c.destination == self._journal.destination,
            messages.c.status == status.value,
            messages.c.channel.in_(self._channels),
        )

    def _unwanted(self, connection: Connection, row: t.Any, moment: datetime) -> bool:
        """Settle a message that must not go out any more; return whether it was one."""
        valid_until = as_utc(row.valid_until)
        if valid_until is not None and valid_until <= moment:
            text = "it was no longer valid when it could have been sent"
            self._journal.move(connection, row.id, Said("ledger", Delivery.EXPIRED, text=text))
            return True
        why = self._suppressions.whys(connection, [row]).get((row.channel, row.recipient, sender_of(row)))
        if why is not None:
            said = Said(
                "ledger",
                Delivery.HELD,
                code=OPTED_OUT,
                text=f"{row.recipient} wants no messages: {why}",
                remedy=REMEDY,
            )
            self._journal.move(connection, row.id, said, {"reason": OPTED_OUT})
            return True
        return False

    def _pause(self, connection: Connection, per_second: float, moment: datetime) -> float:
        """Return the seconds to wait so that the claims of all processes keep the pace."""
        if per_second <= 0:
            return 0.0
        last: list[datetime] = []
        for channel in self._channels:  # one by one: each is a look at the end of the index
            newest = connection.execute(
                select(func.max(messages.c.claimed_at)).where(
                    messages.c.destination == self._journal.destination, messages.c.channel == channel
                )
            ).scalar()
            if newest is not None:
                last.append(t.cast("datetime", as_utc(newest)))
        if not last:
            return 0.0
        gap = 1.0 / per_second
        left = gap - (moment - max(last)).total_seconds()
        return min(left, gap)  # a clock that was set back must not stop the sending

    def _claim(self, connection: Connection, row: t.Any, moment: datetime) -> bool:
        values = {
            "status": Delivery.CLAIMED.value,
            "status_at": moment,
            "claimed_at": moment,
            "claimed_by": self._run_id,
            "attempts": row.attempts + 1,
            "tried_at": row.tried_at or moment,
            "due_at": None,
        }
        where = (messages.c.id == row.id, messages.c.status == Delivery.WAITING.value)
        if connection.execute(update(messages).where(*where).values(values)).rowcount == 0:
            return False  # an opt-out has come in between
        self._journal.note(connection, row.id, Said("ledger", Delivery.CLAIMED), moved=True)
        return True


def as_claim(row: t.Any) -> Claim:
    """Return a message as a service is given it."""
    return Claim(
        number=row.id,
        attempt=row.attempts,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        valid_until=as_utc(row.valid_until),
    )


_AS_THEY_ARE = tuple(name for name in Claim.__slots__ if name not in {"number", "attempt", "valid_until"})
