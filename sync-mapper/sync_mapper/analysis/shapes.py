"""Shapes: what is known about a value before there is one, and their way from and to JSON Schema."""

from __future__ import annotations

import enum
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

NUMERIC = frozenset({"integer", "decimal", "float", "number"})
"""Kinds of numbers. A fraction of a source row is a `decimal`, which cannot meet a `float`; `number` may be any."""

_JSON: Mapping[str, tuple[str, str | None]] = {
    "string": ("string", None),
    "bytes": ("string", None),
    "date": ("string", "date"),
    "datetime": ("string", "date-time"),
    "time": ("string", "time"),
    "timedelta": ("string", None),
    "integer": ("integer", None),
    "decimal": ("number", None),
    "float": ("number", None),
    "number": ("number", None),
    "boolean": ("boolean", None),
    "object": ("object", None),
    "array": ("array", None),
}
"""Kind of value in an expression -> JSON type and format it is written with."""

_KINDS = {"string": "string", "integer": "integer", "number": "decimal", "boolean": "boolean"}
_SCALARS: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "float", bytes: "bytes"}


class Keys(enum.IntEnum):
    """What other keys than the known ones an object may have."""

    CLOSED = 0  # none: it was written down
    DECLARED = 1  # none by its schema, which a row need not keep to
    OPEN = 2


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known about a value.

    Attributes:
        kinds: Kinds of values, null aside; None: any.
        empty: Those of them that it only has where it counts as false, such as `{}` in `address or {}`.
        nullable: Whether it may be null. False where nothing is known: what may be anything is not called null.
        format: JSON Schema format of strings, if there is one for all of them.
        fields: Known keys of objects.
        keys: What other keys objects may have.
        rest: Values under other keys.
        items: Items of arrays.
        elements: The items one by one, of an array that was written down.
        least: Items an array, or characters a text, has at least.
        constants: Values it is known to take for some rows.
        exact: Whether it takes no other values than these and null.
        declared: Schema of the source it is taken from unchanged.
    """

    kinds: frozenset[str] | None = None
    empty: frozenset[str] = frozenset()
    nullable: bool = False
    format: str | None = None
    fields: Mapping[t.Any, Shape] = field(default_factory=dict)
    keys: Keys = Keys.OPEN
    rest: Shape | None = None
    items: Shape | None = None
    elements: tuple[Shape, ...] | None = None
    least: int = 0
    constants: tuple[t.Any, ...] = ()
    exact: bool = False
    declared: Mapping[str, t.Any] | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it can be nothing but null."""
        return self.kinds is not None and not self.kinds

    def is_only(self, kind: str) -> bool:
        """Return whether it is of one kind, null aside."""
        return self.kinds is not None and self.kinds == frozenset({kind})

    def present(self) -> Shape:
        """Return it without null."""
        return replace(self, nullable=False) if self.nullable else self

    def or_null(self) -> Shape:
        """Return it with null."""
        return self if self.nullable else replace(self, nullable=True)

    def truthy(self) -> Shape:
        """Return what is left of it where it counts as true."""
        constants = tuple(value for value in self.constants if value)
        kinds = None if self.kinds is None else self.kinds - self.empty
        return replace(
            self, nullable=False, constants=constants, kinds=kinds, empty=frozenset(), least=max(self.least, 1)
        )

    def falsy(self) -> Shape:
        """Return what is left of it where it counts as false."""
        constants = tuple(value for value in self.constants if not value)
        kinds = frozenset(kind_of(value) for value in constants) if self.exact else self.kinds
        if kinds is None:
            return replace(self, constants=constants)
        kinds -= {"date", "datetime", "time"}
        return Shape(
            kinds=kinds,
            empty=kinds,
            nullable=self.nullable,
            format=self.format,
            keys=Keys.DECLARED,
            items=self.items,
            constants=constants,
            exact=self.exact,
        )


ANY = Shape()
NULL = Shape(kinds=frozenset(), nullable=True, exact=True)
NOTHING = Shape(kinds=frozenset(), exact=True)


def of_kind(*kinds: str, nullable: bool = False) -> Shape:
    """Return the shape of values of some kinds."""
    return Shape(kinds=frozenset(kinds), nullable=nullable)


def array(items: Shape, least: int = 0) -> Shape:
    """Return the shape of a list."""
    return Shape(kinds=frozenset({"array"}), items=items, least=least)


def kind_of(value: t.Any) -> str:
    """Return the kind of a scalar."""
    return _SCALARS.get(type(value), "number")


