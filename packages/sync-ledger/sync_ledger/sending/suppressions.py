"""Who wants no messages, by channel, recipient and, where the service tells them apart, sender."""

from __future__ import annotations

import typing as t

from sqlalchemy import and_, func, or_, select, update

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.sending_tables import message_events, messages, suppressions
from sync_ledger.ledger.upsert import slices, upsert
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

OPTED_OUT: t.Final = "opted_out"
REMEDY: t.Final = "the recipient wants no messages; only they can change that (START; for mail: release --wants-mail)"

ANY: t.Final = ""
"""In place of a sender: whoever sends."""


def sender_of(message: t.Any) -> str:
    """Return what an opt-out of a message's recipient is from: the sender it names, else whoever sends."""
    return message.messaging_service or message.sender or ANY


class Suppressions:
    """Opt-outs of one destination. All that is done is part of the caller's transaction.

    Args:
        destination: The account.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination

    def add(
        self,
        connection: Connection,
        channel: str,
        recipient: str,
        *,
        sender: str = ANY,
        at: datetime,
        why: str,
        beyond: Collection[str] = (),
    ) -> int:
        """Note an opt-out, and hold what waits for that recipient; return how many messages were held.

        One that is older than what lifted it changes nothing: what people answer may arrive in any order.

        Args:
            connection: The caller's transaction.
            channel: `sms`, `email` or `voice`.
            recipient: Who wants no messages.
            sender: From whom; from anybody by default.
            at: Since when.
            why: The reason.
            beyond: Reasons that this one goes beyond: what lifted them does not lift it.
        """
        known = self._known(connection, channel, recipient, sender)
        if known is not None and known.why in beyond:
            known = None
        if known is not None and known.lifted_at is not None and _utc(known.lifted_at) >= at:
            return 0
        row = {
            "destination": self._destination,
            "channel": channel,
            "recipient": recipient.casefold(),
            "sender": sender,
            "since": at if known is None or known.lifted_at is not None else min(at, _utc(known.since)),
            "why": why if known is None or known.lifted_at is not None else known.why,
            "lifted_at": None,
        }
        upsert(connection, suppressions, [row])
        return self._hold(connection, channel, recipient, sender, at)

    def lift(self, connection: Connection, channel: str, recipient: str, *, sender: str = ANY, at: datetime) -> bool:
        """Note that somebody wants messages again; return whether there was an opt-out before that moment.

        What was held stays held: it may have waited for long.
        """
        where = [
            suppressions.c.destination == self._destination,
            suppressions.c.channel == channel,
            suppressions.c.recipient == recipient.casefold(),
            suppressions.c.since <= at,
            suppressions.c.lifted_at.is_(None),
        ]
        if sender != ANY:
            where.append(suppressions.c.sender.in_((sender, ANY)))
        return connection.execute(update(suppressions).where(*where).values(lifted_at=at)).rowcount > 0

    def lift_known(self, connection: Connection, channel: str, recipient: str, *, at: datetime) -> bool:
        """Note that somebody wants messages again, by the word of a person who knows of the opt-out.

        Its moment comes of the service's clock, which may be ahead of ours; heard of again, it must not begin anew.
        """
        known = self._known(connection, channel, recipient, ANY)
        return known is not None and self.lift(connection, channel, recipient, at=max(at, _utc(known.since)))

    def whys(self, connection: Connection, wanted: Iterable[t.Any]) -> dict[tuple[str, str, str], str]:
        """Return why messages must not go out: (channel, recipient, sender) of those given -> reason.

        Args:
            connection: The caller's transaction.
            wanted: Messages.
        """
        asked = {(one.channel, one.recipient, sender_of(one)) for one in wanted}
        recipients = sorted({recipient.casefold() for _, recipient, _ in asked})
        found: dict[tuple[str, str, str], str] = {}
        columns = (suppressions.c.channel, suppressions.c.recipient, suppressions.c.sender, suppressions.c.why)
        for part in slices(recipients):
            query = select(*columns).where(
                suppressions.c.destination == self._destination,
                suppressions.c.recipient.in_(part),
                suppressions.c.lifted_at.is_(None),
            )
            for channel, recipient, sender, why in connection.execute(query):
                found[channel, recipient, sender] = why
        whys = {}
        for channel, recipient, sender in asked:
            name = recipient.casefold()
            # Which sender a message without one of its own gets is not known here: no sender may have been refused.
            of_any = (why for (*whom, _), why in found.items() if whom == [channel, name])
            exact = found.get((channel, name, sender)) or found.get((channel, name, ANY))
            why = exact or (next(of_any, None) if sender == ANY else None)
            if why is not None:
                whys[channel, recipient, sender] = why
        return whys

    def _known(self, connection: Connection, channel: str, recipient: str, sender: str) -> t.Any:
        query = select(suppressions.c.since, suppressions.c.why, suppressions.c.lifted_at).where(
            suppressions.c.destination == self._destination,
            suppressions.c.channel == channel,
            suppressions.c.recipient == recipient.casefold(),
            suppressions.c.sender == sender,
        )
        return connection.execute(query).one_or_none()

    def _hold(self, connection: Connection, channel: str, recipient: str, sender: str, at: datetime) -> int:
        why = f"{recipient} wants no messages"
        where = [
            messages.c.destination == self._destination,
            messages.c.status == Delivery.WAITING.value,
            messages.c.channel == channel,
            func.lower(messages.c.recipient) == recipient.casefold(),
        ]
        if sender != ANY:
            own = (messages.c.messaging_service, messages.c.sender)
            nobody = and_(*(column.is_(None) for column in own))
            where.append(or_(*(column == sender for column in own), nobody))
        values = {
            "status": Delivery.HELD.value,
            "reason": OPTED_OUT,
            "error": why,
            "remedy": REMEDY,
            "due_at": None,
            "status_at": at,
        }
        # In one statement: what a courier has claimed meanwhile is left to it.
        ids = connection.execute(update(messages).where(*where).values(values).returning(messages.c.id)).scalars().all()
        if ids:
            event = {
                "destination": self._destination,
                "remote_id": None,
                "source": "ledger",
                "status": Delivery.HELD.value,
                "moved": True,
                "code": OPTED_OUT,
                "text": why,
                "at": at,
                "noted_at": at,
                "event_key": None,
            }
            connection.execute(message_events.insert(), [{**event, "message_id": number} for number in ids])
        return len(ids)


def _utc(moment: datetime) -> datetime:
    return t.cast("datetime", as_utc(moment))
