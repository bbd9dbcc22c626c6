"""Shards: several processes that together read each row exactly once, each with a state of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.testing import start_jde
from tap_jdedwards.dictionary import Kind
from tap_jdedwards.shards import Part, ShardError

SHARDS = 4
TABLES = ["F0101", "F0911", "F4311", "F0005", "F0006"]
KINDS = {"AN8": Kind.WHOLE, "LNID": Kind.NUMBER, "CO": Kind.STRING, "DGJ": Kind.DATE}


@pytest.fixture(scope="module")
def orders():
    """Documents whose numbers spread over many stripes."""
    with start_jde(customers=60, contacts=60, documents=40, odd=True, seed=11) as jde:
        for table in ("F0911", "F4311"):
            column = "DOC" if table == "F0911" else "DOCO"
            for place, number in enumerate(sorted({row[column] for row in jde.control.rows(table)})):
                jde.control.update_rows(table, {column: number}, {column: 1_000_000 + place * 700}, stamp=False)
        yield jde


def shards(runner, states=None, **options):
    def one(index):
        state = states and states[index]
        return runner(tables=TABLES, state=state, shard={"index": index, "of": SHARDS}, page_size=50, **options)

    with ThreadPoolExecutor(SHARDS) as pool:
        return list(pool.map(one, range(SHARDS)))


def together(outputs, table):
    return sorted(json.dumps(record, sort_keys=True) for output in outputs for record in output.records[table])


def test_the_union_is_the_whole_and_no_row_comes_twice(orders, runner_of):
    run = runner_of(orders)
    whole = run(tables=TABLES)
    parts = shards(run)
    assert [part.failures for part in parts] == [{}] * SHARDS
    for table in TABLES:
        assert together(parts, table) == together([whole], table), table
        owners = Counter(key for part in parts if table in part.schemas for key in part.keys(table))
        assert set(owners.values()) <= {1}, table
    assert sum(bool(part.records["F0911"]) for part in parts) == SHARDS
    # Without a whole number in the key there is nothing to divide a table by.
    assert [bool(part.records["F0005"]) for part in parts] == [True, False, False, False]
    for index, part in enumerate(parts):
        assert part.bookmark("F0911")["shard"] == {"index": index, "of": SHARDS}
        assert part.bookmark("F0911")["replication_key_value"] == whole.bookmark("F0911")["replication_key_value"]


def test_changes_in_between_are_read_once_as_well(orders, runner_of):
    run = runner_of(orders)
    orders.control.set_clock(now="2030-01-01T09:00:00")
    first = shards(run)
    numbers = sorted({row["DOC"] for row in orders.control.rows("F0911")})
    for number in numbers[::3]:
        orders.control.update_rows("F0911", {"DOC": number}, {"EXA": "Changed"})
    row = orders.control.rows("F0911", {"DOC": numbers[0]}, limit=1)[0]
    added = [{**row, "DOC": number} for number in (5, 123_456, 7_000_001)]
    orders.control.insert_rows("F0911", added)
    orders.control.update_rows("F0005", {"SY": "01", "RT": "ST"}, {"DL01": "Changed"})
    orders.control.set_clock(now="2030-01-01T09:05:00")
    second = shards(run, [part.state for part in first], overlap_minutes=2)
    whole = run(tables=TABLES, state=run_state(first), overlap_minutes=2)
    for table in TABLES:
        assert together(second, table) == together([whole], table), table
    changed = {one["DOC"] for one in whole.records["F0911"] if one["UPMJ"] == "2030-01-01"}
    assert changed == {*numbers[::3], 5, 123_456, 7_000_001}
    assert sum(bool(part.records["F0911"]) for part in second) > 1


def run_state(parts):
    """The state of the first shard as that of a whole run; all have the same marks here."""
    state = json.loads(json.dumps(parts[0].state))
    for bookmark in state["bookmarks"].values():
        bookmark.pop("shard")
    return state


def test_a_shard_that_is_cut_goes_on(orders, runner_of):
    run = runner_of(orders)
    options = {"tables": ["F0911"], "shard": {"index": 1, "of": 2}, "page_size": 20}
    whole = run(**options)
    cut = run(die_after=90, **options)
    assert cut.bookmark("F0911")["shard"] == {"index": 1, "of": 2}
    rest = run(state=cut.state, **options)
    assert sorted(set(cut.keys("F0911")) | set(rest.keys("F0911"))) == sorted(whole.keys("F0911"))
    assert len(rest.records["F0911"]) < len(whole.records["F0911"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"index": 0, "of": 4}, {"index": 1, "of": 4}),
        ({"index": 0, "of": 4}, {"index": 0, "of": 2}),
        ({"index": 0, "of": 4}, None),
        (None, {"index": 0, "of": 4}),
    ],
)
@pytest.mark.parametrize("die_after", [None, 10])
def test_a_state_of_another_layout_is_refused(run, before, after, die_after):
    def options(shard):
        return {"tables": ["F0101", "F0005"], "page_size": 5} | ({"shard": shard} if shard else {})

    first = run(die_after=die_after, **options(before))
    second = run(state=first.state, **options(after))
    assert not second.records["F0101"]
    message = second.failures["F0101"]
    assert message.startswith("F0101: the state was written ")
    assert "shard" in message
    assert "start without this state to load anew" in message
    assert second.bookmark("F0101") == first.bookmark("F0101")


def test_a_shard_in_the_settings_that_is_none(run):
    with pytest.raises(Exception, match="shard: index 4 is not below of 4"):
        run(tables=["F0101"], shard={"index": 4, "of": 4})


def test_shards_as_processes(orders, runner_of, tmp_path):
    whole = runner_of(orders)(tables=["F0911"])
    processes = []
    for index in range(SHARDS):
        file = tmp_path / f"{index}.config.json"
        file.write_text(json.dumps(runner_of(orders).config(tables=["F0911"], shard={"index": index, "of": SHARDS})))
        command = [sys.executable, "-m", "tap_jdedwards", "--config", str(file)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ))
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * SHARDS
    records = [json.loads(line) for output in outputs for line in output.splitlines()]
    assert sorted(json.dumps(one["record"], sort_keys=True) for one in records if one["type"] == "RECORD") == together(
        [whole], "F0911"
    )


@given(st.integers(1, 9), st.lists(st.integers(-(10**6), 10**9), min_size=1))
def test_each_row_has_one_owner(of, numbers):
    rows = [{"AN8": number} for number in numbers]
    owned = [row for index in range(of) for row in Part.of((index, of), ["AN8"], KINDS).own(rows)]
    assert sorted(row["AN8"] for row in owned) == sorted(numbers)


@pytest.mark.parametrize(
    ("key", "column"),
    [(["AN8"], "AN8"), (["CO", "AN8"], "AN8"), (["CO"], None), (["LNID", "AN8"], None), (["CO", "DGJ"], None)],
)
def test_the_column_that_decides(key, column):
    assert Part.of((1, 2), key, KINDS).column == column
    assert Part.of((1, 2), key, KINDS).is_nothing == (column is None)
    assert Part.of((0, 2), key, KINDS).is_whole == (column is None)
    assert Part.of(None, key, KINDS).is_whole
    assert Part.of((0, 1), key, KINDS).is_whole


def test_a_state_that_says_nothing_belongs_to_any_shard():
    part = Part.of((1, 2), ["AN8"], KINDS)
    part.check("F0101", {})
    part.check("F0101", {"replication_key": "UPMJ"})
    with pytest.raises(ShardError, match="written without shard, but the tap is to run as shard 1 of 2"):
        part.check("F0101", {"tables": {}})
