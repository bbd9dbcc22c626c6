from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta, timezone

import pytest


def aggregate(caller, table, aggregations, group_by=(), query=None, **more):
    groups = [
        {"column": one} if isinstance(one, str) else {"column": one[0], "specialHandling": one[1]} for one in group_by
    ]
    wanted = {
        "aggregations": [{"column": column, "aggregation": name} for column, name in aggregations],
        "groupBy": groups,
        "orderBy": more.pop("order", []),
    }
    body = caller.body(table, (), query, dataServiceType="AGGREGATION", aggregation=wanted, **more)
    answer = caller.post("/dataservice", body)
    assert answer.status_code == 200, answer.text
    return answer.json()[f"ds_{table}"]["output"]


def test_count(caller, condition):
    query = {"condition": [condition("AT1", "EQUAL", "C")]}
    body = caller.body("F0101", (), query, dataServiceType="COUNT")
    truth = len(caller.jde.control.rows("F0101", {"AT1": "C"}))
    assert caller.post("/dataservice", body).json() == {"ds_F0101": {"count": truth}}
    assert aggregate(caller, "F0101", [("*", "COUNT")], query=query) == [{"COUNT": truth}]


def test_every_function_with_decimals(caller):
    rows = [row["AYPD"] for row in caller.jde.control.rows("F0401")]
    names = ["SUM", "MIN", "MAX", "AVG", "COUNT", "COUNT_DISTINCT", "SUM_DISTINCT", "AVG_DISTINCT"]
    (line,) = aggregate(caller, "F0401", [("F0401.AYPD", name) for name in names])
    assert line["F0401.AYPD_SUM"] == pytest.approx(sum(rows))
    assert line["F0401.AYPD_MIN"] == min(rows)
    assert line["F0401.AYPD_MAX"] == max(rows)
    assert line["F0401.AYPD_AVG"] == pytest.approx(sum(rows) / len(rows))
    assert line["F0401.AYPD_COUNT"] == len(rows)
    assert line["F0401.AYPD_COUNT_DISTINCT"] == len(set(rows))
    assert line["F0401.AYPD_SUM_DISTINCT"] == pytest.approx(sum(set(rows)))
    assert line["F0401.AYPD_AVG_DISTINCT"] == pytest.approx(sum(set(rows)) / len(set(rows)))


def test_keys_repeat_the_requests_spelling(caller):
    output = aggregate(caller, "F0101", [("AN8", "MAX")], ["AT1"], order=[{"column": "F0101.AT1", "direction": "DESC"}])
    assert [line["groupBy"]["AT1"] for line in output] == ["V", "E", "C"]
    assert all(set(line) == {"groupBy", "AN8_MAX"} for line in output)


def test_dates_are_epoch_milliseconds_of_the_servers_midnight(caller, condition):
    query = {"condition": [condition("UPMJ", "GREATER", "01/01/2026")]}
    truth = Counter(row["UPMJ"] for row in caller.jde.control.rows("F0101") if (row["UPMJ"] or "") > "2026-01-01")
    zone = timezone(timedelta(hours=-5))
    output = aggregate(caller, "F0101", [("*", "COUNT")], ["F0101.UPMJ"], query)
    found = {
        datetime.fromtimestamp(line["groupBy"]["F0101.UPMJ"] / 1000, zone).date().isoformat(): line["COUNT"]
        for line in output
    }
    assert found == dict(truth)


def test_special_handling_of_dates(caller):
    days = [row["UPMJ"] for row in caller.jde.control.rows("F0101")]
    months = aggregate(caller, "F0101", [("*", "COUNT")], [("F0101.UPMJ", "yyyy-MM")])
    assert {line["groupBy"]["F0101.UPMJ"]: line["COUNT"] for line in months} == Counter(day and day[:7] for day in days)
    quarters = aggregate(caller, "F0101", [("*", "COUNT")], [("F0101.UPMJ", "CALQTR")])
    assert sum(line["COUNT"] for line in quarters) == len(days)
    own = aggregate(caller, "F0101", [("*", "COUNT")], [("F0101.UPMJ", "User")])
    expected = {day and date.fromisoformat(day).strftime("%m/%d/%Y") for day in days}
    assert {line["groupBy"]["F0101.UPMJ"] for line in own} == expected


