"""Maps declare the same schemas as the SDK's own mapper wherever the SDK declares what really comes."""

from __future__ import annotations

import copy
import json
import logging
import typing as t
from datetime import datetime

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from singer_sdk.contrib.msgspec import encoder
from singer_sdk.exceptions import StreamMapConfigError
from singer_sdk.mapper import PluginMapper, RemoveRecordTransform
from sync_mapper.errors import MappingError
from sync_mapper.mapper import SyncMapper
from sync_mapper.stream_map import RemovedStream

if t.TYPE_CHECKING:
    from sync_mapper.maps import StreamMaps

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"], "maxLength": 40},
        "qty": {"type": ["integer", "null"]},
        "price": {"type": ["number", "null"]},
        "day": {"type": ["string", "null"], "format": "date"},
        "open": {"type": ["boolean", "null"]},
        "nested": {"type": ["object", "null"], "properties": {"x": {"type": "string"}}},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    },
    "required": ["id"],
}
ROW: dict[str, t.Any] = {
    "id": 1,
    "name": "Acme",
    "qty": 3,
    "price": 2.5,
    "day": "2026-02-28",
    "open": True,
    "nested": {"x": "y"},
    "tags": ["a"],
}
TYPED = [
    "float(qty) * float(price)",
    "float(qty) if qty is not None else None",
    "int(qty) + 1",
    "int(qty) if qty is not None else None",
    "str(id)",
    "str(id) + '-' + name",
    "bool(qty)",
    "json.dumps(nested)",
    "datetime.date(2026, 1, 2)",
    "datetime.date.fromisoformat(day)",
    "datetime.datetime(2026, 1, 2)",
    "datetime.datetime.fromisoformat('2026-01-02T03:04:05')",
    "'constant'",
]
"""The SDK tells their type by how they begin or end."""
RENAMED = ["name", "qty", "price", "day", "open", "nested", "tags", "id"]
"""The SDK takes the type of the field."""

OTHERS = [*TYPED, None, "__NULL__"]

FORMATS = jsonschema.FormatChecker()


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: t.Any) -> bool:
    """Without an optional package jsonschema takes any text for a date-time."""
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.replace("Z", "+00:00")))


@st.composite
def properties(draw: st.DrawFn) -> dict[str, str | None]:
    # The SDK keeps the schema of a property that another field takes the place of, whatever that field holds.
    there = st.sampled_from(["name", "qty", "price"])
    changed = {name: draw(st.sampled_from([*OTHERS, "self", name])) for name in draw(st.sets(there))}
    added = draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([*OTHERS, *RENAMED])))
    return changed | added


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, t.Any]:
    definition: dict[str, t.Any] = dict(draw(properties()))
    if draw(st.booleans()):
        definition["__else__"] = None
    if draw(st.booleans()):
        definition |= {"__key_properties__": ["ref"], "ref": "str(id)"}
    if draw(st.booleans()):
        key, value = draw(st.sampled_from([("__source__", "rows"), ("__source__", "r*"), ("__alias__", "renamed")]))
        definition[key] = value
    return definition


def mapped(build: t.Callable[[], PluginMapper | StreamMaps]) -> list[t.Any] | None:
    """Return the maps of the stream; None where they are refused."""
    try:
        mapper = build()
        mapper.register_raw_stream_schema("rows", copy.deepcopy(SCHEMA), ["id"])
    except (StreamMapConfigError, MappingError):
        return None
    return [item for item in mapper.stream_maps["rows"] if not isinstance(item, (RemoveRecordTransform, RemovedStream))]


@pytest.fixture(autouse=True)
def keep_signal_handlers(monkeypatch):
    monkeypatch.setattr(SyncMapper, "_setup_signal_handlers", lambda self: None)


@settings(max_examples=200, deadline=None)
@example({"rows": {"name": "datetime.date(2026, 1, 2)", "a": "name"}})
@example({"rows": {"name": "datetime.datetime(2026, 1, 2)", "a": "name"}})
@given(st.dictionaries(st.sampled_from(["rows", "r*", "target_a", "target_b"]), definitions(), max_size=3))
def test_same_schemas_where_the_sdk_is_right(stream_maps):
    config = {"stream_maps": stream_maps}
    theirs = mapped(lambda: PluginMapper(copy.deepcopy(config), logging.getLogger("sdk")))
    ours = mapped(lambda: SyncMapper(config=copy.deepcopy(config)).maps)
    assert (ours is None) == (theirs is None)
    for mine, other in zip(ours or (), theirs or (), strict=True):
        assert mine.stream_alias == other.stream_alias
        schema, expected = mine.transformed_schema, other.transformed_schema
        assert list(schema["properties"]) == list(expected["properties"])
        assert {**schema, "properties": None} == {**expected, "properties": None}
        row = json.loads(encoder.encode(other.transform(copy.deepcopy(ROW)) or {}))
        for name, declared in expected["properties"].items():
            if name in row and _is_true(declared, row[name]):
                # Ours may say more, as with `self`, whose schema the SDK takes for text when all else is left out.
                assert _types(schema["properties"][name]).items() >= _types(declared).items(), name
            jsonschema.validate(row.get(name), _nullable(schema["properties"][name]))


def _is_true(declared: dict[str, t.Any], value: t.Any) -> bool:
    """Return whether a schema is true of a value, its format included: the SDK may declare text as a date."""
    return jsonschema.Draft202012Validator(declared, format_checker=FORMATS).is_valid(value)


def _types(schema: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a schema with its types in one order."""
    declared = schema.get("type", [])
    return {**schema, "type": sorted([declared] if isinstance(declared, str) else declared)}


def _nullable(schema: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"anyOf": [schema, {"type": "null"}]}
