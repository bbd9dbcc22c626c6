"""Whatever the analysis finds nothing wrong with can be evaluated, and gives what the analysis says."""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import typing as t

import jsonschema
import pytest
import simpleeval
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.mapper import CustomStreamMap
from sync_mapper.analysis import Scope, analyse, library

PROPERTIES = {
    "id": {"type": "integer"},
    "name": {"type": ["string", "null"]},
    "qty": {"type": ["integer", "null"]},
    "price": {"type": ["number", "null"]},
    "day": {"type": ["string", "null"], "format": "date"},
    "vip": {"type": ["boolean", "null"]},
    "word": {"type": "string"},
    "address": {
        "type": ["object", "null"],
        "properties": {
            "city": {"type": ["string", "null"]},
            "lines": {"type": ["array", "null"], "items": {"type": "string"}},
        },
    },
    "tags": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "phones": {
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "properties": {"number": {"type": ["string", "null"]}, "line": {"type": "integer"}},
        },
    },
}
CONFIG = {"labels": {"a": "A", "b": 2}, "closed": ["a", "b"]}
TEXT = st.sampled_from(["", " ", "a", "b", "1", "Köln"])
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 5),
        "name": st.none() | TEXT,
        "qty": st.none() | st.integers(-2, 2),
        "price": st.none() | st.integers(0, 3) | st.sampled_from([decimal.Decimal("1.5"), decimal.Decimal("0.1")]),
        "day": st.none() | st.sampled_from(["2026-01-02", "2026-11-30"]),
        "vip": st.none() | st.booleans(),
        "word": TEXT,
        "address": st.none() | st.fixed_dictionaries({"city": st.none() | TEXT, "lines": st.none() | st.lists(TEXT)}),
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=2),
        "phones": st.none()
        | st.lists(st.fixed_dictionaries({"number": st.none() | TEXT, "line": st.integers(1, 3)}), max_size=2),
    }
)
ATOMS = [
    *("id", "name", "qty", "price", "day", "vip", "word", "address", "tags", "phones", "None", "0", "1", "''", "'a'"),
    *("[]", "{}", "self", "record['name']", "record.get('qty')", "address['city']", "address['lines']", "True"),
    *("phones[0]['number']", "tags[0]", "config['closed']", "config['labels']", "2.5", "_['word']", "[1, None][1]"),
    *("datetime.date.fromisoformat(day)", "datetime.date(2026, 1, 2)", "street", "city"),
]
EXPRESSIONS = {"city": "(address or {}).get('city')", "street": "address['lines'][0]"}
FORMS = [
    *("{0} if {1} else {2}", "{0} if {1} is not None else {2}", "{0} if not {1} else {2}", "{0} or {1}", "{0} and {1}"),
    *("({0} + {1})", "({0} * {1})", "({0} - {1})", "({0} / 2)", "-{0}", "str({0})", "f'{{{0}}}!'", "bool({0})"),
    *("{0}.upper()", "{0}[0]", "{0}[:2]", "[{0}]", "{{'k': {0}}}", "{{'k': {0}}}['k']", "{0}.get('city')"),
    *("[x for x in {0}]", "[x for x in {0} or []]", "[x for x in {0} or [] if x]", "', '.join({0})"),
    *("', '.join([x for x in {0} or [] if x])", "[x['number'] for x in {0} or []]", "{0} in {1}", "{0} == {1}"),
    *("{0} < {1}", "{0} is None", "not {0}", "config['labels'].get({0}, {1})", "{0}['city']", "{0}.city"),
    *("[{0}, {1}][1]", "([x for x in {0} or []] + [{1}])[0]", "({0} or {{}}).get('city')", "list({0})"),
    *(
        "{{**({0} or {{}}), 'k': {1}}}",
        "[*{0}]",
        "md5({0})",
        "json.dumps({0})",
        "{0}.isoformat()",
        "{0}.strip() or {1}",
    ),
    *(
        "({0} or '').split('a')[0]",
        "[{0} for y in {1} or []]",
        "{0} if {1} == {2} else {1}",
        "{0} != None and {0} > {1}",
    ),
]