def of_value(value: t.Any) -> Shape:
    """Return the shape of a value that is known, such as one of the config."""
    if value is None:
        return NULL
    if isinstance(value, Mapping):
        return of_fields({key: of_value(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return of_elements([of_value(item) for item in value])
    if type(value) in _SCALARS:
        kinds = frozenset({kind_of(value)})
        empty, least = (frozenset(), 1) if value else (kinds, 0)
        return Shape(kinds=kinds, empty=empty, least=least, constants=(value,), exact=True)
    return of_kind("string")  # a date of YAML, written as text


def of_elements(elements: list[Shape]) -> Shape:
    """Return the shape of a list that is written down."""
    if not elements:
        return replace(array(NOTHING), elements=(), empty=frozenset({"array"}))
    return replace(array(join(*elements), len(elements)), elements=tuple(elements))


def of_fields(fields: Mapping[t.Any, Shape]) -> Shape:
    """Return the shape of an object that is written down."""
    kinds = frozenset({"object"})
    return Shape(kinds=kinds, empty=frozenset() if fields else kinds, fields=fields, keys=Keys.CLOSED)


def join(*shapes: Shape) -> Shape:
    """Return the shape of a value that has one of these shapes."""
    first, *others = shapes
    for other in others:
        first = _join(first, other)
    return first


def _join(one: Shape, other: Shape) -> Shape:
    if one is other:
        return one
    nullable = one.nullable or other.nullable
    constants = _united(one.constants, other.constants)
    if one.kinds is None or other.kinds is None:
        return Shape(nullable=nullable, constants=constants)
    if other.is_nothing:
        return replace(one, nullable=nullable)
    if one.is_nothing:
        return replace(other, nullable=nullable)
    fields, keys, rest = _joined_objects(one, other)
    items, elements, least = _joined_arrays(one, other)
    return Shape(
        kinds=one.kinds | other.kinds,
        empty=(one.empty | other.empty) - (one.kinds - one.empty) - (other.kinds - other.empty),
        nullable=nullable,
        format=_same(one, other, "string", one.format, other.format),
        fields=fields,
        keys=keys,
        rest=rest,
        items=items,
        elements=elements,
        least=least,
        constants=constants,
        exact=one.exact and other.exact,
        declared=one.declared if one.declared is other.declared else None,
    )


def _same(one: Shape, other: Shape, kind: str, mine: t.Any, theirs: t.Any) -> t.Any:
    """Return what holds for both, where only those of a kind have a say."""
    if kind not in (one.kinds or ()):
        return theirs
    return mine if kind not in (other.kinds or ()) or mine == theirs else None


def _joined_objects(one: Shape, other: Shape) -> tuple[Mapping[t.Any, Shape], Keys, Shape | None]:
    objects = [shape for shape in (one, other) if "object" in (shape.kinds or ())]
    if len(objects) < 2:  # noqa: PLR2004 - both of two
        return (objects[0].fields, objects[0].keys, objects[0].rest) if objects else ({}, Keys.OPEN, None)
    fields: dict[t.Any, Shape] = dict(one.fields)
    for name, shape in other.fields.items():
        fields[name] = join(fields[name], shape) if name in fields else shape
    for name in one.fields.keys() ^ other.fields.keys():
        fields[name] = replace(fields[name], nullable=True)
    rests = [shape.rest for shape in objects if shape.rest is not None]
    return fields, max(one.keys, other.keys), join(*rests) if rests else None


def _joined_arrays(one: Shape, other: Shape) -> tuple[Shape | None, tuple[Shape, ...] | None, int]:
    arrays = [shape for shape in (one, other) if "array" in (shape.kinds or ())]
    if len(arrays) < 2:  # noqa: PLR2004 - both of two
        return (arrays[0].items, arrays[0].elements, _least(one, other)) if arrays else (None, None, _least(one, other))
    known = one.items is not None and other.items is not None
    items = join(t.cast("Shape", one.items), t.cast("Shape", other.items)) if known else None
    return items, None, _least(one, other)


def _least(one: Shape, other: Shape) -> int:
    """Return how long a list or text is at least; other kinds have no say."""
    return min((shape.least for shape in (one, other) if (shape.kinds or set()) & {"array", "string"}), default=0)


def _united(one: tuple[t.Any, ...], other: tuple[t.Any, ...]) -> tuple[t.Any, ...]:
    """Return both without doubles; 1 and True are two."""
    return tuple({(type(value), value): value for value in (*one, *other)}.values())


def from_schema(schema: t.Any) -> Shape:
    """Return the shape of what a JSON Schema describes."""
    if not isinstance(schema, Mapping):
        return ANY
    for choice in ("anyOf", "oneOf"):
        if isinstance(schema.get(choice), list) and schema[choice]:
            return replace(join(*(from_schema(item) for item in schema[choice])), declared=schema)
    declared = schema.get("type")
    types = {declared} if isinstance(declared, str) else set(declared or ())
    nullable = "null" in types
    types.discard("null")
    known = types <= {*_KINDS, "object", "array"} and (types or nullable)
    kinds = frozenset(_KINDS.get(name, name) for name in types) if known else None
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    constants = schema["enum"] if isinstance(schema.get("enum"), list) else []
    return Shape(
        kinds=kinds,
        nullable=nullable,
        format=schema.get("format"),
        fields={name: from_schema(item) for name, item in properties.items()},
        keys=Keys.OPEN if additional or not properties else Keys.DECLARED,
        rest=from_schema(additional) if isinstance(additional, Mapping) else None,
        items=from_schema(schema.get("items")),
        constants=tuple(value for value in constants if type(value) in _SCALARS),
        declared=schema,
    )


def to_schema(shape: Shape) -> dict[str, t.Any] | None:
    """Return the JSON Schema that covers a shape and null; None if it may be anything."""
    if shape.declared is not None and shape.declared.get("type") is not None:
        return {**shape.declared, "type": _with_null(shape.declared["type"])}
    if shape.kinds is None or not shape.kinds <= set(_JSON):
        return None
    written = {_JSON[kind] for kind in shape.kinds}
    types = {name for name, _ in written}
    if "number" in types:
        types.discard("integer")
    schema: dict[str, t.Any] = {"type": [*sorted(types), "null"]}
    formats = {form or shape.format for name, form in written if name == "string"}
    if len(formats) == 1 and (found := formats.pop()):
        schema["format"] = found
    if "object" in types and shape.keys is Keys.CLOSED:
        properties = {str(name): to_schema(item) or {} for name, item in shape.fields.items()}
        if properties:
            schema["properties"] = properties
    if "array" in types and shape.items is not None and (items := to_schema(shape.items)):
        schema["items"] = items
    return schema


def _with_null(types: str | list[str]) -> list[str]:
    listed = [types] if isinstance(types, str) else list(types)
    return listed if "null" in listed else [*listed, "null"]
