"""The server's clock against ours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from doctor_findings import good, warning

if TYPE_CHECKING:
    from collections.abc import Collection

    from doctor_findings import Finding

_STEP = timedelta(minutes=30)
_QUARTERS = tuple(timedelta(minutes=minutes) for minutes in (345, 525, 765))
"""Zones between the half hours: Nepal, Eucla, Chatham Islands."""

_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)
_TOLERANCE = timedelta(minutes=2)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d\d))?")


def check_clock(server: datetime | None, utc: datetime, zones: Collection[timedelta] = ()) -> Finding:
    """Compare the clocks; nothing is lost by a difference, since bookmarks follow the server's clock alone.

    Args:
        server: The server's local time, without zone; None when it tells none.
        utc: Ours at the same moment, in UTC without zone.
        zones: Offsets from UTC that the server may well have, beside UTC itself.

    Returns:
        Whether one of these zones explains the difference.
    """
    if server is None:
        return good("clock", "the server does not tell its time; bookmarks then follow the stamps of the rows")
    zone, rest = split_difference(server - utc)
    remedy = (
        "have the clocks set by NTP; nothing is lost, as bookmarks follow the server's clock, "
        "if overlap_minutes stays above the difference between the machines that write to JD Edwards"
    )
    if zone is None:
        text = f"the server's clock differs from ours (UTC) by {_words(rest)}, which no time zone explains"
        return warning("clock", text, remedy)
    if abs(rest) > _TOLERANCE:
        beside = f"{_words(zone)} of its time zone and " if zone else ""
        return warning("clock", f"the server's clock differs from ours (UTC) by {beside}{_words(rest)}", remedy)
    if not zone:
        return good("clock", "the server's clock agrees with UTC; bookmarks follow it")
    text = f"the server's clock differs from UTC by {_words(zone)}"
    if zone in zones:
        return good("clock", f"{text}, as the time zone here or of the JD Edwards user does; bookmarks follow it")
    text += ", which is neither the time zone of this machine nor that of the JD Edwards user"
    return warning("clock", text, f"if the server does not stand in a zone of {_words(zone)}, {remedy}")


def likely_zones(users: str) -> frozenset[timedelta]:
    """Gather the offsets that a server near us would have.

    Args:
        users: What the log-in tells of the user's zone, like ``UTC-05:00``; summer time may add an hour to it.

    Returns:
        Offsets from UTC: of this machine, and of the user where it is told.
    """
    zones = {datetime.now().astimezone().utcoffset() or timedelta()}
    told = _OFFSET.search(users)
    if told is not None:
        offset = timedelta(hours=int(told[2]), minutes=int(told[3] or 0)) * (-1 if told[1] == "-" else 1)
        zones |= {offset, offset + timedelta(hours=1)}
    return frozenset(zones)


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
    if seconds >= 60:  # noqa: PLR2004 -- what lies between two answers is no difference of clocks
        seconds = round(seconds / 60) * 60
    amounts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    told = [f"{amount} {unit}" for amount, unit in amounts if amount][:2]
    return f"{'-' if difference < timedelta(0) else '+'}{' '.join(told) or '0 s'}"
