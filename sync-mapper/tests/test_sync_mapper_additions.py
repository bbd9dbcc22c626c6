"""What this mapper adds to stream maps: long form, code tables, named expressions, functions, the guard."""

from __future__ import annotations

import json
import typing as t

import pytest

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "key_properties": ["id"],
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": ["string", "null"]},
            "qty": {"type": ["integer", "null"]},
            "group": {"type": ["string", "null"]},
            "address": {"type": ["object", "null"], "properties": {"lines": {"type": "array"}}},
        }
    },
}
UDC_SCHEMA = {"type": "SCHEMA", "stream": "F0005", "key_properties": ["SY", "RT", "KY"], "schema": {"properties": {}}}


def row(number: int = 1, **values: t.Any) -> dict[str, t.Any]:
    return {"type": "RECORD", "stream": "customers", "record": {"id": number, **values}}


def udc(code: str, text: str, product: str = "01", kind: str = "01") -> dict[str, t.Any]:
    record = {"SY": f"{product}  ", "RT": kind, "KY": f"       {code}", "DL01": f"{text} "}
    return {"type": "RECORD", "stream": "F0005", "record": record}


def one(mapper, properties, *rows, **config):
    """Return the rows a map with these properties makes, and those it could not make."""
    maps = {"customers": {"__else__": None, "id": "id", **properties}, "F0005": None}
    result = mapper.run([SCHEMA, *(rows or [row()])], stream_maps=maps, **config)
    return result.rows("customers"), result.rows("_unmapped"), result


@pytest.mark.parametrize(
    ("stated", "declared"),
    [
        ("number", {"type": ["number", "null"]}),
        ("date", {"type": ["string", "null"], "format": "date"}),
        ("datetime", {"type": ["string", "null"], "format": "date-time"}),
        ({"type": "string", "maxLength": 3}, {"type": ["string", "null"], "maxLength": 3}),
    ],
)
def test_a_stated_type_is_declared(mapper, stated, declared):
    _, _, result = one(mapper, {"x": {"value": "record.get('nothing')", "type": stated}})
    assert result.of("SCHEMA", "customers")[0]["schema"]["properties"]["x"] == declared
    assert "its type does not show" not in result.log


@pytest.mark.parametrize(
    ("stated", "value", "fits"),
    [
        ("number", "qty", True),
        ("number", "name", False),
        ("integer", "qty / 2", False),
        ("integer", "qty * 1.0", True),
        ("integer", "bool(qty)", False),
        ("boolean", "qty > 1", True),
        ("string", "qty", False),
        ("object", "{'a': qty}", True),
        ("array", "[qty]", True),
        ("date", "'2026-02-28'", True),
        ("date", "'2026-02-30'", False),
        ("date", "datetime.date(2026, 1, 2)", True),
        ("datetime", "'2026-02-28T10:00:00Z'", True),
        ("datetime", "'2026-02-28'", False),
        ({"type": "string", "maxLength": 3}, "name", False),
        ({"type": "string", "maxLength": 4}, "name", True),
    ],
)
def test_a_value_of_another_type_holds_the_row(mapper, stated, value, fits):
    rows, unmapped, _ = one(mapper, {"x": {"value": value, "type": stated}}, row(name="Acme", qty=5))
    assert len(rows) == fits
    if not fits:
        assert unmapped[0]["field"] == "x"
        assert "type that is stated" in unmapped[0]["reason"]


def test_a_type_that_does_not_show_is_any_type_and_told_once(mapper):
    _, _, result = one(mapper, {"x": "json.loads('1')", "y": "name"}, SCHEMA, row())
    declared = result.of("SCHEMA", "customers")[0]["schema"]["properties"]
    assert set(declared["x"]["type"]) == {"string", "number", "integer", "boolean", "object", "array", "null"}
    assert result.log.count("customers.x: warning: its type cannot be told") == 1
    assert "customers.y" not in result.log


@pytest.mark.parametrize(
    ("values", "result"),
    [({"qty": 3}, 3), ({"qty": None}, 0), ({}, 0)],
)
def test_null_takes_what_is_given_for_it(mapper, values, result):
    rows, unmapped, _ = one(mapper, {"x": {"value": "int(qty)", "when_null": 0}}, row(**values))
    assert (rows, unmapped) == ([{"id": 1, "x": result}], [])


def test_a_failure_that_no_null_explains_is_not_hidden(mapper):
    rows, unmapped, _ = one(mapper, {"x": {"value": "int(name)", "when_null": 0}}, row(name="Acme"))
    assert rows == []
    assert unmapped[0]["field"] == "x"


def test_declared_fields_that_a_row_lacks_are_null(mapper):
    rows, _, _ = one(mapper, {"x": "name", "y": "'none' if qty is None else 'some'", "name": "self"})
    assert rows == [{"id": 1, "x": None, "y": "none", "name": None}]


def test_a_field_with_the_name_of_a_function_is_never_the_function(mapper):
    rows, unmapped, _ = one(mapper, {"x": "phone", "y": "str(number)"})
    assert rows == []
    assert "'phone' is not defined" in unmapped[0]["reason"]


