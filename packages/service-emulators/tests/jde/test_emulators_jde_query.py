"""Queries against a truth computed in Python."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.jde.conditions import Target, compile_query
from service_emulators.jde.dates import from_julian, to_julian
from service_emulators.jde.requests import Query
from service_emulators.jde.store import Store
from service_emulators.jde.switches import Switches

TODAY = date(2026, 11, 20)
NAMES = ["", "Smith", "smith", "O'Brien", "Müller ", "Smithson", None, "100% LLC", "A_B", " x"]
DATES = [0, None, *(to_julian(TODAY + timedelta(days=one)) for one in (-400, -31, -1, 0, 1))]
UNITS = ["", "M30", "30", "M301"]
ROWS = [
    {"AN8": number, "ALPH": NAMES[number % len(NAMES)], "EFTB": DATES[number % len(DATES)], "MCU": UNITS[number % 4]}
    for number in range(1, 71)
]


@pytest.fixture(scope="module")
def target():
    store = Store()
    rows = [(one["AN8"], one["ALPH"], one["EFTB"], one["MCU"] and one["MCU"].rjust(12)) for one in ROWS]
    with store.loading() as connection:
        store.load(connection, "F0101", ["AN8", "ALPH", "EFTB", "MCU"], rows)
    yield Target(*store.source("F0101", "table"), Switches(), TODAY, "TAPUSER"), store.engine
    store.close()


def found(target, query):
    what, engine = target
    clause = compile_query(msgspec.convert(query, Query), what)
    bounds = [what.sql.c[name] >= value for name, value in clause.low.items()]
    bounds += [what.sql.c[name] <= value for name, value in clause.high.items()]
    with engine.connect() as connection:
        plain = connection.execute(sa.select(what.sql.c.ABAN8).where(clause.expression)).scalars().all()
        bounded = connection.execute(sa.select(what.sql.c.ABAN8).where(clause.expression, *bounds)).scalars().all()
    assert sorted(plain) == sorted(bounded), "the implied bounds are no restriction"
    return set(plain)


def literal(value):
    return {"content": value, "specialValueId": "LITERAL"}


NUMBERS = st.integers(0, 75)
COMPARE = {
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
}


def number_conditions():
    def build(operator, numbers):
        if operator == "BETWEEN":
            values = sorted(numbers[:2])
            truth = lambda row: values[0] <= row["AN8"] <= values[1]  # noqa: E731
        elif operator == "LIST":
            values = numbers
            truth = lambda row: row["AN8"] in numbers  # noqa: E731
        else:
            values = numbers[:1]
            truth = lambda row: COMPARE[operator](row["AN8"], numbers[0])  # noqa: E731
        return {"controlId": "F0101.AN8", "operator": operator, "value": [literal(str(one)) for one in values]}, truth

    return st.builds(build, st.sampled_from([*COMPARE, "BETWEEN", "LIST"]), st.lists(NUMBERS, min_size=2, max_size=5))


def date_conditions():
    def build(operator, shift):
        day = to_julian(TODAY + timedelta(days=shift))

        def truth(row):
            return row["EFTB"] is not None and COMPARE[operator](row["EFTB"], day)

        text = from_julian(day).strftime("%m/%d/%Y")
        return {"controlId": "EFTB", "operator": operator, "value": [literal(text)]}, truth

    return st.builds(build, st.sampled_from(list(COMPARE)), st.sampled_from([-400, -31, -1, 0, 1]))


def text_conditions():
    def build(operator, text):
        def truth(row):
            name = row["ALPH"]
            if operator == "STR_BLANK":
                return not (name or "").strip(" ")
            if operator == "STR_NOT_BLANK":
                return bool((name or "").strip(" "))
            if not text.strip(" ") and operator in {"EQUAL", "NOT_EQUAL"}:
                return (not (name or "").strip(" ")) == (operator == "EQUAL")
            if name is None:
                return False
            name = name.rstrip(" ")
            if operator == "STR_START_WITH":
                return name.startswith(text)
            if operator == "STR_END_WITH":
                return name.endswith(text)
            if operator == "STR_CONTAIN":
                return text in name
            return COMPARE[operator](name.encode(), text.rstrip(" ").encode())

        values = [] if "BLANK" in operator else [literal(text)]
        return {"controlId": "F0101.ALPH", "operator": operator, "value": values}, truth

    operators = [*COMPARE, "STR_START_WITH", "STR_END_WITH", "STR_CONTAIN", "STR_BLANK", "STR_NOT_BLANK"]
    texts = st.sampled_from(["", " ", "Smith", "smith", "Sm", "ith", "O'B", "ü", "%", "_", "Müller", "Müller  "])
    return st.builds(build, st.sampled_from(operators), texts)


def queries():
    conditions = st.one_of(number_conditions(), date_conditions(), text_conditions())

    def build(match, parts, nested):
        query = {
            "matchType": match,
            "condition": [part for part, _ in parts],
            "complexQuery": [{"andOr": how, "query": inner} for how, (inner, _) in nested],
        }

        def truth(row):
            results = [one(row) for _, one in parts]
            value = (all if match == "MATCH_ALL" else any)(results) if results else None
            for how, (_, inner) in nested:
                other = inner(row)
                joined = (value and other) if how == "AND" else (value or other)
                value = other if value is None else joined
            return True if value is None else value

        return query, truth

    def level(inner):
        return st.builds(
            build,
            st.sampled_from(["MATCH_ALL", "MATCH_ANY"]),
            st.lists(conditions, max_size=3),
            st.lists(st.tuples(st.sampled_from(["AND", "OR"]), inner), max_size=2),
        )

    leaf = st.builds(build, st.sampled_from(["MATCH_ALL", "MATCH_ANY"]), st.lists(conditions, min_size=1), st.just([]))
    return st.recursive(leaf, level, max_leaves=6)


@given(queries())
def test_queries_find_what_python_finds(target, case):
    query, truth = case
    assert found(target, query) == {row["AN8"] for row in ROWS if truth(row)}


@pytest.mark.parametrize("text", ["M30", "         M30", " M30 "])
def test_business_units_match_with_or_without_padding(target, text):
    query = {"condition": [{"controlId": "MCU", "operator": "EQUAL", "value": [literal(text)]}]}
    assert found(target, query) == {row["AN8"] for row in ROWS if row["MCU"] == "M30"}
    query["condition"][0]["operator"] = "STR_START_WITH"
    assert found(target, query) == {row["AN8"] for row in ROWS if row["MCU"] in {"M30", "M301"}}


@pytest.mark.parametrize(
    ("special", "content", "shift"),
    [
        ("TODAY", "", 0),
        ("TODAY_PLUS_DAY", "1", 1),
        ("TODAY_MINUS_DAY", "1", -1),
        ("TODAY_MINUS_MONTH", "1", -31),
        ("TODAY_PLUS_MONTH", "0", 0),
        ("TODAY_MINUS_YEAR", "0", 0),
        ("TODAY_PLUS_YEAR", "0", 0),
    ],
)
def test_days_relative_to_the_servers_today(target, special, content, shift):
    value = {"content": content, "specialValueId": special}
    query = {"condition": [{"controlId": "EFTB", "operator": "EQUAL", "value": [value]}]}
    assert found(target, query) == {
        row["AN8"] for row in ROWS if row["EFTB"] == to_julian(TODAY + timedelta(days=shift))
    }


@pytest.mark.parametrize(("operator", "blank"), [("EQUAL", True), ("NOT_EQUAL", False)])
def test_blank_dates_are_found_by_an_empty_literal(target, operator, blank):
    query = {"condition": [{"controlId": "EFTB", "operator": operator, "value": [literal("")]}]}
    assert found(target, query) == {row["AN8"] for row in ROWS if (not row["EFTB"]) == blank}
