"""Results of maps: which of them JSON can hold."""

from __future__ import annotations

import math
import typing as t
from decimal import Decimal

import msgspec

from sync_mapper.encoding import encoder
from sync_mapper.errors import RowError


class ResultError(RowError):
    """A property became what JSON cannot hold.

    Attributes:
        field: The property.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class EndlessNumberError(RowError):
    """A result is no finite number: JSON has no such numbers, and they would go on as null."""


CONTAINERS_AND_NUMBERS = frozenset({float, Decimal, dict, list, tuple, set, frozenset})
"""Types of results that may be, or hold, a number that is not finite."""


def refuse_endless(value: t.Any) -> None:
    """Refuse infinity and NaN, also within lists and objects.

    Raises:
        EndlessNumberError: There is one.
    """
    if not _is_finite(value):
        raise EndlessNumberError(
            "the result is, or holds, no finite number (nan or inf), and JSON has none such; leave it out with a "
            "condition, or make null of it"
        )


def _is_finite(value: t.Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_finite, value))
    return True


def encoded(row: dict[str, t.Any]) -> msgspec.Raw:
    """Return a mapped row as JSON.

    Raises:
        ResultError: JSON cannot hold one of its properties.
    """
    try:
        return msgspec.Raw(encoder.encode(row))
    except Exception:
        for name, value in row.items():
            if (reason := _refusal(name, value)) is not None:
                raise ResultError(name, reason) from None
        raise


def _refusal(name: str, value: t.Any) -> str | None:
    """Return why JSON cannot hold a property, None if it can."""
    try:
        encoder.encode({name: value})
    except UnicodeEncodeError:
        return (
            "the value holds half of a character (a lone surrogate, such as \\ud83d), which no UTF-8 text can; "
            "correct it at the source"
        )
    except Exception as error:  # noqa: BLE001 - whatever a value raises when it is written
        return f"{type(error).__name__}: {error}"
    return None
