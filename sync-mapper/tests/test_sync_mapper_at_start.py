"""The checks at the start of a run: what cannot work stops it before a row goes on, the rest is told once."""

from __future__ import annotations

import json

import pytest

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}},
    "key_properties": ["id"],
}
ROW = {"type": "RECORD", "stream": "customers", "record": {"id": 1, "name": "a"}}
STATE = {"type": "STATE", "value": {"bookmarks": {}}}


def test_an_unknown_name_ends_the_run_with_its_place_and_before_a_row(pipe):
    (pipe.folder / "map.yml").write_text("stream_maps:\n  customers:\n    a: 1 + nmae\n    b: id.upper()\n")
    result = pipe.run([SCHEMA, ROW, STATE], mapping_file="map.yml")
    assert result.code == 1
    assert result.messages == []
    assert len(result.errors) == 2
    assert "map.yml:3:12: error: stream_maps.customers.a: the source has no field `nmae`" in result.errors[0]
    assert "map.yml:4:8: error: stream_maps.customers.b" in result.errors[1]
    assert "Traceback" not in result.log


@pytest.mark.parametrize("allowed", [{"additionalProperties": True}, {"patternProperties": {"^x_": {}}}])
def test_a_field_the_schema_allows_without_naming_it_does_not_stop_the_run(mapper, allowed):
    schema = {**SCHEMA, "schema": {**SCHEMA["schema"], **allowed}}
    row = {**ROW, "record": {**ROW["record"], "x_code": "c"}}
    result = mapper.run([schema, row], stream_maps={"customers": {"a": "x_code.upper()", "x_code": "self"}})
    assert result.rows("customers") == [{"id": 1, "name": "a", "x_code": "c", "a": "C"}]
    assert "the schema does not name the field `x_code`, which a row may lack" in result.log
    assert result.errors == []


@pytest.mark.parametrize("stream_maps", [{}, {"customers": {"a": "'x'"}}])
def test_a_key_whose_schema_is_true_does_not_stop_the_run(mapper, stream_maps):
    schema = {**SCHEMA, "schema": {"properties": {"id": True}}}
    result = mapper.run([schema, {**ROW, "record": {"id": 1}}], stream_maps=stream_maps)
    assert [row["id"] for row in result.rows("customers")] == [1]


def test_what_depends_on_the_row_is_warned_of_once(mapper):
    maps = {"customers": {"a": "name.upper()"}}
    wider = {**SCHEMA, "schema": {"properties": {**SCHEMA["schema"]["properties"], "city": {"type": "string"}}}}
    result = mapper.run([SCHEMA, ROW, SCHEMA, wider, ROW], stream_maps=maps)
    assert result.code == 0
    assert len(result.rows("customers")) == 2
    warnings = [line for line in result.log.splitlines() if "WARNING" in line]
    assert len(warnings) == 1
    assert "stream_maps.customers.a: warning: `name` may be null" in warnings[0]
    assert "[null_unsafe]" in warnings[0]


def test_a_mapping_without_problems_is_not_talked_of(mapper):
    result = mapper.run([SCHEMA, ROW], stream_maps={"customers": {"a": "name or ''", "b": "id + 1"}})
    assert result.code == 0
    assert "WARNING" not in result.log


def test_what_settings_say_has_no_place_in_the_file(mapper):
    (mapper.folder / "map.yml").write_text("stream_maps:\n  customers:\n    a: id\n  other: null\n")
    result = mapper.run([SCHEMA], mapping_file="map.yml", stream_maps={"customers": {"a": "nmae"}})
    assert "| ERROR | stream_maps.customers.a: error: the source has no field `nmae`" in result.errors[0]


def test_a_snapshot_of_the_destination_is_checked_against(mapper):
    field = {"name": "name", "key": "name", "type": "string", "required": True, "max_length": 5}
    entities = {"accounts": {"external_id_field": None, "fields": [field]}}
    snapshot = {"format": 1, "target": "target-x", "entities": entities}
    (mapper.folder / "fields.json").write_text(json.dumps(snapshot))
    good = {"__source__": "customers", "__else__": None, "__key_properties__": ["ext"], "ext": "str(id)"}

    def run(name: str):
        maps = {"accounts": {**good, "name": name}, "__else__": None}
        return mapper.run([SCHEMA, ROW], stream_maps=maps, destination_snapshot="fields.json")

    assert run("name or 'none'").code == 0
    result = run("name or 'unknown'")
    assert result.code == 1
    assert "`name` takes 5 characters, and 'unknown' has 7" in result.errors[0]


def test_a_snapshot_that_is_not_there(mapper):
    result = mapper.run([SCHEMA], stream_maps={}, destination_snapshot="none.json")
    assert result.code == 1
    assert "destination_snapshot: there is no file 'none.json'" in result.errors[0]


def test_a_stream_that_declares_no_property_may_have_any(mapper):
    schema = {**SCHEMA, "schema": {"properties": {}}, "key_properties": []}
    result = mapper.run([schema, ROW], stream_maps={"customers": {"a": "name + '!'"}})
    assert result.code == 0
    assert result.rows("customers")[0]["a"] == "a!"
