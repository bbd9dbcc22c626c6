"""Rows without a date of the last change carry no sign of change; each run must bring them, whatever they hold."""

from __future__ import annotations

import logging

import pytest

TABLE = "F0101"


@pytest.fixture
def dated(jde):
    """A company in which every row has a date and a time, and none of them is due on a later run."""
    control = jde.control
    control.set_clock(now="2026-11-20T09:00:00")
    for row in control.rows(TABLE):
        control.update_rows(TABLE, {"AN8": row["AN8"]}, {"UPMJ": "2026-01-05", "UPMT": 101_010}, stamp=False)
    control.update_rows("F0115", {}, {"UPMJ": "2026-01-05", "UPMT": 101_010}, stamp=False)
    control.update_rows(TABLE, {"AN8": 1030}, {"ALPH": "Newest"})
    return jde


def set_zero(jde, table, where, value=0):
    """Put into the database what people cannot write: 0 or null as a date."""
    found, sql = jde.store.table(table)
    conditions = [sql.c[found.columns[alias].name] == value for alias, value in where.items()]
    with jde.store.engine.begin() as connection:
        connection.execute(sql.update().where(*conditions).values({found.columns["UPMJ"].name: value}))


def numbers(output):
    return {record["AN8"] for record in output.records[TABLE]}


def counted(jde):
    bodies = [one["body"] for one in jde.control.requests(1000) if one["path"].endswith("dataservice")]
    return sum(body.get("dataServiceType") == "AGGREGATION" for body in bodies), len(bodies)


def again(run, before, **settings):
    return run(tables=[TABLE], state=before.state, overlap_minutes=0, **settings)


def test_a_tidy_table_costs_two_counts(dated, run):
    first = run(tables=[TABLE])
    dated.control.reset_counters()
    assert numbers(again(run, first)) == {1030}
    counts, requests = counted(dated)
    assert counts == 2
    assert requests <= 6


@pytest.mark.parametrize("null_dates", [False, True])
@pytest.mark.parametrize("value", [0, None])
def test_rows_without_a_date_come_with_every_run(dated, run, caplog, value, null_dates):
    caplog.set_level(logging.INFO)
    dated.control.switch(null_dates=null_dates)
    for number in (1003, 1017):
        set_zero(dated, TABLE, {"AN8": number}, value)
    first = run(tables=[TABLE])
    assert {record["AN8"] for record in first.records[TABLE] if record["UPMJ"] is None} == {1003, 1017}
    second = again(run, first, page_size=4)
    assert numbers(second) == {1003, 1017, 1030}
    assert all(record["ALPH"] for record in second.records[TABLE])  # whole rows, not keys alone
    assert numbers(again(run, second)) == {1003, 1017, 1030}
    told = [record.getMessage() for record in caplog.records if "no UPMJ" in record.getMessage()]
    assert told == ["F0101: 2 rows have no UPMJ and are read at every run"] * 2


def test_zero_and_null_together(dated, run):
    set_zero(dated, TABLE, {"AN8": 1003}, 0)
    set_zero(dated, TABLE, {"AN8": 1004}, None)
    assert numbers(again(run, run(tables=[TABLE]))) == {1003, 1004, 1030}


def test_a_date_of_the_time_before_computers_counts_as_none(dated, run):
    dated.control.update_rows(TABLE, {"AN8": 1003}, {"UPMJ": "1950-01-01"}, stamp=False)
    assert numbers(again(run, run(tables=[TABLE]))) == {1003, 1030}


def test_a_composite_key_is_found_again(dated, run):
    some = [(row["AN8"], row["IDLN"], row["CNLN"], row["RCK7"]) for row in dated.control.rows("F0115")][::7]
    for key in some:
        set_zero(dated, "F0115", dict(zip(["AN8", "IDLN", "CNLN", "RCK7"], key, strict=True)), None)
    first = run(tables=["F0115"])
    second = run(tables=["F0115"], state=first.state, page_size=10)
    assert sorted(
        key for key, row in zip(second.keys("F0115"), second.records["F0115"], strict=True) if not row["UPMJ"]
    ) == sorted(some)


@pytest.mark.parametrize("value", [0, None])
def test_a_table_without_a_usable_stamp_is_read_and_warned_of(dated, run, caplog, value):
    everyone = {row["AN8"] for row in dated.control.rows(TABLE)}
    for number in everyone - {1030}:
        set_zero(dated, TABLE, {"AN8": number}, value)
    assert numbers(again(run, run(tables=[TABLE]))) == everyone
    (line,) = [record for record in caplog.records if "no usable stamp" in record.getMessage()]
    assert line.levelname == "WARNING"
    assert "replication_columns" in line.getMessage()


def test_rows_without_a_date_are_not_known_to_be_as_late_as_start_date(dated, run):
    set_zero(dated, TABLE, {"AN8": 1003}, None)
    first = run(tables=[TABLE], start_date="2026-01-01")
    assert 1003 not in numbers(first)
    assert numbers(again(run, first, start_date="2026-01-01")) == {1030}


def test_a_row_without_a_time_beside_rows_without_a_date(dated, run):
    set_zero(dated, TABLE, {"AN8": 1003}, None)
    first = run(tables=[TABLE])
    dated.control.update_rows(TABLE, {"AN8": 1005}, {"UPMJ": "2026-11-20", "UPMT": None}, stamp=False)
    assert numbers(again(run, first)) == {1003, 1005, 1030}
