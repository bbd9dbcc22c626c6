"""What a service says of messages after it took them: by callbacks, in any order and more than once, or when asked."""

from __future__ import annotations

import logging
import typing as t
from datetime import timedelta

from sqlalchemy import or_, select, update

from sync_ledger.ledger.sending_tables import messages
from sync_ledger.sending.journal import Said, event_key
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_ledger.sending.journal import Journal, Source
    from sync_ledger.sending.service import MessageService

logger = logging.getLogger("sync_ledger")

_ON_THE_WAY = (Delivery.SENT.value, Delivery.QUEUED.value, Delivery.PASSED_ON.value)


class Statuses:
    """Moves the messages of one destination on by what the service says.

    Args:
        journal: The messages.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def note(
        self,
        status: Delivery,
        *,
        remote_id: str | None = None,
        key: str | None = None,
        code: str | None = None,
        text: str | None = None,
        remedy: str | None = None,
        at: datetime | None = None,
        source: Source = "callback",
        event_id: str | None = None,
    ) -> bool:
        """Note what the service says of a message; return whether the message moved by it.

        It may come in any order, more than once, and before the answer to the call that sent the message. What concerns
        no message known is kept until one turns out to have that id.

        Args:
            status: How far it is: SENT, QUEUED, PASSED_ON, DELIVERED, UNDELIVERED or FAILED.
            remote_id: The service's id of it.
            key: Our key of it, if the service hands it back; at least one of both is needed.
            code: Error code.
            text: Error text.
            remedy: What a person can do.
            at: Since when it is so, by the service.
            source: Who says it.
            event_id: The service's id of this event; without it, equal events are taken for one.
        """
        if remote_id is None and key is None:
            raise ValueError("a status needs the id or the key of its message")
        told = event_id or event_key(source, remote_id or key or "", status, code, at)
        said = Said(source, status, code, text, remedy, at, remote_id, told)
        with self._journal.alone() as connection:
            row = self._find(connection, remote_id, key, source)
            if row is None or (remote_id is not None and row.remote_id != remote_id):
                # Of nobody known; or of a message that was sent again: this is the other one, which is not followed.
                self._journal.note(connection, row and row.id, said, moved=False)
                return False
            return self._journal.hear(connection, row, said)

    def follow(
        self,
        service: MessageService,
        *,
        limit: int = 200,
        every: timedelta = timedelta(minutes=1),
        age: timedelta = timedelta(days=3),
    ) -> int:
        """Ask the service about messages that are on the way, longest not asked about first; return how many moved.

        Args:
            service: Whom to ask.
            limit: Messages asked about at the most.
            every: Time between two questions about one message.
            age: Messages sent longer ago are not asked about: where a carrier gives no receipts, nothing more comes.

        Raises:
            ServiceError: If it cannot be asked now; what it has said until then is noted.
        """
        moved = 0
        silent: set[str] = set()
        for row in self._on_the_way(service, limit, every, age):
            if row.channel in silent:
                continue
            seen = service.status(row.remote_id, row.channel)
            if seen is None:
                silent.add(row.channel)
                logger.debug("%s: the service does not tell how far a message is", row.channel)
            else:
                moved += self.note(
                    seen.status,
                    remote_id=row.remote_id,
                    code=seen.code,
                    text=seen.text,
                    remedy=seen.remedy,
                    at=seen.at,
                    source="poll",
                )
            with self._journal.engine.begin() as connection:
                values = {"looked_at": self._journal.clock()}
                connection.execute(update(messages).where(messages.c.id == row.id).values(values))
        return moved

    def _find(self, connection: Connection, remote_id: str | None, key: str | None, source: Source) -> t.Any | None:
        """Return the message meant, with the id of the service if that was not known yet.

        The id comes before the key: where equal texts were told apart by guess, one has the id of the other, and what
        is said belongs to whichever has it.
        """
        if remote_id is not None:
            row = self._journal.by_remote(connection, remote_id)
            if row is not None:
                return row
        if key is None:
            return None
        row = self._journal.by_key(connection, key)
        if row is None or remote_id is None:
            return row
        if row.remote_id is None or row.guessed:
            return self._journal.identify(connection, row, remote_id, source=source)
        return row

    def _on_the_way(self, service: MessageService, limit: int, every: timedelta, age: timedelta) -> list[t.Any]:
        moment = self._journal.clock()
        query = (
            select(messages.c.id, messages.c.remote_id, messages.c.channel)
            .where(
                messages.c.destination == self._journal.destination,
                messages.c.status.in_(_ON_THE_WAY),
                messages.c.channel.in_(tuple(service.channels)),
                messages.c.remote_id.is_not(None),
                messages.c.sent_at >= moment - age,
                or_(messages.c.looked_at.is_(None), messages.c.looked_at <= moment - every),
            )
            .order_by(messages.c.looked_at.is_not(None), messages.c.looked_at, messages.c.id)
            .limit(limit)
        )
        with self._journal.engine.connect() as connection:
            return list(connection.execute(query).all())
