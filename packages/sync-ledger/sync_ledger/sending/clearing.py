"""Clearing up: did the service take the messages whose answers were lost?

It is asked for messages with the same recipient and text, and those that are known to be other messages of ours are
left out. Equal texts cannot be told apart and need not be: of so many unknown ones as the service has, each gets one.
"""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from sync_ledger.errors import ServiceError
from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.upsert import slices
from sync_ledger.sending.claiming import as_claim
from sync_ledger.sending.journal import FIRST_LOOK, LOST_ANSWER, Said
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_ledger.sending.journal import Journal
    from sync_ledger.sending.service import MessageService, Seen

logger = logging.getLogger("sync_ledger")

REMEDY: t.Final = "ask the recipient or look at the service; then send it again or discard it"


@dataclass(frozen=True, slots=True)
class Looking:
    """How messages are looked for whose answers were lost.

    Attributes:
        again_after: Time between two looks; the first is `journal.FIRST_LOOK` after the answer was lost.
        looks: Looks without a find after which it is taken for not found.
        skew: How far the service's clock may be behind ours.
    """

    again_after: timedelta = timedelta(minutes=4)
    looks: int = 2
    skew: timedelta = timedelta(minutes=2)


class Clearing:
    """Looks for unknown messages of one destination.

    Args:
        journal: The messages.
        service: Where to look.
        looking: How.
    """

    def __init__(self, journal: Journal, service: MessageService, looking: Looking | None = None) -> None:
        self._journal = journal
        self._service = service
        self._looking = looking or Looking()

    def look(self, limit: int = 100) -> int:
        """Look for the messages that are due to be looked for; return for how many.

        Args:
            limit: Questions asked of the service at the most.
        """
        moment = self._journal.clock()
        query = select(messages).where(
            messages.c.destination == self._journal.destination,
            messages.c.status == Delivery.UNKNOWN.value,
            messages.c.channel.in_(tuple(self._service.channels)),
            messages.c.due_at <= moment,
        )
        with self._journal.engine.connect() as connection:
            rows = connection.execute(query.order_by(messages.c.due_at, messages.c.id)).all()
        groups: dict[str, list[t.Any]] = {}
        for row in rows:
            groups.setdefault(row.text_hash, []).append(row)
        looked = 0
        for text_hash, due in list(groups.items())[:limit]:
            since = min(self._since(row) for row in due)
            try:
                seen = self._service.find(as_claim(due[0]), since)
            except ServiceError as error:
                logger.warning("Lost answers cannot be cleared up now: %s", error)
                with self._journal.alone() as connection:
                    self._postpone(connection, [row.id for row in rows])
                return looked
            self._settle(text_hash, [row.id for row in due], seen)
            looked += len(due)
        return looked

    def _settle(self, text_hash: str, looked_for: Sequence[int], seen: Sequence[Seen] | None) -> None:
        """Give what was found to the messages it may be, and decide on those that were not found."""
        with self._journal.alone() as connection:
            alike = connection.execute(
                select(messages).where(
                    messages.c.destination == self._journal.destination,
                    messages.c.text_hash == text_hash,
                    messages.c.status.in_((Delivery.UNKNOWN.value, Delivery.CLAIMED.value)),
                )
            ).all()
            due = [row for row in alike if row.id in looked_for and row.status == Delivery.UNKNOWN.value]
            if any(row.status == Delivery.CLAIMED.value for row in alike):
                # One with the same text is being sent at this moment: what was found may be that one.
                self._postpone(connection, [row.id for row in due])
                return
            free = self._free(connection, seen or ())
            # Earlier ones choose first; each takes the earliest that it can be.
            for row in sorted(alike, key=lambda row: (self._since(row), row.id)):
                since = self._since(row)
                mine = next((one for one in free if one.created_at is None or one.created_at >= since), None)
                if mine is not None:
                    free.remove(mine)
                    self._found(connection, row, mine)
                elif row in due:
                    self._not_found(connection, row, blind=seen is None)

    def _found(self, connection: Connection, row: t.Any, seen: Seen) -> None:
        row = self._journal.identify(connection, row, seen.remote_id, source="look", guessed=True)
        said = Said("look", seen.status, seen.code, seen.text, at=seen.at or seen.created_at, remote_id=seen.remote_id)
        self._journal.hear(connection, row, said)

    def _not_found(self, connection: Connection, row: t.Any, *, blind: bool) -> None:
        moment, looks = self._journal.clock(), row.looks + 1
        what = "the service cannot tell whether it has it" if blind else "the service does not have it"
        if looks < self._looking.looks:
            values = {"looks": looks, "looked_at": moment, "due_at": moment + self._looking.again_after}
            connection.execute(update(messages).where(messages.c.id == row.id).values(values))
            said = Said("look", Delivery.UNKNOWN, text=what)
            self._journal.note(connection, row.id, said, moved=False)
            return
        values = {"looks": looks, "looked_at": moment}
        valid_until = as_utc(row.valid_until)
        valid = valid_until is None or valid_until > moment
        if row.on_lost_answer == "send_again" and not row.sent_again and valid:
            said = Said("look", Delivery.WAITING, text=f"{what}; it is sent again")
            self._journal.move(connection, row.id, said, {**values, "sent_again": True, "due_at": moment})
            return
        text = f"its answer was lost and {what}, so it may have arrived or not"
        said = Said("look", Delivery.HELD, code=LOST_ANSWER, text=text, remedy=REMEDY)
        self._journal.move(connection, row.id, said, {**values, "reason": LOST_ANSWER})

    def _free(self, connection: Connection, seen: Sequence[Seen]) -> list[Seen]:
        """Return what no message of ours has, earliest first."""
        known: set[str] = set()
        for part in slices([one.remote_id for one in seen]):
            query = select(messages.c.remote_id).where(
                messages.c.destination == self._journal.destination, messages.c.remote_id.in_(part)
            )
            known.update(connection.execute(query).scalars())
        found = [one for one in reversed(seen) if one.remote_id not in known]
        return sorted(found, key=lambda one: (one.created_at is not None, one.created_at or self._journal.clock()))

    def _since(self, row: t.Any) -> datetime:
        """Return the earliest moment at which the service can have taken a message, by its own clock."""
        begun = row.tried_at if row.sent_again else row.claimed_at
        return t.cast("datetime", as_utc(begun)) - self._looking.skew

    def _postpone(self, connection: Connection, ids: Sequence[int]) -> None:
        due = self._journal.clock() + FIRST_LOOK
        for part in slices(ids):
            where = (messages.c.id.in_(part), messages.c.status == Delivery.UNKNOWN.value)
            connection.execute(update(messages).where(*where).values(due_at=due))
