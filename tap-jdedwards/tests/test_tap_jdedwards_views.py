"""Business views: columns of one or more tables under a name."""

from __future__ import annotations

import pytest
from service_emulators.testing import start_jde

LINES = {"V4301A": ["F4311.DOCO", "F4311_DCTO", "f4311.kcoo", "F4311.SFXO", "LNID"]}


@pytest.fixture
def orders():
    """Purchase orders with lines, and the sample views over them."""
    with start_jde(documents=12, seed=5) as jde:
        jde.control.set_clock(now="2026-11-20T09:00:00")
        yield jde


@pytest.fixture
def run(orders, runner_of):
    return runner_of(orders)


def test_the_view_of_one_table_is_read_like_the_table(orders, run):
    output = run(tables=["V0101", "F0101"], page_size=7)
    assert output.failures == {}
    schema = output.schemas["V0101"]
    assert schema["key_properties"] == ["AN8"]
    assert schema["bookmark_properties"] == ["UPMJ"]
    names = set(schema["schema"]["properties"])
    assert names < set(output.schemas["F0101"]["schema"]["properties"])
    assert output.records["V0101"] == [
        {name: value for name, value in record.items() if name in names} for record in output.records["F0101"]
    ]
    assert output.bookmark("V0101") == output.bookmark("F0101")
    orders.control.set_clock(now="2026-11-20T10:00:00")
    orders.control.update_rows("F0101", {"AN8": output.records["F0101"][3]["AN8"]}, {"ALPH": "Changed"})
    second = run(tables=["V0101"], state=output.state, overlap_minutes=0)
    assert "Changed" in {record["ALPH"] for record in second.records["V0101"]}
    assert len(second.records["V0101"]) < 5


def test_a_join_has_the_columns_of_both_tables_without_dots(orders, run):
    output = run(tables=["V4301A"], table_keys=LINES, page_size=10)
    assert output.failures == {}
    schema = output.schemas["V4301A"]
    assert schema["key_properties"] == ["F4311_DOCO", "F4311_DCTO", "F4311_KCOO", "F4311_SFXO", "LNID"]
    assert {"F4301_AN8", "F4311_AN8", "TRDJ", "LNID"} <= set(schema["schema"]["properties"])
    assert not [name for name in schema["schema"]["properties"] if "." in name]
    heads = {row["DOCO"]: row for row in orders.control.rows("F4301")}
    lines = orders.control.rows("F4311")
    assert sorted(
        (one["F4311_DOCO"], one["LNID"], one["TRDJ"], one["AOPN"]) for one in output.records["V4301A"]
    ) == sorted((line["DOCO"], line["LNID"], heads[line["DOCO"]]["TRDJ"], line["AOPN"]) for line in lines)
    assert output.keys("V4301A") == sorted(output.keys("V4301A"))


def test_a_join_is_read_whole_unless_a_stamp_is_named(orders, run, tmp_path):
    whole = run(tables=["V4301A"], table_keys=LINES)
    assert [message["type"] for message in whole.messages][-2:] == ["ACTIVATE_VERSION", "STATE"]
    options = {"tables": ["V4301A"], "table_keys": LINES, "overlap_minutes": 0, "page_size": 6}
    options |= {"replication_columns": {"V4301A": "F4311.UPMJ+F4311.TDAY"}}
    options |= {"detect_deletes": "keys", "keys_path": str(tmp_path)}
    orders.control.update_rows("F4311", {}, {"UPMJ": "2026-10-01", "TDAY": 90_000}, stamp=False)
    first = run(**options)
    assert first.bookmark("V4301A") == {
        "replication_key": "F4311_UPMJ",
        "replication_key_value": "2026-10-01",
        "replication_key_time": "09:00:00",
    }
    number = first.records["V4301A"][0]["F4311_DOCO"]
    orders.control.update_rows("F4311", {"DOCO": number}, {"DSC1": "Changed"})
    gone = first.records["V4301A"][-1]
    orders.control.delete_rows("F4311", {"DOCO": gone["F4311_DOCO"], "LNID": gone["LNID"]})
    # Changed once more without a stamp, so that nothing but the change is due.
    orders.control.update_rows("F4311", {"UPMJ": "2026-10-01"}, {"TDAY": 80_000}, stamp=False)
    second = run(state=first.state, **options)
    assert second.failures == {}
    told = {one["F4311_DOCO"]: one["_sdc_deleted_at"] for one in second.records["V4301A"]}
    assert set(told) == {number, gone["F4311_DOCO"]}
    assert told[number] is None
    assert told[gone["F4311_DOCO"]]


def test_a_load_of_a_view_that_is_cut_goes_on(run):
    options = {"tables": ["V4301A"], "table_keys": LINES, "replication_columns": {"V4301A": "F4311.UPMJ"}}
    whole = run(**options)
    cut = run(page_size=5, die_after=17, **options)
    assert cut.bookmark("V4301A")["first_load"]["after"]
    rest = run(page_size=5, state=cut.state, **options)
    assert sorted(set(cut.keys("V4301A")) | set(rest.keys("V4301A"))) == whole.keys("V4301A")
    assert len(rest.records["V4301A"]) < len(whole.records["V4301A"])


def test_shards_of_a_view(run):
    options = {"tables": ["V4301A"], "table_keys": LINES}
    whole = run(**options)
    parts = [run(shard={"index": index, "of": 2}, **options) for index in range(2)]
    assert sorted(key for part in parts for key in part.keys("V4301A")) == whole.keys("V4301A")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, 'name its columns in the setting table_keys, like {"V4301A": ["F4301_DOCO"]}'),
        ({"table_keys": {"V4301A": ["DOCO"]}}, "V4301A has no column DOCO, which its primary key (table_keys) names"),
        (
            {"table_keys": LINES, "replication_columns": {"V4301A": "UPMJ"}},
            "replication_columns of V4301A: there is no column UPMJ",
        ),
    ],
)
def test_what_a_view_needs_is_told(run, settings, message):
    output = run(tables=["V4301A", "V0101"], **settings)
    assert message in output.failures["V4301A"]
    assert output.records["V0101"]


def test_a_key_of_a_view_that_is_none_is_found_out(run):
    output = run(tables=["V4301A"], table_keys={"V4301A": ["F4311.DOCO"]})
    assert "came twice" in output.failures["V4301A"] or "not unique" in output.failures["V4301A"]


def test_the_selection_reaches_the_server(orders, run):
    catalog = run.tap(tables=["V4301A"], table_keys=LINES).catalog_dict
    for item in catalog["streams"][0]["metadata"]:
        item["metadata"]["selected"] = not item["breadcrumb"] or item["breadcrumb"][-1] in {"F4301_AN8", "TRDJ"}
    orders.control.reset_counters()
    output = run(tables=["V4301A"], table_keys=LINES, catalog=catalog)
    assert set(output.records["V4301A"][0]) == {*output.schemas["V4301A"]["key_properties"], "F4301_AN8", "TRDJ"}
    bodies = [one["body"] for one in orders.control.requests(500) if one["path"].endswith("dataservice")]
    names = {name for body in bodies for name in body.get("returnControlIDs", "").split("|") if name}
    assert names == {
        *(f"F4311.{alias}" for alias in ("DOCO", "DCTO", "KCOO", "SFXO", "LNID")),
        "F4301.AN8",
        "F4301.TRDJ",
    }
