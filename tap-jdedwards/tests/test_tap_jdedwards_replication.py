"""By which column a table is read, and states that were written otherwise or by others."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from service_emulators.testing import start_jde
from tap_jdedwards.bookmark import BookmarkError, TableBookmark

KEY = {"F0911": ["DOC", "DCT", "KCO", "DGJ", "JELN", "LT", "EXTL"]}


@pytest.fixture
def ledger():
    """Ledger lines whose G/L dates differ from their audit stamps."""
    with start_jde(documents=12, seed=5) as jde:
        jde.control.set_clock(now="2026-11-20T09:00:00")
        jde.control.update_rows("F0911", {}, {"DGJ": "2026-03-01", "UPMJ": "2026-03-02", "UPMT": 90_000}, stamp=False)
        yield jde


def move(jde, count, day):
    """Let some lines have another G/L date without a new audit stamp."""
    rows = jde.control.rows("F0911")[:count]
    for row in rows:
        jde.control.update_rows("F0911", {alias: row[alias] for alias in KEY["F0911"]}, {"DGJ": day}, stamp=False)
    return {(row["DOC"], row["JELN"]) for row in rows}


def lines(output):
    return {(record["DOC"], record["JELN"]) for record in output.records["F0911"]}


def with_metadata(run, table, *, metadata=None, **entry):
    catalog = run.tap(tables=[table]).catalog_dict
    (stream,) = catalog["streams"]
    stream.update(entry)
    stream["metadata"][-1]["metadata"].update({"selected": True, **(metadata or {})})
    return catalog


def test_the_ledger_by_its_gl_date(ledger, runner_of):
    run = runner_of(ledger)
    settings = {"tables": ["F0911"], "replication_columns": {"f0911": "DGJ"}, "overlap_minutes": 0}
    first = run(**settings)
    assert first.schemas["F0911"]["bookmark_properties"] == ["DGJ"]
    assert first.bookmark("F0911") == {"replication_key": "DGJ", "replication_key_value": "2026-03-01"}
    moved = move(ledger, 5, "2026-11-19")
    second = run(state=first.state, **settings)
    assert {(one["DOC"], one["JELN"]) for one in second.records["F0911"] if one["DGJ"] > "2026-03-01"} == moved
    third = run(state=second.state, **settings)
    assert lines(third) == moved
    assert third.bookmark("F0911") == {"replication_key": "DGJ", "replication_key_value": "2026-11-19"}


def test_a_gl_date_in_the_future_does_not_hide_later_postings(ledger, runner_of):
    run = runner_of(ledger)
    settings = {"tables": ["F0911"], "replication_columns": {"F0911": "DGJ"}, "overlap_minutes": 0}
    move(ledger, 3, "2027-01-31")
    first = run(**settings)
    assert first.bookmark("F0911")["replication_key_value"] == "2026-11-20"
    second = run(state=first.state, **settings)
    assert [one["DGJ"] for one in second.records["F0911"]] == ["2027-01-31"] * 3


@pytest.mark.parametrize("way", ["setting", "metadata", "entry"])
def test_ways_to_name_a_column_with_a_time(ledger, runner_of, way):
    run = runner_of(ledger)
    settings = {"tables": ["F4301"], "overlap_minutes": 0}
    if way == "setting":
        settings["replication_columns"] = {"F4301": "TRDJ+TDAY"}
    elif way == "metadata":
        settings["catalog"] = with_metadata(run, "F4301", metadata={"replication-key": "TRDJ+TDAY"})
    else:
        settings["catalog"] = with_metadata(run, "F4301", replication_key="TRDJ+TDAY")
    ledger.control.update_rows("F4301", {}, {"TRDJ": "2026-11-18", "TDAY": 80_000}, stamp=False)
    first = run(**settings)
    assert first.failures == {}
    assert first.schemas["F4301"]["bookmark_properties"] == ["TRDJ"]
    assert first.bookmark("F4301") == {
        "replication_key": "TRDJ",
        "replication_key_value": "2026-11-18",
        "replication_key_time": "08:00:00",
    }
    number = first.records["F4301"][0]["DOCO"]
    ledger.control.update_rows("F4301", {}, {"TDAY": 70_000}, stamp=False)
    ledger.control.update_rows("F4301", {"DOCO": number}, {"TDAY": 80_001}, stamp=False)
    assert {one["DOCO"] for one in run(state=first.state, **settings).records["F4301"]} == {number}


def test_the_catalogs_own_choice_goes_before_the_setting_and_the_default_does_not(ledger, runner_of):
    run = runner_of(ledger)
    named = {"F0911": "DGJ"}
    chosen = run(
        tables=["F0911"], replication_columns=named, catalog=with_metadata(run, "F0911", replication_key="DICJ")
    )
    assert chosen.bookmark("F0911")["replication_key"] == "DICJ"
    found = run(tables=["F0911"], replication_columns=named, catalog=with_metadata(run, "F0911"))
    assert found.bookmark("F0911")["replication_key"] == "DGJ"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("NOPE", "replication_columns of F0101: there is no column NOPE"),
        ("ALPH", "replication_columns of F0101: ALPH is no date"),
        ("UPMJ+ALPH", "replication_columns of F0101: ALPH is no time of day"),
        ("UPMJ+", "replication_columns of F0101: there is no column"),
    ],
)
def test_a_column_that_cannot_be_one(read, column, message):
    output = read(tables=["F0101", "F0111"], replication_columns={"F0101": column})
    assert message in output.failures["F0101"]
    assert "setting tables" not in output.failures["F0101"]
    assert output.records["F0111"]


def test_a_column_of_the_catalog_that_cannot_be_one(read, caplog):
    output = read(tables=["F0101"], catalog=with_metadata(read, "F0101", replication_key="ALPH"))
    assert output.failures["F0101"] == "the replication key ALPH of the catalog cannot be used: ALPH is no date"
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("way", ["setting", "metadata", "entry"])
def test_ways_to_read_a_table_whole(read, way):
    options = {"tables": ["F0101"]}
    if way == "setting":
        options["replication_columns"] = {"F0101": ""}
    elif way == "metadata":
        options["catalog"] = with_metadata(read, "F0101", metadata={"replication-method": "FULL_TABLE"})
    else:
        options["catalog"] = with_metadata(read, "F0101", replication_method="FULL_TABLE")
    once = read(**options)
    twice = read(state=once.state, **options)
    assert len(twice.records["F0101"]) == len(once.records["F0101"]) == len(read.jde.control.rows("F0101"))
    assert [one["type"] for one in twice.messages if one["type"] == "ACTIVATE_VERSION"] == ["ACTIVATE_VERSION"]


def test_a_state_of_another_replication_key_is_not_mixed(ledger, runner_of, caplog):
    run = runner_of(ledger)
    before = run(tables=["F0911"])
    assert before.bookmark("F0911")["replication_key"] == "UPMJ"
    output = run(tables=["F0911"], state=before.state, replication_columns={"F0911": "DGJ"})
    assert len(output.records["F0911"]) == len(ledger.control.rows("F0911"))
    assert output.bookmark("F0911") == {"replication_key": "DGJ", "replication_key_value": "2026-03-01"}
    assert "was written by the replication key UPMJ, the stream is now read by DGJ" in caplog.text
    cut = run(tables=["F0911"], die_after=30, page_size=10)
    caplog.clear()
    whole = run(tables=["F0911"], state=cut.state, replication_columns={"F0911": "DGJ"})
    assert len(whole.records["F0911"]) == len(ledger.control.rows("F0911"))
    assert "everything is read again" in caplog.text


STATE_OF_VERSION_0_1 = {
    "done": {"replication_key": "UPMJ", "replication_key_value": "2026-11-20", "replication_key_time": "09:30:05"},
    "cut": {
        "replication_key": "UPMJ",
        "first_load": {"after": [1234], "start_mark": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}},
    },
    "cut, composite key": {
        "replication_key": "UPMJ",
        "first_load": {"after": [1234, "2026-01-01"], "start_mark": {"UPMJ": "2026-11-20", "UPMT": "09:30:05"}},
    },
}


@pytest.mark.parametrize("name", STATE_OF_VERSION_0_1)
def test_states_of_version_0_1_are_read_and_written_alike(name):
    state = STATE_OF_VERSION_0_1[name]
    assert TableBookmark.from_state(state).to_state() == state


def test_a_load_cut_under_version_0_1_goes_on(read):
    state = {"bookmarks": {"F0101": STATE_OF_VERSION_0_1["cut"]}}
    output = read(tables=["F0101"], state=state)
    assert {record["AN8"] for record in output.records["F0101"]} == {
        row["AN8"] for row in read.jde.control.rows("F0101") if row["AN8"] > 1234
    }
    assert output.bookmark("F0101") == STATE_OF_VERSION_0_1["done"]


MIDNIGHT, TEN = datetime(2026, 11, 20), datetime(2026, 11, 20, 10)


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ({"replication_key": "UPMJ", "replication_key_value": "2026-11-20"}, MIDNIGHT),
        ({"replication_key_value": "2026-11-20T10:00:00"}, TEN),
        ({"replication_key_value": "2026-11-20T10:00:00.123456"}, TEN),
        # Anywhere on earth it was at least this late, and the zone of the servers is not known.
        ({"replication_key_value": "2026-11-20T10:00:00Z"}, datetime(2026, 11, 19, 22)),
        ({"replication_key_value": "2026-11-20T10:00:00+02:00"}, datetime(2026, 11, 19, 20)),
        ({"replication_key_value": "2026-11-20", "replication_key_signpost": "2026-12-01T00:00:00Z"}, MIDNIGHT),
        ({"replication_key_value": "2026-11-20", "starting_replication_value": "2019-01-01"}, MIDNIGHT),
        ({"replication_key_value": "2026-11-20", "partitions": [], "version": 3, "x": None}, MIDNIGHT),
        ({"progress_markers": {"replication_key": "UPMJ", "replication_key_value": "2026-11-20"}}, None),
        ({"replication_key": None, "replication_key_value": None}, None),
        ({}, None),
    ],
)
def test_states_of_other_taps_of_the_sdk(state, mark):
    assert TableBookmark.from_state(json.loads(json.dumps(state))).mark == mark


@pytest.mark.parametrize("value", ["126325", 126325, 98001])
def test_dates_of_the_database_are_refused(read, value):
    with pytest.raises(BookmarkError, match="looks like a CYYDDD date"):
        TableBookmark.from_state({"replication_key_value": value})
    state = {"bookmarks": {"F0101": {"replication_key": "UPMJ", "replication_key_value": value}}}
    output = read(tables=["F0101", "F0111"], state=state)
    assert "the state of this stream cannot be read" in output.failures["F0101"]
    assert output.records["F0111"]


def test_a_plain_state_of_the_sdk_goes_on_incrementally(jde, run):
    jde.control.set_clock(now="2026-11-20T09:00:00")
    jde.control.update_rows("F0101", {"AN8": 1005}, {"ALPH": "Changed"})
    entry = {
        "replication_key": "UPMJ",
        "replication_key_value": "2026-11-20T00:00:00",
        "replication_key_signpost": "2026-11-20T10:00:00Z",
        "progress_markers": {"Note": "Progress is not resumable if interrupted."},
    }
    output = run(tables=["F0101"], state={"bookmarks": {"F0101": entry}}, overlap_minutes=0)
    assert 1005 in {record["AN8"] for record in output.records["F0101"]}
    assert len(output.records["F0101"]) < 10
    assert output.bookmark("F0101") == {
        "replication_key": "UPMJ",
        "replication_key_value": "2026-11-20",
        "replication_key_time": "09:00:00",
    }
