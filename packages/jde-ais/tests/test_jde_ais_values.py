from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jde_ais import (
    AisConfigError,
    blank_to_none,
    format_date,
    iso_date,
    pad_business_unit,
    parse_date,
    parse_time,
    time_to_int,
    to_typed,
    trim,
)
from jde_ais.values import literal
from service_emulators.jde import dates as emulator_dates

FOUR_DIGITS = [
    order.replace("/", separator)
    for order in ("MM/dd/yyyy", "dd/MM/yyyy", "yyyy/MM/dd")
    for separator in ("/", "-", ".", " ", "")
]
TWO_DIGITS = [pattern.replace("yyyy", "yy") for pattern in FOUR_DIGITS]


@given(st.dates())
def test_a_date_of_a_response_is_read_back_as_it_was_written(day):
    wire = f"{day.year:04}{day.month:02}{day.day:02}"
    assert parse_date(wire) == day
    assert iso_date(wire) == day.isoformat()


@pytest.mark.parametrize("blank", [None, "", " ", "        ", "\x00"])
def test_an_empty_date_is_none(blank):
    assert parse_date(blank) is None
    assert iso_date(blank) is None


@pytest.mark.parametrize(
    "text",
    ["2025-06-30", "125181", "20251301", "20250230", "06/30/2025", "0", 20250630, 0, "\uff12" * 8, "+2025063"],
)
def test_anything_else_is_no_date(text):
    with pytest.raises(ValueError, match="expected a date as 'YYYYMMDD'"):
        parse_date(text)


@given(st.dates(), st.sampled_from(FOUR_DIGITS))
def test_a_literal_names_the_same_day_in_the_users_format(day, pattern):
    java = {"yyyy": f"{day.year:04}", "MM": f"{day.month:02}", "dd": f"{day.day:02}"}
    expected = pattern
    for part, digits in java.items():
        expected = expected.replace(part, digits)
    assert format_date(day, pattern) == expected


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2039, 12, 31)), st.sampled_from(TWO_DIGITS))
def test_two_digits_of_the_year_are_enough_within_the_window(day, pattern):
    separators = {c for c in pattern if not c.isalpha()}
    if separators:
        assert emulator_dates.parse_date(format_date(day, pattern), pattern, date(2026, 11, 21)) == day
    assert len(format_date(day, pattern)) == len(pattern)


@pytest.mark.parametrize("day", [date(1969, 12, 31), date(2040, 1, 1), date(2099, 12, 31)])
def test_two_digits_of_the_year_outside_the_window_are_refused(day):
    with pytest.raises(AisConfigError, match="two digits for the year"):
        format_date(day, "dd/MM/yy")


@pytest.mark.parametrize(
    "pattern",
    ["", "MDE", "M/d/yyyy", "dd MMM yyyy", "MM/dd-yyyy", "yyyy/dd/MM", "MM/MM/yyyy", "dd/MM/yyyy HH", "DD/MM/YYYY"],
)
def test_an_unknown_date_format_is_refused_with_the_remedy(pattern):
    with pytest.raises(AisConfigError, match="user's profile"):
        format_date(date(2025, 6, 30), pattern)


@given(st.times())
def test_times_survive_the_way_there_and_back(moment):
    text = moment.strftime("%H:%M:%S")
    assert parse_time(time_to_int(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(93005, "09:30:05"), (0, "00:00:00"), (Decimal(5), "00:00:05"), ("235959", "23:59:59"), (None, None), (" ", None)],
)
def test_times_of_the_wire(value, text):
    assert parse_time(value) == text


@pytest.mark.parametrize("value", [240000, 236000, 99, -1, "9:30", 1000000])
def test_what_is_no_time_of_day_is_refused(value):
    with pytest.raises(ValueError, match="HHMMSS"):
        parse_time(value)


def test_padding_and_blanks():
    assert trim("  M30  ") == "  M30"
    assert blank_to_none("  ") is None
    assert blank_to_none("Y ") == "Y"
    assert blank_to_none(None) is None
    assert pad_business_unit("M30") == "         M30"
    assert pad_business_unit("         M30") == "         M30"
    assert pad_business_unit("A", 10) == "         A"
    assert pad_business_unit("   ") == ""


@pytest.mark.parametrize("value", [1.5, True, None, datetime(2025, 6, 30), Decimal("NaN"), b"x"])
def test_values_that_would_lose_something_are_no_literals(value):
    with pytest.raises(TypeError):
        literal(value, "MM/dd/yyyy")


def test_numbers_are_written_plainly():
    assert literal(Decimal("1E+3"), "") == "1000"
    assert literal(Decimal("0.1"), "") == "0.1"
    assert literal(-7, "") == "-7"


def test_a_page_is_converted_by_kind():
    rows = [
        {"AN8": 1, "UPMJ": "20250630", "UPMT": 93005, "ALPH": "Ann  ", "HOLD": " ", "ACL": Decimal("0.1"), "X": "  "},
        {"AN8": "2", "UPMJ": " ", "UPMT": None, "ALPH": None, "HOLD": "Q", "ACL": "12.50"},
    ]
    kinds = {"AN8": "number", "UPMJ": "date", "UPMT": "time", "ALPH": "string", "HOLD": "character", "ACL": "number"}
    assert to_typed(rows, kinds) == [
        {
            "AN8": 1,
            "UPMJ": "2025-06-30",
            "UPMT": "09:30:05",
            "ALPH": "Ann",
            "HOLD": None,
            "ACL": Decimal("0.1"),
            "X": "  ",
        },
        {"AN8": 2, "UPMJ": None, "UPMT": None, "ALPH": None, "HOLD": "Q", "ACL": Decimal("12.50")},
    ]


def test_a_value_of_another_kind_names_its_column():
    with pytest.raises(ValueError, match="column UPMJ: expected a date"):
        to_typed([{"UPMJ": "06/30/2025"}], {"UPMJ": "date"})
    with pytest.raises(ValueError, match="column ACL: expected a number"):
        to_typed([{"ACL": "much"}], {"ACL": "number"})
