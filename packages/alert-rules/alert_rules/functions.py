"""Functions that expressions may call. All take null and give null (or false) for it."""

from __future__ import annotations

import typing as t
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from alert_rules.expressions import Moment


def number(value: t.Any) -> Decimal | None:
    """The value as a number; texts such as '12.50' too."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("number() got a text that is no number") from None
    if not found.is_finite():
        raise ValueError("number() got what is no finite number")
    return found


def blank(value: t.Any) -> bool:
    """Whether there is nothing: null, or a text of blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def lower(value: t.Any) -> str | None:
    """The text in small letters."""
    return None if value is None else str(value).lower()


def upper(value: t.Any) -> str | None:
    """The text in capitals."""
    return None if value is None else str(value).upper()


def strip(value: t.Any) -> str | None:
    """The text without blanks around it."""
    return None if value is None else str(value).strip()


def contains(text: t.Any, part: t.Any) -> bool:
    """Whether a text or a list has a part."""
    if text is None or part is None:
        return False
    return part in text if isinstance(text, list) else str(part) in str(text)


def starts_with(text: t.Any, beginning: t.Any) -> bool:
    """Whether a text begins so."""
    return text is not None and beginning is not None and str(text).startswith(str(beginning))


def coalesce(*values: t.Any) -> t.Any:
    """The first value that is not null."""
    return next((value for value in values if value is not None), None)


def between(value: t.Any, least: t.Any, most: t.Any) -> bool:
    """Whether a value lies between two others, both included."""
    return None not in (value, least, most) and bool(least <= value <= most)


def total(rows: t.Any, name: str) -> Decimal:
    """The sum of a field over a list of objects, such as the lines of an order; what is null counts nothing."""
    found = (number(row.get(name)) for row in rows or () if isinstance(row, dict))
    return sum((value for value in found if value is not None), Decimal(0))


def a_date(value: t.Any) -> date | None:
    """The day of a date or of a date and time in ISO form."""
    if blank(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise ValueError("a text is no date in ISO form (2026-01-31)") from None


def with_clock(moment: Moment) -> dict[str, Callable[..., t.Any]]:
    """Return all functions.

    Args:
        moment: What says how late it is, and where.
    """

    def today() -> str:
        """Today's date in the time zone of the file, as a text in ISO form."""
        return moment.today().isoformat()

    def days_since(value: t.Any) -> int | None:
        """Days from a date until today; negative for a date to come."""
        day = a_date(value)
        return None if day is None else (moment.today() - day).days

    def days_until(value: t.Any) -> int | None:
        """Days from today until a date; negative for one that is past."""
        past = days_since(value)
        return None if past is None else -past

    return {
        "number": number,
        "blank": blank,
        "lower": lower,
        "upper": upper,
        "strip": strip,
        "contains": contains,
        "starts_with": starts_with,
        "coalesce": coalesce,
        "between": between,
        "total": total,
        "today": today,
        "days_since": days_since,
        "days_until": days_until,
        "abs": abs,
        "len": len,
        "max": max,
        "min": min,
        "round": round,
        "int": int,
        "str": str,
    }
