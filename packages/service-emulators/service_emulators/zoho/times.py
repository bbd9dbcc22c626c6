"""Moments: stored in UTC, shown with the offset of the org's time zone, read with any offset."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_STORED = "%Y-%m-%dT%H:%M:%SZ"
_GIVEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def stored_time(moment: datetime) -> str:
    """Returns a moment as it is stored: UTC, whole seconds."""
    return moment.astimezone(timezone.utc).strftime(_STORED)


def parse_time(value: object) -> str | None:
    """Returns an ISO 8601 time with offset as it is stored, or None for anything else."""
    if not isinstance(value, str) or not _GIVEN.fullmatch(value):
        return None
    try:
        return stored_time(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def local_time(stored: str, zone: ZoneInfo) -> str:
    """Returns a stored time in a zone, with its offset: `2026-03-01T09:15:00+01:00`."""
    moment = datetime.strptime(stored, _STORED).replace(tzinfo=timezone.utc)
    return moment.astimezone(zone).isoformat()
