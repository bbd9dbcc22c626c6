"""Named times: times of day (over midnight if need be), weekdays, days of the month, months, years, in a time zone.

Times of day are those of the wall clock: what is quiet until 07:00 is quiet until the clock shows 07:00, on the days of
the change to and from daylight-saving time too. A time of day over midnight belongs to the day on which it begins:
`22:00-06:00` on `friday` lasts until Saturday, 06:00. (Alertmanager takes none over midnight; there it is two, and
Saturday's part is Saturday's.)
"""

from __future__ import annotations

import calendar
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

from alert_rules.errors import BadValueError
from alert_rules.zones import zone

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from alert_rules.model import TimeInterval

DAYS: t.Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: t.Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ENDS: t.Final = 2
"""Of a range."""
_MINUTES: t.Final = 24 * 60
_TIME = re.compile(r"(\d{1,2}):(\d{2})\Z")
_YEARS_AHEAD: t.Final = 5
_DAYS_IN_A_MONTH: t.Final = 31


def minutes(text: str) -> int:
    """Return a time of day in minutes since midnight; `24:00` is the end of the day.

    Raises:
        BadValueError: The text is none.
    """
    found = _TIME.match(text.strip())
    value = int(found[1]) * 60 + int(found[2]) if found else -1
    if found is None or int(found[2]) > 59 or value > _MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise BadValueError(f"{text!r} is no time of day", "write it like 07:30, in quotes")
    return value


def days(text: str) -> frozenset[int]:
    """Return days of the week, Monday being 0: `daily`, `mon-fri`, `monday:friday`, `mon,wed`, `sat-mon`.

    Raises:
        BadValueError: The text is none of these.
    """
    if text.strip().lower() == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.lower().split(","):
        ends = [_day(name, text) for name in re.split(r"[:-]", part)]
        if len(ends) > _ENDS:
            raise BadValueError(f"{text!r} are no days", "write them like mon-fri, mon,wed or daily")
        found.update((ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1))
    return frozenset(found)


def _day(name: str, text: str) -> int:
    given = name.strip()
    for number, day in enumerate(DAYS):
        if given in {day, day[:3]}:
            return number
    raise BadValueError(f"{text!r}: {given!r} is no day of the week", "write them like mon-fri, mon,wed or daily")


