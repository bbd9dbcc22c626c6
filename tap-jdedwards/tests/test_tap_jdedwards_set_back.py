"""Clocks that are set back, positions and catalogs of other settings: nothing is lost, and what cannot is told."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa
import tap_jdedwards.composed.changes as composed_changes
from service_emulators.testing import start_jde
from tap_jdedwards.composed import stream as composed_stream

NAMES = {"F0101": ("AN8", "ALPH"), "customers": ("address_number", "name")}


def at(jde, moment):
    jde.control.set_clock(now=f"2026-11-20T{moment}:00")


def named(stream, *outputs):
    key, name = NAMES[stream]
    return {record[key] for output in outputs for record in output.records[stream] if record[name] == "New"}


@pytest.fixture
def settings(request):
    return {"tables": [request.param]} if request.param == "F0101" else {"streams": [request.param]}


@pytest.mark.parametrize(("stream", "settings"), [(name, name) for name in NAMES], indirect=["settings"])
def test_a_clock_set_back_while_a_first_load_was_cut(jde, run, monkeypatch, stream, settings):
    monkeypatch.setattr(composed_stream, "DOCUMENTS_PER_STATE", 5)
    at(jde, "12:00")
    for table in ("F0101", "F0111", "F0116", "F0115", "F01151", "F03012"):
        jde.control.update_rows(table, {"AN8": 1001}, {"PID": "NOW"})
    cut = run(**settings, page_size=5, die_after=22)
    assert cut.bookmark(stream)["first_load"]["start_mark" if stream == "F0101" else "tables"]
    at(jde, "09:00")
    resumed = run(**settings, page_size=5, state=cut.state)
    assert resumed.failures == {}
    assert resumed.bookmark(stream).get("replication_key_time", "") <= "09:00:00"
    at(jde, "09:30")
    jde.control.update_rows("F0101", {"AN8": 1002}, {NAMES["F0101"][1]: "New"})
    at(jde, "12:05")
    assert named(stream, run(**settings, state=resumed.state)) == {1002}


def test_a_clock_set_back_while_a_catch_up_was_cut(jde, run, monkeypatch):
    monkeypatch.setattr(composed_stream, "DOCUMENTS_PER_STATE", 5)
    at(jde, "08:00")
    loaded = run(streams=["customers"])
    monkeypatch.setattr(composed_changes, "MOST_KEYS", 10)
    at(jde, "12:00")
    jde.control.update_rows("F0101", {}, {"RMK": "all"})
    cut = run(streams=["customers"], state=loaded.state, die_after=12)
    assert "catch_up" in cut.bookmark("customers")
    at(jde, "09:00")
    resumed = run(streams=["customers"], state=cut.state)
    assert resumed.bookmark("customers")["replication_key_time"] <= "09:00:00"
    monkeypatch.undo()
    at(jde, "09:30")
    jde.control.update_rows("F0101", {"AN8": 1002}, {"ALPH": "New"})
    at(jde, "12:30")
    assert named("customers", run(streams=["customers"], state=resumed.state)) == {1002}


@pytest.mark.parametrize(("stream", "settings"), [(name, name) for name in NAMES], indirect=["settings"])
def test_a_clock_set_back_by_less_than_five_minutes_without_an_overlap(jde, run, stream, settings):
    at(jde, "12:00")
    jde.control.update_rows("F0101", {"AN8": 1001}, {"RMK": "x"})
    first = run(**settings, overlap_minutes=0)
    at(jde, "11:56")
    jde.control.update_rows("F0101", {"AN8": 1002}, {"ALPH": "New"})
    at(jde, "11:58")
    second = run(**settings, overlap_minutes=0, state=first.state)
    assert named(stream, second) == {1002}
    assert len(second.records[stream]) < len(first.records[stream])
    assert second.bookmark(stream)["replication_key_time"] == "12:00:00"


@pytest.mark.parametrize("after", range(1, 14, 2))
def test_rows_of_the_future_do_not_hide_what_changes_while_they_are_read_from_documents(runner_of, after):
    settings = {"streams": ["customers"], "overlap_minutes": 0}
    with start_jde(customers=30, contacts=5, now=datetime(2026, 11, 20, 12)) as jde:
        run = runner_of(jde)
        future = {"UPMJ": "2026-12-24", "UPMT": 0}
        jde.control.update_rows("F0101", {"AN8": [1010, 1011, 1012, 1013]}, future, stamp=False)
        first = run(**settings)
        at(jde, "13:00")

        def change():
            at(jde, "13:01")
            jde.control.update_rows("F0101", {"AN8": 1002}, {"ALPH": "New"})
            at(jde, "13:02")

        jde.after_requests(after, change, target="F0101")
        second = run(**settings, page_size=2, state=first.state)
        at(jde, "14:00")
        assert named("customers", second, run(**settings, state=second.state)) == {1002}


def test_a_row_whose_time_is_below_zero_comes_like_one_without_a_time(jde, run):
    at(jde, "09:00")
    first = run(tables=["F0101"])
    with jde.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE F0101 SET ABUPMJ = 126324, ABUPMT = -1, ABALPH = 'New' WHERE ABAN8 = 1002"))
    assert named("F0101", run(tables=["F0101"], state=first.state)) == {1002}


def test_a_position_under_another_order_of_the_key_means_a_new_first_load(jde, run):
    key = ["AN8", "IDLN", "CNLN", "RCK7"]
    cut = run(tables=["F0115"], table_keys={"F0115": key}, page_size=10, die_after=30)
    assert cut.bookmark("F0115")["first_load"]["key"] == key
    other = run(tables=["F0115"], table_keys={"F0115": key[::-1]}, page_size=10, state=cut.state)
    got = {tuple(record[alias] for alias in key) for record in other.records["F0115"]}
    assert got == {tuple(row[alias] for alias in key) for row in jde.control.rows("F0115")}


@pytest.mark.parametrize(
    ("stream", "settings", "table"),
    [("F0101", "F0101", "F0101"), ("customers", "customers", "F03012")],
    indirect=["settings"],
)
def test_deletions_asked_for_beside_a_catalog_that_lacks_them(jde, run, tmp_path, caplog, stream, settings, table):
    old = run.tap(**settings).catalog_dict
    settings |= {"detect_deletes": "keys", "keys_path": str(tmp_path), "catalog": old}
    first = run(**settings)
    jde.control.delete_rows(table, {"AN8": 1003})
    second = run(**settings, state=first.state)
    assert all("_sdc_deleted_at" not in record for record in [*first.records[stream], *second.records[stream]])
    assert "the catalog does not have or select _sdc_deleted_at" in caplog.text


def test_a_column_younger_than_the_catalog_is_in_no_record(jde, run):
    catalog = run.tap(tables=["F0101"]).catalog_dict
    (entry,) = catalog["streams"]
    del entry["schema"]["properties"]["ALPH"]
    entry["metadata"] = [one for one in entry["metadata"] if one["breadcrumb"][-1:] != ["ALPH"]]
    output = run(tables=["F0101"], catalog=catalog)
    assert not any("ALPH" in record for record in output.records["F0101"])
    assert len(output.records["F0101"]) == jde.store.count("F0101")


def test_key_columns_go_out_whatever_the_catalog_says(jde, run):
    catalog = run.tap(tables=["F0115"]).catalog_dict
    (entry,) = catalog["streams"]
    for one in entry["metadata"]:
        if one["breadcrumb"]:
            one["metadata"] = {"selected": one["breadcrumb"][-1] == "PH1"}
    output = run(tables=["F0115"], catalog=catalog)
    properties = output.schemas["F0115"]["schema"]["properties"]
    assert set(entry["key_properties"]) <= set(properties)
    assert all(set(record) <= set(properties) for record in output.records["F0115"])


def test_start_date_moved_on_leaves_out_rows_that_are_all_there(jde, run, tmp_path):
    at(jde, "12:00")
    jde.control.update_rows("F0101", {"AN8": [1001, 1002, 1003]}, {"ALPH": "New"})
    options = {"tables": ["F0101"], "detect_deletes": "keys", "keys_path": str(tmp_path)}
    second = run(**options, state=run(**options).state)
    for _ in range(2):
        second = run(**options, state=second.state, start_date="2026-11-20")
        assert second.failures == {}
        assert not [record for record in second.records["F0101"] if record["_sdc_deleted_at"]]
    jde.control.delete_rows("F0101", {"AN8": [1002, 1010]})
    last = run(**options, state=second.state, start_date="2026-11-20")
    assert {record["AN8"] for record in last.records["F0101"] if record["_sdc_deleted_at"]} == {1002}
    jde.control.delete_rows("F0101", {})
    emptied = run(**options, state=last.state, start_date="2026-11-20")
    assert "nothing was deleted" in emptied.failures["F0101"]
