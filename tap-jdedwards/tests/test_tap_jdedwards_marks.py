from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_jdedwards.bookmark import TableBookmark
from tap_jdedwards.marks import (
    MarkError,
    Since,
    as_stamp,
    capped,
    latest,
    mark_from_json,
    mark_of,
    mark_to_json,
    parse_mark,
    time_of_day,
)

days = st.dates(date(2019, 1, 1), date(2027, 1, 1))
stamps = st.one_of(st.none(), st.just(0), st.integers(0, 245_959))
moments = st.datetimes(datetime(2019, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


@given(moments)
def test_a_mark_survives_the_state_file(mark):
    assert mark_from_json(mark_to_json(mark)) == mark
    assert time_of_day(as_stamp(mark)) == mark.time()


@given(days, stamps)
def test_every_row_with_a_date_has_a_mark_on_that_day(day, stamp):
    assert mark_of(day, stamp).date() == day


def test_a_time_that_is_none_counts_as_the_end_of_the_day():
    assert time_of_day(246_060) == time(23, 59, 59)
    assert time_of_day(None) == time_of_day(0) == time(0, 0)


@given(moments, days, stamps, st.integers(0, 2000))
def test_whatever_is_stamped_within_the_overlap_or_later_is_due(mark, day, stamp, overlap):
    since = Since.after(mark, overlap=timedelta(minutes=overlap))
    if mark_of(day, stamp) >= mark - timedelta(minutes=overlap):
        assert since.is_due(day, stamp)
    if day == since.day and not stamp:
        assert since.is_due(day, stamp), "a row without a time may have been written at any time of its day"
    if day < since.day:
        assert not since.is_due(day, stamp)


def test_the_overlap_reaches_over_midnight():
    since = Since.after(datetime(2026, 11, 20, 0, 20), overlap=timedelta(minutes=60))
    assert (since.day, since.stamp) == (date(2026, 11, 19), 232_000)
    assert since.is_due(date(2026, 11, 19), 233_000)
    assert not since.is_due(date(2026, 11, 19), 231_959)


def test_rows_without_a_date_are_never_due():
    assert not Since(datetime(1, 1, 1)).is_due(None, 0)


def test_start_date_is_a_floor():
    since = Since.after(datetime(2020, 1, 1), overlap=timedelta(), not_before=date(2024, 5, 1))
    assert since.moment == datetime(2024, 5, 1)


def test_the_overlap_stops_at_the_beginning_of_time():
    assert Since.after(datetime.min, overlap=timedelta(days=1)).moment == datetime.min


@given(st.lists(st.tuples(moments, moments)))
def test_a_bookmark_never_goes_back_and_never_passes_the_clock(steps):
    bookmark = TableBookmark()
    for seen, clock in steps:
        moved = bookmark.advanced(capped(seen, clock))
        assert bookmark.mark is None or moved.mark >= bookmark.mark
        assert moved.mark == bookmark.mark or moved.mark <= clock
        bookmark = moved


def test_without_a_servers_clock_no_mark_is_later_than_it_is_anywhere():
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    assert capped(now - timedelta(hours=13), None) == now - timedelta(hours=13)
    assert now - timedelta(hours=12, seconds=1) <= capped(datetime(2100, 1, 1), None) <= now - timedelta(hours=11)
    assert capped(None, None) is None
    assert latest(None, None) is None


def test_a_mark_a_little_ahead_of_the_clock_is_left_by_five_minutes_before_it():
    clock = datetime(2026, 11, 20, 12)
    for ahead, expected in ((0, clock), (1, clock - timedelta(minutes=5)), (240, clock - timedelta(minutes=5))):
        mark = clock + timedelta(seconds=ahead)
        assert Since.after(mark, overlap=timedelta(), clock=clock).moment == expected
    assert Since.after(clock, overlap=timedelta(hours=1), clock=clock).moment == clock - timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "at", "mark"),
    [
        ("2026-11-20", "09:30:05", datetime(2026, 11, 20, 9, 30, 5)),
        ("2026-11-20", None, datetime(2026, 11, 20)),
        ("2026-11-20T10:00:00Z", None, datetime(2026, 11, 20, 10)),
        (None, "09:30:05", None),
    ],
)
def test_marks_as_people_write_them(day, at, mark):
    assert parse_mark(day, at) == mark


@pytest.mark.parametrize(("day", "at"), [("20.11.2026", None), ("2026-11-20", "9 o'clock"), ("2026-11-2x", None)])
def test_malformed_marks_are_told(day, at):
    with pytest.raises(MarkError, match="no date like 2026-11-20"):
        parse_mark(day, at)
