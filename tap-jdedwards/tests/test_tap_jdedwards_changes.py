"""Incremental runs: what changed comes again, and nothing that changed is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_jdedwards.composed import changes as composed_changes
from tap_jdedwards.composed.loading import shipped_definitions

START = datetime(2026, 11, 20, 9, 0)


@pytest.fixture
def at(jde):
    """Sets the server's clock, minutes after the start."""

    def set_clock(minutes=0):
        moment = START + timedelta(minutes=minutes)
        jde.control.set_clock(now=moment.isoformat())
        return moment

    set_clock()
    return set_clock


def newest_first(jde, at):
    """Make one row of each table the newest, so that later runs do not repeat the last seeded ones."""
    at(0)
    for table in ("F0101", "F0111", "F0115", "F01151", "F0116", "F03012"):
        key = jde.control.rows(table, {"AN8": 1030}, limit=1)[0]
        jde.control.update_rows(table, {"AN8": key["AN8"]}, {"PID": "EP01012"})
    jde.control.insert_rows("F0401", [{"AN8": 1030}])


@pytest.fixture
def loaded(jde, run, at):
    """A first load of everything, with a bookmark of 09:00 on which only number 1030 stands."""
    newest_first(jde, at)
    at(120)
    return run(tables=["F0101", "F0115"], streams=["customers", "contacts"], overlap_minutes=0)


def again(run, before, **settings):
    options = {"tables": ["F0101", "F0115"], "streams": ["customers", "contacts"], "overlap_minutes": 0}
    return run(state=before.state, **{**options, **settings})


CHANGES = {
    "F0101": ({"AN8": 1005}, {"ALPH": "Renamed"}),
    "F03012": ({"AN8": 1005, "CO": "00000"}, {"ACL": 777}),
    "F0111": ({"AN8": 1005, "IDLN": 0}, {"MLNM": "Mailing"}),
    "F0116": ({"AN8": 1005}, {"CTY1": "Elsewhere"}),
    "F0115": ({"AN8": 1005, "IDLN": 0}, {"PH1": "000"}),
    "F01151": ({"AN8": 1005, "IDLN": 0}, {"EMAL": "new@example.com"}),
}


@pytest.mark.parametrize("table", CHANGES)
def test_a_change_in_any_table_emits_exactly_its_customer(jde, run, at, loaded, table):
    where, values = CHANGES[table]
    at(130)
    assert jde.control.update_rows(table, where, values) >= 1
    at(131)
    output = again(run, loaded)
    assert output.failures == {}
    assert output.numbers("customers") - {1030} == {1005}
    assert len(output.records["customers"]) == len(output.numbers("customers"))
    (document,) = [one for one in output.records["customers"] if one["address_number"] == 1005]
    assert (document["UPMJ"], document["UPMT"]) == ("2026-11-20", "11:10:00")
    # That table's watermark has moved, the others have not; the next run repeats what stands on the marks only.
    marks = output.bookmark("customers")["tables"]
    definition = shipped_definitions()["customers"]
    assert {definition.sources[name].table for name, mark in marks.items() if mark.get("UPMT") == "11:10:00"} == {table}
    assert output.bookmark("customers")["replication_key_value"] == "2026-11-20"
    assert output.bookmark("customers")["replication_key_time"] == "11:10:00"
    assert again(run, output).numbers("customers") <= {1005, 1030}


def test_a_phone_of_a_contact_emits_the_contact_and_not_the_customer(jde, run, at, loaded):
    person = next(one for one in loaded.records["contacts"] if one["phones"] and one["address_number"] != 1030)
    key = {"AN8": person["address_number"], "IDLN": person["contact_line"]}
    at(130)
    jde.control.update_rows("F0115", key, {"PH1": "4711"})
    output = again(run, loaded)
    assert output.numbers("customers") <= {1030}
    changed = [one for one in output.records["contacts"] if one["address_number"] != 1030]
    assert [(one["address_number"], one["contact_line"]) for one in changed] == [tuple(key.values())]
    assert {phone["number"] for phone in changed[0]["phones"]} == {"4711"}
    dated = [row for row in output.records["F0115"] if row["UPMJ"]]
    assert {(row["AN8"], row["IDLN"]) for row in dated} - {tuple(key.values())} <= {(1030, 0)} | {
        (row["AN8"], row["IDLN"]) for row in jde.control.rows("F0115", {"AN8": 1030})
    }