@dataclass(frozen=True, slots=True)
class Interval:
    """Times of one name.

    Attributes:
        name: Their name.
        zone: Time zone.
        spans: Times of day in minutes; the end is greater than the beginning, and beyond 1,440 for one over midnight.
        weekdays: Days of the week, Monday being 0.
        days_of_month: Ranges of days; negative ones count from the end of the month.
        months: Months.
        years: Ranges of years.
    """

    name: str
    zone: ZoneInfo
    spans: tuple[tuple[int, int], ...]
    weekdays: frozenset[int] = frozenset(range(7))
    days_of_month: tuple[tuple[int, int], ...] = ()
    months: frozenset[int] = frozenset(range(1, 13))
    years: tuple[tuple[int, int], ...] = ()

    def contains(self, moment: datetime) -> bool:
        """Return whether a moment lies within."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today, before = local.date(), local.date() - timedelta(days=1)
        return any(
            (begin <= minute < end and self._on(today)) or (minute < end - _MINUTES and self._on(before))
            for begin, end in self.spans
        )

    def ends_after(self, moment: datetime) -> datetime | None:
        """Return the first moment from this one on that does not lie within; None if it has no end in sight."""
        if not self.contains(moment):
            return moment
        changes = self._changes(moment)
        return next((change for change in changes if change > moment and not self.contains(change)), None)

    def begins_after(self, moment: datetime) -> datetime | None:
        """Return the first moment from this one on that lies within; None if there is none in sight."""
        if self.contains(moment):
            return moment
        return next((change for change in self._changes(moment) if change > moment and self.contains(change)), None)

    def _on(self, day: date) -> bool:
        if day.weekday() not in self.weekdays or day.month not in self.months:
            return False
        if self.years and not any(first <= day.year <= last for first, last in self.years):
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        ranges = ((_in_month(first, length), _in_month(last, length)) for first, last in self.days_of_month)
        return not self.days_of_month or any(first <= day.day <= last for first, last in ranges)

    def _changes(self, moment: datetime) -> Iterator[datetime]:
        """Return moments at which the answer may change, in their order, for some years."""
        first = moment.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(_YEARS_AHEAD * 366):
            day = first + timedelta(days=number)
            edges = {0, *(edge % _MINUTES for span in self.spans for edge in span)}
            # A minute that the clock skips or repeats has two readings; the later ones lie in order among the others.
            found = {at for edge in edges for fold in (0, 1) if (at := _at(day, edge, self.zone, fold)) is not None}
            found |= _shifts(day, self.zone)
            yield from sorted(found)


def _in_month(day: int, length: int) -> int:
    """Return a day of a month of some length; -1 is its last one."""
    return length + 1 + day if day < 0 else day


def _at(day: date, minute: int, where: ZoneInfo, fold: int) -> datetime:
    naive = datetime.combine(day, time(minute // 60, minute % 60), where).replace(fold=fold)
    return naive.astimezone(timezone.utc)


def _shifts(day: date, where: ZoneInfo) -> set[datetime]:
    """Return the moment at which the clock is changed on a day, if it is."""
    begin = datetime.combine(day, time(0), where).astimezone(timezone.utc)
    end = datetime.combine(day + timedelta(days=1), time(0), where).astimezone(timezone.utc)
    if begin.astimezone(where).utcoffset() == end.astimezone(where).utcoffset():
        return set()
    return {
        at
        for step in range(int((end - begin).total_seconds()) // 60)
        if (at := begin + timedelta(minutes=step)).astimezone(where).utcoffset()
        != (at - timedelta(minutes=1)).astimezone(where).utcoffset()
    }


def interval(given: TimeInterval, location: str) -> Interval:
    """Read the times of a name.

    Args:
        given: As written.
        location: Time zone when it names none.

    Raises:
        BadValueError: A part of it cannot be read.
    """
    return Interval(
        name=given.name,
        zone=zone(given.location or location),
        spans=tuple(map(_span, given.times)) or ((0, _MINUTES),),
        weekdays=frozenset().union(*map(days, given.weekdays)) if given.weekdays else frozenset(range(7)),
        days_of_month=tuple(_range(text, _day_of_month, "day of a month") for text in given.days_of_month),
        months=_months(given.months),
        years=tuple(_range(text, int, "year") for text in given.years),
    )


def _span(text: str) -> tuple[int, int]:
    parts = text.split("-")
    if len(parts) != _ENDS:
        raise BadValueError(f"{text!r} is no time of day with an end", "write it like 20:00-07:00")
    begin, end = map(minutes, parts)
    if begin == end:
        raise BadValueError(f"{text!r} begins where it ends", "write 00:00-24:00 for the whole day")
    return begin, end if end > begin else end + _MINUTES


def _range(text: str, read: t.Callable[[str], int], what: str) -> tuple[int, int]:
    parts = text.split(":")
    try:
        first, last = read(parts[0]), read(parts[-1])
    except ValueError as error:
        raise BadValueError(f"{text!r} is no {what}", "write one, or a range such as 1:7") from error
    if len(parts) > _ENDS or (first > last and first * last > 0) or (first < 0 < last):
        raise BadValueError(f"{text!r} is no range of a {what}", "write the lower one first, such as 1:7")
    return first, last


def _day_of_month(text: str) -> int:
    number = int(text)
    if not 1 <= abs(number) <= _DAYS_IN_A_MONTH:
        raise ValueError(text)
    return number


def _months(given: Sequence[str]) -> frozenset[int]:
    found: set[int] = set()
    for text in given:
        first, last = _range(text, _month, "month")
        found.update(range(first, last + 1))
    return frozenset(found or range(1, 13))


def _month(text: str) -> int:
    name = text.strip().lower()
    for number, month in enumerate(MONTHS, start=1):
        if name in {month, month[:3], str(number)}:
            return number
    raise ValueError(text)


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """When a digest goes out.

    Attributes:
        minute: Time of day in minutes.
        weekdays: Days of the week.
        zone: Time zone.
    """

    minute: int
    weekdays: frozenset[int]
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime:
        """Return the next time after a moment; a minute that the clock skips counts as the one after the change."""
        day = moment.astimezone(self.zone).date()
        for number in range(9):
            at = _at(day + timedelta(days=number), self.minute, self.zone, 0)
            if at > moment and (day + timedelta(days=number)).weekday() in self.weekdays:
                return at
        raise AssertionError(self)  # there is one within eight days


def any_contains(intervals: Iterable[Interval], moment: datetime) -> Interval | None:
    """Return the first of some intervals that a moment lies in."""
    return next((one for one in intervals if one.contains(moment)), None)
