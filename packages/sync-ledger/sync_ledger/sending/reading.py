"""Reading the sending ledger: messages, the life of one, and what was sent for an alert, as dictionaries for people."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, func, not_, or_, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.row_keys import of_row
from sync_ledger.ledger.sending_tables import message_events, message_members, messages, suppressions
from sync_ledger.sending.service import Delivery
from sync_ledger.sending.troubles import members_of

if t.TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, Row

Record = dict[str, t.Any]

_LISTED = (
    "key",
    "status",
    "reason",
    "channel",
    "receiver",
    "recipient",
    "purpose",
    "text",
    "segments",
    "remote_id",
    "code",
    "error",
    "remedy",
    "not_before",
    "put_at",
    "sent_at",
    "status_at",
)


@dataclass(frozen=True)
class Wanted:
    """Which messages are meant; every part that is given narrows it.

    Attributes:
        keys: Their keys; empty for any.
        destination: The account.
        statuses: How far they are; empty for any.
        channel: `sms`, `email` or `voice`.
        receiver: Name of the receiver.
        recipient: Number or address.
        since: Put at this moment or later.
        until: Put before this moment.
    """

    keys: Sequence[str] = ()
    destination: str | None = None
    statuses: Collection[Delivery] = ()
    channel: str | None = None
    receiver: str | None = None
    recipient: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> ColumnElement[bool]:
        """Return the condition on `messages`."""
        parts: list[ColumnElement[bool]] = []
        for name in ("destination", "channel", "receiver"):
            wanted = getattr(self, name)
            if wanted is not None:
                parts.append(messages.c[name] == wanted)
        if self.recipient is not None:
            parts.append(func.lower(messages.c.recipient) == self.recipient.lower())
        if self.keys:
            parts.append(messages.c.key.in_(self.keys))
        if self.statuses:
            parts.append(messages.c.status.in_([status.value for status in self.statuses]))
        if self.since is not None:
            parts.append(messages.c.put_at >= self.since)
        if self.until is not None:
            parts.append(messages.c.put_at < self.until)
        return and_(True, *parts)


class Messages:
    """Messages of all destinations of a ledger, for people."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, wanted: Wanted | None = None, *, limit: int = 100) -> list[Record]:
        """Return the newest messages meant, newest first."""
        query = select(messages).where((wanted or Wanted()).where()).order_by(messages.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_shown(row, _LISTED) for row in connection.execute(query)]

    def counts(self, wanted: Wanted | None = None) -> dict[str, int]:
        """Return how many messages have come how far: status -> messages."""
        query = select(messages.c.status, func.count()).where((wanted or Wanted()).where()).group_by(messages.c.status)
        with self._engine.connect() as connection:
            return {status: int(number) for status, number in connection.execute(query.order_by(messages.c.status))}

    def life(self, key: str, *, destination: str | None = None) -> list[Record]:
        """Return all that is known of the messages of a key, of each destination: `members` and `events` are lists.

        Args:
            key: Their key, or the service's id of one.
            destination: The account; None for any.
        """
        meant = or_(messages.c.key == key, messages.c.remote_id == key)
        query = select(messages).where(Wanted(destination=destination).where(), meant).order_by(messages.c.id)
        with self._engine.connect() as connection:
            return [self._life(connection, row) for row in connection.execute(query).all()]

    def audit(
        self,
        *,
        rule: str | None = None,
        fingerprint: str | None = None,
        stream: str | None = None,
        source_key: str | None = None,
        limit: int = 1_000,
    ) -> list[Record]:
        """Return what was sent for an alert, or for a row of the source, in the order it was put.

        Args:
            rule: Name of its rule.
            fingerprint: Its identity.
            stream: Stream of the row behind it.
            source_key: Key of that row as JSON, or a part of it.
            limit: Lines at the most.
        """
        given = {"rule": rule, "fingerprint": fingerprint, "stream": stream, "source_key": source_key}
        exact = {name: value for name, value in given.items() if name != "source_key" and value is not None}
        where = [message_members.c[name] == value for name, value in exact.items()]
        if source_key is not None:
            where.append(of_row(message_members.c.source_key, source_key))
        query = (
            select(messages, *(message_members.c[name] for name in (*given, "version")))
            .join(message_members, message_members.c.message_id == messages.c.id)
            .where(and_(True, *where))
            .order_by(messages.c.id, message_members.c.place)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            states = self._states(connection, {row.id for row in rows})
        named = (
            *given,
            "version",
            "key",
            "channel",
            "receiver",
            "recipient",
            "purpose",
            "text_hash",
            "remote_id",
            "status",
        )
        return [{"time": _time(row.put_at), **_shown(row, named), "states": states.get(row.id, [])} for row in rows]

    def suppressed(self, *, destination: str | None = None) -> list[Record]:
        """Return who wants no messages now."""
        query = select(suppressions).where(suppressions.c.lifted_at.is_(None)).order_by(suppressions.c.since)
        if destination is not None:
            query = query.where(suppressions.c.destination == destination)
        names = ("destination", "channel", "recipient", "sender", "since", "why")
        with self._engine.connect() as connection:
            return [_shown(row, names) for row in connection.execute(query)]

    def _life(self, connection: Connection, row: Row[t.Any]) -> Record:
        events = select(message_events).where(message_events.c.message_id == row.id).order_by(message_events.c.id)
        members = members_of(connection, [row.id]).get(row.id, [])
        names = ("noted_at", "at", "source", "status", "moved", "code", "text", "remote_id")
        return {
            **_shown(row, [column.name for column in messages.c if column.name not in {"id", "failure_told"}]),
            "members": [asdict(member) for member in members],
            "events": [_shown(event, names) for event in connection.execute(events)],
        }

    def _states(self, connection: Connection, numbers: Collection[int]) -> dict[int, list[Record]]:
        """Return the states messages went through: number -> each with its moment, in their order."""
        found: dict[int, list[Record]] = {}
        query = select(message_events.c.message_id, message_events.c.status, message_events.c.at, message_events.c.code)
        query = query.where(message_events.c.message_id.in_(sorted(numbers)), message_events.c.moved)
        for row in connection.execute(query.order_by(message_events.c.id)):
            found.setdefault(row.message_id, []).append(_shown(row, ("status", "at", "code")))
        return found


def sent_before(connection: Connection, destination: str, key: str, moment: datetime, channels: Collection[str]) -> int:
    """Return how many calls were begun since a moment and before the call for a message, for a limit on them.

    The last call of each message counts, unless the service put it off. Of messages that are being sent at the same
    time, those claimed earlier count: so as many go out as may, and no more.

    Args:
        connection: The ledger.
        destination: The account.
        key: The message, which is claimed.
        moment: Since when.
        channels: Ways that count.
    """
    own = select(messages.c.claimed_at).where(messages.c.destination == destination, messages.c.key == key)
    claimed_at = own.scalar_subquery()
    later = or_(messages.c.claimed_at > claimed_at, and_(messages.c.claimed_at == claimed_at, messages.c.key > key))
    under_way = messages.c.status == Delivery.CLAIMED.value
    query = (
        select(func.count())
        .select_from(messages)
        .where(
            messages.c.destination == destination,
            messages.c.channel.in_(channels),
            messages.c.claimed_at >= moment,
            messages.c.key != key,
            messages.c.status != Delivery.WAITING.value,
            not_(and_(under_way, later)),
        )
    )
    return int(connection.execute(query).scalar_one())


def _shown(row: Row[t.Any], names: Sequence[str]) -> Record:
    return {name: _time(getattr(row, name)) for name in names}


def _time(value: t.Any) -> t.Any:
    return as_utc(value) if isinstance(value, datetime) else value
