"""What was collected for somebody who is erased: held, like a message that has lost its text before it went out."""

from __future__ import annotations

import hashlib
import json
import typing as t

from sqlalchemy import and_, delete, select, tuple_

from sync_ledger.ledger.alert_tables import alert_collected, alert_instances
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.sending_tables import message_members, messages
from sync_ledger.ledger.upsert import insert
from sync_ledger.privacy.erasing_messages import NOTHING_TO_SEND
from sync_ledger.privacy.masking import MASK
from sync_ledger.rows import Reason
from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

    from sync_ledger.privacy.persons import Person


def hold_collected(
    connection: Connection, account: str, person: Person, stream: str | None, *, dry_run: bool = False
) -> int:
    """Make held messages of what was collected for a person, and forget it; return how much that is.

    They are listed and handed to whoever escalates what did not arrive, so that the alert is not lost with the address.

    Args:
        connection: A transaction that is alone with the account's alerts.
        account: The account.
        person: Whose it is.
        stream: Only alerts of this stream; None for any.
        dry_run: Only count.
    """
    kept, alerts = alert_collected, alert_instances
    same = and_(alerts.c.destination == kept.c.destination, alerts.c.fingerprint == kept.c.fingerprint)
    query = select(kept, alerts.c.rule, alerts.c.stream, alerts.c.source_key).join(alerts, same)
    where = [kept.c.destination == account, *([alerts.c.stream == stream] if stream is not None else [])]
    rows = [row for row in connection.execute(query.where(*where)) if person.is_value(row.recipient)]
    for row in rows if not dry_run else ():
        _hold(connection, account, row)
        key = (kept.c.receiver, kept.c.channel, kept.c.recipient, kept.c.fingerprint)
        this = tuple_(*key).in_([(row.receiver, row.channel, row.recipient, row.fingerprint)])
        connection.execute(delete(kept).where(kept.c.destination == account, this))
    return len(rows)


def _hold(connection: Connection, account: str, row: t.Any) -> None:
    moment = now()
    said = json.dumps(["erased", row.receiver, row.channel, row.recipient, row.fingerprint, row.version])
    mark = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()
    message = {
        "destination": account,
        "key": mark[:40],
        "channel": row.channel,
        "receiver": row.receiver,
        "recipient": MASK,
        "purpose": "digest",
        "group_key": MASK,
        "text_hash": mark,
        "not_before": moment,
        "on_lost_answer": "hold",
        "status": Delivery.HELD.value,
        "reason": Reason.PAYLOAD_ERASED.value,
        "remedy": NOTHING_TO_SEND,
        "put_at": moment,
        "status_at": moment,
        "erased": True,
    }
    statement = insert(connection, messages).values(message).on_conflict_do_nothing()
    number = connection.execute(statement.returning(messages.c.id)).scalar_one_or_none()
    if number is not None:
        names = ("rule", "fingerprint", "version", "stream", "source_key")
        told = {name: getattr(row, name) for name in names}
        connection.execute(message_members.insert().values(message_id=number, place=0, **told))