def test_a_new_name_of_a_company_emits_all_its_contacts(jde, run, at, loaded):
    numbers = [one["address_number"] for one in loaded.records["contacts"]]
    number = max(set(numbers) - {1030}, key=numbers.count)
    at(130)
    jde.control.update_rows("F0101", {"AN8": number}, {"ALPH": "Renamed"})
    output = again(run, loaded)
    changed = [one for one in output.records["contacts"] if one["address_number"] != 1030]
    assert [one["company_name"] for one in changed] == ["Renamed"] * numbers.count(number)


def test_an_address_emits_the_customers_it_is_billed_for_as_well(jde, run, at, loaded):
    (branch,) = [one for one in loaded.records["customers"] if one["payor_number"]]
    at(130)
    jde.control.update_rows("F0116", {"AN8": branch["payor_number"]}, {"CTY1": "Headquarters"})
    output = again(run, loaded)
    numbers = {branch["payor_number"], branch["address_number"]}
    assert output.numbers("customers") - {1030} == numbers
    cities = {
        one["address_number"]: (one["address"]["city"], (one["payor_address"] or {}).get("city"))
        for one in output.records["customers"]
        if one["address_number"] in numbers
    }
    assert cities[branch["payor_number"]] == ("Headquarters", None)
    assert cities[branch["address_number"]] == (branch["address"]["city"], "Headquarters")


def test_a_contact_is_told_when_its_company_becomes_a_supplier(jde, run, at, loaded):
    number = next(one["address_number"] for one in loaded.records["contacts"] if not one["is_vendor"])
    at(130)
    jde.control.insert_rows("F0401", [{"AN8": number}])
    changed = [one for one in again(run, loaded).records["contacts"] if one["address_number"] != 1030]
    assert changed
    assert {(one["address_number"], one["is_vendor"]) for one in changed} == {(number, True)}


def test_a_new_customer_and_a_number_that_becomes_one(jde, run, at, loaded):
    supplier = next(
        row["AN8"] for row in jde.control.rows("F0401") if not jde.control.rows("F03012", {"AN8": row["AN8"]})
    )
    at(130)
    jde.control.insert_rows("F03012", [{"AN8": supplier, "CO": "00000", "ACL": 5}])
    jde.control.insert_rows("F0101", [{"AN8": 99_001, "ALPH": "No customer yet"}])
    assert again(run, loaded).numbers("customers") - {1030} == {supplier}


def test_an_address_that_becomes_effective_between_two_runs(jde, run, at, loaded):
    at(130)
    row = {"AN8": 1007, "EFTB": "2026-11-22", "ADD1": "New street", "CTY1": "Tomorrow"}
    jde.control.insert_rows("F0116", [row])
    first = again(run, loaded)
    (before,) = [one for one in first.records["customers"] if one["address_number"] == 1007]
    assert before["address"]["city"] != "Tomorrow"
    at(60 * 24)
    second = again(run, first)
    assert second.bookmark("customers")["tables"]["F0116"]["EFTB"] == "2026-11-21"
    at(60 * 48)
    third = again(run, second)
    (after,) = [one for one in third.records["customers"] if one["address_number"] == 1007]
    assert after["address"]["city"] == "Tomorrow"
    assert after["address"]["effective_date"] == "2026-11-22"
    assert third.bookmark("customers")["tables"]["F0116"]["EFTB"] == "2026-11-22"


def test_nothing_changed_means_nothing_but_what_stands_on_the_bookmark(run, loaded):
    output = again(run, loaded)
    assert output.numbers("customers") == {1030}
    assert {record["AN8"] for record in output.records["F0101"]} == {1030}
    assert output.state == loaded.state


