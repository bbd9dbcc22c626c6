from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from alert_rules.durations import duration, shown
from alert_rules.errors import BadRowError, BadValueError
from alert_rules.intervals import DigestTimes, days, interval, minutes
from alert_rules.matchers import fits_all, matcher
from alert_rules.model import TimeInterval
from alert_rules.phones import e164, mail
from alert_rules.segments import LONGEST, cut, fits, plain, size
from hypothesis import example, given, settings
from hypothesis import strategies as st

UTC = timezone.utc

# -- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("0", 0), ("0m", 0), (" 5m ", 300)],
)
def test_durations(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "1.5h", "-1h", "1m1h", "1 h", "99999999w", "1h30", "1H"])
def test_what_is_no_duration(text):
    with pytest.raises(BadValueError):
        duration(text)


@given(st.integers(min_value=1, max_value=300_000_000))
def test_a_duration_is_read_as_it_is_shown(seconds):
    assert duration(shown(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


# -- matchers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ('severity="critical"', {"severity": "critical"}, True),
        ("severity=critical", {"severity": "critical"}, True),
        ('severity!="critical"', {"severity": "critical"}, False),
        ('severity!="critical"', {}, True),
        ('severity=""', {}, True),
        ('team=~"sales|finance"', {"team": "finance"}, True),
        ('team=~"sales|finance"', {"team": "finances"}, False),
        ('team!~"test.*"', {"team": "testing"}, False),
        (' team = "a b" ', {"team": "a b"}, True),
        (r'team="a\"b"', {"team": 'a"b'}, True),
        (r'number=~"\d{3}"', {"number": "123"}, True),
    ],
)
def test_matchers(text, labels, fits):
    assert matcher(text).fits(labels) is fits


@pytest.mark.parametrize(
    "text", ["", "severity", "=x", 'a="b', '1a="b"', 'a=~"("', 'a=~"(a+)+"', 'a="b" c="d"', "a=b,c=d"]
)
def test_what_is_no_matcher(text):
    with pytest.raises(BadValueError):
        matcher(text)


@given(st.text(max_size=20), st.sampled_from(["=", "!="]))
def test_a_matcher_is_read_as_it_is_shown(value, operator):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    read = matcher(f'a{operator}"{quoted}"')
    assert read.value == value
    assert matcher(str(read)) == read
    assert read.fits({"a": value}) is (operator == "=")
    assert fits_all([read, read], {"a": value}) is read.fits({"a": value})


# -- intervals -------------------------------------------------------------------------------------------------------

BERLIN = "Europe/Berlin"
times = st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda pair: pair[0] != pair[1])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC, second=0))
intervals = st.builds(
    TimeInterval,
    name=st.just("n"),
    times=st.lists(times.map(lambda pair: f"{_clock(pair[0])}-{_clock(pair[1])}"), max_size=2),
    weekdays=st.lists(st.sampled_from(["monday", "tue", "sat:mon", "wed-fri"]), max_size=2),
    days_of_month=st.lists(st.sampled_from(["1", "1:7", "-1", "-3:-1", "28:31"]), max_size=1),
    months=st.lists(st.sampled_from(["march", "10", "1:3", "oct:dec"]), max_size=1),
    location=st.sampled_from([BERLIN, "America/New_York", "UTC", "Australia/Lord_Howe"]),
)


def _clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


def plainly(given, moment):
    """Whether a moment lies in some times, told without the code under test."""
    local = moment.astimezone(ZoneInfo(given.location))
    for begin, end in [map(minutes, one.split("-")) for one in given.times] or [(0, 1440)]:
        minute = local.hour * 60 + local.minute
        day = local.date()
        if begin < end:
            inside = begin <= minute < end
        else:
            inside = minute >= begin or minute < end
            if minute < end:
                day -= timedelta(days=1)
        last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        ranges = [[int(end) for end in one.split(":")] for one in given.days_of_month]
        of_month = not ranges or any(
            (ends[0] if ends[0] > 0 else last.day + 1 + ends[0])
            <= day.day
            <= (ends[-1] if ends[-1] > 0 else last.day + 1 + ends[-1])
            for ends in ranges
        )
        months = {"march": {3}, "10": {10}, "1:3": {1, 2, 3}, "oct:dec": {10, 11, 12}}
        of_year = not given.months or day.month in months[given.months[0]]
        weekdays = {"monday": {0}, "tue": {1}, "sat:mon": {5, 6, 0}, "wed-fri": {2, 3, 4}}
        of_week = not given.weekdays or any(day.weekday() in weekdays[one] for one in given.weekdays)
        if inside and of_month and of_year and of_week:
            return True
    return False


@given(intervals, moments)
@example(
    TimeInterval(name="n", times=["22:00-06:00"], weekdays=["sat:mon"], location=BERLIN),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
)
def test_times_are_those_of_the_wall_clock(given_times, moment):
    assert interval(given_times, "UTC").contains(moment) is plainly(given_times, moment)


