"""How far a table has been read: marks made of UPMJ and the time of day beside it.

A mark is a naive ``datetime`` in the clock of the JD Edwards servers, which store no zone (AIS fact sheet section 5).
Everything here is pure, except that a server that does not tell its time has the clock of this machine asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

DATE_KEY = "UPMJ"
TIME_KEY = "UPMT"
_LAST_SECOND = time(23, 59, 59)
_CLOCKS_DIFFER = timedelta(minutes=5)
_WESTERNMOST = timedelta(hours=12)
_CYYDDD = re.compile(r"\d{5,6}")


class MarkError(ValueError):
    """A date or time in a state file or a setting cannot be read."""


def time_of_day(stamp: int | None) -> time:
    """Read a time column.

    Args:
        stamp: Integer HHMMSS as stored, 93005 for 09:30:05. Null means the same as 0: the program that saved the row
            left no time.

    Returns:
        The time; a number that is no time of day counts as the last second, so that a mark never lies too early.
    """
    if not stamp:
        return time()
    hours, rest = divmod(int(stamp), 10_000)
    minutes, seconds = divmod(rest, 100)
    try:
        return time(hours, minutes, seconds)
    except ValueError:
        return _LAST_SECOND


def as_stamp(moment: datetime) -> int:
    """Write the time of a mark as a time column holds it.

    Args:
        moment: A mark.

    Returns:
        Integer HHMMSS.
    """
    return moment.hour * 10_000 + moment.minute * 100 + moment.second


def mark_of(day: date | None, stamp: int | None) -> datetime | None:
    """Make the mark of one row.

    Args:
        day: UPMJ of the row.
        stamp: The row's time column.

    Returns:
        The mark, or None for a row without a date.
    """
    return None if day is None else datetime.combine(day, time_of_day(stamp))


def latest(*marks: datetime | None) -> datetime | None:
    """Take the latest of some marks.

    Args:
        marks: Marks; None stands for "nothing seen".

    Returns:
        The latest mark, or None when there is none.
    """
    return max((mark for mark in marks if mark is not None), default=None)


def capped(mark: datetime | None, clock: datetime | None) -> datetime | None:
    """Keep a mark from running ahead of the server's clock.

    A row stamped in the future would otherwise hide every change made until then.

    Args:
        mark: The highest mark seen.
        clock: The server's time when it was seen; None when the server did not tell it. The clock of this machine
            then says what time it is at least, wherever the server stands.

    Returns:
        The earlier of both.
    """
    if mark is None:
        return None
    if clock is None:
        clock = datetime.now(timezone.utc).replace(tzinfo=None) - _WESTERNMOST
    return min(mark, clock.replace(microsecond=0))


def is_ahead(mark: datetime | None, clock: datetime | None, *, overlap: timedelta) -> bool:
    """Tell whether a bookmark lies so far ahead of the server's clock that reading from it would lose rows.

    Bookmarks are written no later than the clock. One ahead of it was edited, or the clock has been set back; changes
    stamped since then lie before the bookmark, within the overlap only if that covers the difference.

    Args:
        mark: A bookmark.
        clock: The server's time; None when the server did not tell it.
        overlap: How far back each run reads again.

    Returns:
        True when the bookmark cannot be used.
    """
    return mark is not None and clock is not None and mark - clock > max(overlap, _CLOCKS_DIFFER)


@dataclass(frozen=True)
class Since:
    """The lower bound of an incremental read.

    Attributes:
        moment: Rows stamped at or after this moment are due, and rows of the same day that carry no time.
    """

    moment: datetime

    @classmethod
    def after(
        cls, mark: datetime, *, overlap: timedelta, not_before: date | None = None, clock: datetime | None = None
    ) -> Since:
        """Go back from a bookmark by the overlap.

        Args:
            mark: The bookmark.
            overlap: How far back to read again, for late commits and clocks that differ.
            not_before: ``start_date`` of the settings; rows of earlier days are never due.
            clock: The server's time. A bookmark a little ahead of it, not so far that it could not be used, means that
                the clock was set back or is that of another machine: changes may be stamped before the bookmark.

        Returns:
            The lower bound.
        """
        try:
            moment = mark - overlap
            if clock is not None and mark > clock:
                moment = min(moment, clock - _CLOCKS_DIFFER)
        except OverflowError:
            moment = datetime.min  # noqa: DTZ901 -- a mark has no zone
        if not_before is not None:
            moment = max(moment, datetime.combine(not_before, time()))
        return cls(moment)

    @property
    def day(self) -> date:
        """The first day with due rows."""
        return self.moment.date()

    @property
    def stamp(self) -> int:
        """The time of that day, as the time column holds it."""
        return as_stamp(self.moment)

    def is_due(self, day: date | None, stamp: int | None) -> bool:
        """Tell whether a row is due, by the same rule that the query uses.

        Args:
            day: UPMJ of the row.
            stamp: The row's time column.

        Returns:
            True when the row is to be read (again).
        """
        if day is None or day < self.day:
            return False
        return day > self.day or not stamp or stamp >= self.stamp


def mark_to_json(mark: datetime | None, date_key: str = DATE_KEY, time_key: str | None = TIME_KEY) -> Any:
    """Write a mark for the state file.

    Args:
        mark: A mark.
        date_key: Name of its date.
        time_key: Name of its time of day; None for marks that are days.

    Returns:
        ``{"UPMJ": "2026-11-20", "UPMT": "09:30:05"}``, or None.
    """
    if mark is None:
        return None
    content = {date_key: mark.date().isoformat()}
    return content if time_key is None else {**content, time_key: mark.time().isoformat("seconds")}


def mark_from_json(
    value: Mapping[str, Any] | None, date_key: str = DATE_KEY, time_key: str | None = TIME_KEY
) -> datetime | None:
    """Read a mark of the state file.

    Args:
        value: What :func:`mark_to_json` wrote; the time may be missing.
        date_key: Name of its date.
        time_key: Name of its time of day.

    Returns:
        The mark, or None.

    Raises:
        MarkError: When it is no date and time.
    """
    return None if value is None else parse_mark(value.get(date_key), value.get(time_key) if time_key else None)


def parse_mark(day: Any, at: Any = None, *, zoned: bool = False) -> datetime | None:
    """Read a mark from a date and a time of day as a person or another tap may have written them.

    Args:
        day: ``2026-11-20``; a full date-time is taken too, its zone is dropped.
        at: ``09:30:05``; midnight when missing.
        zoned: Take a zone seriously. That of the JD Edwards servers is not known, so the mark becomes the earliest
            local time that the moment can be anywhere on earth.

    Returns:
        The mark, or None when there is no date.

    Raises:
        MarkError: When either is malformed.
    """
    if day is None:
        return None
    if _CYYDDD.fullmatch(str(day)):
        raise MarkError(f"{day!r} looks like a CYYDDD date of the database; write it like 2026-11-20")
    try:
        moment = datetime.fromisoformat(str(day).replace("Z", "+00:00"))
        if zoned and moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc) - _WESTERNMOST
        moment = moment.replace(tzinfo=None, microsecond=0)
        if at is not None:
            moment = datetime.combine(moment.date(), time.fromisoformat(str(at)).replace(tzinfo=None, microsecond=0))
    except (ValueError, OverflowError) as error:
        given = repr(day) if at is None else f"{day!r} {at!r}"
        raise MarkError(f"{given} is no date like 2026-11-20 with a time like 09:30:05") from error
    return moment
