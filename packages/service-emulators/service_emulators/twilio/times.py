"""Moments as the API writes and reads them."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime


def rfc2822(moment: float) -> str:
    """Returns a moment as `Fri, 09 Jan 2026 08:00:00 +0000`."""
    return format_datetime(datetime.fromtimestamp(int(moment), timezone.utc))


def read_moment(text: str) -> float | None:
    """Reads an ISO 8601 date or time, GMT when it has no offset; None when it is none."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
