"""Moments and dates: stored in UTC to the second, as they are on the wire (fact sheet section 7)."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone

EARLIEST = "1753-01-01"
_STORED = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def stored_time(moment: datetime) -> str:
    """Returns a moment as it is stored: UTC, whole seconds."""
    moment = moment.astimezone(timezone.utc)
    # strftime writes years before 1000 without leading zeros on some platforms.
    return f"{moment.year:04}{moment.strftime(_STORED[2:])}"


def parse_time(value: object) -> str | None:
    """Returns an ISO 8601 time as it is stored, or None for anything else; without an offset it is UTC."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    text = re.sub(r"(\.\d{6})\d", r"\1", value.replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(_padded(text))
        return stored_time(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
    except (ValueError, OverflowError):
        return None


def parse_date(value: object) -> str | None:
    """Returns an ISO date, or None for anything else; a time part is something else."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def _padded(text: str) -> str:
    """Returns a time with a fraction of six digits, which Python 3.10 insists on."""
    return re.sub(r"\.(\d{1,5})(?!\d)", lambda match: f".{match[1]:0<6}", text)
