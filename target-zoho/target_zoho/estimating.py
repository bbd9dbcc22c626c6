"""What a plan says before: calls and credits of reads and writes (Zoho CRM sheet section 10)."""

from __future__ import annotations

from sync_ledger.adapter import Usage

from target_zoho import costs
from target_zoho.reading import IDS_PER_CALL
from target_zoho.writing import BATCH_SIZE

_OPENING = 3
"""Calls that open a module: its fields, the records changed since, those deleted since."""


def estimate(parts: int, *, opens: int, reads: int, creates: int, updates: int) -> Usage:
    """Return what calls on one module will take (see `sync_ledger.adapter.EntityAdapter.estimate`).

    Args:
        parts: Calls in which a record comes with all its fields.
        opens: How often the module is opened.
        reads: Records read by id.
        creates: Records created.
        updates: Records updated.
    """
    lists = -(-reads // IDS_PER_CALL) * parts
    writes = [-(-records // BATCH_SIZE) for records in (creates, updates)]
    calls = opens * _OPENING + lists
    return Usage(calls=calls + sum(writes), writes=sum(writes), cost=calls + _credits(creates) + _credits(updates))


def _credits(records: int) -> int:
    full, rest = divmod(records, BATCH_SIZE)
    last = costs.write_credits("POST", "/", rest) if rest else 0
    return full * costs.write_credits("POST", "/", BATCH_SIZE) + last