def combine(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    wrapped = parts.map(lambda text: f"({text})")
    return st.builds(lambda form, *texts: form.format(*texts), st.sampled_from(FORMS), wrapped, wrapped, wrapped)


expressions = st.recursive(st.sampled_from(ATOMS), combine, max_leaves=8)

# What a row of these types may do that types do not tell: digits in text, division by zero, keys that differ by row.
UNTOLD = (ZeroDivisionError, OverflowError)


class NoFaker(CustomStreamMap):
    def _init_faker_instance(self) -> None:
        return


def engine() -> t.Any:
    return NoFaker("", {}, {}, {"properties": {}}, [], {}, None).expr_evaluator


ENGINE = engine()


def evaluate(expression: str, row: dict[str, t.Any]) -> t.Any:
    names = {**row, "record": row, "_": row, "config": CONFIG, "self": row["name"]}
    for name, text in EXPRESSIONS.items():
        try:
            ENGINE.names = names
            names = {**names, name: ENGINE.eval(text)}
        except Exception:  # noqa: BLE001 - then its name is used by nothing that may be evaluated
            continue
    ENGINE.names = names
    return ENGINE.eval(expression)


def lets_through(condition: str, row: dict[str, t.Any]) -> bool:
    """Return whether a filter is true for a row; one that fails keeps the row back as well."""
    try:
        return bool(evaluate(condition, {**row, "self": None}))
    except Exception:  # noqa: BLE001 - whatever it is, the row goes no further
        return False


def as_json(value: t.Any) -> t.Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return float(value) if isinstance(value, decimal.Decimal) else value


@settings(max_examples=250, deadline=None)
@given(expressions, st.none() | expressions, st.lists(ROWS, min_size=1, max_size=4))
def test_what_has_no_problem_works_for_every_row_that_the_filter_lets_through(expression, condition, rows):
    scope = Scope(PROPERTIES, CONFIG, EXPRESSIONS, own=PROPERTIES["name"], condition=condition)
    analysis = analyse(expression, scope)
    wrong = [*analysis.problems, *(problem for found in analysis.inside.values() for problem in found)]
    if [problem for problem in wrong if problem.code != "untyped"]:
        return
    for row in rows:
        if condition is not None and not lets_through(condition, row):
            continue
        try:
            value = as_json(evaluate(expression, row))
        except UNTOLD:
            continue
        assert value is not None or analysis.nullable or analysis.shape.kinds is None, (expression, row)
        if analysis.schema is not None:
            jsonschema.validate(value, analysis.schema)


def test_it_knows_the_functions_parts_and_operators_of_the_engine():
    modules = {"datetime", "json"}
    assert set(library.FUNCTIONS) | modules == set(ENGINE.functions)
    deprecated = {"Index", "NameConstant", "Num", "Str"}
    evaluated = {node for node in ENGINE.nodes if issubclass(node, ast.expr) and node.__name__ not in deprecated}
    assert set(library.NODES) == evaluated | {ast.Starred}
    binary = {node for node in ENGINE.operators if issubclass(node, (ast.operator, ast.unaryop))}
    assert set(library.OPERATORS) == binary
    assert set(simpleeval.DISALLOW_METHODS) == library.HIDDEN_METHODS


@pytest.mark.parametrize("kind", ["string", "bytes", "array", "object", "integer", "float", "date", "datetime", "time"])
def test_the_methods_it_knows_exist(kind):
    value = {
        "string": "",
        "bytes": b"",
        "array": [],
        "object": {},
        "integer": 1,
        "float": 1.0,
        "date": dt.date.min,
        "datetime": dt.datetime.min,
        "time": dt.time.min,
    }[kind]
    names = {*library.METHODS[kind], *library.ATTRIBUTES.get(kind, ())}
    assert names <= set(dir(value))
    if kind in {"string", "date", "datetime"}:
        hidden = library.HIDDEN_METHODS | {"fold", "dst", "utctimetuple", "min", "max", "resolution"}
        constructors = {
            "combine",
            "fromtimestamp",
            "fromisocalendar",
            "fromisoformat",
            "fromordinal",
            "now",
            "strptime",
        }
        constructors |= {"today", "utcfromtimestamp", "utcnow"}
        public = {name for name in dir(value) if not name.startswith("_")}
        assert public - hidden - constructors == names