@settings(deadline=None, max_examples=40)
@given(intervals, moments)
def test_the_end_is_the_first_minute_outside(given_times, moment):
    read = interval(given_times, "UTC")
    end = read.ends_after(moment)
    if end is None:
        assert read.contains(moment)
        return
    assert not read.contains(end)
    step = timedelta(minutes=max(1, int((end - moment).total_seconds()) // 60 // 500))
    at = moment
    while at < end:
        assert read.contains(at)
        at += step
    if end > moment:
        assert read.contains(end - timedelta(minutes=1))


@settings(deadline=None, max_examples=40)
@given(intervals, moments)
def test_the_beginning_is_the_first_minute_inside(given_times, moment):
    read = interval(given_times, "UTC")
    begin = read.begins_after(moment)
    if begin is None:
        return
    assert read.contains(begin)
    if begin > moment:
        assert not read.contains(begin - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        # The night of the change to daylight-saving time has seven hours of quiet, that of the change back nine.
        (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 21, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 21, 0, tzinfo=UTC), datetime(2026, 7, 2, 5, 0, tzinfo=UTC)),
    ],
)
def test_quiet_hours_end_when_the_clock_shows_their_end(moment, end):
    read = interval(TimeInterval(name="night", times=["23:00-07:00"], location=BERLIN), "UTC")
    assert read.contains(moment)
    assert read.ends_after(moment) == end


@pytest.mark.parametrize(
    "bad",
    [
        {"times": ["25:00-26:00"]},
        {"times": ["08:00"]},
        {"times": ["08:00-08:00"]},
        {"times": ["8-9"]},
        {"weekdays": ["funday"]},
        {"days_of_month": ["0"]},
        {"days_of_month": ["7:1"]},
        {"months": ["13"]},
        {"years": ["x"]},
        {"location": "Europe/Berln"},
    ],
)
def test_what_is_no_interval(bad):
    with pytest.raises(BadValueError):
        interval(TimeInterval(name="n", **bad), "UTC")


def test_days_of_the_week():
    assert days("daily") == frozenset(range(7))
    assert days("mon-fri") == frozenset(range(5))
    assert days("sat:mon") == frozenset({5, 6, 0})
    assert days("mon, wed") == frozenset({0, 2})


@settings(deadline=None)
@given(moments, st.integers(0, 1439), st.sets(st.integers(0, 6), min_size=1))
def test_a_digest_goes_out_at_its_time_on_its_days(moment, minute, weekdays):
    at = DigestTimes(minute, frozenset(weekdays), ZoneInfo(BERLIN)).next_after(moment)
    assert moment < at <= moment + timedelta(days=8)
    local = at.astimezone(ZoneInfo(BERLIN))
    assert local.weekday() in weekdays
    in_the_gap = (local.month, minute // 60) == (3, 2)
    assert local.hour * 60 + local.minute == minute or in_the_gap


# -- segments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),  # the sign does not straddle two segments
        ("\u2013" + "a" * 69, "UCS-2", 70, 1),
        ("\u2013" + "a" * 70, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
    ],
)
def test_segments(text, encoding, units, segments):
    measured = size(text)
    assert (measured.encoding, measured.units, measured.segments) == (encoding, units, segments)


@given(st.text(alphabet="ab €\u2013\U0001f600\n", max_size=600), st.integers(1, 4))
def test_a_cut_text_fits_and_begins_as_the_whole(text, most):
    short = cut(text, most)
    assert fits(short, most)
    assert short == text or (short.endswith("...") and text.startswith(short[:-3]))
    if short != text:
        assert not fits(text, most)


def test_a_text_that_is_too_long_for_the_service_is_cut_whatever_segments_there_may_be():
    assert len(cut("a" * 3000, 100)) == LONGEST


def test_typographic_characters_become_plain_ones():
    text = "\u201cAcme\u201d \u2013 it\u2019s\u2026"
    assert plain(text) == '"Acme" - it\'s...'
    assert size(plain(text)).encoding == "GSM-7"


# -- phone numbers and addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+1 (555) 123-0100", None, "+15551230100"),
        ("555 123 0100", "US", "+15551230100"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("0049 151 23456789", "DE", "+4915123456789"),
    ],
)
def test_numbers_as_people_write_them(text, region, number):
    assert e164(text, region) == number


@pytest.mark.parametrize(
    ("text", "region", "told"),
    [
        ("call Ann", "US", "cannot be read"),
        ("12", "US", "too few digits"),
        ("555 123 0100", None, "no default region"),
        ("+999 123456789", "US", "cannot be read"),
        ("030 1234567", "DE", "a landline"),
    ],
)
def test_numbers_that_cannot_be_reached(text, region, told):
    with pytest.raises(BadRowError, match=told) as error:
        e164(text, region)
    assert error.value.remedy
    assert text not in str(error.value)


def test_a_call_may_go_to_a_landline():
    assert e164("030 1234567", "DE", texts=False) == "+49301234567"


@pytest.mark.parametrize("text", ["", "a", "a@b", "a b@example.com", "a@@example.com", "a@example.com, b@example.com"])
def test_what_is_no_mail_address(text):
    with pytest.raises(BadRowError):
        mail(text)
