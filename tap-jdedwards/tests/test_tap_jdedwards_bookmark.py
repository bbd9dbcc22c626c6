from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_jdedwards.bookmark import BookmarkError, FirstLoad, TableBookmark
from tap_jdedwards.composed.bookmark import ComposedBookmark, Pass, Watermark, gained

moments = st.datetimes(datetime(2019, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
watermarks = st.builds(
    Watermark, mark=st.none() | moments, effective=st.none() | st.dates(date(2019, 1, 1), date(2027, 1, 1))
)
after = st.lists(st.integers(0, 99_999_999) | st.text(max_size=12), max_size=4).map(tuple)
NAMES = ["F0101", "F0116"]
days = st.none() | st.dates(date(2019, 1, 1), date(2027, 1, 1))
tables = st.fixed_dictionaries(dict.fromkeys(NAMES, watermarks))


def through_json(state):
    return json.loads(json.dumps(state))


@given(st.none() | moments, st.none() | st.builds(FirstLoad, after=after, start_mark=st.none() | moments))
def test_a_table_bookmark_survives_the_state_file(mark, first_load):
    bookmark = TableBookmark(mark, first_load)
    assert TableBookmark.from_state(through_json(bookmark.to_state())) == bookmark


@given(
    tables | st.just({}),
    st.none() | st.builds(Pass, st.lists(st.integers(0, 99_999_999), max_size=1).map(tuple), tables, days),
    days,
)
def test_a_composed_bookmark_survives_the_state_file(known, under_way, day):
    bookmark = ComposedBookmark(known, under_way, day if known else None)
    assert ComposedBookmark.from_state(through_json(bookmark.to_state()), NAMES) == bookmark


@given(tables, tables)
def test_no_watermark_goes_back_when_a_pass_ends(before, reached):
    ended = ComposedBookmark(before, Pass((5,), reached)).finished()
    assert ended.under_way is None
    for name in NAMES:
        for part in ("mark", "effective"):
            values = [getattr(tables[name], part) for tables in (before, reached)]
            known = [value for value in values if value is not None]
            assert getattr(ended.tables[name], part) == max(known, default=None)


def test_states_read_as_the_readme_says():
    mark = datetime(2026, 11, 20, 9, 30, 5)
    assert TableBookmark(mark).to_state() == {
        "replication_key": "UPMJ",
        "replication_key_value": "2026-11-20",
        "replication_key_time": "09:30:05",
    }
    assert TableBookmark(first_load=FirstLoad((1234,), mark, ("AN8",))).to_state() == {
        "replication_key": "UPMJ",
        "first_load": {"key": ["AN8"], "after": [1234], "start_mark": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}},
    }
    known = {"F0101": Watermark(datetime(2026, 11, 19)), "F0116": Watermark(mark, date(2026, 11, 20))}
    assert ComposedBookmark(known).to_state() == {
        "replication_key": "UPMJ",
        "replication_key_value": "2026-11-20",
        "replication_key_time": "09:30:05",
        "tables": {
            "F0101": {"UPMJ": "2026-11-19", "UPMT": "00:00:00"},
            "F0116": {"UPMJ": "2026-11-20", "UPMT": "09:30:05", "EFTB": "2026-11-20"},
        },
    }
    assert "catch_up" in ComposedBookmark(known, Pass((7,), known)).to_state()
    assert "first_load" in ComposedBookmark({}, Pass((7,), known)).to_state()


def test_foreign_keys_of_a_state_are_ignored():
    state = {"starting_replication_value": "x", "partitions": [], "replication_key_value": "2024-01-01"}
    assert TableBookmark.from_state(state) == TableBookmark(datetime(2024, 1, 1))


def test_a_state_of_another_definition_means_a_new_first_load():
    state = ComposedBookmark({"F0101": Watermark(datetime(2026, 1, 1))}).to_state()
    assert ComposedBookmark.from_state(state, NAMES) == ComposedBookmark()
    assert gained(state, NAMES) == ["F0116"]
    assert gained(state, ["F0101"]) == []
    assert gained({}, NAMES) == []


def test_the_day_of_a_pass_holds_when_it_is_through():
    yesterday, today = date(2026, 11, 19), date(2026, 11, 20)
    bookmark = ComposedBookmark({"F0411": Watermark()}, Pass((), {"F0411": Watermark()}, today), yesterday)
    assert bookmark.at((5,)).to_state()["day"] == "2026-11-19"
    assert bookmark.finished().day == today


@pytest.mark.parametrize(
    "state",
    [{"replication_key_value": "yesterday"}, {"first_load": "x"}, {"first_load": {"after": 5, "start_mark": {}}}],
)
def test_an_unreadable_state_is_told(state):
    with pytest.raises(BookmarkError, match="state of this stream cannot be read"):
        TableBookmark.from_state(state)


@pytest.mark.parametrize("state", [{"tables": {"F0101": {"UPMJ": "x"}, "F0116": {}}}, {"first_load": [1]}])
def test_an_unreadable_composed_state_is_told(state):
    with pytest.raises(BookmarkError, match="state of this stream cannot be read"):
        ComposedBookmark.from_state(state, NAMES)
