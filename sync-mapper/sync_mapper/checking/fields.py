"""Fields of a destination and the values they take.

The rules are those of the targets of this suite, which hold a row that breaks one; a test proves that both agree.
"""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALWAYS, SOMETIMES = "always", "sometimes"

TAKES: Mapping[str, Mapping[str, str]] = {
    "string": dict.fromkeys(("string", "integer", "number"), ALWAYS),
    "number": {"integer": ALWAYS, "number": ALWAYS, "string": SOMETIMES},
    "integer": {"integer": ALWAYS, "number": SOMETIMES, "string": SOMETIMES},
    "boolean": {"boolean": ALWAYS},
    "date": {"date": ALWAYS, "date-time": ALWAYS, "string": SOMETIMES},
    "time": {"time": ALWAYS, "string": SOMETIMES},
    "datetime": {"date-time": ALWAYS, "date": ALWAYS, "string": SOMETIMES},
    "option": dict.fromkeys(("string", "integer", "number"), ALWAYS),
    "options": dict.fromkeys(("string", "integer", "number", "array"), ALWAYS),
    "relation": {"string": ALWAYS, "integer": ALWAYS, "number": SOMETIMES},
    "object": {"object": ALWAYS},
    "list": {"array": ALWAYS},
}
"""Type of field -> JSON types (or formats of text) it takes, always or if the value is fit. It takes no others.

An option is among its options or not, which only the value tells.
"""

WANTS: Mapping[str, str] = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date such as 2026-03-01",
    "time": "a time such as 09:30:00",
    "datetime": "a time stamp such as 2026-03-01T09:30:00Z",
    "option": "one of its options",
    "options": "some of its options",
    "relation": "the external ID of another record, as text or a whole number",
    "object": "an object",
    "list": "a list",
}
REMEDIES: Mapping[str, str] = {
    "string": "make text of it: `text(...)`",
    "number": "make a number of it: `number(...)`",
    "integer": "make a whole number of it: `integer(...)`",
    "boolean": "make a condition of it: `boolean(...)`, or compare it with something",
    "date": "make a date of it: `datetime.date.fromisoformat(...)`",
    "time": "give it a text such as 09:30:00",
    "datetime": "make a time stamp of it: `datetime.datetime.fromisoformat(...)`",
    "relation": "give it the key of the other record: `str(...)`",
}

_LARGEST_KEY = 300
"""Power of ten above which no number is a key."""


@dataclass(frozen=True)
class Field:
    """A field of an entity, as a snapshot has it; see `TARGET describe`."""

    name: str
    key: str
    type: str
    required: bool = False
    creatable: bool = True
    updatable: bool = True
    nullable: bool = True
    max_length: int | None = None
    options: Sequence[Mapping[str, t.Any]] | None = None
    people: bool = False
    within: str | None = None
    relation: str | None = None
    attributes: Sequence[str] | None = None
    items: Sequence[str] | None = None
    label: str | None = None

    @property
    def writable(self) -> bool:
        """Whether it can ever be given."""
        return self.creatable or self.updatable


@dataclass(frozen=True)
class Entity:
    """The fields of one entity.

    Attributes:
        name: Its name, which is also that of the stream.
        fields: All of its fields.
        external_id_field: Name of the field that holds the external ID, if any.
    """

    name: str
    fields: tuple[Field, ...]
    external_id_field: str | None = None
    _by_name: dict[str, list[Field]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for item in self.fields:
            for name in dict.fromkeys((item.name, item.key, item.label)):
                if name is not None:
                    self._by_name.setdefault(name, []).append(item)

    def find(self, name: str) -> list[Field]:
        """Return the fields a mapping may mean by a name: their name or label, or their API key."""
        return self._by_name.get(name, [])

    def nearest(self, name: str) -> str:
        """Return what to write instead of a name it does not have."""
        writable = {item.name.casefold(): item.name for item in self.fields if item.writable}
        near = [writable[it] for it in difflib.get_close_matches(name.casefold(), writable, n=3)]
        question = f"did you mean {' or '.join(f'`{it}`' for it in near)}? " if near else ""
        return f"{question}otherwise create the field at the service"


@dataclass(frozen=True)
class Refusal:
    """Why a value would be refused.

    Attributes:
        code: `too_long`, `unknown_option` or `wrong_value`.
        message: What is wrong.
        remedy: What to do about it.
    """

    code: str
    message: str
    remedy: str


def refusal(field: Field, value: t.Any) -> Refusal | None:
    """Return why a field would not take a constant (text, number, true or false), or None if it would."""
    if field.type in {"option", "options"}:
        return _no_option(field, value)
    if not _fits(field.type, value):
        return _wrong(field, value)
    length = len(str(value))
    if field.type == "string" and field.max_length is not None and length > field.max_length:
        message = f"`{field.name}` takes {field.max_length} characters, and {_shown(value)} has {length}"
        return Refusal("too_long", message, f"shorten it, such as with `[:{field.max_length}]`")
    return None


def _no_option(field: Field, value: t.Any) -> Refusal | None:
    if field.options is None:
        return None
    labels = [str(option["label"]) for option in field.options]
    if (isinstance(value, str) and value in labels) or value in [option["id"] for option in field.options]:
        return None
    near = difflib.get_close_matches(str(value), labels, n=2)
    question = f"did you mean {' or '.join(f'`{item}`' for item in near)}? " if near else ""
    remedy = f"{question}it has {', '.join(labels[:_SHOWN]) or 'none'}"
    return Refusal("unknown_option", f"`{field.name}` has no option {_shown(value)}", remedy)


def _wrong(field: Field, value: t.Any) -> Refusal:
    message = f"`{field.name}` wants {WANTS[field.type]}, and not {_shown(value)}"
    return Refusal("wrong_value", message, REMEDIES.get(field.type, "give it another value"))


_SHOWN = 20
_LONGEST = 60
_LARGEST_EXPONENT = 300


def _shown(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _fits(kind: str, value: t.Any) -> bool:
    if kind in {"number", "integer"}:
        return _is_number(value, whole=kind == "integer")
    if kind == "string":
        return isinstance(value, (int, float, str)) and not isinstance(value, bool) and "\0" not in str(value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "relation":
        return _is_key(value)
    return isinstance(value, str) and kind in _TIMES and _is_time(kind, value)


def _is_key(value: t.Any) -> bool:
    if isinstance(value, (float, decimal.Decimal)):
        exact = decimal.Decimal(str(value))
        return exact.is_finite() and exact.adjusted() <= _LARGEST_KEY and exact == exact.to_integral_value()
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _is_number(value: t.Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal, str)):
        return False
    try:
        exact = decimal.Decimal(str(value).strip())
    except decimal.InvalidOperation:
        return False
    if not exact.is_finite() or (exact and exact.adjusted() > _LARGEST_EXPONENT):
        return False
    return not whole or (exact == exact.to_integral_value() and abs(exact) < 2**63)


_TIMES: Mapping[str, t.Callable[[str], t.Any]] = {
    "date": lambda text: dt.date.fromisoformat(text[:10]),
    "time": dt.time.fromisoformat,
    "datetime": lambda text: dt.datetime.fromisoformat(text.replace("Z", "+00:00")),
}


def _is_time(kind: str, text: str) -> bool:
    try:
        _TIMES[kind](text)
    except ValueError:
        return False
    return True
