from __future__ import annotations

import pytest
import sqlalchemy as sa

CUSTOMER_COLUMNS = ("AN8", "ALPH", "MCU", "AT2", "EFTB", "UPMJ", "UPMT")


def walk(caller, page, table):
    rows, seen = list(page.rows), [page]
    while page.href:
        answer = caller.follow(page.href)
        assert answer.status_code == 200, answer.text
        page = type(page)(table, answer.json())
        rows += page.rows
        seen.append(page)
    return rows, seen


def test_shape_of_a_page(caller, condition):
    page = caller.browse("F0101", CUSTOMER_COLUMNS, {"condition": [condition("F0101.AN8", "EQUAL", "1001")]})
    (truth,) = caller.jde.control.rows("F0101", {"AN8": 1001})
    (row,) = page.rows
    assert page.form["title"] == "Data Browser - F0101 [Address Book Master]"
    assert page.grid["columns"]["F0101_AN8"] == "Address Number"
    assert page.grid["summary"] == {"records": 1, "moreRecords": False}
    assert page.answer["timeStamp"] == "2026-11-20:09.30.05"
    assert page.answer["currentApp"] == "DATABROWSE_F0101"
    assert (page.answer["links"], page.answer["sysErrors"]) == ([], [])
    assert row["AN8"] == 1001
    assert row["MCU"] == truth["MCU"].rjust(12)
    assert row["AT2"] == " "
    assert row["EFTB"] == truth["EFTB"].replace("-", "")
    assert row["UPMT"] == truth["UPMT"]


def test_amounts_come_with_their_decimals(caller):
    rows = caller.browse("F0401", ("AN8", "AYPD"), size="5").rows
    for row in rows:
        stored = caller.jde.control.rows("F0401", {"AN8": row["AN8"]})[0]["AYPD"]
        assert row["AYPD"] == stored
    assert any(isinstance(row["AYPD"], float) for row in rows)


def test_blank_dates_are_empty_or_null(caller, switches, condition):
    blank = {"condition": [condition("F0101.UPMJ", "EQUAL", "")]}
    rows = caller.browse("F0101", ("AN8", "UPMJ"), blank).rows
    assert rows
    assert {row["UPMJ"] for row in rows} == {""}
    switches(null_dates=True)
    assert {row["UPMJ"] for row in caller.browse("F0101", ("AN8", "UPMJ"), blank).rows} == {None}


def test_text_may_come_padded(caller, switches):
    switches(trailing_blanks=True)
    page = caller.browse("F0101", ("ALPH", "AT1", "AN8"))
    assert {(len(row["ALPH"]), len(row["AT1"])) for row in page.rows} == {(40, 3)}


def test_all_columns_when_none_is_named(caller):
    page = caller.browse("F0115", size="1")
    assert list(page.rows[0]) == [key.removeprefix("F0115_") for key in page.grid["columns"]]
    assert len(page.rows[0]) == 22


def test_rows_come_in_no_order_unless_asked(caller):
    loose = [row["AN8"] for row in caller.browse("F0101", ("AN8",)).rows]
    assert loose != sorted(loose)
    assert loose == [row["AN8"] for row in caller.browse("F0101", ("AN8",)).rows]
    by_type = [(row["AT1"], row["AN8"]) for row in caller.browse("F0101", ("AT1", "AN8"), order=("AT1",)).rows]
    assert [one for one, _ in by_type] == sorted(one for one, _ in by_type)
    assert by_type != sorted(by_type)
    numbers = [row["AN8"] for row in caller.browse("F0101", ("AN8",), order=("-AN8",)).rows]
    assert numbers == sorted(loose, reverse=True)


def test_an_order_may_be_ignored(caller, switches):
    switches(ignore_order_by=True)
    numbers = [row["AN8"] for row in caller.browse("F0101", ("AN8",), order=("AN8",)).rows]
    assert numbers != sorted(numbers)


def test_pages_hold_100_rows_unless_told(caller):
    body = caller.body("F0101", ("AN8",))
    del body["maxPageSize"]
    page = caller.post("/dataservice", body).json()["fs_DATABROWSE_F0101"]["data"]["gridData"]
    assert page["summary"] == {"records": 100, "moreRecords": True}


