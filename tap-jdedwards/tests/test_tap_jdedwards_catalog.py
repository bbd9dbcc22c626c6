"""Catalog, selection and tables the tap does not know."""

from __future__ import annotations

import pytest
from tap_jdedwards.dictionary import Dictionary


def asked_columns(jde, table):
    return {
        column
        for request in jde.control.requests(1000)
        if request["path"].endswith("dataservice")
        and (body := request["body"]).get("targetName") == table
        and body.get("dataServiceType") == "BROWSE"
        and "formServiceDemo" not in body
        for column in body["returnControlIDs"].split("|")
    }


def deselect(catalog, stream, *breadcrumbs):
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    for item in entry["metadata"]:
        if not item["breadcrumb"]:
            item["metadata"]["selected"] = True
        elif tuple(item["breadcrumb"]) in breadcrumbs:
            item["metadata"]["selected"] = False


def test_the_selection_reaches_the_server(jde, run):
    catalog = run.tap(tables=["F0101"]).catalog_dict
    columns = catalog["streams"][0]["schema"]["properties"]
    keep = {"ALPH", "AT1"}
    deselect(catalog, "F0101", *(("properties", alias) for alias in columns if alias not in keep))
    jde.control.reset_counters()
    output = run(tables=["F0101"], catalog=catalog)
    assert set(output.records["F0101"][0]) == {"AN8", "ALPH", "AT1", "UPMJ"}
    assert {name.split(".")[-1] for name in asked_columns(jde, "F0101")} == {"AN8", "ALPH", "AT1", "UPMJ", "UPMT"}
    assert set(output.schemas["F0101"]["schema"]["properties"]) == {"AN8", "ALPH", "AT1", "UPMJ"}
    assert output.bookmark("F0101")["replication_key_time"]


def test_the_selection_of_properties_of_documents(run):
    catalog = run.tap(streams=["customers"]).catalog_dict
    deselect(
        catalog,
        "customers",
        ("properties", "phones"),
        ("properties", "UPMT"),
        ("properties", "address", "properties", "county"),
    )
    document = run(streams=["customers"], catalog=catalog).records["customers"][0]
    assert "phones" not in document
    assert "UPMT" not in document
    assert "county" not in document["address"]
    assert "city" in document["address"]


def test_streams_that_are_not_selected_are_not_read(jde, run):
    catalog = run.tap(tables=["F0101", "F0115"]).catalog_dict
    for entry in catalog["streams"]:
        entry["metadata"][-1]["metadata"]["selected"] = entry["tap_stream_id"] == "F0101"
    jde.control.reset_counters()
    assert set(run(tables=["F0101", "F0115"], catalog=catalog).schemas) == {"F0101"}
    assert asked_columns(jde, "F0115") == set()


def test_columns_are_discovered_once_a_run(jde, run):
    jde.control.reset_counters()
    run(tables=["F0101", "F0115"], streams=["customers", "contacts"])
    discoveries = [
        one["body"]["targetName"] for one in jde.control.requests(1000) if "formServiceDemo" in str(one["body"])
    ]
    assert sorted(discoveries) == ["F0014", "F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401"]


def test_a_table_without_a_known_key_is_refused_and_says_what_to_do(run, monkeypatch):
    monkeypatch.setattr("tap_jdedwards.tables.offering.load_dictionary", lambda: Dictionary(tables={}, kinds={}))
    output = run(tables=["F0006"])
    assert 'name its columns in the setting table_keys, like {"F0006": ["MCU"]}' in output.failures["F0006"]
    assert run(tables=["F0006"], table_keys={"F0006": ["MCU"]}).failures == {}


def test_any_table_of_the_server_can_be_read(jde, run):
    output = run(tables=["f0014", "F0005"], table_keys={"F0014": ["PTC"]})
    assert output.keys("F0014") == sorted((row["PTC"],) for row in jde.control.rows("F0014"))
    assert len(output.records["F0005"]) == len(jde.control.rows("F0005"))
    assert output.failures == {}


@pytest.mark.parametrize("key", [["NOPE"], ["AN8", "NOPE"]])
def test_a_key_that_the_table_does_not_have(run, key):
    output = run(tables=["F0101"], table_keys={"F0101": key})
    assert "F0101 has no column NOPE" in output.failures["F0101"]


def test_stream_maps_work_on_documents(run):
    maps = {"customers": {"__else__": None, "address_number": "address_number", "upper": "name.upper()"}}
    record = run(streams=["customers"], stream_maps=maps).records["customers"][0]
    assert set(record) == {"address_number", "upper"}
    assert record["upper"] == record["upper"].upper()


def test_a_stream_of_ones_own(run, tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(
        """
vendors:
  root: F0401
  key: {address_number: AN8}
  tables: {F0401: {}, F0101: {join: [AN8]}}
  properties:
    address_number: F0401.AN8
    name: F0101.ALPH
    terms: F0401.TRAP
"""
    )
    output = run(streams=["vendors"], definitions_file=str(file))
    truth = {row["AN8"]: row["ALPH"] for row in run.jde.control.rows("F0101")}
    assert {one["address_number"]: one["name"] for one in output.records["vendors"]} == {
        row["AN8"]: truth[row["AN8"]] for row in run.jde.control.rows("F0401")
    }


def test_streams_are_read_in_the_order_of_the_settings(run):
    output = run(tables=["F0115", "F0101"], streams=["customers", "contacts"])
    assert list(output.schemas) == ["F0115", "F0101", "customers", "contacts"]


def test_a_table_without_upmj_is_read_whole_each_time(jde, run):
    jde.control.switch(column_security={"F0101": ["UPMJ"]})
    once = run(tables=["F0101"], streams=["customers"])
    assert "replication_key" not in once.schemas["F0101"]
    assert "bookmark_properties" not in once.schemas["F0101"]
    twice = run(tables=["F0101"], state=once.state)
    assert twice.records["F0101"] == once.records["F0101"]
    assert len(once.records["F0101"]) == len(jde.control.rows("F0101"))
    assert once.failures == {"customers": "F0101 has no column UPMJ on this server"}