def test_codes_are_looked_up(mapper):
    properties = {
        "x": {"value": "group", "lookup": "groups", "otherwise": "other", "when_null": "none"},
        "y": "lookup('groups', group)",
        "z": "[lookup('groups', code, '?') for code in ['A', 'Q', 10]]",
    }
    tables = {"groups": {"A": "Alpha", "10": "Ten"}}
    rows, _, _ = one(
        mapper, properties, row(1, group="A"), row(2, group=" 10"), row(3, group="Q"), row(4), code_tables=tables
    )
    assert [(item["x"], item["y"], item["z"]) for item in rows] == [
        ("Alpha", "Alpha", ["Alpha", "?", "Ten"]),
        ("Ten", "Ten", ["Alpha", "?", "Ten"]),
        ("other", None, ["Alpha", "?", "Ten"]),
        ("none", None, ["Alpha", "?", "Ten"]),
    ]


def test_a_table_in_a_file_beside_the_mapping(mapper):
    folder = mapper.folder / "mappings"
    folder.mkdir()
    (folder / "groups.csv").write_text('code,label\n A ,Alpha\nB,"Beta, or so"\n', encoding="utf-8-sig")
    (folder / "map.yml").write_text(
        "stream_maps:\n  customers:\n    x: lookup('groups', group)\n"
        "code_tables:\n  groups: {file: groups.csv, code: code, text: label}\n"
    )
    result = mapper.run([SCHEMA, row(group="B")], mapping_file="mappings/map.yml")
    assert result.rows("customers")[0]["x"] == "Beta, or so"


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("{file: no.csv, code: a, text: b}", "no.csv cannot be read: No such file"),
        ("{file: t.csv, code: x, text: b}", "t.csv has no column 'x'; it has a, b"),
        ("{file: t.csv, text: b}", "`code` must name a column"),
        (
            "{file: t.csv, code: a, text: b, key: c}",
            "`key` is no part of a code table with `file`. There are code, file, text",
        ),
        ("{file: twice.csv, code: a, text: b}", "line 3: code '1' stands there twice"),
        ("{file: latin.csv, code: a, text: b}", "save it as CSV in UTF-8"),
        ("{udc: '01'}", "'01' names no user defined codes"),
        ("{stream: F0005, code: KY, text: DL01, where: [1]}", "`where` holds columns"),
        ("text", "a code table holds codes"),
    ],
)
def test_a_table_that_cannot_be_had_is_told_with_its_place(mapper, definition, told):
    (mapper.folder / "t.csv").write_text("a,b\n1,2\n")
    (mapper.folder / "twice.csv").write_text("a,b\n1,2\n1,3\n")
    (mapper.folder / "latin.csv").write_bytes(b"a,b\n\xe4,2\n")
    (mapper.folder / "map.yml").write_text(f"stream_maps: {{a: null}}\ncode_tables:\n  t: {definition}\n")
    result = mapper.run([SCHEMA], mapping_file="map.yml")
    assert result.code == 1
    assert result.errors[0].startswith("| ERROR | map.yml:3:")
    assert " code_tables.t" in result.errors[0]
    assert told in result.errors[0]


def test_a_table_of_user_defined_codes_comes_from_the_same_run(mapper):
    properties = {"x": {"value": "group", "lookup": "groups"}}
    rows, unmapped, result = one(
        mapper,
        properties,
        row(1, group="A"),
        UDC_SCHEMA,
        udc("A", "Alpha"),
        udc("A", "Other", kind="02"),
        row(2, group="A"),
        code_tables={"groups": {"udc": "01/01"}},
    )
    assert rows == [{"id": 2, "x": "Alpha"}]
    assert [json.loads(item["key"]) for item in unmapped] == [{"id": 1}]
    assert "no row of stream 'F0005' has come before this one, and the stream has not begun" in unmapped[0]["reason"]
    assert "select it in the tap, and let the tap send it first" in unmapped[0]["reason"]
    assert "F0005" not in result.streams


def test_a_table_whose_stream_sent_its_schema_only_says_so(mapper):
    properties = {"x": {"value": "group", "lookup": "groups"}}
    tables = {"groups": {"udc": "01/01"}}
    _, [held], _ = one(mapper, properties, UDC_SCHEMA, row(1, group="A"), code_tables=tables)
    assert "no row of stream 'F0005' has come before this one, only its SCHEMA" in held["reason"]
    assert "let the tap send its rows first, and in every run all of them (FULL_TABLE)" in held["reason"]


def test_a_table_of_any_stream(mapper):
    table = {"stream": "F0005", "where": {"SY": "01"}, "code": "KY", "text": "DL01"}
    rows, _, _ = one(
        mapper, {"x": "lookup('t', group)"}, UDC_SCHEMA, udc("B", "Beta"), row(group="B"), code_tables={"t": table}
    )
    assert rows == [{"id": 1, "x": "Beta"}]


def test_an_unknown_table_is_refused(mapper):
    _, _, result = one(mapper, {"x": "lookup('nope', group)"}, row(group="A"))
    assert result.code == 1
    assert "there is no code table 'nope'" in result.errors[0]


