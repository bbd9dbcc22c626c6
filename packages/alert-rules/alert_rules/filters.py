"""Filters of texts: money, numbers, dates and phone numbers as people read them."""

from __future__ import annotations

import typing as t
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from jinja2 import Undefined

from alert_rules import phones
from alert_rules.errors import BadValueError
from alert_rules.zones import zone

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NO_CENTS: t.Final = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"),
        *("VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
_THREE_DECIMALS: t.Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
_PLACES_OF_A_NUMBER: t.Final = 6
_MOST_PLACES: t.Final = 12


class FilterError(ValueError):
    """A filter cannot take a value."""


def plain_number(value: t.Any) -> t.Any:
    """Return a number without an exponent and without zeros behind the point; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (float, Decimal)):
        return value
    exact = _decimal(value, "a text")
    short = round(exact, _PLACES_OF_A_NUMBER)
    return f"{short.normalize():f}" if short else "0"


def number(value: t.Any, places: int = 0) -> str:
    """Return a number with commas between thousands, rounded to some places."""
    if _is_nothing(value):
        return ""
    if not 0 <= places <= _MOST_PLACES:
        raise FilterError("number takes 0 to 12 places")
    unit = Decimal(1).scaleb(-places)
    return f"{_decimal(value, 'number').quantize(unit, ROUND_HALF_UP):,f}"


def money(value: t.Any, currency: t.Any = None) -> str:
    """Return an amount with as many decimals as its currency has, the currency before it: `USD 1,250.00`."""
    if _is_nothing(value):
        return ""
    code = "" if _is_nothing(currency) else str(currency).strip().upper()
    places = 0 if code in _NO_CENTS else 3 if code in _THREE_DECIMALS else 2
    return f"{code} {number(value, places)}".strip()


def a_date(value: t.Any, form: str = "%d %b %Y") -> str:
    """Return a date in a form of `strftime`: `31 Jan 2026`."""
    found = _moment(value, "date")
    return "" if found is None else found.strftime(form)


def a_datetime(value: t.Any, form: str = "%d %b %Y %H:%M", location: str | None = None) -> str:
    """Return a date and time in a form of `strftime`, in a time zone."""
    found = _moment(value, "datetime")
    if found is None:
        return ""
    if location is not None and isinstance(found, datetime) and found.tzinfo is not None:
        try:
            found = found.astimezone(zone(location))
        except BadValueError as error:
            raise FilterError(f"{error}; {error.remedy}") from error
    return found.strftime(form)


def phone(value: t.Any) -> str:
    """Return an E.164 number grouped for reading."""
    return "" if _is_nothing(value) else phones.shown(str(value))


def truncate(value: t.Any, length: int = 40) -> str:
    """Return a text cut after some characters, with dots where it ends."""
    whole = "" if _is_nothing(value) else str(value)
    return whole if len(whole) <= length else whole[: max(length - 3, 0)].rstrip() + "..."


def days(value: t.Any) -> str:
    """Return a number of days in words: `1 day`, `31 days`."""
    if _is_nothing(value):
        return ""
    count = _decimal(value, "days")
    return f"{plain_number(count)} day{'' if count == 1 else 's'}"


def _is_nothing(value: t.Any) -> bool:
    if isinstance(value, Undefined):
        str(value)  # raises: what is missing is an error, what is null is nothing
    return value is None or (isinstance(value, str) and not value.strip())


def _decimal(value: t.Any, name: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise FilterError(f"{name} takes a number") from None
    if not found.is_finite() or abs(found.adjusted()) > 30:  # noqa: PLR2004 - far beyond any amount
        raise FilterError(f"{name} takes a number of a sensible size")
    return found


def _moment(value: t.Any, name: str) -> date | None:
    if _is_nothing(value):
        return None
    if isinstance(value, date):
        return value
    given = str(value).strip()
    try:
        whole = datetime.fromisoformat(f"{given[:-1]}+00:00" if given.endswith("Z") else given)
    except ValueError:
        raise FilterError(f"{name} takes a date in ISO form") from None
    return whole


FILTERS: t.Final[Mapping[str, Callable[..., t.Any]]] = {
    "money": money,
    "number": number,
    "date": a_date,
    "datetime": a_datetime,
    "phone": phone,
    "truncate": truncate,
    "days": days,
}
"""Filters beside those of Jinja2 that are kept."""
