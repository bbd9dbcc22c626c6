"""By which columns a table stream is read: the date of the last change and the time of day beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_jdedwards.dictionary import DATE_COLUMN, Kind, time_column
from tap_jdedwards.marks import TIME_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = (Kind.WHOLE, Kind.NUMBER, Kind.TIME)


class StampError(ValueError):
    """A replication column cannot be used; the text names it."""


@dataclass(frozen=True)
class Stamp:
    """Columns that tell when a row was changed.

    Attributes:
        date: Property of the date; the stream's replication key.
        time: Property of the time of day (integer HHMMSS); None when there is none.
        time_key: What the state file calls the time.
    """

    date: str
    time: str | None
    time_key: str | None

    @classmethod
    def usual(cls, kinds: Mapping[str, Kind]) -> Stamp | None:
        """Find the audit stamp: UPMJ with UPMT or TDAY.

        Args:
            kinds: Kinds of the columns by property.

        Returns:
            The stamp; None for a table without UPMJ.
        """
        return cls(DATE_COLUMN, time_column(kinds), TIME_KEY) if DATE_COLUMN in kinds else None

    @classmethod
    def named(cls, text: str, kinds: Mapping[str, Kind]) -> Stamp | None:
        """Read a replication column as a user names it.

        Args:
            text: ``DGJ`` or, with a time of day, ``TRDJ+TDAY``; empty for none. UPMJ brings its time along.
            kinds: Kinds of the columns by property.

        Returns:
            The stamp; None for a table that is to be read whole each time.

        Raises:
            StampError: When the table has no such columns, or they hold something else.
        """
        date, plus, time = (part.strip() for part in text.upper().partition("+"))
        if not date:
            return None
        lacking = [name for name in (date, time) if name and name not in kinds]
        if lacking or (plus and not time):
            raise StampError(f"there is no column {lacking[0] if lacking else repr(text)}")
        if kinds[date] is not Kind.DATE:
            raise StampError(f"{date} is no date")
        if time and kinds[time] not in _NUMBERS:
            raise StampError(f"{time} is no time of day")
        if date == DATE_COLUMN and not time:
            return cls.usual(kinds)
        return cls(date, time or None, time or None)
