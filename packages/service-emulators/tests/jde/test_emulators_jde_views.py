"""Business views: columns keep their table, requests must name it, all data services know them."""

from __future__ import annotations

from datetime import datetime

import pytest
from service_emulators.jde.dictionary import DictionaryError
from service_emulators.jde.testing import start_jde
from service_emulators.jde.views import parse_views, views

KEY = ("DOCO", "DCTO", "KCOO", "SFXO", "LNID")


@pytest.fixture(scope="module")
def company():
    with start_jde(documents=60, now=datetime(2026, 11, 20, 9, 30, 5)) as jde:
        yield jde


@pytest.fixture
def reader(company, caller):
    one = type(caller)(company)
    one.log_in()
    return one


def rows_of(reader, view, columns=(), **more):
    body = reader.body(view, (), targetType="view", **more)
    if columns:
        body["returnControlIDs"] = "|".join(columns)
    answer = reader.post("/dataservice", body)
    assert answer.status_code == 200, answer.text
    return answer.json()[f"fs_DATABROWSE_{view}"]["data"]["gridData"]


def by(*columns):
    return {"orderBy": [{"column": one, "direction": "ASC"} for one in columns]}


def test_a_view_of_one_table_shows_its_own_columns(reader):
    grid = rows_of(reader, "V0101", size="5")
    assert list(grid["columns"])[:2] == ["F0101_AN8", "F0101_ALKY"]
    assert len(grid["columns"]) == 23
    rows = rows_of(reader, "V0101", ("F0101.AN8", "F0101.ALPH"), aggregation=by("F0101.AN8"))["rowset"]
    truth = reader.jde.store.read("F0101")
    assert [(row["F0101_AN8"], row["F0101_ALPH"].rstrip()) for row in rows] == [
        (one["AN8"], one["ALPH"]) for one in truth
    ]


def test_a_join_has_a_row_for_each_line_with_its_header(reader):
    columns = [*(f"F4311.{one}" for one in KEY), "F4301.AN8", "F4301.OTOT", "F4311.AEXP", "F4301.UPMJ", "F4311.UPMJ"]
    rows = rows_of(reader, "V4301A", columns, aggregation=by(*columns[:5]))["rowset"]
    headers = {one["DOCO"]: one for one in reader.jde.store.read("F4301")}
    lines = reader.jde.store.read("F4311")
    assert [tuple(row[f"F4311_{one}"] for one in KEY) for row in rows] == [
        tuple(one[key] for key in KEY) for one in lines
    ]
    assert len(rows) == len(lines) > 60
    for row, line in zip(rows, lines, strict=True):
        assert row["F4301_OTOT"] == headers[line["DOCO"]]["OTOT"]
        assert row["F4311_AEXP"] == line["AEXP"]


def test_conditions_pages_and_links_work_on_views(reader, condition):
    query = {"autoFind": True, "condition": [condition("F4301.AN8", "EQUAL", "4000001")]}
    first = reader.post(
        "/dataservice",
        reader.body(
            "V4301A", (), size="7", targetType="view", query=query, enableNextPageProcessing=True,
            returnControlIDs="F4311.DOCO|F4311.LNID|F4301.AN8", aggregation=by("F4311.DOCO", "F4311.LNID"),
        ),
    ).json()  # fmt: skip
    seen, answer = [], first
    while True:
        seen += answer["fs_DATABROWSE_V4301A"]["data"]["gridData"]["rowset"]
        if not answer["links"]:
            break
        assert "F4301.AN8" in answer["links"][0]["href"]
        answer = reader.follow(answer["links"][0]["href"]).json()
    truth = [(one["DOCO"], one["LNID"]) for one in reader.jde.store.read("F4311", {"AN8": 4000001})]
    assert [(row["F4311_DOCO"], row["F4311_LNID"]) for row in seen] == truth
    assert len(truth) > 7


def test_count_aggregation_and_discovery_on_views(reader, condition):
    body = reader.body("V4301A", (), targetType="view", dataServiceType="COUNT")
    assert reader.post("/dataservice", body).json() == {"ds_V4301A": {"count": reader.jde.store.count("F4311")}}
    wanted = {
        "aggregations": [{"column": "F4311.AEXP", "aggregation": "SUM"}, {"column": "*", "aggregation": "COUNT"}],
        "groupBy": [{"column": "F4301.DOCO"}],
        **by("F4301.DOCO"),
    }
    body = reader.body("V4301A", (), targetType="view", dataServiceType="AGGREGATION", aggregation=wanted)
    output = reader.post("/dataservice", body).json()["ds_V4301A"]["output"]
    totals = {row["groupBy"]["F4301.DOCO"]: row["F4311.AEXP_SUM"] for row in output}
    assert totals == {one["DOCO"]: one["OTOT"] for one in reader.jde.store.read("F4301")}
    grid = rows_of(reader, "V4301A", formServiceDemo="TRUE")
    assert grid["rowset"][0]["F4301_AN8"] == 0
    assert grid["rowset"][0]["F4311_AN8"] == 0


def test_a_view_wants_the_table_before_the_column(reader):
    for columns in ("AN8", "V4301A.AN8", "F4301.RMK"):
        body = reader.body("V4301A", (), targetType="view", returnControlIDs=columns)
        assert reader.post("/dataservice", body).status_code == 500
    assert reader.post("/dataservice", reader.body("V9999", (), targetType="view")).status_code == 500
    url = f"{reader.base}/dataservice/view/V0101"
    sent = {"$field": "F0101.AN8", "$limit": "2", "$token": reader.token, "$device": reader.device}
    rows = reader.http.get(url, params=sent).json()["fs_DATABROWSE_V0101"]["data"]["gridData"]["rowset"]
    assert [list(row) for row in rows] == [["F0101_AN8"]] * 2


def test_security_of_the_tables_holds_for_views(reader):
    before = reader.jde.control.switches()
    reader.jde.control.switch(column_security={"F4301": ["AN8"]}, row_security={"F4301": {"DCTO": ["OP"]}})
    try:
        grid = rows_of(reader, "V4301A", ("F4301.AN8", "F4311.AN8", "F4311.DCTO"))
    finally:
        reader.jde.control.switch(**before)
    assert list(grid["columns"]) == ["F4311_AN8", "F4311_DCTO"]
    assert {row["F4311_DCTO"] for row in grid["rowset"]} == {"OR", "OB"}


def test_mistakes_in_views_are_named():
    assert set(views()) == {"V0101", "V4301A"}
    for text, message in [
        ("F0101 AN8", "line 1"),
        ("[V1] F0101 T\nF0101 NOPE", "line 2"),
        ("[V1] F0101 T\nF9999 AN8", "line 2"),
        ("[V1] F0101 T\nF0101 ALPH", "lacks the key"),
    ]:
        with pytest.raises(DictionaryError, match=message):
            list(parse_views(text, "x.txt"))