def test_no_max_gives_all_up_to_the_fetch_limit(caller, switches):
    total = caller.jde.store.count("F0111")
    assert len(caller.browse("F0111", ("AN8",), size="No Max").rows) == total
    switches(fetch_cap=50)
    page = caller.browse("F0111", ("AN8",), size="No Max", enableNextPageProcessing=True)
    assert (len(page.rows), page.more, page.href) == (50, False, None)
    switches(cap_hides_more=False)
    page = caller.browse("F0111", ("AN8",), size="500", enableNextPageProcessing=True)
    assert (len(page.rows), page.more) == (50, True)
    rows, _ = walk(caller, page, "F0111")
    assert len(rows) == total


def test_next_pages_to_the_end(caller, condition):
    query = {"condition": [condition("F0101.AN8", "LESS", "2000")]}
    first = caller.browse("F0101", ("AN8", "UPMJ"), query, ("UPMJ",), "77", enableNextPageProcessing=True)
    assert first.more
    assert "token=044%2B%2B%2F" in first.href
    rows, pages = walk(caller, first, "F0101")
    assert [len(page.rows) for page in pages] == [77, 77, 77, 69]
    assert [page.more for page in pages] == [True, True, True, False]
    assert sorted(row["AN8"] for row in rows) == list(range(1001, 1301))
    assert [row["UPMJ"] for row in rows] == sorted(row["UPMJ"] for row in rows)


def test_a_full_last_page_has_no_more(caller, condition):
    query = {"condition": [condition("F0101.AN8", "LESS", "1021")]}
    page = caller.browse("F0101", ("AN8",), query, size="20", enableNextPageProcessing=True)
    assert (len(page.rows), page.more, page.href) == (20, False, None)


def test_pages_are_read_in_order_and_once(caller):
    first = caller.browse("F0101", ("AN8",), size="50", enableNextPageProcessing=True)
    assert caller.follow(first.href).status_code == 200
    again = caller.follow(first.href)
    assert again.status_code == 500
    assert again.json()["sysErrors"][0]["TITLE"].startswith("JAS_MSG347")


def test_result_sets_expire(caller):
    page = caller.browse("F0101", ("AN8",), size="50", enableNextPageProcessing=True)
    caller.jde.control.set_clock(offset_seconds=59)
    page = type(page)("F0101", caller.follow(page.href).json())
    caller.jde.control.set_clock(offset_seconds=61)
    try:
        answer = caller.follow(page.href)
    finally:
        caller.jde.control.set_clock(now="2026-11-20T09:30:05")
    assert answer.status_code == 500
    assert "query results expired" in answer.json()["sysErrors"][0]["DESC"]
    page = caller.browse("F0101", ("AN8",), size="50", enableNextPageProcessing=True)
    caller.jde.control.expire_results()
    assert caller.follow(page.href).status_code == 500


def test_next_pages_need_the_live_token_and_device(caller):
    page = caller.browse("F0101", ("AN8",), size="50", enableNextPageProcessing=True)
    assert caller.http.get(page.href).status_code == 444
    other = type(caller)(caller.jde)
    other.log_in()
    assert caller.follow(page.href.replace(page.href.split("token=")[1].split("&")[0], "x")).status_code == 444
    caller.jde.control.expire_sessions()
    assert caller.follow(page.href).status_code == 444


def test_links_may_name_a_host_the_client_cannot_reach(caller, switches):
    switches(href_base="http://ais.internal:7077")
    page = caller.browse("F0101", ("AN8",), size="50", enableNextPageProcessing=True)
    assert page.href.startswith("http://ais.internal:7077/jderest/v2/dataservice/next?")


def test_discovery_shows_one_dummy_row(caller):
    page = caller.browse("F0101", formServiceDemo="TRUE")
    assert page.rows == [
        {
            key: {"AN8": 0, "UPMT": 0, "UPMJ": "19700101", "ALPH": "X"}.get(key, page.rows[0][key])
            for key in page.rows[0]
        }
    ]
    assert len(page.grid["columns"]) == len(page.rows[0]) == 93


