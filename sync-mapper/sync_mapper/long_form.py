"""The long form of a property: an expression with its type, and what becomes of null and of codes.

Part of this mapper's own additions to stream maps; a property in the short form is just an expression.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

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

    def check(self, value: t.Any) -> None:
        """Refuse a value that is not of the stated type.

        Raises:
            TypeError: It is not.
        """
        if value is None or self._fits is None or self._fits(value):
            return
        stated = (self.schema or {}).get("format") or (self.schema or {}).get("type")
        names = stated if isinstance(stated, str) else ", ".join(name for name in stated or () if name != "null")
        raise TypeError(f"the result is {_called(value)}, and the type that is stated for it is {names or 'another'}")


def problems(definition: Mapping[t.Any, t.Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a definition: (key, what), the key empty for the whole."""
    found = [(str(key), f"unknown key; known are {', '.join(KEYS)}") for key in definition if key not in KEYS]
    if not isinstance(definition.get("value"), str):
        found.append(("value" if "value" in definition else "", "needs a value, an expression in quotes"))
    stated = definition.get("type")
    if isinstance(stated, dict):
        if problem := _schema_problem(stated):
            found.append(("type", f"not a JSON Schema: {problem}"))
    elif stated is not None and stated not in TYPES:
        found.append(("type", f"{stated!r} is no type; there are {', '.join(TYPES)}, and JSON Schemas"))
    if "lookup" in definition and not isinstance(definition["lookup"], str):
        found.append(("lookup", "must be the name of a code table"))
    if "otherwise" in definition and "lookup" not in definition:
        found.append(("otherwise", "is for codes that are not in a table; there is no lookup"))
    return found


def _schema_problem(schema: dict[str, t.Any]) -> str | None:
    import jsonschema  # noqa: PLC0415 - 50 ms that most mappings can do without

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return error.message
    return None


def _with_null(schema: Mapping[str, t.Any]) -> dict[str, t.Any]:
    declared = schema.get("type")
    if declared is None:
        return dict(schema)
    types = [declared] if isinstance(declared, str) else list(declared)
    return {**schema, "type": [*types, *(["null"] if "null" not in types else [])]}


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_integer(value: t.Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_date(value: t.Any) -> bool:
    if isinstance(value, date):
        return not isinstance(value, datetime)
    return isinstance(value, str) and _parses(date.fromisoformat, value)


def _is_datetime(value: t.Any) -> bool:
    # Python 3.10 reads neither the Z of JSON's times nor other decimals than three or six.
    return isinstance(value, datetime) or (
        isinstance(value, str) and _parses(datetime.fromisoformat, value[:19].replace("Z", "")) and len(value) > 10  # noqa: PLR2004 - a date alone
    )


def _parses(parse: Callable[[str], t.Any], value: str) -> bool:
    try:
        parse(value)
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


def _called(value: t.Any) -> str:
    """Return the JSON name of a value's type."""
    tests = ("boolean", "integer", "number", "string", "object", "array")
    return next((name for name in tests if _TESTS[name](value)), type(value).__name__)
