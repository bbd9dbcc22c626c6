"""Values of single fields: how they come in, are stored, and are shown (fact sheet section 6).

Strict as the pipedrive emulator's: no number as text, no text as number, and long integers as text only.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from service_emulators.zoho.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.zoho.catalog import Field

MAX_TAGS = 10
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")
_PHONE = re.compile(r"\+?[0-9A-Za-z .()\-,;]+")
_WEBSITE = re.compile(r"\S+\.\S+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DIGITS = re.compile(r"-?\d+")
_DEFAULT_DIGITS = {"integer": 9, "bigint": 18, "currency": 16, "double": 16, "percent": 5}


class UnfitError(ValueError):
    """A value does not pass.

    Attributes:
        details: what the service says about it, for example `{"maximum_length": 30}`.
    """

    def __init__(self, **details: Any) -> None:
        super().__init__(str(details))
        self.details = details


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitError(expected_data_type="text")
    if field.length is not None and len(value) > field.length:
        raise UnfitError(maximum_length=field.length)
    return value


def _matching(pattern: re.Pattern[str]) -> Callable[[Field, Any], Any]:
    def check(field: Field, value: Any) -> str:
        text = _text(field, value)
        if not pattern.fullmatch(text):
            raise UnfitError(expected_data_type=field.data_type)
        return text

    return check


def _integer(field: Field, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError(expected_data_type="integer")
    return _within(field, value)


def _bigint(field: Field, value: Any) -> int:
    if not isinstance(value, str) or not value.isascii() or not _DIGITS.fullmatch(value):
        raise UnfitError(expected_data_type="bigint")
    return _within(field, int(value))


def _within(field: Field, number: int) -> int:
    digits = field.length or _DEFAULT_DIGITS[field.data_type]
    if len(str(abs(number))) > digits:
        raise UnfitError(maximum_length=digits)
    return number


def _decimal(field: Field, value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise UnfitError(expected_data_type="double")
    digits = field.length or _DEFAULT_DIGITS[field.data_type]
    if len(str(int(abs(value)))) > digits:
        raise UnfitError(maximum_length=digits)
    return float(value) if field.decimals is None else round(float(value), field.decimals)


def _boolean(_field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(expected_data_type="boolean")
    return value


def _date(_field: Field, value: Any) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise UnfitError(expected_data_type="date")
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise UnfitError(expected_data_type="date") from error
    return value


def _datetime(_field: Field, value: Any) -> str:
    stored = parse_time(value)
    if stored is None:
        raise UnfitError(expected_data_type="datetime")
    return stored


def _strings(_field: Field, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnfitError(expected_data_type="jsonarray")
    return list(dict.fromkeys(value))


def _tags(_field: Field, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    ):
        raise UnfitError(expected_data_type="jsonarray")
    if len(value) > MAX_TAGS:
        raise UnfitError(maximum_length=MAX_TAGS)
    return [{"name": item["name"]} for item in value]


def reference(value: Any) -> int:
    """Checks `{"id": "…"}`, what lookups and owners are given as; returns the id.

    Raises:
        UnfitError: no object, or its id is not one.
    """
    if not isinstance(value, dict):
        raise UnfitError(expected_data_type="jsonobject")
    number = record_id(value.get("id"))
    if number is None:
        raise UnfitError(expected_data_type="bigint")
    return number


def record_id(value: Any) -> int | None:
    """Returns an id, which the service gives and takes as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        return int(value) if int(value) < 2**63 else None
    return None


_CHECKERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "textarea": _text,
    "picklist": _text,
    "email": _matching(_EMAIL),
    "phone": _matching(_PHONE),
    "website": _matching(_WEBSITE),
    "integer": _integer,
    "bigint": _bigint,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "multiselectpicklist": _strings,
    "tag": _tags,
}


def check(field: Field, value: Any) -> Any:
    """Returns what is stored for a value that is not null; references and lists' options are checked elsewhere.

    Raises:
        UnfitError: the value does not pass.
    """
    return _CHECKERS[field.data_type](field, value)
