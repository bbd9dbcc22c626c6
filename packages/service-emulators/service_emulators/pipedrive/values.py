"""Strict checks of single values: no number as text, no text as number, no fraction of a second.

A checker takes the value as it came from JSON and returns what is stored; it raises `UnfitError` with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

Checker = Callable[[Any], Any]

SHORT_TEXT = 255
LONG_TEXT = 65_000
ADDRESS_PARTS = (
    "value",
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
)
CONTACT_LABELS = frozenset({"work", "home", "mobile", "other"})
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:[Zz]|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class UnfitError(ValueError):
    """A value does not pass; the message says why."""


def timestamp(value: Any) -> str:
    """Checks an RFC 3339 time with whole seconds; returns it in UTC with `Z`."""
    if not isinstance(value, str):
        raise UnfitError("must be a string in RFC 3339 format")
    if not _TIMESTAMP.fullmatch(value):
        raise UnfitError("must be in RFC 3339 format with whole seconds, for example 2026-01-01T10:20:00Z")
    try:
        moment = datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except ValueError as error:
        raise UnfitError(f"is not a time: {error}") from error
    return format_time(moment)


def format_time(moment: datetime) -> str:
    """Returns a moment as v2 shows it: UTC, whole seconds, `Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(value: Any) -> str:
    """Checks a calendar date `YYYY-MM-DD`."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise UnfitError("must be a date in format YYYY-MM-DD")
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise UnfitError(f"is not a date: {error}") from error
    return value


def time_of_day(value: Any) -> str:
    """Checks `HH:MM` or `HH:MM:SS`; returns it with seconds."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise UnfitError("must be a time in format HH:MM or HH:MM:SS")
    return value if value.count(":") == 2 else value + ":00"  # noqa: PLR2004 - hours:minutes:seconds


def duration(value: Any) -> str:
    """Checks a length of time `HH:MM` or `HH:MM:SS`, of any number of hours."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,3}:[0-5]\d(?::[0-5]\d)?", value):
        raise UnfitError("must be a duration in format HH:MM or HH:MM:SS")
    hours, minutes, *rest = (int(part) for part in value.split(":"))
    whole = timedelta(hours=hours, minutes=minutes, seconds=rest[0] if rest else 0)
    total = int(whole.total_seconds())
    return f"{total // 3600:02d}:{total % 3600 // 60:02d}:{total % 60:02d}"


def boolean(value: Any) -> bool:
    """Checks a JSON boolean; 0 and 1 are none."""
    if not isinstance(value, bool):
        raise UnfitError("must be a boolean")
    return value


def integer(value: Any) -> int:
    """Checks a JSON integer; a boolean, a fraction and a numeric string are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError("must be an integer")
    return value


def number(value: Any) -> int | float:
    """Checks a JSON number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise UnfitError("must be a number")
    return value


def text(maximum: int = SHORT_TEXT, minimum: int = 0) -> Checker:
    """Returns a checker of strings between two lengths."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise UnfitError("must be a string")
        if len(value) > maximum:
            raise UnfitError(f"must be at most {maximum} characters long")
        if len(value.strip()) < minimum:
            raise UnfitError("must not be empty")
        return value

    return check


def one_of(*allowed: Any) -> Checker:
    """Returns a checker of a closed list of values; True is not 1."""

    def check(value: Any) -> Any:
        if not any(value == item and type(value) is type(item) for item in allowed):
            raise UnfitError(f"must be one of [{', '.join(str(item) for item in allowed)}]")
        return value

    return check


def members(value: Any, allowed: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    """Checks that a value is an object with no other keys than the allowed ones and all required ones."""
    if not isinstance(value, dict):
        raise UnfitError("must be an object")
    for name in value:
        if name not in allowed:
            raise UnfitError(f"Parameter '{name}' is not allowed for this request")
    for name in required:
        if value.get(name) is None:
            raise UnfitError(f"Parameter '{name}' is required")
    return value


_part = text()


def address(value: Any) -> dict[str, str | None]:
    """Checks an address; parts that are left out become null."""
    given = members(value, (*ADDRESS_PARTS, "formatted_address"), ("value",))
    return {
        name: None
        if given.get(name) is None
        else _named(name, text(LONG_TEXT) if name == "value" else _part, given[name])
        for name in ADDRESS_PARTS
    }


def contacts(*, free_labels: bool) -> Checker:
    """Returns a checker of e-mails or phones: a list that replaces the stored one as a whole."""

    def check(value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise UnfitError("must be an array")
        result: list[dict[str, Any]] = []
        for item in value:
            given = members(item, ("value", "primary", "label"), ("value",))
            label = _named("label", text(), given.get("label", "work"))
            if not free_labels and label not in CONTACT_LABELS:
                raise UnfitError(f"label must be one of [{', '.join(sorted(CONTACT_LABELS))}]")
            result.append(
                {
                    "value": _named("value", text(minimum=1), given["value"]),
                    "primary": _named("primary", boolean, given.get("primary", False)),
                    "label": label,
                }
            )
        primary = sum(item["primary"] for item in result)
        if primary > 1:
            raise UnfitError("only one item may be primary")
        if result and not primary:
            result[0]["primary"] = True
        return result

    return check


def monetary(value: Any) -> dict[str, Any]:
    """Checks an amount with its currency."""
    given = members(value, ("value", "currency"), ("value", "currency"))
    return {
        "value": _named("value", number, given["value"]),
        "currency": _named("currency", currency, given["currency"]),
    }


def currency(value: Any) -> str:
    """Checks a three-letter currency code."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise UnfitError("must be a three-letter currency code")
    return value


def date_range(value: Any) -> dict[str, str]:
    """Checks a span of days."""
    given = members(value, ("value", "until"), ("value", "until"))
    return {name: _named(name, day, given[name]) for name in ("value", "until")}


def time_value(value: Any) -> dict[str, Any]:
    """Checks a time of day with its time zone."""
    given = members(value, ("value", "timezone_name"), ("value",))
    return {
        "value": _named("value", time_of_day, given["value"]),
        "timezone_name": _named("timezone_name", _part, given.get("timezone_name") or "UTC"),
    }


def time_range(value: Any) -> dict[str, Any]:
    """Checks a span of time of day with its time zone."""
    given = members(value, ("value", "until", "timezone_name"), ("value", "until"))
    return {
        "value": _named("value", time_of_day, given["value"]),
        "until": _named("until", time_of_day, given["until"]),
        "timezone_name": _named("timezone_name", _part, given.get("timezone_name") or "UTC"),
    }


def list_of(check_item: Checker) -> Checker:
    """Returns a checker of arrays whose items pass another checker."""

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise UnfitError("must be an array")
        return [_named(str(position), check_item, item) for position, item in enumerate(value)]

    return check


def structure(required: tuple[str, ...] = (), **parts: Checker) -> Checker:
    """Returns a checker of objects with named parts; parts left out stay out."""

    def check(value: Any) -> dict[str, Any]:
        given = members(value, tuple(parts), required)
        return {name: None if item is None else _named(name, parts[name], item) for name, item in given.items()}

    return check


def _named(name: str, check: Checker, value: Any) -> Any:
    try:
        return check(value)
    except UnfitError as error:
        raise UnfitError(f"{name} {error}") from error
