"""Rows that are JSON, but hold what cannot be read as it is or written again: halves of characters, endless numbers.

Such a row must not end a run. It is read with the standard library, which takes more than msgspec does; a row that is
well never comes here.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from decimal import Decimal, InvalidOperation

from sync_mapper.errors import RowError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableRowError(RowError):
    """A row holds a number that cannot be read.

    Attributes:
        record: The row, with such numbers as text.
    """

    def __init__(self, record: dict[str, t.Any]) -> None:
        super().__init__("the row holds a number with more digits than can be read; it stands here as text")
        self.record = record


def read(text: str | bytes) -> t.Any:
    """Read JSON that msgspec refuses.

    Raises:
        UnreadableRowError: A number of the row cannot be read.
        ValueError: It is no JSON.
    """
    found, unreadable = _loaded(text, Decimal)
    if unreadable:
        raise UnreadableRowError(found)
    return found


def readable(text: str | bytes) -> t.Any:
    """Read JSON for people: U+FFFD in place of halves of characters, text in place of numbers that cannot be read.

    Raises:
        ValueError: It is no JSON.
    """
    return mended(_loaded(text, _finite)[0])


def _loaded(text: str | bytes, fraction: t.Callable[[str], t.Any]) -> tuple[t.Any, list[str]]:
    """Read JSON; return it with the numbers that cannot be read, which stand in it as text."""
    unreadable: list[str] = []

    def number(kind: t.Callable[[str], t.Any]) -> t.Callable[[str], t.Any]:
        def convert(digits: str) -> t.Any:
            try:
                return kind(digits)
            except (ValueError, InvalidOperation):
                unreadable.append(digits)
                return digits

        return convert

    found = json.loads(text, parse_int=number(int), parse_float=number(fraction), parse_constant=_refuse)
    return found, unreadable


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits} is no finite number")
    return value


def _refuse(constant: str) -> t.NoReturn:
    raise ValueError(f"{constant} is no JSON")


def mended(value: t.Any) -> t.Any:
    """Return a value with U+FFFD, the replacement character, in place of each half of a character."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {mended(name): mended(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mended(item) for item in value]
    return value
