"""A bad row goes on as a record of `_unmapped`; it never stops a run and is never dropped."""

from __future__ import annotations

import json
from datetime import datetime

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {"properties": {"id": {"type": "integer"}, "amount": {"type": ["string", "null"]}}},
    "key_properties": ["id"],
}
MAPS = {
    "organizations": {
        "__source__": "customers",
        "__key_properties__": ["external_id"],
        "__else__": None,
        "external_id": "str(id)",
        "amount": "int(amount)",
    },
    "__else__": None,
}


def record(_id, /, **more):
    return {
        "type": "RECORD",
        "stream": "customers",
        "record": {"id": _id, "amount": str(_id), **more},
        "time_extracted": "2026-11-20T09:30:05Z",
    }


def test_a_bad_row_tells_everything_needed_to_send_it_later(pipe):
    result = pipe.run([SCHEMA, record(1), record(2, amount="n/a"), record(3)], stream_maps=MAPS)
    assert result.code == 0
    assert [row["amount"] for row in result.rows("organizations")] == [1, 3]
    [message] = result.of("RECORD", "_unmapped")
    row = message["record"]
    assert datetime.fromisoformat(row.pop("time")).tzinfo
    assert row == {
        "stream": "organizations",
        "source_stream": "customers",
        "key": '{"id":2}',
        "mapped_key": '{"external_id":"2"}',
        "record": {"id": 2, "amount": "n/a"},
        "missing": [],
        "map": "organizations",
        "field": "amount",
        "reason": "ValueError: invalid literal for int() with base 10: 'n/a'",
    }
    assert message["time_extracted"] == "2026-11-20T09:30:05Z"


def test_it_names_the_properties_the_row_does_not_have(mapper):
    short = {"type": "RECORD", "stream": "customers", "record": {"id": 1}}
    [row] = mapper.run([SCHEMA, short], stream_maps=MAPS).rows("_unmapped")
    assert row["missing"] == ["amount"]


def test_properties_that_the_map_adds_are_none_of_the_source(mapper):
    maps = {"customers": {"added": "int(amount)"}}
    [row] = mapper.run([SCHEMA, record(1, amount="n/a")], stream_maps=maps).rows("_unmapped")
    assert row["missing"] == []


def test_the_schema_of_unmapped_comes_once_and_before_its_first_row(mapper):
    result = mapper.run([SCHEMA, record(1), record(2, amount=None), record(3, amount=None)], stream_maps=MAPS)
    assert result.streams == ["organizations", "_unmapped"]
    kinds = [(message["type"], message["stream"]) for message in result.messages]
    assert kinds[2:] == [("SCHEMA", "_unmapped"), ("RECORD", "_unmapped"), ("RECORD", "_unmapped")]
    schema = result.of("SCHEMA", "_unmapped")[0]
    assert schema["key_properties"] == ["stream", "key"]
    assert set(result.rows("_unmapped")[0]) == set(schema["schema"]["properties"])


def test_without_bad_rows_there_is_no_such_stream(mapper):
    assert mapper.run([SCHEMA, record(1)], stream_maps=MAPS).streams == ["organizations"]


def test_the_summary_counts_each_stream_and_names_the_first_reasons(pipe):
    result = pipe.run([SCHEMA, *(record(n, amount="x") for n in range(50))], stream_maps=MAPS)
    assert len(result.rows("_unmapped")) == 50
    [line] = [line for line in result.log.splitlines() if "could not be mapped" in line]
    assert "50 rows meant for organizations" in line
    assert "| WARNING" in line
    assert line.count("ValueError") == 3
    assert "Traceback" not in result.log


def test_each_map_of_a_row_stands_for_itself(mapper):
    maps = {"accounts": {"__source__": "customers", "id": "id"}, **MAPS}
    result = mapper.run([SCHEMA, record(1, amount="x")], stream_maps=maps)
    assert len(result.rows("accounts")) == 1
    assert [row["map"] for row in result.rows("_unmapped")] == ["organizations"]


def test_filters_and_keys_that_fail(mapper):
    more = {"vip": {"type": ["integer", "null"]}, "number": {"type": ["integer", "null"]}}
    schema = {**SCHEMA, "schema": {"properties": {**SCHEMA["schema"]["properties"], **more}}}
    maps = {"customers": {"__filter__": "vip > 0", "__key_properties__": ["ref"], "ref": "str(number + 0)"}}
    rows = [record(1), record(2, vip=1), record(3, vip=0), record(4, vip=1, number=9)]
    result = mapper.run([schema, *rows], stream_maps=maps)
    assert [row["ref"] for row in result.rows("customers")] == ["9"]
    found = [(row["key"], row["field"], row["mapped_key"]) for row in result.rows("_unmapped")]
    assert found == [('{"id":1}', "__filter__", None), ('{"id":2}', "ref", None)]
    assert "'>' not supported" in result.rows("_unmapped")[0]["reason"]


def test_a_value_no_json_can_hold_is_a_bad_row_too(mapper):
    result = mapper.run([SCHEMA, record(1)], stream_maps={"customers": {"x": "'\\ud800'"}})
    assert result.code == 0
    assert len(result.rows("_unmapped")) == 1


def test_rows_of_a_stream_without_key_stay_apart(mapper):
    maps = {"customers": {"amount": "int(amount)"}}
    rows = [record(1, amount="x"), record(2, amount="x")]
    result = mapper.run([{**SCHEMA, "key_properties": []}, *rows], stream_maps=maps)
    keys = {row["key"] for row in result.rows("_unmapped")}
    assert len(keys) == 2
    assert all(set(json.loads(key)) == {"sha256"} for key in keys)


def test_a_tenth_of_bad_rows_among_many(mapper):
    rows = [record(n, amount="x" if n % 10 == 0 else str(n)) for n in range(1, 3001)]
    result = mapper.run([SCHEMA, *rows], stream_maps=MAPS)
    assert len(result.rows("organizations")) == 2700
    assert [row["record"]["id"] for row in result.rows("_unmapped")] == list(range(10, 3001, 10))
