"""Dates of JD Edwards: CYYDDD in the database, ``YYYYMMDD`` in answers, the user's own format in requests.

CYYDDD is (century - 19), two digits of the year, day of the year: 125181 is 2025-06-30 (AIS fact sheet section 5).
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache

_FIELDS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d"}
_TOKEN = re.compile(r"yyyy|yy|MM|dd|[^A-Za-z]+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2899


class DateLiteralError(ValueError):
    """A date literal that is not written in the user's format."""


def to_julian(day: date) -> int:
    """Return a date as CYYDDD.

    Raises:
        ValueError: The year is not between 1900 and 2899.
    """
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"{day} has no CYYDDD form: the year must lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return (day.year - _FIRST_YEAR) * 1000 + day.timetuple().tm_yday


@lru_cache(maxsize=65536)
def from_julian(value: int | None) -> date | None:
    """Return the date of a CYYDDD number; None for a blank date (0 or null).

    Raises:
        ValueError: The number is no CYYDDD date.
    """
    if not value:
        return None
    year, day_of_year = _FIRST_YEAR + value // 1000, value % 1000
    if value < 0 or year > _LAST_YEAR or not 1 <= day_of_year <= (366 if calendar.isleap(year) else 365):
        raise ValueError(f"{value} is no CYYDDD date")
    return date(year, 1, 1) + timedelta(days=day_of_year - 1)


def _tokens(pattern: str) -> list[str]:
    parts = _TOKEN.findall(pattern)
    if "".join(parts) != pattern:
        raise ValueError(f"the date format {pattern!r} has other parts than yyyy, yy, MM, dd and separators")
    return parts


def format_date(day: date, pattern: str) -> str:
    """Write a date in a ``simpleDateFormat`` pattern such as ``MM/dd/yyyy`` (or a part of one, ``yyyy-MM``).

    Raises:
        ValueError: The pattern has letters other than yyyy, yy, MM and dd.
    """
    values = {
        "yyyy": f"{day.year:04d}",
        "yy": f"{day.year % 100:02d}",
        "MM": f"{day.month:02d}",
        "dd": f"{day.day:02d}",
    }
    return "".join(values.get(part, part) for part in _tokens(pattern))


def parse_date(text: str, pattern: str, today: date) -> date:
    """Read a literal written exactly in ``pattern``: two digits for day and month, no blanks, an existing day.

    A two-digit year lies within 80 years before and 20 years after ``today`` (as Java's SimpleDateFormat has it).

    Raises:
        DateLiteralError: The literal is written otherwise or names no day.
    """
    expression = ""
    for part in _tokens(pattern):
        name = part.strip("%")
        expression += rf"(?P<{name}>\d{{{len(part)}}})" if part in _FIELDS else re.escape(part)
    found = re.fullmatch(expression, text, re.ASCII)
    if not found:
        raise DateLiteralError(f"Unparseable date: {text!r} (expected {pattern})")
    fields = {name: int(value) for name, value in found.groupdict().items()}
    year = fields["yyyy"] if "yyyy" in fields else _full_year(fields["yy"], today)
    try:
        return date(year, fields["MM"], fields["dd"])
    except ValueError:
        raise DateLiteralError(f"Unparseable date: {text!r} (expected {pattern})") from None


def misread_date(text: str, pattern: str, today: date) -> date:
    """Read a literal as a lenient parser does: any digits, month 30 rolls over into later years, no complaint.

    Raises:
        DateLiteralError: Not even three numbers can be found.
    """
    order = [part for part in _tokens(pattern) if part in _FIELDS]
    numbers = [int(one) for one in re.findall(r"\d+", text, re.ASCII)]
    if len(numbers) != len(order):
        raise DateLiteralError(f"Unparseable date: {text!r} (expected {pattern})")
    fields = dict(zip(order, numbers, strict=True))
    year = fields.get("yyyy", fields.get("yy", 0))
    if "yyyy" not in fields and year < 100:  # noqa: PLR2004 - a year of two digits
        year = _full_year(year, today)
    months = year * 12 + fields["MM"] - 1
    try:
        return date(months // 12, months % 12 + 1, 1) + timedelta(days=fields["dd"] - 1)
    except (ValueError, OverflowError):
        raise DateLiteralError(f"Unparseable date: {text!r} (expected {pattern})") from None


def _full_year(two_digits: int, today: date) -> int:
    latest = today.year + 20
    return latest - (latest - two_digits) % 100


def add_months(day: date, months: int) -> date:
    """Return the date ``months`` later (or earlier), the last day of the month where the day does not exist."""
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
