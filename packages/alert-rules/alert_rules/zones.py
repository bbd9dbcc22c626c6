"""Time zones by name, with a word about what is wrong with one that is none."""

from __future__ import annotations

import difflib
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from alert_rules.errors import BadValueError


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        BadValueError: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        remedy = f"did you mean {near[0]}?" if near else "give a name such as Europe/Berlin or UTC"
        raise BadValueError(f"{name!r} is no time zone", remedy) from error
