from __future__ import annotations

import pytest
from service_emulators.client import ControlRefused


@pytest.fixture
def control(empty):
    control = empty.control
    control.insert_rows("F0101", [{"AN8": 1, "ALPH": "Old", "MCU": "M30"}, {"AN8": 2, "UPMJ": None, "UPMT": None}])
    return control


def test_a_saved_row_is_stamped_by_the_servers_clock(control):
    (row,) = control.rows("F0101", {"AN8": 1})
    assert (row["UPMJ"], row["UPMT"], row["USER"], row["MCU"]) == ("2026-11-20", 93005, "JDE", "         M30")
    control.set_clock(now="2026-11-21T23:59:59")
    assert control.update_rows("F0101", {"AN8": [1, 2]}, {"ALPH": "New"}) == 2
    assert {(row["UPMJ"], row["UPMT"]) for row in control.rows("F0101")} == {("2026-11-21", 235959)}


def test_a_direct_load_leaves_the_stamp(control):
    assert control.update_rows("F0101", {"AN8": 2}, {"ALPH": "Loaded"}, stamp=False) == 1
    (row,) = control.rows("F0101", {"ALPH": "Loaded"})
    assert (row["UPMJ"], row["UPMT"]) == (None, None)
    control.insert_rows("F0101", [{"AN8": 3}], stamp=False)
    assert control.rows("F0101", {"AN8": 3})[0]["UPMJ"] is None


def test_some_tables_stamp_tday(control):
    control.insert_rows("F4101", [{"ITM": 60001}])
    (row,) = control.rows("F4101")
    assert (row["UPMJ"], row["TDAY"]) == ("2026-11-20", 93005)


def test_rows_can_be_chosen(control):
    assert [row["AN8"] for row in control.rows("F0101", limit=1)] == [1]
    assert [row["AN8"] for row in control.rows("F0101", {"UPMJ": None})] == [2]
    assert [row["AN8"] for row in control.rows("F0101", {"MCU": "M30", "UPMJ": "2026-11-20"})] == [1]
    assert control.delete_rows("F0101", {"AN8": 1}) == 1
    assert [row["AN8"] for row in control.rows("F0101")] == [2]


def test_a_changed_row_is_what_the_service_answers(fresh):
    fresh.jde.control.insert_rows("F0401", [{"AN8": 1, "AYPD": "1250.50", "UPMJ": "2025-06-30", "UPMT": "07:08:09"}])
    page = fresh.browse("F0401", ("AN8", "AYPD", "UPMJ", "UPMT"))
    assert page.rows == [{"AN8": 1, "AYPD": 1250.5, "UPMJ": "20250630", "UPMT": 70809}]
    with fresh.jde.store.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT A6AN8, A6AYPD, A6UPMJ FROM F0401").one()
    assert tuple(stored) == (1, 125050, 125181)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda control: control.rows("F9999"), "there is no table"),
        (lambda control: control.rows("F0101", {"NOPE": 1}), "has no column"),
        (lambda control: control.update_rows("F0101", {"AN8": 1}, {"ALPH": "x" * 41}), "longer than 40"),
        (lambda control: control.update_rows("F9999", {}, {"ALPH": "x"}), "there is no table"),
        (lambda control: control.update_rows("F0101", {}, {"AN8": 5}), "UNIQUE"),
        (lambda control: control.insert_rows("F0101", [{"AN8": 1}]), "UNIQUE"),
        (lambda control: control.insert_rows("F0101", [{"ALPH": "no key"}]), "lacks its key AN8"),
        (lambda control: control.delete_rows("F0101", {"NOPE": 1}), "has no column"),
        (lambda control: control.call("POST", "/rows/F0101/update", {"set": {}}), "where"),
        (lambda control: control.switch(fetch_cap="many"), "fetch_cap"),
        (lambda control: control.switch(no_such_switch=1), "no_such_switch"),
    ],
)
def test_mistakes_are_named_and_change_nothing(control, call, message):
    before = control.rows("F0101")
    with pytest.raises(ControlRefused, match=message):
        call(control)
    assert control.rows("F0101") == before


def test_requests_are_counted_and_faults_hit(fresh, condition):
    control = fresh.jde.control
    control.reset_counters()
    fresh.browse("F0101")
    control.fault("status", path="/dataservice$", status=500, body={"message": "boom"})
    assert fresh.refused("F0101") == (500, "boom")
    counters = control.counters()
    assert counters["by_endpoint"] == {"POST /jderest/v2/dataservice": 2}
    assert (counters["requests"], counters["writes"], counters["rejected"]) == (2, 0, 1)
