"""The server's clock against ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_jdedwards.doctor.findings import good, warning

if TYPE_CHECKING:
    from datetime import datetime

    from tap_jdedwards.doctor.findings import Finding

_STEP = timedelta(minutes=30)
_QUARTERS = tuple(timedelta(minutes=minutes) for minutes in (345, 525, 765))
"""Zones between the half hours: Nepal, Eucla, Chatham Islands."""

_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)
_TOLERANCE = timedelta(minutes=2)


def check_clock(server: datetime | None, utc: datetime) -> Finding:
    """Compare the clocks; nothing is lost by a difference, since bookmarks follow the server's clock alone.

    Args:
        server: The server's local time, without zone; None when it tells none.
        utc: Ours at the same moment, in UTC without zone.

    Returns:
        Whether a time zone explains the difference.
    """
    if server is None:
        return good("clock", "the server does not tell its time; bookmarks then follow the stamps of the rows")
    zone, rest = split_difference(server - utc)
    if zone is None:
        text = f"the server's clock differs from ours (UTC) by {_words(rest)}, which no time zone explains"
    elif abs(rest) <= _TOLERANCE:
        own = "agrees with UTC" if not zone else f"differs from UTC by {_words(zone)}, as time zones do"
        return good("clock", f"the server's clock {own}; bookmarks follow it")
    else:
        beside = f"{_words(zone)} of its time zone and " if zone else ""
        text = f"the server's clock differs from ours (UTC) by {beside}{_words(rest)}"
    remedy = (
        "have the clocks set by NTP; nothing is lost, as bookmarks follow the server's clock, "
        "if overlap_minutes stays above the difference between the machines that write to JD Edwards"
    )
    return warning("clock", text, remedy)


def split_difference(difference: timedelta) -> tuple[timedelta | None, timedelta]:
    """Split a difference into what a time zone explains and the rest.

    Args:
        difference: The server's local clock minus UTC.

    Returns:
        The offset of the nearest zone, None when there is none; and what remains beside it.
    """
    nearest = round(difference / _STEP) * _STEP
    for zone in (nearest, *_QUARTERS):
        if _WEST <= zone <= _EAST and abs(difference - zone) <= _TOLERANCE:
            return zone, difference - zone
    return (nearest, difference - nearest) if _WEST <= nearest <= _EAST else (None, difference)


def _words(difference: timedelta) -> str:
    seconds = round(abs(difference.total_seconds()))
    amounts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    told = [f"{amount} {unit}" for amount, unit in amounts if amount][:2]
    return f"{'-' if difference < timedelta(0) else '+'}{' '.join(told) or '0 s'}"