def test_too_many_changes_are_found_by_a_walk_instead(jde, run, at, loaded, monkeypatch):
    monkeypatch.setattr(composed_changes, "MOST_KEYS", 3)
    at(130)
    jde.control.update_rows("F0115", {"AN8": [1002, 1004, 1006, 1008, 1010], "IDLN": 0}, {"PH1": "1"})
    jde.control.update_rows("F0101", {"AN8": 1012}, {"ALPH": "x"})
    at(131)
    changed = {row["AN8"] for row in jde.control.rows("F0115", {"AN8": [1002, 1004, 1006, 1008, 1010], "IDLN": 0})}
    output = again(run, loaded)
    assert output.numbers("customers") - {1030} == changed | {1012}
    monkeypatch.undo()
    assert output.bookmark("customers") == again(run, loaded).bookmark("customers")


def test_rows_without_a_time_come_again_on_their_day(jde, run, at, loaded):
    at(130)
    jde.control.update_rows("F0101", {"AN8": 1003}, {"ALPH": "By SQL", "UPMJ": "2026-11-20", "UPMT": 0}, stamp=False)
    jde.control.update_rows("F0101", {"AN8": 1004}, {"ALPH": "Null", "UPMJ": "2026-11-20", "UPMT": None}, stamp=False)
    output = again(run, loaded)
    assert {record["AN8"] for record in output.records["F0101"]} == {1003, 1004, 1030}
    assert output.numbers("customers") == {1003, 1004, 1030}
    assert output.bookmark("F0101")["replication_key_time"] == "09:00:00"


def test_a_stamp_in_the_future_does_not_hide_later_changes(jde, run, at, loaded):
    at(130)
    jde.control.update_rows("F0101", {"AN8": 1003}, {"UPMJ": "2027-05-05", "UPMT": 1}, stamp=False)
    first = again(run, loaded)
    assert first.bookmark("F0101")["replication_key_value"] == "2026-11-20"
    assert first.bookmark("F0101")["replication_key_time"] == "11:10:00"
    assert first.bookmark("customers")["replication_key_time"] == "11:10:00"
    at(140)
    jde.control.update_rows("F0101", {"AN8": 1004}, {"ALPH": "Later"})
    second = again(run, first)
    assert {record["AN8"] for record in second.records["F0101"]} == {1003, 1004}
    assert second.numbers("customers") - {1030} == {1003, 1004}


def test_a_future_stamp_before_the_first_load(jde, run, at):
    jde.control.update_rows("F0101", {"AN8": 1003}, {"UPMJ": "2027-05-05", "UPMT": 1}, stamp=False)
    assert run(tables=["F0101"]).bookmark("F0101") == {
        "replication_key": "UPMJ",
        "replication_key_value": "2026-11-20",
        "replication_key_time": "09:00:00",
    }


def test_the_bookmark_never_goes_back(jde, run, at, loaded):
    state = loaded.state
    state["bookmarks"]["F0101"]["replication_key_value"] = "2026-11-21"
    output = run(tables=["F0101"], state=state, overlap_minutes=6000)
    assert output.records["F0101"]
    assert output.bookmark("F0101")["replication_key_value"] == "2026-11-21"


def test_late_commits_within_the_overlap_are_not_lost(jde, run, at, loaded):
    jde.control.update_rows("F0101", {"AN8": 1003}, {"UPMJ": "2026-11-20", "UPMT": 83000}, stamp=False)
    assert 1003 not in {record["AN8"] for record in again(run, loaded).records["F0101"]}
    assert 1003 in {record["AN8"] for record in again(run, loaded, overlap_minutes=60).records["F0101"]}


def test_a_clock_set_back_by_more_than_the_overlap_loses_no_change(jde, run, at, loaded, caplog):
    at(-60)
    jde.control.update_rows("F0101", {"AN8": 1003}, {"ALPH": "Before the bookmark"})
    at(30)
    output = again(run, loaded, overlap_minutes=60)
    for stream, name in (("F0101", "ALPH"), ("customers", "name")):
        assert "Before the bookmark" in {record[name] for record in output.records[stream]}
        assert f"The bookmark of {stream} (2026-11-20 09:00:00) lies ahead" not in caplog.text
    at(-120)
    jde.control.update_rows("F0101", {"AN8": 1003}, {"ALPH": "Long before"})
    at(-90)
    output = again(run, loaded, overlap_minutes=60)
    for stream, name in (("F0101", "ALPH"), ("customers", "name")):
        assert "Long before" in {record[name] for record in output.records[stream]}
        assert f"The bookmark of {stream} (2026-11-20 09:00:00) lies ahead" in caplog.text
        assert output.bookmark(stream)["replication_key_time"] == "07:30:00"