def test_named_expressions(mapper):
    expressions = {"lines": "(address or {}).get('lines') or []", "street": "join(', ', lines)"}
    properties = {"street": "street", "both": "[line + (street or '') for line in lines]"}
    rows, _, _ = one(mapper, properties, row(1, address={"lines": ["a", " ", "b"]}), row(2), expressions=expressions)
    assert rows == [
        {"id": 1, "street": "a, b", "both": ["aa, b", " a, b", "ba, b"]},
        {"id": 2, "street": None, "both": []},
    ]


def test_the_loop_of_an_expression_is_not_seen_by_a_named_one(mapper):
    expressions = {"named": "line"}
    rows, unmapped, result = one(mapper, {"x": "[named for line in ['a']]"}, row(), expressions=expressions)
    assert rows == []
    assert "'line' is not defined" in unmapped[0]["reason"]
    assert "expressions.named: warning: the source has no field `line`" in result.log


@pytest.mark.parametrize(
    ("expressions", "told"),
    [
        ("{a: a + 1}", "expressions.a: `a` needs itself"),
        ("{a: b, b: name}", "expressions.a: `a` uses `b`, which stands below it"),
        ("{a b: name}", "`a b` cannot be used in an expression"),
        ("{a: 5}", "an expression is text"),
        ("{a: 'x +'}", "not an expression"),
    ],
)
def test_named_expressions_that_cannot_work(mapper, expressions, told):
    (mapper.folder / "map.yml").write_text(f"stream_maps: {{a: null}}\nexpressions:\n  {expressions}\n")
    result = mapper.run([SCHEMA], mapping_file="map.yml")
    assert result.code == 1
    assert "map.yml:3:" in result.errors[0]
    assert told in result.errors[0]


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("{type: number}", "needs a `value`"),
        ("{value: 5}", "an expression is text. Write `5` in quotes"),
        ("{value: name, typ: number}", "`typ` is no part of a property. Did you mean `type`?"),
        ("{value: name, type: float}", "there is no type 'float'. Did you mean `number`?"),
        ("{value: name, type: {type: nonsense}}", "not a JSON Schema"),
        ("{value: name, otherwise: x}", "no `lookup` names one"),
        ("{value: name, lookup: [x]}", "must be the name of a code table"),
        ("{value: 'name +'}", "not an expression"),
    ],
)
def test_a_long_form_that_cannot_work(mapper, definition, told):
    (mapper.folder / "map.yml").write_text(f"stream_maps:\n  customers:\n    x: {definition}\n")
    result = mapper.run([SCHEMA], mapping_file="map.yml")
    assert result.code == 1
    assert result.errors[0].startswith("| ERROR | map.yml:3:")
    assert told in result.errors[0]


def failing(count: int, of: int) -> list[dict[str, t.Any]]:
    return [row(number, qty=None if number < count else 1) for number in range(of)]


def test_too_many_rows_that_cannot_be_mapped_stop_the_run(mapper):
    _, unmapped, result = one(mapper, {"x": "int(qty)"}, *failing(20, 100), {"type": "STATE", "value": {"done": 1}})
    assert result.code == 0
    assert len(unmapped) == 20
    rows = [*failing(0, 79), *failing(22, 22), {"type": "STATE", "value": {"done": 1}}]
    _, unmapped, result = one(mapper, {"x": "int(qty)"}, *rows)
    assert result.code == 1
    assert "21 of 100 rows meant for customers could not be mapped" in result.errors[0]
    assert "unmapped_guard_percent" in result.errors[0]
    assert result.of("STATE") == []


@pytest.mark.parametrize("last", [[{"type": "STATE", "value": {"done": 1}}], []], ids=["STATE", "end"])
def test_the_share_counts_too_when_the_last_row_is_a_good_one(mapper, last):
    _, _, result = one(mapper, {"x": "int(qty)"}, *failing(21, 100), *last)
    assert result.code == 1
    assert "21 of 100 rows" in result.errors[0]
    assert result.of("STATE") == []


def test_less_than_a_hundred_rows_say_nothing_of_the_mapping(mapper):
    _, unmapped, result = one(mapper, {"x": "int(qty)"}, *failing(99, 99), {"type": "STATE", "value": {"done": 1}})
    assert result.code == 0
    assert len(unmapped) == 99
    assert result.of("STATE")


def test_the_log_has_no_content_of_rows_but_keys(mapper):
    _, unmapped, result = one(mapper, {"x": "int(name)"}, row(7, name="Secret Ltd"))
    assert "'Secret Ltd'" in unmapped[0]["reason"]
    assert '{"id":7} x: ValueError' in result.log
    assert "Secret" not in result.log


@pytest.mark.parametrize(("percent", "code"), [(0, 0), (50, 0), (10, 1)])
def test_the_share_is_settable(mapper, percent, code):
    rows = [*failing(0, 60), *failing(40, 40)]
    _, _, result = one(mapper, {"x": "int(qty)"}, *rows, unmapped_guard_percent=percent)
    assert result.code == code