def test_without_a_find_the_grid_is_empty(caller):
    assert caller.browse("F0101", ("AN8",), findOnEntry="FALSE").rows == []
    assert caller.browse("F0101", ("AN8",), {"condition": []}, findOnEntry="FALSE").rows != []


def test_security_hides_without_a_word(caller, switches):
    switches(row_security={"F0101": {"AT1": ["E", "V"]}}, column_security={"F0101": ["TAX"]}, refused_tables=["F0401"])
    page = caller.browse("F0101", ("AN8", "AT1", "TAX"))
    assert {row["AT1"] for row in page.rows} == {"C"}
    assert all(set(row) == {"AN8", "AT1"} for row in page.rows)
    assert caller.refused("F0401")[0] == 403


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "F9999"}, "Invalid table"),
        ({"targetType": "view"}, "Invalid view"),
        ({"targetType": "thing"}, "targetType"),
        ({"columns": ("NOPE",)}, "NOPE"),
        ({"columns": ("AN8",), "order": ("ALPH",)}, "orderBy"),
        ({"order": ("NOPE",)}, "NOPE"),
        ({"size": "0"}, "maxPageSize"),
        ({"size": "many"}, "maxPageSize"),
        ({"outputType": "XML"}, "outputType XML"),
        ({"dataServiceType": "DELETE"}, "dataServiceType"),
        ({"maxPageSize": 100}, "Cannot deserialize"),
        ({"query": {"matchType": "MATCH_SOME"}}, "matchType"),
        ({"query": {"complexQuery": [{"andOr": "XOR", "query": {}}]}}, "andOr"),
    ],
)
def test_requests_that_make_no_sense_are_500_with_a_message(caller, options, message):
    status, text = caller.refused(**{"table": "F0101", **options})
    assert status == 500
    assert message in text


@pytest.mark.parametrize(
    "wrong",
    [
        ("F0101.AN8", "LIKE", "1"),
        ("F0111.AN8", "EQUAL", "1"),
        ("F0101.AN8", "EQUAL"),
        ("F0101.AN8", "EQUAL", "1", "2"),
        ("F0101.AN8", "BETWEEN", "1"),
        ("F0101.AN8", "LIST"),
        ("F0101.AN8", "LIST", *(["1"] * 1001)),
        ("F0101.AN8", "EQUAL", "abc"),
        ("F0101.AN8", "STR_CONTAIN", "1"),
        ("F0101.UPMJ", "STR_BLANK"),
        ("F0101.UPMJ", "EQUAL", "2025-06-30"),
        ("F0101.UPMJ", "EQUAL", "125181"),
        ("F0101.UPMJ", "EQUAL", "30/06/2025"),
        ("F0101.UPMJ", "EQUAL", ("1", "TOMORROW")),
        ("F0101.UPMJ", "EQUAL", ("x", "TODAY_PLUS_DAY")),
        ("F0101.UPMJ", "EQUAL", ("99999", "TODAY_PLUS_YEAR")),
        ("F0101.AN8", "EQUAL", ("", "TODAY")),
    ],
)
def test_conditions_that_make_no_sense_are_500(caller, condition, wrong):
    status, _ = caller.refused("F0101", query={"condition": [condition(*wrong)]})
    assert status == 500


def test_a_query_wants_auto_find(caller, switches):
    body = caller.body("F0101", ("AN8",))
    body["query"] = {"condition": []}
    assert "autoFind" in caller.post("/dataservice", body).json()["message"]
    switches(require_auto_find=False)
    assert caller.post("/dataservice", body).status_code == 200


def test_dates_may_be_misread_silently(caller, switches, condition):
    query = {"condition": [condition("F0101.UPMJ", "GREATER", "20/11/2025")]}
    assert caller.refused("F0101", ("AN8",), query)[0] == 500
    switches(misread_dates=True)
    assert isinstance(caller.browse("F0101", ("AN8",), query).rows, list)


def test_another_users_dates(caller, switches, condition):
    switches(date_format="dd/MM/yy")
    query = {"condition": [condition("F0101.UPMJ", "GREATER_EQUAL", "20/11/25")]}
    rows = caller.browse("F0101", ("AN8", "UPMJ"), query).rows
    assert rows
    assert all(row["UPMJ"] >= "20251120" for row in rows)


