"""Runs that are over: what waits for their end need not wait for that of the next one."""

from __future__ import annotations

import typing as t

from sqlalchemy import select, update

from sync_ledger.ledger.alert_tables import alert_members
from sync_ledger.ledger.runs import living
from sync_ledger.ledger.tables import runs

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


def release_ended(connection: Connection, destination: str) -> None:
    """Let nothing wait for the end of a run that has ended without telling: it failed, was stopped, or died.

    Args:
        connection: A transaction that is alone with the account's alerts.
        destination: The account.
    """
    members = alert_members
    waiting = (members.c.destination == destination, members.c.opened_at.is_not(None), members.c.run.is_not(None))
    known = select(runs.c.id).where(runs.c.id.in_(select(members.c.run).where(*waiting)))
    there = set(connection.execute(known).scalars())
    over = there - living(connection, there) if there else set()
    if over:
        connection.execute(update(members).where(*waiting, members.c.run.in_(over)).values(run=None))
