"""The long form of a property: an expression with its type, and what becomes of null and of codes.

Part of this mapper's own additions to stream maps; a property in the short form is just an expression.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sync_mapper.errors import RowError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEYS = ("value", "type", "when_null", "lookup", "otherwise")
"""What may stand in a property in the long form."""

TYPES: dict[str, dict[str, t.Any]] = {
    **{name: {"type": name} for name in ("string", "integer", "number", "boolean", "object", "array")},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}
"""Names of types -> their JSON Schema."""


class UnfitValueError(RowError):
    """A value is not of the type that is stated for it."""


@dataclass(frozen=True)
class LongForm:
    """A property in the long form.

    Attributes:
        value: Its expression.
        schema: JSON Schema of its type, null allowed; None where none is stated.
        when_null: What it has in place of null.
        lookup: Code table its value is looked up in, if any.
        otherwise: What a code that is not in the table becomes.
    """

    value: str
    schema: dict[str, t.Any] | None = None
    when_null: t.Any = None
    lookup: str | None = None
    otherwise: t.Any = None
    _fits: Callable[[t.Any], bool] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, definition: Mapping[str, t.Any]) -> LongForm:
        """Read a definition that has the right form."""
        stated = definition.get("type")
        schema = None
        if stated is not None:
            schema = _with_null(TYPES[stated] if isinstance(stated, str) else stated)
        return cls(
            value=definition["value"],
            schema=schema,
            when_null=definition.get("when_null"),
            lookup=definition.get("lookup"),
            otherwise=definition.get("otherwise"),
            _fits=_test(stated),
        )

    @property
    def is_typed(self) -> bool:
        """Whether its type does not depend on what its expression shows."""
        return self.schema is not None or self.lookup is not None

    def check(self, value: t.Any) -> None:
        """Refuse a value that is not of the stated type.

        Raises:
            UnfitValueError: It is not.
        """
        if value is None or self._fits is None or self._fits(value):
            return
        stated = (self.schema or {}).get("format") or (self.schema or {}).get("type")
        names = stated if isinstance(stated, str) else ", ".join(name for name in stated or () if name != "null")
        raise UnfitValueError(
            f"the result is {json_type(value)}, and the type that is stated for it is {names or 'another'}"
        )


def _with_null(schema: Mapping[str, t.Any]) -> dict[str, t.Any]:
    declared = schema.get("type")
    types = [declared] if isinstance(declared, str) else list(declared or ())
    nullable = {**schema, "type": [*types, *(["null"] if "null" not in types else [])]} if types else dict(schema)
    if None not in schema.get("enum", [None]):
        nullable["enum"] = [*schema["enum"], None]
    return nullable


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?")
"""RFC 3339; the offset may be left out, as in the times of Python and of many taps."""


def _is_number(value: t.Any) -> bool:
    # JSON has no infinity and no NaN: they would go on as null.
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer(value: t.Any) -> bool:
    # Not `int(value)`: of 1E+99999999 it would take all memory.
    return _is_number(value) and (isinstance(value, int) or value == _whole(value))


def _whole(value: float | Decimal) -> float | Decimal:
    return value.to_integral_value() if isinstance(value, Decimal) else math.trunc(value)


def _is_date(value: t.Any) -> bool:
    if isinstance(value, date):
        return not isinstance(value, datetime)
    return isinstance(value, str) and _DATE.fullmatch(value) is not None and _parses(value)


def _is_datetime(value: t.Any) -> bool:
    if isinstance(value, datetime):
        return True
    found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    return found is not None and _parses(found[1])


def _parses(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_TESTS: dict[str, Callable[[t.Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, (list, tuple)),
    "date": _is_date,
    "datetime": _is_datetime,
}


def _test(stated: t.Any) -> Callable[[t.Any], bool] | None:
    if stated is None:
        return None
    if isinstance(stated, str):
        return _TESTS[stated]
    import jsonschema  # noqa: PLC0415 - as above

    return t.cast("Callable[[t.Any], bool]", jsonschema.Draft202012Validator(_with_null(stated)).is_valid)


def fits(name: str, value: t.Any) -> bool:
    """Return whether a value is of a type of `TYPES`."""
    return _TESTS[name](value)


def json_type(value: t.Any) -> str:
    """Return the JSON name of a value's type."""
    if value is None:
        return "null"
    tests = ("boolean", "integer", "number", "string", "object", "array")
    return next((name for name in tests if _TESTS[name](value)), type(value).__name__)