def test_unknown_things_may_be_503(caller, switches):
    switches(unknown_object_status=503)
    assert caller.refused("F9999")[0] == 503
    assert caller.refused("F0101", ("NOPE",))[0] == 503


def test_the_sign_on_user_as_a_value(fresh, condition):
    fresh.jde.control.insert_rows("F0101", [{"AN8": 1, "USER": "TAPUSER"}, {"AN8": 2, "USER": "OTHER"}])
    query = {"condition": [condition("F0101.USER", "EQUAL", ("", "LOGIN_USER"))]}
    assert fresh.browse("F0101", ("AN8",), query).rows == [{"AN8": 1}]


def test_version_1_answers(caller, condition):
    url = f"{caller.jde.url}/jderest/dataservice"
    query = {"condition": [condition("F0101.AN8", "LESS", "1100"), condition("F0101.UPMJ", "GREATER", "01/01/2020")]}
    body = caller.body("F0101", ("AN8", "UPMJ"), query, ("AN8",), "10", enableNextPageProcessing=True)
    del body["outputType"]
    answer = caller.http.post(url, json=body).json()
    grid = answer["fs_DATABROWSE_F0101"]["data"]["gridData"]
    assert answer["links"] == []
    assert grid["summary"]["moreRecords"] is True
    assert grid["titles"] == {"F0101_AN8": "Address Number", "F0101_UPMJ": "Date - Updated"}
    row = grid["rowset"][0]
    assert (row["rowIndex"], row["MOExist"]) == (0, False)
    assert row["F0101_AN8"]["internalValue"] == int(row["F0101_AN8"]["value"])
    assert row["F0101_AN8"]["dataType"] == 9
    assert row["F0101_UPMJ"]["dataType"] == 11
    assert row["F0101_UPMJ"]["value"][2] == "/"
    assert row["F0101_UPMJ"]["internalValue"] > 10**12


def test_simple_get(caller):
    parameters = {
        "$filter": ["F0101.AT1 EQ C", "AN8 LT 2000", "F0101.EFTB LT TODAY", "EFTB GT 9999 TODAY_MINUS_DAY"],
        "$field": ["F0101.AN8", "ALPH"],
        "$sort": "-F0101.AN8",
        "$limit": "3",
        "$token": caller.token,
        "$device": caller.device,
    }
    answer = caller.http.get(f"{caller.base}/dataservice/table/F0101", params=parameters)
    rows = answer.json()["fs_DATABROWSE_F0101"]["data"]["gridData"]["rowset"]
    assert [row["F0101_AN8"] for row in rows] == [1300, 1299, 1298]
    assert set(rows[0]) == {"F0101_AN8", "F0101_ALPH"}
    parameters["$filter"] = ["AN8 IS 5"]
    assert caller.http.get(f"{caller.base}/dataservice/table/F0101", params=parameters).status_code == 400
    parameters["$filter"] = []
    assert caller.http.get(f"{caller.base}/dataservice/view/V0101A", params=parameters).status_code == 500
    parameters["$token"] = "x"
    assert caller.http.get(f"{caller.base}/dataservice/table/F0101", params=parameters).status_code == 444


def test_pages_by_key_walk_an_index(caller, condition):
    statements = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    engine = caller.jde.store.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    day, moment = condition("UPMJ", "EQUAL", "06/30/2024"), condition("UPMT", "EQUAL", "93005")
    later = [
        {"condition": [day, condition("UPMT", "GREATER", "93005")]},
        {"condition": [day, moment, condition("AN8", "GREATER", "1200")]},
    ]
    query = {
        "matchType": "MATCH_ANY",
        "condition": [condition("UPMJ", "GREATER", "06/30/2024")],
        "complexQuery": [{"andOr": "OR", "query": one} for one in later],
    }
    try:
        caller.browse("F0101", ("AN8", "UPMJ", "UPMT"), query, ("UPMJ", "UPMT", "AN8"))
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    statement, parameters = statements[-1]
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "F0101_stamp (ABUPMJ>" in plan
    assert "TEMP B-TREE" not in plan
