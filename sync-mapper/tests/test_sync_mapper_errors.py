"""What ends a run is one clear line and exit code 1; nothing goes on before it."""

from __future__ import annotations

import json

import pytest

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_properties": ["id"],
}
RECORD = {"type": "RECORD", "stream": "customers", "record": {"id": 1}}


def only_error(result):
    assert result.code == 1, result.log
    assert "Traceback" not in result.log
    [line] = result.errors
    return line


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"a": "int(id"}, "customers.a: error: not an expression"),
        ({"a": ""}, "customers.a: error: must be exactly one expression"),
        ({"a": "id; id"}, "customers.a: error: must be exactly one expression"),
        ({"a": "b = 1"}, "customers.a: error: must be exactly one expression"),
        ({"a": "lambda: 1"}, "Lambda is not part of the expression language"),
        ({"a": "id @ id"}, "operator MatMult is not part of"),
        ({"a": "len(id)"}, "there is no function len()"),
        ({"__filter__": "len(id) > 1"}, "customers.__filter__: error: there is no function len()"),
        ({"__else__": "x"}, "only null is possible"),
        ({"__key_properties__": ["ref"]}, "the key `ref` is not among the properties that go on"),
        ({"__source__": "a", "__alias__": "b"}, "both `__source__` and `__alias__`"),
    ],
)
def test_a_map_that_can_never_work(mapper, definition, told):
    result = mapper.run([SCHEMA, RECORD], stream_maps={"customers": definition})
    assert told in only_error(result)
    assert result.messages == []


def test_no_filter_and_no_key_may_be_said_with_null_as_to_the_sdk(mapper):
    maps = {"customers": {"__filter__": None, "__key_properties__": None, "id": None, "a": "'x'"}}
    result = mapper.run([SCHEMA, RECORD], stream_maps=maps)
    assert result.code == 0
    assert result.of("SCHEMA")[0]["key_properties"] == []
    assert result.rows("customers") == [{**{k: v for k, v in RECORD["record"].items() if k != "id"}, "a": "x"}]


def test_every_problem_gets_its_line(pipe):
    maps = {"customers": {"a": "int(", "b": "id", "c": "len(id)"}}
    assert len(pipe.run([SCHEMA], stream_maps=maps).errors) == 2


def test_batch_names_the_setting_to_turn_off(pipe):
    batch = {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": []}
    line = only_error(pipe.run([SCHEMA, batch]))
    assert "batch_config" in line
    assert "'customers'" in line


def test_a_record_before_its_schema(mapper):
    assert "came before the stream's SCHEMA" in only_error(mapper.run([RECORD]))


def test_a_broken_line_is_told_by_number_and_not_by_content(pipe):
    line = only_error(pipe.run([SCHEMA, '{"type": "RECORD", "secret": "hunter2"']))
    assert "Line 2" in line
    assert "hunter2" not in line


def test_a_line_that_is_not_utf_8(mapper):
    record = '{"type": "RECORD", "stream": "customers", "record": {"id": "\udcff"}}'
    assert "Line 2 of the input is not UTF-8" in only_error(mapper.run([SCHEMA, record]))


def test_a_line_that_is_nested_too_deeply(mapper):
    record = '{"type": "RECORD", "stream": "customers", "record": {"a": ' + "[" * 5000 + "]" * 5000 + "}}"
    assert "Line 2 of the input is nested too deeply" in only_error(mapper.run([SCHEMA, record]))


@pytest.mark.parametrize("line", ["", "   ", "\t"])
def test_an_empty_line_is_passed_over_and_counted(mapper, line):
    result = mapper.run([line, SCHEMA, line, RECORD, line])
    assert result.code == 0
    assert [message["type"] for message in result.messages] == ["SCHEMA", "RECORD"]
    assert "Line 4 of the input" in only_error(mapper.run([line, SCHEMA, line, "[]"]))


def test_bytes_that_are_no_utf_8_are_one_line(pipe):
    line = only_error(pipe.run_bytes(json.dumps(SCHEMA).encode() + b'\n{"type": "RECORD", "\xff": 1}\n'))
    assert "not UTF-8" in line


@pytest.mark.parametrize("line", ["[]", "5", '{"stream": "x"}'])
def test_a_line_that_is_no_message(mapper, line):
    assert "Line 1 of the input is no Singer message" in only_error(mapper.run([line]))


@pytest.mark.parametrize("message", [{"type": "RECORD", "stream": "x"}, {"type": "STATE"}, {"type": "SCHEMA"}])
def test_a_message_that_lacks_something(mapper, message):
    assert f"A {message['type']} message lacks" in only_error(mapper.run([message]))


@pytest.mark.parametrize(
    "options", [{"__source__": "custmers"}, {"__source__": "customer"}, {"__source__": "Customers"}]
)
def test_a_misspelt_source_is_refused_before_a_state_passes_its_rows(mapper, options):
    state = {"type": "STATE", "value": {"bookmarks": {"customers": {"id": 1}}}}
    maps = {"organizations": {**options, "id": "id"}, "__else__": None}
    result = mapper.run([SCHEMA, RECORD, state], stream_maps=maps)
    assert "did you mean it with" in only_error(result)
    assert result.messages == []


def test_a_stream_left_out_on_purpose_is_no_mistake(mapper):
    maps = {"customer": {"id": "id"}, "customers": None, "__else__": None}
    assert mapper.run([SCHEMA, RECORD], stream_maps=maps).code == 0
    tables = [{**SCHEMA, "stream": name} for name in ("F0101", "F0111")]
    maps = {"contacts": {"__source__": "F0111", "id": "id"}, "__else__": None}
    assert mapper.run(tables, stream_maps=maps).code == 0
