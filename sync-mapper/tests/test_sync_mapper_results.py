"""What the long form makes of results: declared types that are true, null for what is missing, formats, codes."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_mapper.functions import phone
from sync_mapper.long_form import LongForm, fits

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "key_properties": ["id"],
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "code": {"type": ["string", "null"]},
            "qty": {"type": ["integer", "null"]},
            "day": {"type": ["string", "null"], "format": "date"},
        }
    },
}


def run(mapper, properties: dict[str, t.Any], record: dict[str, t.Any], **config: t.Any):
    maps = {"customers": {"__else__": None, "id": "id", **properties}}
    record = {"type": "RECORD", "stream": "customers", "record": {"id": 1, **record}}
    result = mapper.run([SCHEMA, record], stream_maps=maps, **config)
    declared = result.of("SCHEMA", "customers")[0]["schema"]["properties"] if result.code == 0 else {}
    return result, declared


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("int(self)", {}),
        ("int(record['qty'])", {}),
        ("int(_['qty'])", {}),
        ("int(record.get('qty'))", {}),
        ("int(record.qty)", {}),
        ("amount + 1", {"amount": "qty"}),
        ("more + 1", {"amount": "qty * 2", "more": "amount"}),
    ],
)
@pytest.mark.parametrize("record", [{"qty": None}, {}], ids=["null", "missing"])
def test_when_null_knows_every_way_to_name_a_field(mapper, expression, named, record):
    result, _ = run(mapper, {"qty": {"value": expression, "when_null": 0}}, record, expressions=named)
    assert result.rows("customers") == [{"id": 1, "qty": 0}]


@pytest.mark.parametrize("expression", ["int(record.get('code'))", "int(amount)", "int(record.code)"])
def test_when_null_hides_no_other_failure(mapper, expression):
    definition = {"value": expression, "when_null": 0}
    result, _ = run(mapper, {"x": definition}, {"code": "A"}, expressions={"amount": "code"})
    assert result.rows("customers") == []
    assert result.rows("_unmapped")[0]["field"] == "x"


@pytest.mark.parametrize(
    ("definition", "types"),
    [
        ({"value": "qty", "lookup": "words"}, {"string", "null"}),
        ({"value": "qty", "lookup": "words", "otherwise": 0}, {"string", "integer", "null"}),
        ({"value": "qty", "lookup": "rates"}, {"number", "integer", "null"}),
        ({"value": "code", "lookup": "later"}, {"string", "null"}),
        ({"value": "qty", "lookup": "words", "when_null": False}, {"string", "boolean", "null"}),
        ({"value": "qty", "when_null": "none"}, {"integer", "string", "null"}),
        ({"value": "qty", "when_null": 0}, {"integer", "null"}),
        ({"value": "day", "when_null": "never"}, {"string", "null"}),
    ],
)
def test_what_is_declared_is_what_comes(mapper, definition, types):
    tables = {"words": {"1": "one"}, "rates": {"1": 0.5, "2": 2}, "later": {"udc": "01/01"}}
    result, declared = run(mapper, {"x": definition}, {}, code_tables=tables)
    assert set(declared["x"]["type"]) == types
    assert "its type does not show" not in result.log
    for record in result.rows("customers"):
        jsonschema.validate(record["x"], declared["x"], format_checker=jsonschema.FormatChecker())


def test_a_constant_that_fits_the_format_keeps_it(mapper):
    _, declared = run(mapper, {"x": {"value": "day", "when_null": "1900-01-01"}}, {})
    assert declared["x"]["format"] == "date"


def test_null_fits_an_enumeration(mapper):
    stated = {"type": "string", "enum": ["a"]}
    result, declared = run(mapper, {"x": {"value": "code", "type": stated}}, {})
    jsonschema.validate(result.rows("customers")[0]["x"], declared["x"])


@pytest.mark.parametrize(
    ("stated", "value", "fits"),
    [
        ("datetime", "2026-02-28T10:00:00.123456789Z", True),
        ("datetime", "2026-02-28T10:00:00-05:30", True),
        ("datetime", "2026-02-28T10:00:00", True),
        ("datetime", "2026-02-28T10:00:00 and more", False),
        ("datetime", "2026-02-28T10:00:00+99:00", False),
        ("datetime", "2026-02-28T25:00:00Z", False),
        ("datetime", "2026-02-28 10:00:00", False),
        ("date", "2026-02-28", True),
        ("date", "20260228", False),
        ("date", "2026-W09-6", False),
        ("number", float("inf"), False),
        ("number", float("nan"), False),
        ("number", 10**400, True),
        ("number", Decimal("1E+999"), True),
        ("number", Decimal("NaN"), False),
        ("integer", float("inf"), False),
    ],
)
def test_values_that_only_look_like_a_type(stated, value, fits):
    form = LongForm.read({"value": "x", "type": stated})
    if fits:
        form.check(value)
    else:
        with pytest.raises(Exception, match="the type that is stated for it is"):
            form.check(value)


@given(st.datetimes(), st.sampled_from(["", "Z", "+00:00", "-11:45"]))
def test_times_of_json_fit(moment, offset):
    LongForm.read({"value": "x", "type": "datetime"}).check(moment.isoformat() + offset)
    LongForm.read({"value": "x", "type": "date"}).check(moment.date().isoformat())


@pytest.mark.parametrize("codes", ["{NO: Norway}", "{01: one}", "{0x1F: x}", "{1.0: x}", "{~: x}"])
def test_codes_that_yaml_reads_as_something_else(mapper, codes):
    (mapper.folder / "map.yml").write_text(f"stream_maps: {{a: null}}\ncode_tables:\n  t: {codes}\n")
    result = mapper.run([SCHEMA], mapping_file="map.yml")
    assert result.code == 1
    assert "map.yml:3:3: error: code_tables.t: a code is " in result.errors[0]
    assert "Put the codes in quotes" in result.errors[0]


def test_codes_that_are_spelt_as_numbers(mapper):
    (mapper.folder / "map.yml").write_text(
        "stream_maps: {customers: {x: \"lookup('t', qty)\"}}\ncode_tables:\n  t: {10: Ten, '01': one}\n"
    )
    record = {"type": "RECORD", "stream": "customers", "record": {"id": 1, "qty": 10}}
    assert mapper.run([SCHEMA, record], mapping_file="map.yml").rows("customers")[0]["x"] == "Ten"


def test_a_named_expression_has_no_self(mapper):
    result, _ = run(mapper, {"code": "name"}, {}, expressions={"name": "self"})
    assert result.code == 1
    assert "expressions.name: error: `self` is another value in each property" in result.errors[0]


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("0044 (0) 20 7946 0958", "+442079460958"),
        ("+39 (0)6 123456", "+3906123456"),
        ("(089) 123456", "(089) 123456"),
    ],
)
def test_a_trunk_prefix_in_brackets(number, result):
    assert phone(number) == result


def test_a_number_with_more_digits_than_memory_is_tested_by_its_exponent():
    assert fits("integer", Decimal("1E+99999999"))
    assert not fits("integer", Decimal("1.5"))
    assert not fits("integer", 1.5)
