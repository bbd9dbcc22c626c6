"""Deleted rows of tables arrive downstream, whatever happens in between."""

from __future__ import annotations

from datetime import datetime

import pytest
from jsonschema import Draft202012Validator
from service_emulators.testing import start_jde
from tap_jdedwards.dictionary import load_dictionary

STREAM = "F0101"


class Warehouse:
    """What a target holds that upserts by key; it keeps a state only when it has everything before."""

    def __init__(self):
        self.rows, self.state = {}, None

    def load(self, output, stream, *, lost=False):
        """Take a run's output; with ``lost`` the target dies and knows nothing of it."""
        if lost:
            return
        key = output.schemas[stream]["key_properties"]
        for record in output.records[stream]:
            self.rows[tuple(record[name] for name in key)] = record
        self.state = output.state

    def live(self):
        return {key for key, row in self.rows.items() if row["_sdc_deleted_at"] is None}


@pytest.fixture(scope="module")
def odd():
    """A company with odd rows in every table."""
    with start_jde(customers=20, contacts=20, documents=8, odd=True, seed=3) as emulator:
        yield emulator


@pytest.fixture
def clock(jde):
    def set_clock(minutes):
        jde.control.set_clock(now=f"2026-11-20T{9 + minutes // 60:02}:{minutes % 60:02}:00")

    set_clock(0)
    return set_clock


@pytest.fixture
def sync(run, tmp_path, clock):
    """Runs the tap with deletions detected, by default in one table."""

    def read(stream=STREAM, **options):
        settings = {"detect_deletes": "keys", "keys_path": str(tmp_path / "keys"), "overlap_minutes": 0, "page_size": 7}
        return run(**{"tables": [stream], **settings, **options})

    return read


def keys(jde, stream):
    names = load_dictionary().tables[stream].key
    return {tuple(row[name] for name in names) for row in jde.control.rows(stream)}


def deletions(output, stream=STREAM):
    return {key for key, row in zip(output.keys(stream), output.records[stream], strict=True) if row["_sdc_deleted_at"]}


def delete(jde, *numbers, stream=STREAM):
    assert jde.control.delete_rows(stream, {"AN8": list(numbers)})


def test_a_deleted_row_is_told_once_and_its_schema_allows_it(jde, sync):
    first = sync()
    assert all(record["_sdc_deleted_at"] is None for record in first.records[STREAM])
    delete(jde, 1004, 1017)
    second = sync(state=first.state)
    assert deletions(second) == {(1004,), (1017,)}
    told = next(record for record in second.records[STREAM] if record["AN8"] == 1004)
    assert datetime.fromisoformat(told["_sdc_deleted_at"]).utcoffset().total_seconds() == 0
    assert {name for name, value in told.items() if value is not None} == {"AN8", "_sdc_deleted_at"}
    assert set(told) == set(first.records[STREAM][0])
    validator = Draft202012Validator(second.schemas[STREAM]["schema"])
    assert all(validator.is_valid(record) for record in second.records[STREAM])
    assert second.bookmark(STREAM)["deletes"] == {"sweep": 1}
    third = sync(state=second.state)
    assert deletions(third) == set()
    assert third.bookmark(STREAM)["deletes"] == {"sweep": 2}


@pytest.mark.parametrize("stream", ["F0115", "F0116", "F0005", "F0006", "F03012"])
def test_keys_of_text_dates_and_several_columns(jde, sync, stream):
    first = sync(stream)
    warehouse = Warehouse()
    warehouse.load(first, stream)
    names = first.schemas[stream]["key_properties"]
    before = keys(jde, stream)
    gone = sorted(before, key=str)[::9]
    for key in gone:
        assert jde.control.delete_rows(stream, dict(zip(names, key, strict=True))) == 1
    second = sync(stream, state=first.state, delete_guard_percent=50)
    assert second.failures == {}
    warehouse.load(second, stream)
    assert deletions(second, stream) == set(gone)
    assert warehouse.live() == keys(jde, stream) == before - set(gone)


def test_fractions_in_a_key(jde, sync, clock):
    lines = [
        {"DOCO": 500, "DCTO": "SO", "KCOO": "00001", "LNID": line, "DSC1": f"line {line}"}
        for line in (1, 1.001, 1.01, 2, 2.5)
    ]
    jde.control.insert_rows("F4211", lines)
    first = sync("F4211")
    assert len(first.records["F4211"]) == 5
    jde.control.delete_rows("F4211", {"DOCO": 500, "LNID": 1.001})
    clock(5)
    second = sync("F4211", state=first.state)
    assert [str(key[-1]) for key in deletions(second, "F4211")] == ["1.001"]
    assert deletions(sync("F4211", state=second.state), "F4211") == set()


