"""Whole loads: a version for each, activated only when all of it has been sent."""

from __future__ import annotations

import pytest


@pytest.fixture
def whole(run):
    """Runs a table whole, by the catalog."""

    def read(table="F0101", **options):
        catalog = run.tap(tables=[table]).catalog_dict
        catalog["streams"][0]["metadata"][-1]["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
        return run(tables=[table], catalog=catalog, **options)

    return read


def versions(output):
    return {message.get("version") for message in output.messages if message["type"] == "RECORD"}


def activated(output):
    return [message for message in output.messages if message["type"] == "ACTIVATE_VERSION"]


def delete(jde, count, table="F0101"):
    numbers = [row["AN8"] for row in jde.control.rows(table)][:count]
    jde.control.delete_rows(table, {"AN8": numbers})
    return len(numbers)


def test_each_load_is_a_version_that_is_activated_at_its_end(jde, whole):
    first = whole()
    delete(jde, 3)
    second = whole(state=first.state)
    rows = len(jde.control.rows("F0101"))
    for output, expected in ((first, rows + 3), (second, rows)):
        (version,) = versions(output)
        (message,) = activated(output)
        assert message == {"type": "ACTIVATE_VERSION", "stream": "F0101", "version": version}
        types = [message["type"] for message in output.messages]
        assert types[-2:] == ["ACTIVATE_VERSION", "STATE"]
        assert types.count("RECORD") == expected
        assert output.bookmark("F0101") == {"full_table": {"rows": expected, "version": version}}
    assert min(versions(second)) > max(versions(first))


def test_incremental_streams_have_no_versions(run):
    output = run(tables=["F0101"], streams=["customers"])
    assert versions(output) == {None}
    assert activated(output) == []


@pytest.mark.parametrize("how", ["killed", "refused"])
def test_nothing_is_activated_after_a_failure(jde, whole, how):
    first = whole(page_size=10)
    if how == "killed":
        second = whole(page_size=10, state=first.state, die_after=15)
    else:
        jde.after_requests(3, lambda: jde.control.switch(refused_tables=["F0101"]))
        second = whole(page_size=10, state=first.state)
        assert second.failures
    assert second.records["F0101"]
    assert activated(second) == []
    assert second.bookmark("F0101") == first.bookmark("F0101")


@pytest.mark.parametrize("count", [20, 10_000])
def test_a_source_that_has_shrunk_trips_the_guard(jde, whole, count):
    first = whole()
    gone = delete(jde, count)
    second = whole(state=first.state)
    assert activated(second) == []
    assert "F0101" in second.failures["F0101"]
    assert "nothing was deleted" in second.failures["F0101"]
    assert "delete_guard_percent" in second.failures["F0101"]
    assert second.bookmark("F0101") == first.bookmark("F0101")
    third = whole(state=second.state, delete_guard_percent=100)
    assert third.failures == {}
    assert len(activated(third)) == 1
    assert third.bookmark("F0101")["full_table"]["rows"] == first.bookmark("F0101")["full_table"]["rows"] - gone


def test_small_tables_may_shrink(jde, whole):
    first = whole("F0401")
    jde.control.delete_rows("F0401", {"AN8": jde.control.rows("F0401")[0]["AN8"]})
    second = whole("F0401", state=first.state)
    assert second.failures == {}
    assert len(activated(second)) == 1


def test_the_setting_of_the_sdk_changes_nothing(whole):
    output = whole(emit_activate_version_messages=True)
    assert [message["type"] for message in output.messages][-2:] == ["ACTIVATE_VERSION", "STATE"]
    assert len(activated(output)) == 1


def test_stream_maps_rename_versions_too(whole):
    output = whole(stream_maps={"F0101": {"__alias__": "addresses"}})
    assert {message["stream"] for message in activated(output)} == {"addresses"}


def test_shards_do_not_drop_the_rows_of_each_other(whole):
    output = whole(shard={"index": 0, "of": 2})
    assert activated(output) == []
    assert versions(output) == {None}


def test_start_date_holds_for_whole_loads(jde, run, whole):
    recent = {row["AN8"] for row in jde.control.rows("F0101") if (row["UPMJ"] or "") >= "2025-06-01"}
    assert 0 < len(recent) < len(jde.control.rows("F0101"))
    assert {record["AN8"] for record in whole(start_date="2025-06-01").records["F0101"]} == recent
    by_setting = run(tables=["F0101"], replication_columns={"F0101": ""}, start_date="2025-06-01")
    assert {record["AN8"] for record in by_setting.records["F0101"]} == recent


def test_from_whole_to_incremental_and_back(jde, run, whole):
    first = whole()
    second = run(tables=["F0101"], state=first.state)
    assert len(second.records["F0101"]) == len(first.records["F0101"])
    assert "replication_key_value" in second.bookmark("F0101")
    third = whole(state=second.state)
    assert len(third.records["F0101"]) == len(first.records["F0101"])
    assert list(third.bookmark("F0101")) == ["full_table"]
