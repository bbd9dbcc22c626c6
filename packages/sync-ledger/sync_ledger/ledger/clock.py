"""Time as the ledger stores it."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(tz=timezone.utc)


def as_utc(value: datetime | None) -> datetime | None:
    """Read a stored time back: SQLite keeps no zone, and everything stored is UTC."""
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=timezone.utc)
