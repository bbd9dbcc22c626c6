"""The pipeline as users run it: `meltano run`, state and history."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from service_emulators.testing import start_dynamics
from service_emulators.zoho.emulator import ZohoEmulator

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from suite import Suite

RUN = ("meltano", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")
ZOHO = ("meltano", "run", "tap-jdedwards", "jde-to-zoho", "target-zoho")
DYNAMICS = ("meltano", "run", "tap-jdedwards", "jde-to-dynamics", "target-dynamics")


@pytest.mark.slow
def test_first_run_creates_second_writes_nothing_third_updates_what_changed(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=60, contacts=90)
    assert suite.call(*RUN).returncode == 0
    assert sorted(suite.numbers_at_pipedrive("organizations")) == sorted(suite.customers())
    persons = suite.pipedrive.control.records("persons")
    assert len(persons) == 90
    assert all(person["org_id"] for person in persons)

    suite.pipedrive.control.reset_counters()
    assert suite.call(*RUN).returncode == 0
    assert suite.pipedrive.control.counters()["writes"] == 0

    number = next(
        str(row["AN8"])
        for row in suite.jde.control.rows("F03012", where={"CO": "00000"})
        if not row["HOLD"].strip() and row["CUSTS"].strip() != "1"
    )
    suite.jde.control.update_rows("F03012", where={"AN8": int(number), "CO": "00000"}, values={"HOLD": "C1"})
    assert suite.call(*RUN).returncode == 0
    assert suite.pipedrive.control.counters()["writes"] == 1
    life = json.loads(suite.call("sync-ledger", "why", "organizations", number, "--json").stdout)
    assert life["outcomes"][-1]["changes"].keys() == {"JDE Status", "Hold Reason"}
    record = next(
        item
        for item in suite.pipedrive.control.records("organizations")
        if item["custom_fields"]["JDE Number"] == number
    )
    assert record["custom_fields"]["JDE Status"] == "On hold"

    runs = suite.runs()
    assert [run["status"] for run in runs] == ["succeeded"] * 3
    assert all(sum(run["outcomes"].values()) == run["rows"] + run["replayed"] for run in runs)

    state = json.loads(suite.call("meltano", "state", "get", "demo:tap-jdedwards-to-target-pipedrive").stdout)
    bookmarks = state["singer_state"]["bookmarks"]
    assert set(bookmarks) == {"customers", "vendors", "contacts", "business_partners"}
    for bookmark in bookmarks.values():
        assert bookmark["replication_key"] == "UPMJ"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", bookmark["replication_key_value"])


@pytest.mark.slow
def test_zoho_is_set_up_planned_loaded_and_kept_in_step(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=80, contacts=90)
    jde = suite.jde.control
    with ZohoEmulator() as suite.zoho:
        zoho = suite.zoho.control
        done = suite.call("meltano", "invoke", "target-zoho:setup", "--yes")
        assert done.returncode == 0, done.stderr
        suite.settings["TARGET_ZOHO_MODE"] = "plan"
        assert suite.call(*ZOHO).returncode == 0
        assert suite.zoho.counts()["Accounts"] == 0
        [plan] = json.loads(suite.call("sync-ledger", "plans", "--json").stdout)
        del suite.settings["TARGET_ZOHO_MODE"]

        zoho.reset_counters()
        assert suite.call(*ZOHO).returncode == 0
        assert zoho.counters()["cost"] == pytest.approx(plan["cost"], rel=0.02)
        suppliers = {str(row["AN8"]) for row in jde.rows("F0401")}
        assert {record["JDE_Number"] for record in zoho.records("Accounts")} == suite.customers()
        assert {record["JDE_Number"] for record in zoho.records("Vendors")} == suppliers
        both = suite.customers() & suppliers
        assert both
        companies = {"Account_Name": suite.customers(), "Vendor_Name": suppliers}
        for record in zoho.records("Contacts"):
            company = record["JDE_Number"].partition("-")[0]
            for lookup, numbers in companies.items():
                assert (record[lookup] is not None) == (company in numbers)

        terms = {row["PTC"]: row["PTD"] for row in jde.rows("F0014")}
        limits = {str(row["AN8"]): row for row in jde.rows("F03012", where={"CO": "00000"})}
        for record in zoho.records("Accounts"):
            assert record["Payment_Terms"] == terms[limits[record["JDE_Number"]]["TRAR"]]
            assert record["Credit_Limit"] == limits[record["JDE_Number"]]["ACL"]
        branch = next(row for row in limits.values() if row["ARPY"])
        cities = {record["JDE_Number"]: record["Billing_City"] for record in zoho.records("Accounts")}
        assert cities[str(branch["AN8"])] == cities[str(branch["ARPY"])]

        zoho.reset_counters()
        assert suite.call(*ZOHO).returncode == 0
        assert zoho.counters()["writes"] == 0
        number = min(both)
        jde.update_rows("F0101", where={"AN8": int(number)}, values={"ALPH": "Renamed"})
        assert suite.call(*ZOHO).returncode == 0
        assert zoho.counters()["writes"] == 2
        for module, name in (("Accounts", "Account_Name"), ("Vendors", "Vendor_Name")):
            assert [one["JDE_Number"] for one in zoho.records(module) if one[name] == "Renamed"] == [number]
        assert not any(zoho.automation().values())


@pytest.mark.slow
def test_dynamics_is_set_up_planned_loaded_and_kept_in_step(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=80, contacts=90, documents=40)
    jde = suite.jde.control
    with start_dynamics(key_index_ms=200) as suite.dynamics:
        dynamics = suite.dynamics.control
        done = suite.call("meltano", "invoke", "target-dynamics:setup", "--yes")
        assert done.returncode == 0, done.stderr
        suite.settings["TARGET_DYNAMICS_MODE"] = "plan"
        assert suite.call(*DYNAMICS).returncode == 0
        assert suite.dynamics.counts()["accounts"] == 0
        [plan] = json.loads(suite.call("sync-ledger", "plans", "--json").stdout)
        del suite.settings["TARGET_DYNAMICS_MODE"]

        dynamics.reset_counters()
        assert suite.call(*DYNAMICS).returncode == 0
        assert dynamics.counters()["cost"] == pytest.approx(plan["cost"], rel=0.02)
        accounts = {record["jde_number"]: record for record in dynamics.records("accounts")}
        customers, suppliers = suite.customers(), {str(row["AN8"]) for row in jde.rows("F0401")}
        both = customers & suppliers
        assert both
        assert len(dynamics.records("accounts")) == len(customers | suppliers)  # who is both is one account
        assert accounts.keys() == customers | suppliers
        for number, record in accounts.items():
            assert (record["jde_customer"], record["jde_supplier"]) == (number in customers, number in suppliers)
            assert record["customertypecode"] == (3 if number in customers else 10)
            assert record["accountnumber"] == number
        numbers = {record["accountid"]: number for number, record in accounts.items()}
        for record in dynamics.records("contacts"):
            assert numbers[record["_parentcustomerid_value"]] == record["jde_number"].partition("-")[0]

        terms = {row["PTC"]: row["PTD"] for row in jde.rows("F0014")}
        owed: dict[str, float] = {}
        for row in jde.rows("F03B11"):
            owed[str(row["AN8"])] = owed.get(str(row["AN8"]), 0) + float(row["AAP"] or 0)
        assert any(owed.values())
        currencies = {one["transactioncurrencyid"]: one["isocurrencycode"] for one in _currencies(suite)}
        for row in jde.rows("F03012", where={"CO": "00000"}):
            record = accounts[str(row["AN8"])]
            assert record["jde_paymentterms"] == terms[row["TRAR"]]
            assert record["creditlimit"] == row["ACL"]
            assert currencies[record["_transactioncurrencyid_value"]] == row["CRCD"]
            assert record["jde_openbalance"] == pytest.approx(owed.get(str(row["AN8"]), 0), abs=0.01)

        dynamics.reset_counters()
        assert suite.call(*DYNAMICS).returncode == 0
        assert dynamics.counters()["writes"] == 0
        number = min(both)
        jde.update_rows("F0101", where={"AN8": int(number)}, values={"ALPH": "Renamed"})
        assert suite.call(*DYNAMICS).returncode == 0
        assert dynamics.counters()["writes"] == 1
        assert [one["jde_number"] for one in dynamics.records("accounts") if one["name"] == "Renamed"] == [number]

        [supplier] = jde.rows("F0401", where={"AN8": int(number)})
        other = min(customers - suppliers)
        copied = {name: value for name, value in supplier.items() if name not in {"UPMJ", "UPMT"}}
        jde.insert_rows("F0401", [{**copied, "AN8": int(other)}])
        dynamics.reset_counters()
        assert suite.call(*DYNAMICS).returncode == 0
        assert dynamics.counters()["writes"] == 1  # a customer became a supplier, in the same account
        after = {record["accountid"]: record for record in dynamics.records("accounts")}
        assert after.keys() == numbers.keys()
        assert after[accounts[other]["accountid"]]["jde_supplier"] is True


def _currencies(suite: Suite) -> list[dict[str, t.Any]]:
    records: list[dict[str, t.Any]] = suite.dynamics.control.records("transactioncurrencies")
    return records