def test_having(caller):
    having = {
        "condition": [
            {"controlId": "F0111.AN8", "operator": "GREATER", "aggregation": "COUNT", "value": [{"content": "3"}]}
        ]
    }
    output = aggregate(caller, "F0111", [("*", "COUNT")], ["F0111.AN8"], having=having)
    truth = Counter(row["AN8"] for row in caller.jde.control.rows("F0111"))
    assert {line["groupBy"]["F0111.AN8"] for line in output} == {one for one, count in truth.items() if count > 3}


def test_sums_in_having_carry_decimals(caller):
    amounts = {row["AN8"]: row["AYPD"] for row in caller.jde.control.rows("F0401")}
    middle = sorted(amounts.values())[len(amounts) // 2]
    value = [{"content": str(middle), "specialValueId": "LITERAL"}]
    having = {"condition": [{"controlId": "AYPD", "operator": "GREATER_EQUAL", "aggregation": "SUM", "value": value}]}
    output = aggregate(caller, "F0401", [("AYPD", "SUM")], ["AN8"], having=having)
    assert {line["groupBy"]["AN8"]: line["AYPD_SUM"] for line in output} == {
        number: amount for number, amount in amounts.items() if amount >= middle
    }


@pytest.mark.parametrize(
    "wanted",
    [
        {"aggregations": []},
        {"aggregations": [{"column": "AN8", "aggregation": "MEDIAN"}]},
        {"aggregations": [{"column": "*", "aggregation": "SUM"}]},
        {"aggregations": [{"column": "ALPH", "aggregation": "SUM"}]},
        {"aggregations": [{"column": "*", "aggregation": "COUNT"}], "groupBy": [{"column": "NOPE"}]},
        {"aggregations": [{"column": "*", "aggregation": "COUNT"}], "orderBy": [{"column": "AN8"}]},
        {
            "aggregations": [{"column": "*", "aggregation": "COUNT"}],
            "groupBy": [{"column": "UPMJ", "specialHandling": "EEE"}],
        },
        {
            "aggregations": [{"column": "*", "aggregation": "COUNT"}],
            "groupBy": [{"column": "AN8", "specialHandling": "yyyy"}],
        },
    ],
)
def test_aggregations_that_make_no_sense_are_500(caller, wanted):
    assert caller.refused("F0101", dataServiceType="AGGREGATION", aggregation=wanted)[0] == 500


def test_batches_answer_in_order_with_numbered_keys(caller, condition):
    requests = [
        caller.body("F0005", ("SY", "RT", "KY"), {"condition": [condition("RT", "EQUAL", "HC")]}),
        caller.body(
            "F0101",
            dataServiceType="AGGREGATION",
            aggregation={"aggregations": [{"column": "*", "aggregation": "COUNT"}]},
        ),
        caller.body("F0101", ("AN8",), size="2", enableNextPageProcessing=True),
    ]
    body = {"batchDataRequest": True, "dataRequests": requests, "token": caller.token, "deviceName": caller.device}
    answer = caller.post("/dataservice", body).json()
    assert [key for key in answer if key[2] == "_"] == ["fs_0_DATABROWSE_F0005", "ds_1_F0101", "fs_2_DATABROWSE_F0101"]
    keys = [row["F0005_KY"] for row in answer["fs_0_DATABROWSE_F0005"]["data"]["gridData"]["rowset"]]
    assert sorted(keys) == ["        C1", "        C2", "        OV"]
    assert answer["fs_2_DATABROWSE_F0101"]["data"]["gridData"]["summary"] == {"records": 2, "moreRecords": True}
    assert answer["links"] == []
