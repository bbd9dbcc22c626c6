from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.jde.dictionary import DictionaryError, parse_tables, tables
from service_emulators.jde.values import scaled_down, to_plain, to_stored


def test_the_tables_the_pipelines_read_are_known():
    assert {"F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401", "F0005", "F0006", "F0010", "F0014"} <= set(
        tables()
    )
    assert len(tables()) == 23
    book = tables()["F0101"]
    assert (book.key, book.time, book.columns["AN8"].name) == (("AN8",), "UPMT", "ABAN8")
    assert book.columns["AC30"].title == "Category Code 30"
    assert tables()["F4101"].time == "TDAY"


def test_a_table_is_a_few_lines():
    (table,) = parse_tables("[F55X] QX My Table\nkey AN8\ntime TDAY\nAN8 N8 Number\nQ1..Q3 N15,4 Q {n}\naudit", "x.txt")
    assert list(table.columns) == ["AN8", "Q1", "Q2", "Q3", "USER", "PID", "JOBN", "UPMJ", "TDAY"]
    assert table.columns["Q2"].decimals == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AN8 N8 Number", "expected a table"),
        ("[F55X] QX T\nkey AN8\nAN8 X8 Number\naudit", "line 3: expected 'ALIAS TYPE Title'"),
        ("[F55X] QX T\nkey AN8\naudit", "lacks the key or audit columns .*AN8"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(DictionaryError, match=message):
        list(parse_tables(text, "x.txt"))


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_amounts_are_scaled_integers(amount):
    column = tables()["F0401"].columns["AYPD"]
    stored = to_stored(column, str(amount))
    assert stored == int(amount * 100)
    assert Decimal(str(scaled_down(stored, 2))) == amount


def test_values_that_do_not_fit_are_named():
    columns = tables()["F0101"].columns
    for alias, value, message in [
        ("AN8", "12.5", "AN8: '12.5' has more than 0 decimals"),
        ("AN8", 123456789, "more than 8 digits"),
        ("AN8", "x", "no number"),
        ("AT1", "LONG", "longer than 3"),
        ("UPMJ", "06/30/2025", "no date"),
        ("UPMJ", "2025-02-30", "UPMJ: day"),
        ("UPMT", "25:00:00", "no time of day"),
        ("ALPH", 5, "no text"),
    ]:
        with pytest.raises(ValueError, match=message):
            to_stored(columns[alias], value)


def test_values_as_people_read_them():
    columns = tables()["F0101"].columns
    assert to_stored(columns["MCU"], "M30") == "         M30"
    assert to_stored(columns["UPMT"], "09:30:05") == 93005
    assert to_stored(columns["AT2"], "") == " "
    assert to_plain(columns["UPMJ"], 125181) == "2025-06-30"
    assert to_plain(columns["UPMJ"], 0) is None
    assert to_plain(columns["ALPH"], "Smith   ") == "Smith"
