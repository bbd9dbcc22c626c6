"""The checks at the start of a run: what cannot work stops it before a row goes on, the rest is told once."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}},
    "key_properties": ["id"],
}
ROW = {"type": "RECORD", "stream": "customers", "record": {"id": 1, "name": "a"}}
STATE = {"type": "STATE", "value": {"bookmarks": {}}}


def warnings(result) -> list[str]:
    return [line for line in result.log.splitlines() if "WARNING" in line and "could not be mapped" not in line]


def test_what_only_the_schema_speaks_against_is_warned_of_with_its_place_and_judged_by_rows(pipe):
    (pipe.folder / "map.yml").write_text("stream_maps:\n  customers:\n    a: 1 + nmae\n    b: id.upper()\n")
    other = {**ROW, "record": {"id": "x", "name": "a", "nmae": 2}}
    result = pipe.run([SCHEMA, ROW, SCHEMA, other, STATE], mapping_file="map.yml")
    assert result.code == 0
    assert result.rows("customers") == [{"id": "x", "name": "a", "nmae": 2, "a": 3, "b": "X"}]
    assert [(row["field"], row["reason"]) for row in result.rows("_unmapped")] == [
        ("a", "NameNotDefined: 'nmae' is not defined for expression '1 + nmae'")
    ]
    assert result.of("STATE") == [STATE]
    told = warnings(result)
    assert len(told) == 2
    assert "map.yml:3:12: warning: stream_maps.customers.a: the source has no field `nmae`. Did you mean" in told[0]
    assert "map.yml:4:8: warning: stream_maps.customers.b" in told[1]
    assert "[wrong_type]" in told[1]


@pytest.mark.parametrize(
    ("expression", "record", "value"),
    [
        ("qty + 1", {"qty": 1}, 2),
        ("qty['x']", {"qty": {"x": 1}}, 1),
        ("name or config['missing']", {}, "a"),
        ("name or nmae", {}, "a"),
        ("record['other']['x']", {"other": {"x": 1}}, 1),
        ("self", {"a": 5}, 5),
    ],
)
def test_a_map_that_the_sdk_runs_is_run_whatever_the_schema_says(mapper, expression, record, value):
    properties = {**SCHEMA["schema"]["properties"], "qty": {"type": "string"}}
    row = {**ROW, "record": {**ROW["record"], **record}}
    maps = {"customers": {"a": expression}}
    result = mapper.run([{**SCHEMA, "schema": {"properties": properties}}, row], stream_maps=maps)
    assert [row["a"] for row in result.rows("customers")] == [value]
    assert len(warnings(result)) == 1
    declared = result.of("SCHEMA")[0]["schema"]["properties"]["a"]
    jsonschema.validate(value, declared)


def test_a_warning_holds_what_programs_want_to_know(mapper):
    mapper.run([SCHEMA], stream_maps={"customers": {"a": "nmae"}})
    [finding] = [one.finding for one in mapper.caplog.records if hasattr(one, "finding")]
    assert finding["at"] == "stream_maps.customers.a"
    assert (finding["code"], finding["severity"]) == ("unknown_name", "warning")
    assert "`name`" in finding["remedy"]


def test_a_field_the_schema_does_not_name_counts_for_when_null_if_the_row_has_it(mapper):
    maps = {"customers": {"__else__": None, "id": "id", "a": {"value": "int(more)", "when_null": 0}}}
    rows = [
        {**ROW, "record": {"id": number, **more}} for number, more in enumerate([{"more": "7"}, {"more": None}, {}])
    ]
    result = mapper.run([SCHEMA, *rows], stream_maps=maps)
    assert result.rows("customers") == [{"id": 0, "a": 7}, {"id": 1, "a": 0}]
    assert [json.loads(row["key"]) for row in result.rows("_unmapped")] == [{"id": 2}]


def test_a_property_may_be_named_like_an_option(mapper):
    maps = {"customers": {"__key_properties__": ["__id__"], "__id__": "str(id)", "__x": "name", "__gone__": None}}
    schema = {**SCHEMA, "schema": {"properties": {**SCHEMA["schema"]["properties"], "__gone__": {}}}}
    result = mapper.run([schema, {**ROW, "record": {**ROW["record"], "__gone__": 1}}], stream_maps=maps)
    assert result.rows("customers") == [{"id": 1, "name": "a", "__id__": "1", "__x": "a"}]
    assert set(result.of("SCHEMA")[0]["schema"]["properties"]) == {"id", "name", "__id__", "__x"}
    assert warnings(result) == []


def test_an_option_that_is_misspelt_is_a_property_as_to_the_sdk_and_warned_of(mapper):
    result = mapper.run([SCHEMA, ROW], stream_maps={"customers": {"__fliter__": "id > 1"}})
    assert result.rows("customers") == [{"id": 1, "name": "a", "__fliter__": False}]
    [told] = warnings(result)
    assert "`__fliter__` is no option, and makes a property of that name. Did you mean `__filter__`?" in told


def test_the_mapping_file_is_read_once(mapper, monkeypatch):
    (mapper.folder / "map.yml").write_text("stream_maps:\n  customers:\n    a: nmae\n")
    read: list[str] = []
    loader = yaml.SafeLoader.__init__
    monkeypatch.setattr(yaml.SafeLoader, "__init__", lambda self, text: read.append(text) or loader(self, text))
    result = mapper.run([SCHEMA, ROW], mapping_file="map.yml")
    assert "map.yml:3:8: warning" in result.log
    assert len(read) == 1


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
    assert "| WARNING | stream_maps.customers.a: warning: the source has no field `nmae`" in result.log


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
