"""Rows that hold what cannot be read or written as it is: held one by one, with the field, and the run goes on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_mapper import damaged

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {
        "properties": {"id": {"type": ["integer", "string"]}, "name": {"type": ["string", "null"]}, "size": {}},
    },
    "key_properties": ["id"],
}
STATE = {"type": "STATE", "value": {}}
MAP = {"customers": {"__else__": None, "id": "id", "label": "name"}}


def line(record: str) -> str:
    return '{"type": "RECORD", "stream": "customers", "record": ' + record + "}"


@pytest.mark.parametrize("stream_maps", [{}, {"customers": {}}, {"customers": {"name": "name.strip()"}}, MAP])
@pytest.mark.parametrize("half", ["\\ud83d", "a\\ude00b", "\\ud83d\\ud83d", "\\ude00\\ud83d"])
def test_half_a_character_holds_its_row_alone(pipe, stream_maps, half):
    rows = ['{"id": 1, "name": "a"}', '{"id": 2, "name": "' + half + '"}', '{"id": 3, "name": "\\ud83d\\ude00"}']
    result = pipe.run([SCHEMA, *map(line, rows), STATE], stream_maps=stream_maps)
    assert result.code == 0, result.log
    assert "Traceback" not in result.log
    assert [row["id"] for row in result.rows("customers")] == [1, 3]
    assert "\U0001f600" in result.rows("customers")[1].values()
    [row] = result.rows("_unmapped")
    assert row["key"] == '{"id":2}'
    assert row["field"] == ("label" if stream_maps is MAP else "name")
    assert "half of a character" in row["reason"]
    assert row["record"] == {"id": 2, "name": damaged.mended(json.loads(f'"{half}"'))}
    assert "\ufffd" in row["record"]["name"]
    assert result.of("STATE") == [STATE]


def test_half_a_character_that_does_not_go_on_does_no_harm(mapper):
    maps = {"customers": {"__else__": None, "id": "id", "long": "len_ > 3"}}
    record = '{"id": 2, "name": "\\ud83d", "len_": 4.5}'
    result = mapper.run([SCHEMA, line(record)], stream_maps=maps)
    assert result.rows("customers") == [{"id": 2, "long": True}]


def test_half_a_character_in_a_key_or_a_name(mapper):
    rows = [line('{"id": "\\ud83d", "name": "a"}'), line('{"id": 2, "\\ud83d": 1}')]
    result = mapper.run([SCHEMA, *rows], stream_maps={"customers": {"name": "'x'"}})
    assert [row["key"] for row in result.rows("_unmapped")] == ['{"id":"\ufffd"}', '{"id":2}']
    assert result.rows("_unmapped")[1]["record"] == {"id": 2, "\ufffd": 1}


def test_half_a_character_that_an_expression_makes(mapper):
    maps = {"customers": {"__key_properties__": ["ref"], "ref": "json.loads(name)", "a": "1 + ref"}}
    result = mapper.run([SCHEMA, line('{"id": 1, "name": "\\"\\\\ud83d\\""}')], stream_maps=maps)
    [row] = result.rows("_unmapped")
    assert (row["mapped_key"], row["key"]) == (None, '{"id":1}')


def test_half_a_character_outside_of_a_row_ends_the_run_in_one_line(mapper):
    state = '{"type": "STATE", "value": {"a": "\\ud83d"}}'
    result = mapper.run([SCHEMA, state])
    assert result.code == 1
    assert "Line 2 of the input is not valid JSON" in result.errors[0]


@pytest.mark.parametrize("number", ["9" * 5000, "1e99999999999999999999"])
@pytest.mark.parametrize("name", ["a", "\\ud83d"])
def test_a_number_that_cannot_be_read_holds_its_row_alone(mapper, number, name):
    bad = line('{"id": 2, "name": "' + name + '", "size": ' + number + "}")
    result = mapper.run([SCHEMA, line('{"id": 1}'), bad, line('{"id": 3}')], stream_maps=MAP)
    assert result.code == 0
    assert [row["id"] for row in result.rows("customers")] == [1, 3]
    [row] = result.rows("_unmapped")
    assert (row["field"], row["record"]["size"]) == (None, number)
    assert "more digits than can be read" in row["reason"]


def test_a_row_of_a_code_table_that_cannot_be_read_is_told_of(mapper):
    tables = {"t": {"stream": "customers", "code": "id", "text": "name"}}
    rows = [line('{"id": 1, "size": ' + "9" * 5000 + "}"), line('{"id": 2, "name": "two"}')]
    maps = {"customers": {"name": "lookup('t', id)"}}
    result = mapper.run([SCHEMA, *rows], stream_maps=maps, code_tables=tables)
    assert [row["name"] for row in result.rows("customers")] == ["two"]
    assert "A row of customers is missing in code tables" in result.log


@pytest.mark.parametrize(
    ("expression", "held"),
    [
        ("float('nan')", True),
        ("float('inf')", True),
        ("[1, float('nan')]", True),
        ("{'a': {'b': (1, -float('inf'))}}", True),
        ("json.loads('NaN')", True),
        ("float(size) * 10", True),
        ("float(size) > 5", False),
        ("[1.5, {'a': None}]", False),
    ],
)
def test_a_number_that_is_not_finite_holds_its_row_instead_of_becoming_null(mapper, expression, held):
    result = mapper.run([SCHEMA, line('{"id": 1, "size": 1e308}')], stream_maps={"customers": {"a": expression}})
    assert len(result.rows("customers")) == (not held)
    for row in result.rows("_unmapped"):
        assert row["field"] == "a"
        assert "no finite number" in row["reason"]


def test_a_filter_may_compare_what_no_row_may_hold(mapper):
    result = mapper.run([SCHEMA, line('{"id": 1}')], stream_maps={"customers": {"__filter__": "float('nan')"}})
    assert len(result.rows("customers")) == 1


def test_the_field_told_is_the_one_that_cannot_be_written(mapper):
    maps = {"customers": {"a": "[10 ** 4400][0]", "b": "id"}}
    result = mapper.run([SCHEMA, line('{"id": 1}')], stream_maps=maps)
    [row] = result.rows("_unmapped")
    assert row["field"] == "a"
    assert "4300" in row["reason"]


@given(st.text(st.characters(categories=["Cs", "Lu"])))
def test_a_text_without_halves_of_characters_has_no_fewer_characters(text):
    mended = damaged.mended({text: [text]})
    [(name, [item])] = mended.items()
    assert name == item
    assert len(item) == len(text)
    item.encode()