def test_a_row_that_comes_back_with_a_stamp(jde, sync, clock):
    row = jde.control.rows(STREAM, {"AN8": 1004})[0]
    first = sync()
    delete(jde, 1004)
    second = sync(state=first.state)
    clock(10)
    jde.control.insert_rows(STREAM, [{**row, "ALPH": "Back"}])
    third = sync(state=second.state)
    (record,) = [record for record in third.records[STREAM] if record["AN8"] == 1004]
    assert (record["ALPH"], record["_sdc_deleted_at"]) == ("Back", None)
    assert 1004 not in {record["AN8"] for record in sync(state=third.state, start_date="2026-11-21").records[STREAM]}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_row_that_comes_back_or_is_new_with_an_old_stamp(jde, sync, clock, acknowledged):
    clock(1)
    row = jde.control.rows(STREAM, {"AN8": 1004})[0] | {"UPMJ": "2025-01-01", "UPMT": 0}
    warehouse = Warehouse()
    warehouse.load(sync(), STREAM)
    delete(jde, 1004)
    warehouse.load(sync(state=warehouse.state), STREAM, lost=not acknowledged)
    jde.control.insert_rows(STREAM, [row, {**row, "AN8": 77_777, "ALPH": "By SQL"}], stamp=False)
    output = sync(state=warehouse.state)
    warehouse.load(output, STREAM)
    assert warehouse.live() == keys(jde, STREAM)
    assert warehouse.rows[77_777,]["ALPH"] == "By SQL"
    assert warehouse.rows[1004,]["_sdc_deleted_at"] is None
    assert 77_777 not in {record["AN8"] for record in sync(state=warehouse.state).records[STREAM]}


def test_rows_added_between_two_sweeps_are_known(jde, sync, clock):
    first = sync()
    clock(5)
    row = jde.control.rows(STREAM, {"AN8": 1004})[0]
    jde.control.insert_rows(STREAM, [{**row, "AN8": 90_001}])
    second = sync(state=first.state)
    assert 90_001 in {record["AN8"] for record in second.records[STREAM]}
    delete(jde, 90_001)
    assert deletions(sync(state=second.state)) == {(90_001,)}


def test_a_row_deleted_while_it_is_told_of(jde, sync, clock):
    """It is read as a change and gone when the keys are looked at."""
    first = sync()
    clock(5)
    jde.control.update_rows(STREAM, {"AN8": 1004}, {"ALPH": "Last words"})
    numbers = iter(range(100))

    def vanish():
        if next(numbers) == 1:
            delete(jde, 1004)

    second = sync(state=first.state, on_state=vanish)
    told = [record for record in second.records[STREAM] if record["AN8"] == 1004]
    assert [record["_sdc_deleted_at"] is None for record in told] == [True, False]


def test_a_target_that_lost_the_rows_gets_them_again(jde, sync):
    warehouse = Warehouse()
    warehouse.load(sync(), STREAM)
    delete(jde, 1004)
    lost = sync(state=warehouse.state)
    assert deletions(lost) == {(1004,)}
    warehouse.load(lost, STREAM, lost=True)
    again = sync(state=warehouse.state)
    assert deletions(again) == {(1004,)}
    assert again.bookmark(STREAM)["deletes"] == {"sweep": 2}
    warehouse.load(again, STREAM)
    assert warehouse.live() == keys(jde, STREAM)
    assert deletions(sync(state=warehouse.state)) == set()


@pytest.mark.parametrize("die_after", range(8))
def test_killed_anywhere_between_emission_and_state(jde, sync, clock, die_after):
    warehouse = Warehouse()
    warehouse.load(sync(), STREAM)
    clock(5)
    jde.control.update_rows(STREAM, {"AN8": [1020, 1021]}, {"ALPH": "x"})
    delete(jde, 1004, 1005, 1006)
    row = jde.control.rows(STREAM, {"AN8": 1010})[0] | {"UPMJ": "2025-01-01", "UPMT": 0}
    jde.control.insert_rows(STREAM, [{**row, "AN8": number} for number in (77_777, 77_778)], stamp=False)
    cut = sync(state=warehouse.state, die_after=die_after)
    # The target may have taken the records and lost them, or have kept them; the state it has is the last one sent.
    state = cut.states[-1]
    if die_after % 2:
        warehouse.load(cut, STREAM)
    warehouse.state = state
    rest = sync(state=warehouse.state)
    warehouse.load(rest, STREAM)
    assert warehouse.live() == keys(jde, STREAM)
    last = sync(state=warehouse.state)
    assert deletions(last) == set()


