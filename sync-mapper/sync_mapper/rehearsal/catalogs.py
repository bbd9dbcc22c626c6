"""Schemas of source streams: from a catalog, from SCHEMA messages, or made up from rows."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from sync_mapper.errors import InputError

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, t.Any]


@dataclass(frozen=True)
class SourceStream:
    """A stream as a SCHEMA message describes it.

    Attributes:
        schema: JSON Schema of its rows.
        key_properties: Names of the properties that make its key.
        made_up: Whether the schema was made up from rows, and fields that no row has are missing in it.
    """

    schema: dict[str, t.Any]
    key_properties: list[str] = field(default_factory=list)
    made_up: bool = False


def read(path: Path) -> dict[str, SourceStream]:
    """Read a Singer catalog (`tap-x --discover`), or a file of Singer messages for its SCHEMA messages.

    Raises:
        InputError: The file is none of both.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    try:
        data = json.loads(text)
        entries = data.get("streams", [data]) if isinstance(data, dict) else []
    except json.JSONDecodeError:
        entries = _messages(path, text)
    found = {}
    for entry in entries:
        name = entry.get("tap_stream_id") or entry.get("stream")
        if name and isinstance(entry.get("schema"), dict):
            found[name] = SourceStream(entry["schema"], _key_properties(entry))
    if not found:
        raise InputError(f"{path}: neither a Singer catalog (tap-x --discover) nor SCHEMA messages")
    return found


def _messages(path: Path, text: str) -> list[dict[str, t.Any]]:
    try:
        messages = [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: neither a Singer catalog (tap-x --discover) nor SCHEMA messages") from error
    return [message for message in messages if isinstance(message, dict) and message.get("type") == "SCHEMA"]


def _key_properties(entry: dict[str, t.Any]) -> list[str]:
    if entry.get("key_properties"):
        return list(entry["key_properties"])
    for item in entry.get("metadata") or []:
        if item.get("breadcrumb") == [] and item.get("metadata", {}).get("table-key-properties"):
            return list(item["metadata"]["table-key-properties"])
    return []


def catalog(streams: dict[str, SourceStream]) -> str:
    """Return streams as a Singer catalog, with a line for each property."""
    entries = []
    for name, one in streams.items():
        properties = one.schema.get("properties") or {}
        lines = ",\n".join(f"    {_json(key)}: {_json(schema)}" for key, schema in properties.items())
        rest = "".join(f"{_json(key)}: {_json(part)}, " for key, part in one.schema.items() if key != "properties")
        head = f'"tap_stream_id": {_json(name)}, "stream": {_json(name)}, "key_properties": {_json(one.key_properties)}'
        entries.append(f'  {{{head}, "schema": {{{rest}"properties": {{\n{lines}\n  }}}}}}')
    return '{"streams": [\n' + ",\n".join(entries) + "\n]}\n"


def _json(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def of_rows(rows: Iterable[Row]) -> SourceStream:
    """Return a stream that such rows could come from: every property they have, of the types they have, or null."""
    return SourceStream(_schema_of(list(rows)), made_up=True)


def _schema_of(values: list[t.Any]) -> dict[str, t.Any]:
    kinds = {_TYPES[type(value)] for value in values if value is not None}
    if "number" in kinds:
        kinds.discard("integer")
    schema: dict[str, t.Any] = {"type": [*sorted(kinds), "null"]} if kinds else {}
    if objects := [value for value in values if isinstance(value, dict)]:
        names = {name: None for one in objects for name in one}
        schema["properties"] = {name: _schema_of([one.get(name) for one in objects]) for name in names}
    if items := [item for value in values if isinstance(value, list) for item in value]:
        schema["items"] = _schema_of(items)
    return schema


_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}
