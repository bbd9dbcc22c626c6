"""Changes of messages: every one is kept with who said so, and what is said twice is kept once."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.sending_tables import message_events, messages
from sync_ledger.ledger.transactions import exclusive
from sync_ledger.ledger.upsert import insert
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

Source: t.TypeAlias = t.Literal["ledger", "answer", "look", "callback", "poll", "person"]

LONGEST_ERROR: t.Final = 1_000
FIRST_LOOK: t.Final = timedelta(seconds=45)
"""A service lists what it took within so long after its answer was lost."""

REFUSED: t.Final = "refused"
LOST_ANSWER: t.Final = "lost_answer"

_RANK: t.Final = {
    Delivery.SENT: 1,
    Delivery.QUEUED: 2,
    Delivery.PASSED_ON: 3,
    Delivery.DELIVERED: 4,
    Delivery.UNDELIVERED: 4,
    Delivery.FAILED: 4,
}
"""How far a message is at the service. What has no rank here is a state of ours: the service need not have it."""


def goes_on(current: Delivery, new: Delivery, *, refused: bool = False) -> bool:
    """Whether a message moves when the service says something of it: never back, and the first final word counts.

    Whatever we had come to (not sent yet, unknown, held), the service's word that it has the message is worth more.

    Args:
        current: Where the message is.
        new: What is said.
        refused: Whether it failed because it was not taken, which says nothing of an earlier try without answer.
    """
    if new not in _RANK:
        return False
    return refused or _RANK[new] > _RANK.get(current, 0)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a message.

    Attributes:
        source: Who says it.
        status: What it is.
        code: Error code.
        text: Error text.
        remedy: What a person can do.
        at: Since when it is so; None for now.
        remote_id: The service's id of it.
        event_key: Equal for what is said twice; None for what cannot be.
    """

    source: Source
    status: Delivery
    code: str | None = None
    text: str | None = None
    remedy: str | None = None
    at: datetime | None = None
    remote_id: str | None = None
    event_key: str | None = None


class Journal:
    """Messages of one destination and what is said of them.

    Args:
        engine: The ledger's database.
        destination: The account.
        clock: The moment now, in UTC.
    """

    def __init__(self, engine: Engine, destination: str, *, clock: Callable[[], datetime] = now) -> None:
        self.engine = engine
        self.destination = destination
        self.clock = clock

    @contextlib.contextmanager
    def alone(self) -> Iterator[Connection]:
        """Open a transaction in which no other process or thread changes how far messages of the account are."""
        with exclusive(self.engine, f"sending:{self.destination}") as connection:
            yield connection

    def by_id(self, connection: Connection, number: int) -> t.Any:
        """Return a message."""
        return connection.execute(select(messages).where(messages.c.id == number)).one()

    def by_key(self, connection: Connection, key: str) -> t.Any | None:
        """Return the message of a key."""
        where = (messages.c.destination == self.destination, messages.c.key == key)
        return connection.execute(select(messages).where(*where)).one_or_none()

    def by_remote(self, connection: Connection, remote_id: str) -> t.Any | None:
        """Return the message that has an id of the service."""
        where = (messages.c.destination == self.destination, messages.c.remote_id == remote_id)
        return connection.execute(select(messages).where(*where)).one_or_none()

    def note(self, connection: Connection, number: int | None, said: Said, *, moved: bool) -> bool:
        """Keep what was said; return whether it is new."""
        moment = self.clock()
        row = {
            "destination": self.destination,
            "message_id": number,
            "remote_id": said.remote_id,
            "source": said.source,
            "status": said.status.value,
            "moved": moved,
            "code": said.code,
            "text": _shown(said.text),
            "at": said.at or moment,
            "noted_at": moment,
            "event_key": said.event_key,
        }
        statement = insert(connection, message_events).values(row)
        if said.event_key is not None:
            statement = statement.on_conflict_do_nothing(index_elements=["destination", "event_key"])
        return connection.execute(statement.returning(message_events.c.id)).one_or_none() is not None

    def move(self, connection: Connection, number: int, said: Said, values: Mapping[str, t.Any] | None = None) -> None:
        """Bring a message to the status said, and keep that it was said."""
        self.change(connection, number, said, values)
        self.note(connection, number, said, moved=True)

    def hear(self, connection: Connection, row: t.Any, said: Said) -> bool:
        """Take what the service says of a message; return whether it moved.

        Args:
            connection: A transaction of `alone`.
            row: The message.
            said: What the service says. Said before, it changes nothing.
        """
        moved = goes_on(Delivery(row.status), said.status, refused=row.reason == REFUSED)
        if self.note(connection, row.id, said, moved=moved) and moved:
            self._advance(connection, row, said)
            return True
        return False

    def identify(
        self, connection: Connection, row: t.Any, remote_id: str, *, source: Source, guessed: bool = False
    ) -> t.Any:
        """Give a message its id at the service, let what was said of that id before count, and return it anew.

        An id that another message was given by its looks alone is taken from it; that one is unknown again.
        """
        holder = self.by_remote(connection, remote_id)
        if holder is not None and holder.id != row.id:
            if guessed or not holder.guessed:
                said = Said(source, Delivery.SENT, text=f"the service names {remote_id}, which is another message")
                self.note(connection, row.id, said, moved=False)
                return row
            self._take_back(connection, holder)
        change = {"remote_id": remote_id, "guessed": guessed}
        connection.execute(update(messages).where(messages.c.id == row.id).values(change))
        early = select(message_events).where(
            message_events.c.destination == self.destination,
            message_events.c.remote_id == remote_id,
            message_events.c.message_id.is_(None),
        )
        for event in connection.execute(early.order_by(message_events.c.id)).all():
            row = self.by_id(connection, row.id)
            status = Delivery(event.status)
            moved = goes_on(Delivery(row.status), status, refused=row.reason == REFUSED)
            if moved:
                self._advance(connection, row, Said(event.source, status, event.code, event.text, at=event.at))
            known = {"message_id": row.id, "moved": moved}
            connection.execute(update(message_events).where(message_events.c.id == event.id).values(known))
        return self.by_id(connection, row.id)

    def change(
        self, connection: Connection, number: int, said: Said, values: Mapping[str, t.Any] | None = None
    ) -> None:
        """Bring a message to the status said without keeping that it was said."""
        change = {
            "status": said.status.value,
            "status_at": self.clock(),
            "code": said.code,
            "error": _shown(said.text),
            "remedy": said.remedy,
            "reason": None,
            "due_at": None,
            **(values or {}),
        }
        connection.execute(update(messages).where(messages.c.id == number).values(change))

    def _advance(self, connection: Connection, row: t.Any, said: Said) -> None:
        self.change(connection, row.id, said, {"sent_at": row.sent_at or said.at or self.clock()})

    def _take_back(self, connection: Connection, row: t.Any) -> None:
        text = f"{row.remote_id} turned out to be another message with the same text"
        values = {"remote_id": None, "guessed": False, "looks": 0, "due_at": self.clock() + FIRST_LOOK, "sent_at": None}
        self.move(connection, row.id, Said("ledger", Delivery.UNKNOWN, text=text), values)


def event_key(source: Source, said_of: str, status: Delivery, code: str | None, at: datetime | None) -> str:
    """Return what tells an event from others where the service gives it no id of its own."""
    parts = (source, said_of, status.value, code or "", at.isoformat() if at else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _shown(text: str | None) -> str | None:
    """Return a text as both databases keep it."""
    return None if text is None else text.replace("\0", "")[:LONGEST_ERROR]
