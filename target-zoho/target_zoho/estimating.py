"""What a plan says before: calls and credits of reads and writes (Zoho CRM sheet section 10)."""

from __future__ import annotations

from sync_ledger.adapter import Usage

from target_zoho import costs
from target_zoho.bulk import SIZE
from target_zoho.reading import IDS_PER_CALL
from target_zoho.writing import BATCH_SIZE

_OPENING = 3
"""Calls that open a module: its fields, the records changed since, those deleted since."""

_LOOKS = 4
"""How often it is asked what has become of a bulk write, as a rule: it is over within half a minute."""

_JOB_CALLS = 3
"""Calls of a bulk write beside those: file, job, result."""


def estimate(parts: int, *, opens: int, reads: int, creates: int, updates: int, bulk_threshold: int) -> Usage:
    """Return what calls on one module will take (see `sync_ledger.adapter.EntityAdapter.estimate`).

    Args:
        parts: Calls in which a record comes with all its fields.
        opens: How often the module is opened.
        reads: Records read by id.
        creates: Records created.
        updates: Records updated.
        bulk_threshold: From this many creates on they are a bulk write; 0 for never.
    """
    jobs, left = divmod(creates, SIZE) if bulk_threshold else (0, creates)
    if bulk_threshold and left >= bulk_threshold:
        jobs, left = jobs + 1, 0
    lists = opens * _OPENING + -(-reads // IDS_PER_CALL) * parts
    writes = sum(-(-records // BATCH_SIZE) for records in (left, updates))
    return Usage(
        calls=lists + writes + jobs * (_JOB_CALLS + _LOOKS),
        writes=writes + jobs,
        cost=lists + _credits(left) + _credits(updates) + jobs * (costs.BULK_WRITE + _JOB_CALLS - 1 + _LOOKS),
    )


def _credits(records: int) -> int:
    full, rest = divmod(records, BATCH_SIZE)
    last = costs.write_credits("POST", "/", rest) if rest else 0
    return full * costs.write_credits("POST", "/", BATCH_SIZE) + last
