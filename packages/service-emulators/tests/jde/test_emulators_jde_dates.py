from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from service_emulators.jde.dates import (
    DateLiteralError,
    add_months,
    format_date,
    from_julian,
    misread_date,
    parse_date,
    to_julian,
)

PATTERNS = ["MM/dd/yyyy", "dd/MM/yyyy", "yyyy/MM/dd", "dd.MM.yyyy", "dd/MM/yy", "MM-dd-yy", "yyyy-MM-dd"]
DAYS = st.dates(date(1900, 1, 1), date(2899, 12, 31))
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("julian", "day"),
    [(125181, date(2025, 6, 30)), (99365, date(1999, 12, 31)), (100060, date(2000, 2, 29)), (1, date(1900, 1, 1))],
)
def test_cyyddd_of_known_days(julian, day):
    assert to_julian(day) == julian
    assert from_julian(julian) == day


@given(DAYS)
def test_cyyddd_there_and_back(day):
    assert from_julian(to_julian(day)) == day


@given(DAYS, DAYS)
def test_cyyddd_sorts_like_days(first, second):
    assert (to_julian(first) < to_julian(second)) == (first < second)


@pytest.mark.parametrize("blank", [0, None])
def test_blank_dates(blank):
    assert from_julian(blank) is None


@pytest.mark.parametrize("wrong", [125000, 125366, -5, 1_000_001, 125])
def test_numbers_that_are_no_dates(wrong):
    if wrong == 125:
        assert from_julian(wrong) == date(1900, 5, 5)
        return
    with pytest.raises(ValueError, match="no CYYDDD date"):
        from_julian(wrong)


@given(st.dates(TODAY - timedelta(days=79 * 365), TODAY + timedelta(days=19 * 365)), st.sampled_from(PATTERNS))
def test_literals_there_and_back(day, pattern):
    assert parse_date(format_date(day, pattern), pattern, TODAY) == day


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.sampled_from(PATTERNS), st.sampled_from(PATTERNS))
def test_other_formats_are_refused_or_another_day(day, written, expected):
    text = format_date(day, written)
    assume(written != expected)
    try:
        read = parse_date(text, expected, TODAY)
    except DateLiteralError:
        return
    assert format_date(read, expected) == text


@pytest.mark.parametrize(
    "text", ["6/30/2025", "2025-06-30", "20250630", "125181", "13/01/2025", "02/30/2025", "06/30/25 "]
)
def test_only_the_users_format_is_read(text):
    with pytest.raises(DateLiteralError, match="Unparseable date"):
        parse_date(text, "MM/dd/yyyy", TODAY)


def test_two_digit_years_lie_near_today():
    assert parse_date("01/01/46", "MM/dd/yy", TODAY).year == 2046
    assert parse_date("01/01/47", "MM/dd/yy", TODAY).year == 1947


def test_misreading_rolls_over_without_complaint():
    assert misread_date("30/06/2025", "MM/dd/yyyy", TODAY) == date(2027, 6, 6)
    assert misread_date("06/30/2025", "MM/dd/yyyy", TODAY) == date(2025, 6, 30)


def test_months_end_where_the_month_ends():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 3, 31), -13) == date(2025, 2, 28)
