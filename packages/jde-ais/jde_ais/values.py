"""JDE values: dates, times, decimals and padded strings, to and from the forms they have on the wire.

Responses carry dates as `YYYYMMDD` strings and times as integers without leading zeros; requests carry dates in the
format of the signed-on user (AIS fact sheet, section 5). The database's CYYDDD form never appears in either.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from jde_ais.errors import AisConfigError

Value = int | Decimal | str | date
"""What a condition can be compared with."""

_BLANKS = " \x00"
"""Some databases hold an empty character column as NUL instead of a blank."""

_DATE_PATTERN = re.compile(r"(MM|dd|yyyy|yy)([^A-Za-z0-9]?)(MM|dd|yyyy|yy)\2(MM|dd|yyyy|yy)")
_DATE_ORDERS = {"Mdy", "dMy", "yMd"}
_STRFTIME = {"MM": "%m", "dd": "%d", "yyyy": "%Y", "yy": "%y"}

TWO_DIGIT_YEARS = range(1970, 2040)
"""Years a two-digit pattern can express under every century rule in use (sliding windows as well as fixed splits)."""


@lru_cache(maxsize=65536)
def iso_date(text: str | None) -> str | None:
    """Turns a date of a response into ISO form: `20250630` -> `2025-06-30`.

    Args:
        text: `YYYYMMDD`, or blank or None for an empty date.

    Returns:
        The ISO date, None for an empty one.

    Raises:
        ValueError: For anything else; guessing would turn a wrong format into wrong dates.
    """
    parsed = parse_date(text)
    return None if parsed is None else parsed.isoformat()


def parse_date(text: str | None) -> date | None:
    """Reads a date of a response: `YYYYMMDD`; blank and None are the empty date.

    Raises:
        ValueError: For anything else, an impossible day included.
    """
    if text is None:
        return None
    # A number is no valid date either, though the annotation cannot keep a server from sending one.
    digits = text.strip(_BLANKS) if isinstance(text, str) else repr(text) + "?"
    if not digits:
        return None
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):  # noqa: PLR2004 (YYYYMMDD)
        msg = f"expected a date as 'YYYYMMDD', got {text!r}"
        raise ValueError(msg)
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        msg = f"expected a date as 'YYYYMMDD', got {text!r}"
        raise ValueError(msg) from None


@lru_cache(maxsize=64)
def date_format(pattern: str) -> str:
    """Turns a user's `simpleDateFormat` into a strftime format.

    Known are the orders month-day-year, day-month-year and year-month-day, with two or four digits of the year and
    any one separator (or none).

    Raises:
        AisConfigError: For any other pattern: a literal in the wrong order would be misread without a word.
    """
    parts = _DATE_PATTERN.fullmatch(pattern)
    if parts is None or f"{parts[1][0]}{parts[3][0]}{parts[4][0]}" not in _DATE_ORDERS:
        msg = (
            f"the JDE user's date format {pattern!r} is unknown, so dates cannot be sent safely; set the date format "
            "of the user's profile (P0092) to one like MM/dd/yyyy, dd/MM/yyyy or yyyy/MM/dd"
        )
        raise AisConfigError(msg)
    return parts[2].replace("%", "%%").join(_STRFTIME[parts[n]] for n in (1, 3, 4))


def format_date(day: date, pattern: str) -> str:
    """Writes a date as a literal of a request, in the user's `simpleDateFormat`.

    Raises:
        AisConfigError: For an unknown pattern, or when the pattern has two digits for the year and these would not
            be read back as the same year everywhere.
    """
    form = date_format(pattern)
    if "%y" in form and day.year not in TWO_DIGIT_YEARS:
        msg = (
            f"the JDE user's date format {pattern!r} has two digits for the year and cannot express {day.isoformat()}; "
            "give the user's profile (P0092) a date format with four"
        )
        raise AisConfigError(msg)
    # strftime("%Y") does not pad years below 1000 on every platform.
    return day.strftime(form.replace("%Y", f"{day.year:04}"))


def parse_time(value: int | Decimal | str | None) -> str | None:
    """Reads a time column (UPMT, TDAY): 93005 -> `09:30:05`, None and blank -> None.

    Raises:
        ValueError: When it is no time of day.
    """
    if value is None or (isinstance(value, str) and not value.strip(_BLANKS)):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    hours, minutes, seconds = number // 10000, number // 100 % 100, number % 100
    if number < 0 or hours > 23 or minutes > 59 or seconds > 59:  # noqa: PLR2004 (the clock)
        msg = f"expected a time of day as HHMMSS, got {value!r}"
        raise ValueError(msg)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def time_to_int(text: str) -> int:
    """Writes `09:30:05` as the integer a time column holds: 93005.

    Raises:
        ValueError: When the text is no `HH:MM:SS`.
    """
    clock = datetime.strptime(text, "%H:%M:%S")  # noqa: DTZ007 (a time of day; JDE stores no zone)
    return clock.hour * 10000 + clock.minute * 100 + clock.second


def trim(text: str) -> str:
    """Drops the blanks a column is filled up with at its end; leading blanks belong to the value."""
    return text.rstrip(_BLANKS)


def blank_to_none(text: str | None) -> str | None:
    """Right-trims, and gives None for what is blank: for one-character columns and other codes."""
    if text is None:
        return None
    return text.rstrip(_BLANKS) or None


def pad_business_unit(text: str, width: int = 12) -> str:
    """Right-justifies a business unit or a code the way JDE stores it: `M30` -> `         M30`.

    Args:
        text: The value, padded or not; a blank one stays blank.
        width: 12 for business units (MCU and its like), 10 for F0005.KY.
    """
    stripped = text.strip(_BLANKS)
    return stripped.rjust(width) if stripped else ""


def literal(value: Value, pattern: str) -> str:
    """Writes a value as the `content` of a condition.

    Args:
        value: int, Decimal, str or date. Numbers are written plainly, with a point.
        pattern: The user's `simpleDateFormat`.

    Raises:
        TypeError: For other types; a datetime would silently lose its time, a float its exactness.
        AisConfigError: See `format_date`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, datetime)):
        msg = f"cannot compare a JDE column with {value!r}"
        raise TypeError(msg)
    if isinstance(value, date):
        return format_date(value, pattern)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    msg = f"cannot compare a JDE column with {value!r}"
    raise TypeError(msg)
