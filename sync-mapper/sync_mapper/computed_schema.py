"""The schema and key of a stream with expressions, by the SDK's rules."""

from __future__ import annotations

import copy
import typing as t

from sync_mapper.encoding import SCHEMA_DIALECT
from sync_mapper.errors import StreamMapConfigError
from sync_mapper.options import NULL_STRING, OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def compute(
    raw_schema: Mapping[str, t.Any],
    transform: Mapping[str, t.Any],
    *,
    stream: str,
    keys: Sequence[str] | None,
    schema_of: Callable[[str, dict[str, t.Any] | None], dict[str, t.Any]],
) -> dict[str, t.Any]:
    """Return the schema of what a map makes.

    Args:
        raw_schema: Schema of the source stream; stays as it is.
        transform: Property -> expression, and options.
        stream: Name of the stream as it goes on, for messages.
        keys: Key of the stream as it goes on.
        schema_of: Tells the schema of an expression.

    Raises:
        StreamMapConfigError: A key property is left out, or is not there.
    """
    keeps_all = "__else__" not in transform
    source = dict(raw_schema.get("properties") or {})
    schema: dict[str, t.Any] = {**raw_schema} if keeps_all else {"$schema": SCHEMA_DIALECT, "type": "object"}
    # What the map has done so far is what the SDK takes for the source's, unless only named properties go on.
    properties = source if keeps_all else {}
    schema["properties"] = properties
    for name, definition in transform.items():
        if name in OPTIONS:
            continue
        if definition is None or definition == NULL_STRING:
            if name in (keys or ()):
                raise StreamMapConfigError(
                    f"Removing key property '{name}' is not permitted in '{stream}' stream map config. To remove a key "
                    "property, use the `__key_properties__` operator to specify either a new list of key property "
                    "names or `null` to replicate with no key properties in the stream."
                )
            properties.pop(name, None)
            if "required" in schema:
                schema["required"] = [item for item in schema["required"] if item != name]
        elif isinstance(definition, str):
            known = properties.get(name) or source.get(definition) or None
            properties[name] = nullable(schema_of(definition, known))
        else:
            raise StreamMapConfigError(
                f"Unexpected type '{type(definition).__name__}' in stream map for '{stream}:{name}'."
            )
    for key in keys or ():
        if key not in properties:
            raise StreamMapConfigError(
                f"Invalid key properties for '{stream}': [{','.join(keys or ())}]. Property '{key}' was not detected "
                "in schema."
            )
    return schema


def nullable(schema: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return a schema that allows null too."""
    result: dict[str, t.Any] = copy.deepcopy(dict(schema))
    if "anyOf" in result:
        if isinstance(result["anyOf"], list) and "null" not in result["anyOf"]:
            result["anyOf"].append("null")
        elif result["anyOf"] != "null":
            result["anyOf"] = [result["anyOf"], "null"]
    elif "oneOf" in result:
        result["oneOf"].append({"type": "null"})
    elif "type" in result:
        types = result["type"] if isinstance(result["type"], list) else [result["type"]]
        if "null" not in types:
            result["type"] = [*types, "null"]
    return result
