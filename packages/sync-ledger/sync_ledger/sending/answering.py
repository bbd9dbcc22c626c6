"""What the answer to a call makes of its message."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from sqlalchemy import update

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.journal import FIRST_LOOK, REFUSED, Said
from sync_ledger.sending.service import Accepted, Delivery, Later, Refused
from sync_ledger.sending.suppressions import OPTED_OUT, REMEDY, Suppressions, sender_of

if t.TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_ledger.sending.claiming import Claim
    from sync_ledger.sending.journal import Journal
    from sync_ledger.sending.service import Answer, Lost

MOST_WAIT: t.Final = timedelta(minutes=10)
LONGEST_WAIT: t.Final = timedelta(days=1)
"""A service that names more is asked again all the same: no limit known is longer, and a mistaken header is."""

GIVE_UP: t.Final = timedelta(days=2)
"""After so long without being taken a message is held: longer than any rolling daily limit of a service."""

NOT_TAKEN: t.Final = "not_taken"
_PATIENT_TRIES = 5


class Answers:
    """Notes answers.

    An answer counts only while its claim does. What has become of the message meanwhile by the service's own word, in
    a callback that was quicker, is worth more.

    Args:
        journal: The messages.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._suppressions = Suppressions(journal.destination)

    def note(self, claim: Claim, answer: Answer) -> Delivery:
        """Note the answer to a claim's call; return what the message is now."""
        with self._journal.alone() as connection:
            row = self._journal.by_id(connection, claim.number)
            current = row.attempts == claim.attempt and row.status in _OPEN
            if isinstance(answer, Accepted):
                self._accepted(connection, row, answer)
            elif isinstance(answer, Refused):
                self._refused(connection, row, answer, current=current)
            elif isinstance(answer, Later):
                self._later(connection, row, answer, current=current)
            else:
                self._lost(connection, row, answer, current=current)
            return Delivery(self._journal.by_id(connection, claim.number).status)

    def put_back(self, claim: Claim, text: str) -> None:
        """Let a message wait again that certainly was not taken, for reasons that are none of its own."""
        with self._journal.alone() as connection:
            row = self._journal.by_id(connection, claim.number)
            if row.attempts == claim.attempt and row.status in _OPEN:
                said = Said("answer", Delivery.WAITING, text=text)
                self._journal.move(connection, row.id, said, {"due_at": self._journal.clock()})

    def _accepted(self, connection: Connection, row: t.Any, answer: Accepted) -> None:
        said = Said("answer", answer.status, remote_id=answer.remote_id)
        if row.remote_id is None or (row.guessed and row.remote_id != answer.remote_id):
            row = self._journal.identify(connection, row, answer.remote_id, source="answer")
        elif row.remote_id == answer.remote_id and row.guessed:
            connection.execute(update(messages).where(messages.c.id == row.id).values(guessed=False))
        if self._journal.hear(connection, row, said):
            connection.execute(update(messages).where(messages.c.id == row.id).values(tries=0))

    def _refused(self, connection: Connection, row: t.Any, answer: Refused, *, current: bool) -> None:
        status = Delivery.HELD if answer.opted_out else Delivery.FAILED
        said = Said("answer", status, answer.code, answer.text, answer.remedy)
        if not current:
            self._journal.note(connection, row.id, said, moved=False)
            return
        reason = OPTED_OUT if answer.opted_out else REFUSED
        self._journal.move(connection, row.id, said, {"reason": reason, "remedy": answer.remedy or REMEDY})
        if answer.opted_out:
            why = f"{answer.code}: {answer.text}"
            moment = self._journal.clock()
            self._suppressions.add(connection, row.channel, row.recipient, sender=sender_of(row), at=moment, why=why)

    def _later(self, connection: Connection, row: t.Any, answer: Later, *, current: bool) -> None:
        said = Said("answer", Delivery.WAITING, answer.code, answer.text)
        if not current:
            self._journal.note(connection, row.id, said, moved=False)
            return
        moment, tries = self._journal.clock(), row.tries + 1
        if moment - _utc(row.tried_at) >= GIVE_UP:
            remedy = "find out why the service takes nothing, then send the message again or discard it"
            held = Said("answer", Delivery.HELD, answer.code, answer.text, remedy)
            self._journal.move(connection, row.id, held, {"reason": NOT_TAKEN, "tries": tries})
            return
        told = timedelta(seconds=min(answer.seconds or 0.0, LONGEST_WAIT.total_seconds()))
        due = moment + max(told, waits(tries))
        # One that is never taken must not stop those behind it for good.
        own = due + timedelta(microseconds=1) if tries % _PATIENT_TRIES == 0 else due
        self._journal.move(connection, row.id, said, {"due_at": own, "tries": tries})
        self._hold_back(connection, row, due)

    def _hold_back(self, connection: Connection, row: t.Any, due: datetime) -> None:
        """Let all messages of the same channel and sender wait as long, in their order."""
        where = [
            messages.c.destination == self._journal.destination,
            messages.c.status == Delivery.WAITING.value,
            messages.c.due_at < due,
            messages.c.channel == row.channel,
        ]
        for column in (messages.c.sender, messages.c.messaging_service):
            value = getattr(row, column.name)
            where.append(column.is_(None) if value is None else column == value)
        connection.execute(update(messages).where(*where).values(due_at=due))

    def _lost(self, connection: Connection, row: t.Any, answer: Lost, *, current: bool) -> None:
        said = Said("answer", Delivery.UNKNOWN, text=answer.text)
        if current and row.status == Delivery.CLAIMED.value:
            due = self._journal.clock() + FIRST_LOOK
            self._journal.move(connection, row.id, said, {"due_at": due, "looks": 0})
        else:
            self._journal.note(connection, row.id, said, moved=False)


def waits(tries: int) -> timedelta:
    """Return how long to wait when the service has said so many times in a row that it takes nothing now."""
    return min(timedelta(seconds=2.0 ** min(tries - 1, 16)), MOST_WAIT)


_OPEN = frozenset({Delivery.CLAIMED.value, Delivery.UNKNOWN.value})


def _utc(moment: datetime) -> datetime:
    return t.cast("datetime", as_utc(moment))
