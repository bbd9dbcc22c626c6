"""`mode: plan`: the alerts of the ledger are copied, and what would be sent is told; nothing of it stays."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from sqlalchemy import func, insert, select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.alert_tables import ALERT_TABLES
from sync_ledger.ledger.sending_tables import message_members, messages, suppressions
from sync_ledger.sending.troubles import NOT_ARRIVED

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Table
    from sync_ledger.ledger import Ledger

_ROWS: t.Final = 1_000


class Plan:
    """A copy of the alerts of one account, and what it would send.

    Args:
        ledger: The ledger.
        write: Takes a line for people.
    """

    def __init__(self, ledger: Ledger, write: t.Callable[[str], None]) -> None:
        self._write = write
        self._folder = tempfile.TemporaryDirectory(prefix="alerts-plan-", ignore_cleanup_errors=True)
        self.database = open_engine(f"sqlite:///{Path(self._folder.name) / 'plan.db'}")
        with ledger.database.connect() as source, self.database.begin() as copy:
            for table in (*ALERT_TABLES, messages, suppressions):
                _copy(source, copy, table, ledger.destination)
            # Whom to tell of what did not arrive is decided by what those messages told of.
            told = select(message_members).join(messages, messages.c.id == message_members.c.message_id)
            mine = (messages.c.destination == ledger.destination, ~messages.c.failure_told)
            _copy_rows(source, copy, message_members, told.where(*mine, messages.c.status.in_(NOT_ARRIVED)))
            self._before = copy.execute(select(func.coalesce(func.max(messages.c.id), 0))).scalar_one()

    def tell(self) -> None:
        """Tell what would be sent, a line for each message."""
        query = select(messages).where(messages.c.id > self._before).order_by(messages.c.id)
        count = 0
        with self.database.connect() as connection:
            for row in connection.execute(query):
                count += 1
                alerts = connection.execute(
                    select(func.count()).select_from(message_members).where(message_members.c.message_id == row.id)
                ).scalar_one()
                said = " / ".join((row.subject or row.text).splitlines())
                size = f", {row.segments} segments" if row.channel == "sms" else ""
                what = f"{row.purpose}, {alerts} alerts{size}"
                self._write(f"Would send {row.channel} to {row.recipient} ({what}): {said}")
        self._write(f"Would send {count} messages")

    def close(self) -> None:
        """Throw the copy away."""
        self.database.dispose()
        self._folder.cleanup()


def _copy(source: Connection, copy: Connection, table: Table, destination: str) -> None:
    _copy_rows(source, copy, table, select(table).where(table.c.destination == destination))


def _copy_rows(source: Connection, copy: Connection, table: Table, query: Select[t.Any]) -> None:
    rows = source.execution_options(yield_per=_ROWS).execute(query)
    for part in rows.mappings().partitions(_ROWS):
        copy.execute(insert(table), [dict(row) for row in part])
