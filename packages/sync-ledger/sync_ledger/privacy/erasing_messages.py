"""Erasing texts and recipients from the sending ledger. Keys, hashes, statuses and opt-outs stay."""

from __future__ import annotations

import typing as t

from sqlalchemy import and_, exists, func, or_, select, update

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.sending_tables import message_events, message_members, messages
from sync_ledger.ledger.upsert import slices
from sync_ledger.privacy.masking import MASK
from sync_ledger.privacy.persons import Person
from sync_ledger.rows import Reason
from sync_ledger.sending.journal import LOST_ANSWER
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql.elements import ColumnElement

    from sync_ledger.privacy.erasing import Selection

_CHUNK = 500
_OPEN = {Delivery.WAITING.value: Reason.PAYLOAD_ERASED.value, Delivery.UNKNOWN.value: LOST_ANSWER}
NOTHING_TO_SEND: t.Final = "nothing can be sent of it any more: discard it"
"""Remedy of a message that was erased before it went out."""


def erase_messages(engine: Engine, selection: Selection, *, dry_run: bool = False) -> dict[str, int]:
    """Erase texts, recipients and what the service said of them; return how many rows had any.

    What has not gone out yet is held from then on, since there is nothing left to send or to look for. A message that
    is being sent at this moment is left for the next time. An opt-out stays: without it that person would be written
    to again.

    Args:
        engine: The ledger's database.
        selection: By age, of the time a message was put. Of one person: what went to that number or address, or tells
            of a row that has that external ID in its key. Of one stream: what tells of its rows.
        dry_run: Only count.
    """
    where = and_(~messages.c.erased, messages.c.status != Delivery.CLAIMED.value, _chosen(selection))
    erased = 0
    with engine.connect() as connection:
        numbers = connection.execute(select(messages.c.id).where(where).order_by(messages.c.id)).scalars().all()
        if selection.external_id is not None:
            numbers = _of_person(connection, numbers, selection.external_id)
        early = int(
            connection.execute(select(func.count()).select_from(message_events).where(_early(selection))).scalar_one()
        )
    if dry_run:
        return {"messages": len(numbers), "message_events": early}
    for start in range(0, len(numbers), _CHUNK):
        with engine.begin() as connection:
            erased += _erase(connection, numbers[start : start + _CHUNK])
    with engine.begin() as connection:
        early = connection.execute(message_events.delete().where(_early(selection))).rowcount
    return {"messages": erased, "message_events": early}


def _chosen(selection: Selection) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if selection.before is not None:
        conditions.append(messages.c.put_at < selection.before)
    if selection.destination is not None:
        conditions.append(messages.c.destination == selection.destination)
    mine = message_members.c.message_id == messages.c.id
    if selection.entity is not None:
        conditions.append(exists().where(mine, message_members.c.stream == selection.entity))
    if selection.external_id is not None:
        # Roughly: the key of a row is JSON, whose values are looked at one by one afterwards.
        told_of = exists().where(mine, message_members.c.source_key.contains(selection.external_id, autoescape=True))
        conditions.append(or_(func.lower(messages.c.recipient) == selection.external_id.lower(), told_of))
    return and_(True, *conditions)


def _of_person(connection: Connection, numbers: Sequence[int], external_id: str) -> list[int]:
    """Return which messages went to a person, or tell of a row with that external ID in its key."""
    found: set[int] = set()
    person = Person(external_id)
    for part in slices(numbers):
        to_person = func.lower(messages.c.recipient) == external_id.lower()
        found.update(connection.execute(select(messages.c.id).where(messages.c.id.in_(part), to_person)).scalars())
        query = select(message_members.c.message_id, message_members.c.source_key)
        for number, source_key in connection.execute(query.where(message_members.c.message_id.in_(part))):
            if person.has_key(source_key):
                found.add(number)
    return sorted(found)


def _erase(connection: Connection, numbers: Sequence[int]) -> int:
    these = (messages.c.id.in_(numbers), messages.c.status != Delivery.CLAIMED.value)
    moment = now()
    for status, reason in _OPEN.items():
        held = {
            "status": Delivery.HELD.value,
            "reason": reason,
            "status_at": moment,
            "due_at": None,
            "remedy": NOTHING_TO_SEND,
        }
        connection.execute(update(messages).where(*these, messages.c.status == status).values(held))
    change = {
        "recipient": MASK,
        "group_key": MASK,  # has values of the rows that it was put together by
        "subject": None,
        "text": None,
        "html": None,
        "error": None,
        "erased": True,
    }
    done = connection.execute(update(messages).where(*these).values(change).returning(messages.c.id)).scalars().all()
    connection.execute(update(message_events).where(message_events.c.message_id.in_(done)).values(text=None))
    return len(done)


def _early(selection: Selection) -> ColumnElement[bool]:
    """Which events go that belong to no message: by age only, since nothing says whose they are."""
    if selection.before is None or selection.external_id is not None or selection.entity is not None:
        return message_events.c.id < 0
    conditions = [message_events.c.message_id.is_(None), message_events.c.noted_at < selection.before]
    if selection.destination is not None:
        conditions.append(message_events.c.destination == selection.destination)
    return and_(*conditions)
