"""What a plan says before: calls and API requests of reads and writes (Dataverse sheet section 13)."""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Usage

from target_dynamics.metadata import questions

OPENING: t.Final = 2
"""Calls that open a table: its metadata in one batch, and one page of what changed since."""

OPENING_REQUESTS: t.Final = len(questions("")) + 1
"""API requests these count for: each question of a batch is one."""


def estimate(*, opens: int, reading: int, creates: int, updates: int, chunk: int) -> Usage:
    """Return what calls on one table will take (see `sync_ledger.adapter.EntityAdapter.estimate`).

    The cost is in API requests as they are counted against the entitlement of 24 hours: each row written is one.

    Args:
        opens: How often the table is opened.
        reading: Calls that read rows by id.
        creates: Rows created.
        updates: Rows updated.
        chunk: Rows of one bulk request.
    """
    asked = opens * OPENING + reading
    kinds = [rows for rows in (creates, updates) if rows]
    writes = sum(-(-rows // chunk) for rows in kinds)
    messages = opens * len(kinds)  # whether the table takes the message is asked once, not for each row
    calls = asked + messages + writes
    cost = opens * OPENING_REQUESTS + reading + messages + creates + updates
    return Usage(calls=calls, writes=writes, cost=cost)
