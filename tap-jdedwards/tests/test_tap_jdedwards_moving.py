"""Servers that cut, sort and tell the time in their own way, and rows that change while they are read."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

TABLE = "F0101"
MIDNIGHT = datetime(2026, 11, 21)


def numbers(output, table=TABLE):
    return {record["AN8"] for record in output.records[table]}


def truth(jde, table=TABLE):
    return {row["AN8"]: row["ALPH"] for row in jde.control.rows(table)}


def merged(*outputs, table=TABLE):
    """What a target holds that upserts by key."""
    return {record["AN8"]: record["ALPH"] for output in outputs for record in output.records[table]}


def tidy(jde):
    """Let every row have been changed once, long ago."""
    jde.control.update_rows(TABLE, {}, {"UPMJ": "2026-01-05", "UPMT": 101_010}, stamp=False)


# -- the server's clock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "offset", [timedelta(hours=-13), timedelta(hours=14), timedelta(days=-400), timedelta(days=400)]
)
def test_a_server_clock_unlike_ours(jde, run, offset):
    tidy(jde)
    here = datetime(2026, 11, 20, 9) + offset

    def at(minutes):
        moment = here + timedelta(minutes=minutes)
        jde.control.set_clock(now=moment.isoformat())
        return moment

    at(0)
    jde.control.update_rows(TABLE, {"AN8": 1001}, {"ALPH": "Before"})
    first = run(tables=[TABLE], overlap_minutes=0)
    at(10)
    jde.control.update_rows(TABLE, {"AN8": 1002}, {"ALPH": "After"})
    at(11)
    second = run(tables=[TABLE], state=first.state, overlap_minutes=0)
    if offset > timedelta(days=-300):
        assert numbers(second) == {1001, 1002}
        assert second.bookmark(TABLE)["replication_key_time"].endswith(":10:00")
    else:  # to such a server the other rows are of the future; they are read each time and hide nothing
        assert 1002 in numbers(second)
    assert second.bookmark(TABLE)["replication_key_value"] == here.date().isoformat()


def test_a_row_stamped_by_a_server_whose_clock_is_behind(jde, run):
    """The program that saves a row may run on another server than the one that tells the time."""
    tidy(jde)
    jde.control.set_clock(now="2026-11-20T09:00:00")
    jde.control.update_rows(TABLE, {"AN8": 1001}, {"ALPH": "Before"})
    first = run(tables=[TABLE])
    jde.control.update_rows(TABLE, {"AN8": 1002}, {"ALPH": "x", "UPMJ": "2026-11-20", "UPMT": 80_500}, stamp=False)
    assert 1002 in numbers(run(tables=[TABLE], state=first.state, overlap_minutes=60))


# -- midnight -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 3, 50])
@pytest.mark.parametrize("overlap", [0, 60])
def test_changes_are_read_over_midnight(jde, run, page_size, overlap):
    """Rows are saved in the last and the first second of a day while a run reads from one into the other."""
    tidy(jde)

    def at(seconds):
        jde.control.set_clock(now=(MIDNIGHT + timedelta(seconds=seconds)).isoformat())

    at(-3600)
    jde.control.update_rows(TABLE, {"AN8": 1001}, {"ALPH": "Evening"})
    first = run(tables=[TABLE], overlap_minutes=overlap)
    at(-60)
    jde.control.update_rows(TABLE, {"AN8": [1002, 1003, 1004, 1005]}, {"ALPH": "Before the run"})
    at(-1)
    saved = iter([(-1, 1006), (0, 1007), (0, 1008), (1, 1009), (61, 1010)])

    def save():
        moment, number = next(saved, (None, None))
        if number:
            at(moment)
            jde.control.update_rows(TABLE, {"AN8": number}, {"ALPH": f"While reading {moment}"})

    for request in range(1, 9):
        jde.after_requests(request, save, target=TABLE)
    options = {"tables": [TABLE], "page_size": page_size, "overlap_minutes": overlap}
    second = run(state=first.state, **options)
    while next(saved, None):
        pass
    at(120)
    jde.control.update_rows(TABLE, {"AN8": 1011}, {"ALPH": "Afterwards"})
    at(180)
    third = run(state=second.state, **options)
    assert merged(first, second, third) == truth(jde)
    assert third.bookmark(TABLE)["replication_key_value"] == "2026-11-21"
    assert third.bookmark(TABLE)["replication_key_time"] == "00:02:00"


def test_a_first_load_over_midnight(jde, run):
    tidy(jde)
    jde.control.set_clock(now="2026-11-20T23:59:58")

    def save():
        for moment, number in (("2026-11-20T23:59:59", 1001), ("2026-11-21T00:00:00", 1002)):
            jde.control.set_clock(now=moment)
            jde.control.update_rows(TABLE, {"AN8": number}, {"ALPH": "Behind the cursor"})

    jde.after_requests(6, save, target=TABLE)
    first = run(tables=[TABLE], page_size=4)
    second = run(tables=[TABLE], state=first.state, overlap_minutes=0)
    assert merged(first, second) == truth(jde)


# -- the fetch limit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("cap", [1, 7, 100])
def test_a_fetch_limit_below_the_page_size(jde, run, tmp_path, hidden, cap):
    """In first loads, changes, rows without a date, whole loads and looks at all keys."""
    tidy(jde)
    jde.control.set_clock(now="2026-11-20T09:00:00")
    jde.control.update_rows(TABLE, {"AN8": 1030}, {"ALPH": "Newest"})
    jde.control.update_rows(TABLE, {"AN8": [1002, 1012, 1022]}, {"UPMJ": None}, stamp=False)
    jde.control.switch(fetch_cap=cap, cap_hides_more=hidden)
    options = {"tables": [TABLE], "page_size": 500, "overlap_minutes": 0}
    options |= {"detect_deletes": "keys", "keys_path": str(tmp_path)}
    first = run(**options)
    assert merged(first) == truth(jde)
    jde.control.set_clock(now="2026-11-20T10:00:00")
    changed = set(range(1003, 1021))
    jde.control.update_rows(TABLE, {"AN8": sorted(changed)}, {"ALPH": "Changed"})
    jde.control.delete_rows(TABLE, {"AN8": [1001, 1029]})
    second = run(state=first.state, **options)
    assert second.failures == {}
    assert numbers(second) == changed | {1030, 1001, 1029, 1002, 1022}
    assert {one["AN8"] for one in second.records[TABLE] if one["_sdc_deleted_at"]} == {1001, 1029}
    whole = run(tables=[TABLE], replication_columns={TABLE: ""}, page_size=500)
    assert merged(whole) == truth(jde)


# -- order ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"replication_columns": {TABLE: ""}}, {"shard": {"index": 0, "of": 2}}])
def test_a_server_that_ignores_the_order_is_found_out(read, settings):
    read.jde.control.switch(ignore_order_by=True)
    output = read(tables=[TABLE], page_size=50, **settings)
    assert "order" in output.failures[TABLE] or "sort" in output.failures[TABLE]
    assert "replication_key_value" not in output.bookmark(TABLE)
    assert not [message for message in output.messages if message["type"] == "ACTIVATE_VERSION"]


def test_a_server_that_ignores_the_order_of_changes_is_found_out(read):
    first = read(tables=[TABLE])
    read.jde.control.switch(ignore_order_by=True)
    state = first.state
    state["bookmarks"][TABLE]["replication_key_value"] = "2020-01-01"
    output = read(tables=[TABLE], page_size=50, state=state)
    assert "sort" in output.failures[TABLE]


# -- rows that change while they are read ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("page_size", [3, 11])
def test_rows_change_between_any_two_requests(jde, run, tmp_path, seed, page_size):
    """Changes, new rows and deletions while a first load and later runs read; the last run finds all at rest."""
    tidy(jde)
    chance = random.Random(seed)
    moment = [datetime(2026, 11, 20, 9)]

    def change():
        moment[0] += timedelta(seconds=chance.randrange(90))
        jde.control.set_clock(now=moment[0].isoformat())
        known = sorted(truth(jde))
        kind = chance.randrange(6)
        if kind < 3:
            jde.control.update_rows(TABLE, {"AN8": chance.choice(known)}, {"ALPH": f"Changed {moment[0]}"})
        elif kind == 3:
            row = jde.control.rows(TABLE, {"AN8": known[0]})[0]
            jde.control.insert_rows(TABLE, [{**row, "AN8": chance.randrange(10**7), "ALPH": f"New {moment[0]}"}])
        elif kind == 4:
            jde.control.delete_rows(TABLE, {"AN8": chance.choice(known)})
        else:
            row = jde.control.rows(TABLE, {"AN8": known[-1]})[0]
            late = {**row, "AN8": chance.randrange(10**7), "UPMJ": "2020-01-01"}
            jde.control.insert_rows(TABLE, [late], stamp=False)

    change()
    options = {"tables": [TABLE], "page_size": page_size, "overlap_minutes": 2, "delete_guard_percent": 100}
    options |= {"detect_deletes": "keys", "keys_path": str(tmp_path)}
    outputs, state = [], None
    for _ in range(3):
        for request in range(1, 30, 2):
            jde.after_requests(request, change, target=TABLE)
        outputs.append(run(state=state, **options))
        assert outputs[-1].failures == {}
        state = outputs[-1].state
    jde.emulator.hooks._scheduled.clear()
    jde.control.set_clock(now=(moment[0] + timedelta(minutes=1)).isoformat())
    outputs.append(run(state=state, **options))
    held = {record["AN8"]: record for output in outputs for record in output.records[TABLE]}
    assert {key: one["ALPH"] for key, one in held.items() if one["_sdc_deleted_at"] is None} == truth(jde)


# -- start_date -----------------------------------------------------------------------------------------------------


def test_start_date_holds_for_changes_and_looks_at_keys(jde, run, tmp_path):
    tidy(jde)
    jde.control.set_clock(now="2026-11-20T09:00:00")
    jde.control.update_rows(TABLE, {"AN8": [1001, 1002]}, {"ALPH": "Recent"})
    options = {"tables": [TABLE], "start_date": "2026-11-01", "overlap_minutes": 60 * 24 * 365}
    options |= {"detect_deletes": "keys", "keys_path": str(tmp_path)}
    first = run(**options)
    assert numbers(first) == {1001, 1002}
    second = run(state=first.state, **options)
    assert numbers(second) == {1001, 1002}
    jde.control.delete_rows(TABLE, {"AN8": [1002, 1009]})
    third = run(state=second.state, **options)
    assert {one["AN8"] for one in third.records[TABLE] if one["_sdc_deleted_at"]} == {1002}
    assert numbers(third) == {1001, 1002}