def test_rows_of_the_future_do_not_take_the_bookmark_past_changes_made_meanwhile(jde, run, at):
    before = run(tables=["F0101"], overlap_minutes=0)
    jde.control.update_rows("F0101", {"AN8": list(range(1001, 1009))}, {"UPMJ": "2099-01-01", "UPMT": 0}, stamp=False)
    states = count()

    def change():
        if next(states) == 1:  # the first one repeats the old bookmark, the second one follows the first future row
            at(1)
            jde.control.update_rows("F0101", {"AN8": 1020}, {"ALPH": "Meanwhile"})
            at(2)

    first = run(tables=["F0101"], state=before.state, overlap_minutes=0, page_size=2, on_state=change)
    assert 1020 not in {record["AN8"] for record in first.records["F0101"]}
    second = run(tables=["F0101"], state=first.state, overlap_minutes=0)
    assert "Meanwhile" in {record["ALPH"] for record in second.records["F0101"]}


def test_changes_around_midnight(jde, run, at):
    jde.control.update_rows("F0101", {"AN8": 1030}, {"UPMJ": "2026-11-21", "UPMT": 500}, stamp=False)
    at(60 * 16)
    first = run(tables=["F0101"])
    jde.control.update_rows("F0101", {"AN8": 1003}, {"UPMJ": "2026-11-20", "UPMT": 235_959}, stamp=False)
    jde.control.update_rows("F0101", {"AN8": 1004}, {"UPMJ": "2026-11-20", "UPMT": 0}, stamp=False)
    output = run(tables=["F0101"], state=first.state, overlap_minutes=60)
    assert {1003, 1004, 1030} == {record["AN8"] for record in output.records["F0101"]}


def test_start_date_leaves_out_older_rows(jde, run, at):
    recent = {row["AN8"] for row in jde.control.rows("F0101") if (row["UPMJ"] or "") >= "2025-06-01"}
    output = run(tables=["F0101"], streams=["customers"], start_date="2025-06-01")
    assert 0 < len(recent) < len(jde.control.rows("F0101"))
    assert {record["AN8"] for record in output.records["F0101"]} == recent
    everyone = run(streams=["customers"]).records["customers"]
    assert output.records["customers"] == [one for one in everyone if (one["UPMJ"] or "") >= "2025-06-01"]


def test_equal_stamps_across_page_borders(jde, run, at):
    for number in range(1001, 1031):
        jde.control.update_rows(
            "F0101", {"AN8": number}, {"UPMJ": "2026-11-20", "UPMT": 80000 + number % 3}, stamp=False
        )
    state = {"bookmarks": {"F0101": {"replication_key": "UPMJ", "replication_key_value": "2026-11-20"}}}

    @settings(max_examples=12)
    @given(st.integers(1, 40))
    def check(page_size):
        output = run(tables=["F0101"], state=state, page_size=page_size)
        emitted = [record["AN8"] for record in output.records["F0101"]]
        assert sorted(emitted) == list(range(1001, 1031))
        assert emitted == sorted(emitted, key=lambda number: (number % 3, number))

    check()


def test_full_table_replication_is_honoured_and_keeps_no_bookmark(run):
    catalog = run.tap(tables=["F0101"], streams=["customers"]).catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["metadata"][-1]["metadata"]["selected"] = True
    once = run(tables=["F0101"], streams=["customers"], catalog=catalog)
    twice = run(tables=["F0101"], streams=["customers"], catalog=catalog, state=once.state)
    assert len(once.records["customers"]) == 30
    assert twice.records == once.records
    assert "replication_key_value" not in once.bookmark("F0101")
