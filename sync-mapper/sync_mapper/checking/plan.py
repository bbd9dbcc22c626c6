"""What a mapping means to do: its maps in a form that can be checked, wherever they stand."""

from __future__ import annotations

import ast
import fnmatch
import typing as t
from dataclasses import dataclass, field

from sync_mapper.long_form import TYPES
from sync_mapper.options import OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_mapper.checking.findings import At

_NULL = "__NULL__"


@dataclass(frozen=True)
class Property:
    """A computed property.

    Attributes:
        at: Where it stands.
        value: Its expression.
        value_at: Where the expression stands.
        schema: JSON Schema that is stated for it, if any.
        when_null: What it has in place of null; None: nothing.
        lookup: Code table its value is looked up in, if any.
        otherwise: What codes that are not in the table become.
    """

    at: At
    value: str
    value_at: At
    schema: Mapping[str, t.Any] | None = None
    when_null: t.Any = None
    lookup: str | None = None
    otherwise: t.Any = None


@dataclass(frozen=True)
class StreamPlan:
    """What happens to one kind of source streams.

    Attributes:
        at: Where the map stands.
        source: Name or pattern of the streams it is for.
        source_at: Where that stands.
        name: Name of the stream that goes on; None: that of the source.
        removed: Whether the stream is left out.
        filter: Its filter, if any.
        keys: Its key properties, if the map names them.
        only_named: Whether properties it does not name are left out.
        properties: Properties it computes.
        dropped: Properties it leaves out.
    """

    at: At
    source: str
    source_at: At
    name: str | None
    removed: bool = False
    filter: str | None = None
    keys: tuple[str, ...] | None = None
    only_named: bool = False
    properties: Mapping[str, Property] = field(default_factory=dict)
    dropped: Mapping[str, At] = field(default_factory=dict)

    def is_for(self, stream: str) -> bool:
        """Return whether it is for a stream of the tap."""
        return stream == self.source or fnmatch.fnmatchcase(stream, self.source)

    @property
    def is_pattern(self) -> bool:
        """Whether it may be for several streams."""
        return any(character in self.source for character in "*?[")


def is_null(value: t.Any) -> bool:
    """Return whether a map or a property is left out."""
    return value is None or value == _NULL


def plans(stream_maps: Mapping[t.Any, t.Any]) -> list[StreamPlan]:
    """Return the maps of a mapping; what has not the form of one is left out."""
    found: list[StreamPlan] = []
    for name, definition in stream_maps.items():
        at = ("stream_maps", str(name))
        if not isinstance(name, str) or name.startswith("__"):
            continue
        if is_null(definition):
            found.append(StreamPlan(at, name, at, None, removed=True))
        elif isinstance(definition, dict):
            found.append(_plan(name, definition, at))
    return found


def _plan(name: str, definition: Mapping[t.Any, t.Any], at: At) -> StreamPlan:
    source = definition.get("__source__", name)
    alias = definition.get("__alias__")
    stream = name if "__source__" in definition and source != name else _constant(alias)
    keys = definition.get("__key_properties__")
    if "__key_properties__" in definition and keys is None:
        keys = []
    named = {key: value for key, value in definition.items() if isinstance(key, str) and key not in OPTIONS}
    properties = {key: _property(value, (*at, key)) for key, value in named.items() if not is_null(value)}
    return StreamPlan(
        at=at,
        source=str(source),
        source_at=(*at, "__source__") if "__source__" in definition else at,
        name=stream,
        filter=definition.get("__filter__") if isinstance(definition.get("__filter__"), str) else None,
        keys=tuple(map(str, keys)) if isinstance(keys, list) else None,
        only_named="__else__" in definition and is_null(definition["__else__"]),
        properties={key: value for key, value in properties.items() if value is not None},
        dropped={key: (*at, key) for key, value in named.items() if is_null(value)},
    )


def _constant(alias: t.Any) -> str | None:
    """Return the name an alias gives, unless it is computed: text in quotes, or a name that stands for itself."""
    if not isinstance(alias, str) or alias == "__stream_name__":
        return None
    if alias.isidentifier():
        return alias
    try:
        value = ast.literal_eval(alias)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str) else None


def _property(value: t.Any, at: At) -> Property | None:
    if isinstance(value, str):
        return Property(at, value, at)
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        return None
    kind = value.get("type")
    schema = TYPES.get(kind) if isinstance(kind, str) else kind
    lookup = value.get("lookup")
    return Property(
        at=at,
        value=value["value"],
        value_at=(*at, "value"),
        schema=schema if isinstance(schema, dict) else None,
        when_null=value.get("when_null"),
        lookup=lookup if isinstance(lookup, str) else None,
        otherwise=value.get("otherwise"),
    )
