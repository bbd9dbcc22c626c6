"""Values of rows: as people write them (ISO dates, decimals), as the database holds them (CYYDDD, scaled integers)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from service_emulators.jde.dates import from_julian, to_julian

if TYPE_CHECKING:
    from service_emulators.jde.dictionary import Column

Stored = int | str | None

_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})", re.ASCII)
_LARGEST = 2**63 - 1


def to_stored(column: Column, value: Any) -> Stored:
    """Return what the database holds for a value written by a person.

    Dates may be ISO text, ``YYYYMMDD`` or ``datetime.date``; times ``HH:MM:SS``, ``datetime.time`` or the number
    HHMMSS; numbers carry their decimals; business units need no padding. None is null (a blank date).

    Raises:
        ValueError: The value does not fit the column; the message names it.
    """
    if value is None:
        return None
    if column.is_text:
        return _stored_text(column, value)
    if column.kind == "date":
        return _stored_date(column, value)
    if column.kind == "time":
        return _stored_time(column, value)
    return _stored_number(column, value)


def _stored_text(column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{column.alias}: {value!r} is no text")  # noqa: TRY004 - one error type for "does not fit"
    text = value.strip(" ") if column.right_justified else value
    if len(text.rstrip(" ")) > column.length:
        raise ValueError(f"{column.alias}: {value!r} is longer than {column.length} characters")
    if column.right_justified:
        return text and text.rjust(column.length)
    return text[: column.length] or blank(column)


def blank(column: Column) -> str:
    """Return the stored form of a blank text: one blank for a character, nothing for a string."""
    return " " if column.kind == "character" else ""


def _stored_date(column: Column, value: Any) -> int:
    if isinstance(value, date):
        return to_julian(value.date() if isinstance(value, datetime) else value)
    text = str(value).strip()
    if not text:
        return 0
    found = _DATE.fullmatch(text)
    try:
        return to_julian(date(*(int(part) for part in found.groups()))) if found else _no_date(text)
    except ValueError as error:
        raise ValueError(f"{column.alias}: {error}") from None


def _no_date(text: str) -> int:
    raise ValueError(f"{text!r} is no date; write YYYY-MM-DD")


def _stored_time(column: Column, value: Any) -> int:
    if isinstance(value, time):
        return value.hour * 10000 + value.minute * 100 + value.second
    found = _TIME.fullmatch(str(value).strip())
    text = "".join(found.groups()) if found else str(value).strip() or "0"
    digits = text.zfill(6)
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", digits, re.ASCII):
        raise ValueError(f"{column.alias}: {value!r} is no time of day; write HH:MM:SS or HHMMSS")
    return int(digits)


def _stored_number(column: Column, value: Any) -> int:
    try:
        number = Decimal(str(value).strip() or "0")
        scaled = number.scaleb(column.decimals)
    except InvalidOperation:
        raise ValueError(f"{column.alias}: {value!r} is no number") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{column.alias}: {value!r} has more than {column.decimals} decimals")
    if len(str(abs(int(scaled)))) > column.length or abs(scaled) > _LARGEST:
        raise ValueError(f"{column.alias}: {value!r} has more than {column.length} digits")
    return int(scaled)


def scaled_down(value: int, decimals: int) -> int | float:
    """Apply display decimals to a stored number: 125050 with 2 decimals is 1250.5."""
    if not decimals:
        return value
    scale: int = 10**decimals
    return value // scale if value % scale == 0 else value / scale


def to_plain(column: Column, stored: Stored) -> Any:
    """Return a stored value as a person reads it: right-trimmed text, ISO dates (null when blank), decimals."""
    if stored is None:
        return None
    if isinstance(stored, str):
        return stored.rstrip(" ")
    if column.kind == "date":
        day = from_julian(stored)
        return day.isoformat() if day else None
    return scaled_down(stored, column.decimals)