@pytest.mark.parametrize("what", ["empty", "shrunken"])
def test_the_guard(jde, sync, what, caplog):
    first = sync()
    everyone = sorted(number for (number,) in keys(jde, STREAM))
    gone = everyone if what == "empty" else everyone[: len(everyone) // 2]
    delete(jde, *gone)
    second = sync(state=first.state)
    assert deletions(second) == set()
    message = second.failures[STREAM]
    assert message.startswith(f"{STREAM}: ")
    assert f"{len(everyone)}" in message
    assert "delete_guard_percent" in message
    assert "nothing was deleted" in message
    if what == "shrunken":
        assert f"{len(gone)} of {len(everyone)} known rows" in message
    assert "deletes" not in second.bookmark(STREAM)
    assert "Traceback" not in caplog.text
    # Still so on the next run, unless somebody says that it is right.
    assert deletions(sync(state=second.state)) == set()
    third = sync(state=second.state, delete_guard_percent=100)
    assert deletions(third) == {(number,) for number in gone}


def test_rows_hidden_by_security_trip_the_guard(jde, sync):
    first = sync()
    jde.control.switch(row_security={STREAM: {"AT1": ["C"]}})
    second = sync(state=first.state)
    assert "row security" in second.failures[STREAM]
    jde.control.switch(row_security={})
    third = sync(state=second.state)
    assert third.failures == {}
    assert deletions(third) == set()


def test_the_guard_of_one_stream_does_not_stop_another(jde, sync):
    tables = ["F0101", "F0115"]
    first = sync(tables=tables)
    delete(jde, *[number for (number,) in keys(jde, STREAM)])
    phone = jde.control.rows("F0115")[0]
    jde.control.delete_rows("F0115", {name: phone[name] for name in ("AN8", "IDLN", "CNLN", "RCK7")})
    second = sync(tables=tables, state=first.state)
    assert set(second.failures) == {"F0101"}
    assert len(deletions(second, "F0115")) == 1


def test_switched_on_later_the_first_run_learns_only(jde, sync, run):
    before = run(tables=[STREAM], overlap_minutes=0)
    delete(jde, 1003)
    first = sync(state=before.state)
    assert deletions(first) == set()
    assert len(first.records[STREAM]) < 5
    delete(jde, 1004)
    second = sync(state=first.state)
    assert deletions(second) == {(1004,)}


def test_learning_that_is_cut_is_begun_again(jde, sync, run):
    before = run(tables=[STREAM], overlap_minutes=0)
    jde.after_requests(8, lambda: jde.control.switch(refused_tables=[STREAM]))
    cut = sync(state=before.state)
    assert cut.failures
    jde.control.switch(refused_tables=[])
    rest = sync(state=cut.state)
    assert rest.failures == {}
    assert len(rest.records[STREAM]) < 5  # keys not learned yet are no new rows
    delete(jde, 1004)
    assert deletions(sync(state=rest.state)) == {(1004,)}


def test_rows_deleted_during_a_first_load_that_was_cut(jde, sync):
    cut = sync(die_after=20)
    warehouse = Warehouse()
    warehouse.load(cut, STREAM)
    delete(jde, 1002)
    for _ in range(2):
        warehouse.load(sync(state=warehouse.state), STREAM)
    assert warehouse.live() == keys(jde, STREAM)
    assert (1002,) in warehouse.rows


def test_a_full_refresh_over_the_same_file_still_tells_what_vanished_since(jde, sync):
    warehouse = Warehouse()
    warehouse.load(sync(), STREAM)
    delete(jde, 1002)
    for state in (None, True):
        warehouse.load(sync(state=state and warehouse.state), STREAM)
    assert warehouse.live() == keys(jde, STREAM)


def test_keys_alone_are_asked_for(jde, sync):
    first = sync()
    jde.control.reset_counters()
    sync(state=first.state)
    bodies = [one["body"] for one in jde.control.requests(1000) if one["path"].endswith("dataservice")]
    walks = [body for body in bodies if body.get("returnControlIDs") == "F0101.AN8"]
    assert len(walks) >= 4
    assert sum(len(str(body.get("returnControlIDs", "")).split("|")) > 10 for body in bodies) <= 2


def test_only_the_streams_named(sync):
    output = sync(tables=["F0101", "F0115"], detect_deletes_in=["F0115"])
    assert "_sdc_deleted_at" in output.schemas["F0115"]["schema"]["properties"]
    assert "_sdc_deleted_at" not in output.schemas["F0101"]["schema"]["properties"]
    with pytest.raises(Exception, match="detect_deletes_in names F9999"):
        sync(detect_deletes_in=["F9999"])


def test_whole_loads_need_no_sweep(sync, tmp_path):
    output = sync(replication_columns={STREAM: ""})
    assert "_sdc_deleted_at" not in output.schemas[STREAM]["schema"]["properties"]
    assert not (tmp_path / "keys").exists()


def test_a_folder_that_cannot_be_used(sync, tmp_path):
    (tmp_path / "file").touch()
    output = sync(tables=["F0101", "F0115"], keys_path=str(tmp_path / "file" / "keys"), detect_deletes_in=["F0101"])
    assert set(output.failures) == {"F0101"}
    assert "(keys_path) cannot be used" in output.failures["F0101"]


def test_shards_keep_files_of_their_own(jde, sync, tmp_path):
    def both(states):
        return [sync(state=state, shard={"index": index, "of": 2}) for index, state in enumerate(states)]

    first = both([None, None])
    assert {path.name for path in (tmp_path / "keys").glob("*.sqlite")} == {
        "F0101.0-of-2.sqlite",
        "F0101.1-of-2.sqlite",
    }
    everyone = sorted(number for (number,) in keys(jde, STREAM))
    gone = {everyone[0], everyone[-1]}
    delete(jde, *gone)
    second = both([part.state for part in first])
    assert [part.failures for part in second] == [{}, {}]
    assert [number for part in second for (number,) in deletions(part)] == sorted(gone) or gone == {
        number for part in second for (number,) in deletions(part)
    }


def test_a_connection_test_touches_no_file(sync, run, tmp_path):
    tap = run.tap(tables=[STREAM], detect_deletes="keys", keys_path=str(tmp_path / "keys"))
    tap.run_connection_test()
    tap.close()
    assert tap.failures == {}
    assert not (tmp_path / "keys").exists()


def test_a_catalog_without_the_property_is_warned_of(sync, run, caplog):
    catalog = run.tap(tables=[STREAM]).catalog_dict
    catalog["streams"][0]["metadata"][-1]["metadata"]["selected"] = True
    for item in catalog["streams"][0]["metadata"]:
        item["metadata"]["selected"] = True
    catalog["streams"][0]["metadata"].append(
        {"breadcrumb": ["properties", "_sdc_deleted_at"], "metadata": {"selected": False, "inclusion": "available"}}
    )
    output = sync(catalog=catalog)
    assert output.failures == {}
    assert "No deleted rows of F0101 are looked for" in caplog.text


@pytest.mark.parametrize("stream", sorted(load_dictionary().tables))
def test_odd_keys_of_every_table(odd, runner_of, tmp_path, stream):
    """Blank and padded text, quotes, NUL, unicode, empty dates, negative and huge numbers: each key is found again."""
    options = {"tables": [stream], "detect_deletes": "keys", "keys_path": str(tmp_path), "page_size": 60}
    options |= {"overlap_minutes": 0, "delete_guard_percent": 60}
    run, warehouse = runner_of(odd), Warehouse()
    names = load_dictionary().tables[stream].key
    first = run(**options)
    assert first.failures == {}
    warehouse.load(first, stream)
    _, sql = odd.store.table(stream)
    with odd.store.engine.begin() as connection:
        rowids = [row[0] for row in connection.exec_driver_sql(f"SELECT rowid FROM {stream}").fetchall()]
        saved = connection.exec_driver_sql(f"SELECT * FROM {stream} WHERE rowid % 3 = 0").fetchall()
        connection.exec_driver_sql(f"DELETE FROM {stream} WHERE rowid % 3 = 0")
    second = run(state=warehouse.state, **options)
    assert second.failures == {}
    warehouse.load(second, stream)
    assert len(deletions(second, stream)) == len(saved)
    remaining = run(tables=[stream])
    assert warehouse.live() == set(remaining.keys(stream))
    assert len(remaining.records[stream]) == len(rowids) - len(saved)
    # Back again with the stamps they had: found by their keys alone.
    with odd.store.engine.begin() as connection:
        connection.execute(sql.insert(), [row._asdict() for row in saved])
    third = run(state=warehouse.state, **options)
    assert third.failures == {}
    warehouse.load(third, stream)
    whole = run(tables=[stream])
    assert warehouse.live() == set(whole.keys(stream))
    held = {key: {**row} for key, row in warehouse.rows.items()}
    for key, record in zip(whole.keys(stream), whole.records[stream], strict=True):
        held[key].pop("_sdc_deleted_at")
        assert held[key] == record, key
    assert len(names) == len(whole.schemas[stream]["key_properties"])
