"""Durations as Prometheus writes them: `90s`, `30m`, `1h30m`, `2d`, `1w`."""

from __future__ import annotations

import re
import typing as t
from datetime import timedelta

from alert_rules.errors import BadValueError

_UNITS: t.Final = {"w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?\Z")
_LONGEST: t.Final = timedelta(weeks=520)
_REMEDY: t.Final = "write it like 90s, 30m, 1h30m, 2d or 1w, the greatest unit first"


def duration(text: str) -> timedelta:
    """Return a duration; `0`, `0m` and the like are none at all.

    Raises:
        BadValueError: The text is no duration, or longer than ten years.
    """
    given = text.strip()
    found = _WHOLE.match(given)
    if given == "0":
        return timedelta(0)
    if not given or found is None:
        raise BadValueError(f"{text!r} is no duration", _REMEDY)
    seconds = sum(int(count) * size for count, size in zip(found.groups(), _UNITS.values(), strict=True) if count)
    if seconds > _LONGEST.total_seconds():
        raise BadValueError(f"{text!r} is longer than ten years", _REMEDY)
    return timedelta(seconds=seconds)


def shown(length: timedelta) -> str:
    """Return a duration as it is written."""
    left, parts = int(length.total_seconds()), ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"
