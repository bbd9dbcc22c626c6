"""A pipeline that dies goes on where it was; a session that dies is not noticed."""

from __future__ import annotations

import pytest
from tap_jdedwards.composed import stream as composed_stream
from tap_jdedwards.tables.run import RECORDS_PER_STATE


@pytest.fixture(autouse=True)
def _frequent_states(monkeypatch):
    monkeypatch.setattr(composed_stream, "DOCUMENTS_PER_STATE", 20)


@pytest.mark.parametrize("die_after", [0, 49, 50, 137, 249])
@pytest.mark.parametrize(
    ("stream", "settings"),
    [
        ("F0101", {"tables": ["F0101"]}),
        ("F0115", {"tables": ["F0115"]}),
        ("F0116", {"tables": ["F0116"]}),
        ("customers", {"streams": ["customers"]}),
    ],
)
def test_a_first_load_that_is_cut_goes_on_at_its_key(read, stream, settings, die_after):
    whole = read(page_size=50, **settings)
    cut = read(page_size=50, die_after=die_after, **settings)
    assert len(cut.records[stream]) == die_after
    position = cut.bookmark(stream)["first_load"]
    rest = read(page_size=50, state=cut.state, **settings)
    assert "first_load" not in rest.bookmark(stream)
    repeated = set(cut.keys(stream)) & set(rest.keys(stream))
    assert len(repeated) <= 75  # a page cut out by the density of keys may hold half more rows than asked for
    assert not position["after"] or min(rest.keys(stream))[: len(position["after"])] > tuple(position["after"])
    merged = {**dict(zip(cut.keys(stream), cut.records[stream], strict=True))}
    merged.update(zip(rest.keys(stream), rest.records[stream], strict=True))
    assert [merged[key] for key in sorted(merged)] == whole.records[stream]
    assert rest.bookmark(stream) == whole.bookmark(stream)


def test_a_position_under_another_key_means_a_new_first_load(run):
    cut = run(tables=["F0115"], page_size=10, die_after=25)
    key = ["AN8", "IDLN", "RCK7"]
    rest = run(tables=["F0115"], state=cut.state, table_keys={"F0115": key})
    assert len(rest.records["F0115"]) == len(run.jde.control.rows("F0115"))


def test_what_changes_while_a_first_load_is_cut_is_read_by_the_next_run(jde, run):
    cut = run(tables=["F0101"], page_size=10, die_after=25)
    jde.control.update_rows("F0101", {"AN8": 1002}, {"ALPH": "Changed behind the cursor"})
    rest = run(tables=["F0101"], page_size=10, state=cut.state)
    assert 1002 not in {record["AN8"] for record in rest.records["F0101"]}
    later = run(tables=["F0101"], state=rest.state)
    assert "Changed behind the cursor" in {record["ALPH"] for record in later.records["F0101"]}


def test_a_catch_up_that_is_cut_goes_on_and_loses_nothing(jde, run):
    loaded = run(streams=["customers"])
    jde.control.update_rows("F0101", {}, {"PID": "R01"})
    cut = run(streams=["customers"], state=loaded.state, die_after=24)
    assert cut.bookmark("customers")["catch_up"]["after"] == [1020]
    # Changed again behind the cursor: the interrupted pass has passed it, the one after it has not.
    jde.control.update_rows("F0101", {"AN8": 1002}, {"ALPH": "Again"})
    rest = run(streams=["customers"], state=cut.state)
    assert rest.numbers("customers") == set(range(1021, 1031))
    assert "catch_up" not in rest.bookmark("customers")
    last = run(streams=["customers"], state=rest.state, overlap_minutes=0)
    assert "Again" in {document["name"] for document in last.records["customers"]}


def test_states_come_often_enough(read):
    for settings in ({"tables": ["F0115"]}, {"tables": ["F0115"], "page_size": 100}, {"streams": ["contacts"]}):
        records = 0
        for message in read(**settings).messages:
            records = records + 1 if message["type"] == "RECORD" else 0 if message["type"] == "STATE" else records
            # A page cut out by the density of keys may hold half more rows than asked for.
            assert records <= min(RECORDS_PER_STATE, settings.get("page_size", RECORDS_PER_STATE) * 3 // 2)


@pytest.mark.parametrize("streams", [{"tables": ["F0115"]}, {"streams": ["customers"]}, {"streams": ["contacts"]}])
def test_tokens_and_result_sets_that_die_between_pages(read, streams):
    undisturbed = read(page_size=60, **streams)
    # Far enough apart for each new token to serve a read: one that never can is a server beyond help.
    for after in (4, 12):
        read.jde.control.schedule(after, "expire_sessions")
        read.jde.control.schedule(after, "expire_results")
    disturbed = read(page_size=60, **streams)
    # Other tests have left sessions behind, perhaps.
    assert all(change["done"] >= 1 for change in read.jde.control.scheduled()[-4::2])
    assert disturbed.failures == {}
    assert disturbed.records == undisturbed.records
    assert disturbed.state == undisturbed.state


def test_an_answer_lost_or_cut_on_the_way_is_asked_for_again(read):
    whole = read(tables=["F0115"], page_size=200)
    read.jde.control.fault("reset", path="dataservice", skip=3, times=1)
    read.jde.control.fault("truncate", path="dataservice", skip=4, times=1)
    output = read(tables=["F0115"], page_size=200)
    assert output.failures == {}
    assert output.records == whole.records


def test_a_server_that_does_not_sort_is_refused_rather_than_read_with_gaps(read):
    read.jde.control.switch(ignore_order_by=True)
    output = read(tables=["F0101"], streams=["customers"], page_size=50)
    assert set(output.failures) == {"F0101", "customers"}
    assert "replication_key_value" not in output.bookmark("F0101")
