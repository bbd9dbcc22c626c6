"""Insert, update, upsert and delete: entries in order, statuses, what is checked and what is found to be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Org

NOW = "2026-03-01T08:15:00"
LOCAL = "2026-03-01T09:15:00+01:00"


def test_an_insert_answers_with_what_was_made(org: Org) -> None:
    org.control.set_clock(now=NOW)
    response = org.call("POST", "/Accounts", {"data": [{"Account_Name": "Northwind"}], "trigger": []})
    assert response.status_code == 201
    (entry,) = response.json()["data"]
    assert entry["code"] == "SUCCESS"
    assert (entry["message"], entry["status"]) == ("record added", "success")
    details = entry["details"]
    assert len(details["id"]) == 19
    assert details["Created_Time"] == details["Modified_Time"] == LOCAL
    assert details["Created_By"] == details["Modified_By"]
    assert details["$approval_state"] == "approved"
    row = org.row("Accounts", details["id"])
    assert row["Account_Name"] == "Northwind"
    assert row["Owner"]["id"] == details["Created_By"]["id"]


def test_entries_come_in_the_order_of_the_records_and_the_status_tells_how_many_failed(org: Org) -> None:
    rows = [{"Account_Name": "One"}, {"Phone": "1"}, {"Account_Name": "Three", "Fax": "9" * 31}]
    response = org.call("POST", "/Accounts", {"data": rows})
    assert response.status_code == 207
    first, second, third = response.json()["data"]
    assert first["code"] == "SUCCESS"
    assert second["code"] == "MANDATORY_NOT_FOUND"
    assert second["details"] == {"api_name": "Account_Name", "json_path": "$.data[1].Account_Name"}
    assert third["code"] == "INVALID_DATA"
    assert third["details"] == {"maximum_length": 30, "api_name": "Fax", "json_path": "$.data[2].Fax"}
    assert org.call("POST", "/Accounts", {"data": rows[1:]}).status_code == 400
    assert org.control.counters()["writes"] == 1
    org.control.switch(sandbox=True)
    assert org.call("POST", "/Accounts", {"data": rows}).status_code == 200


def test_several_faults_of_a_record_come_together(org: Org) -> None:
    (entry,) = org.write("POST", "/Contacts", [{"First_Name": "Ana", "Email": "no address", "Nothing": 1}])
    assert entry["code"] == "MULTIPLE_OR_MULTI_ERRORS"
    found = [(error["code"], error["details"]["api_name"]) for error in entry["details"]["errors"]]
    assert found == [("INVALID_DATA", "Email"), ("INVALID_DATA", "Nothing"), ("MANDATORY_NOT_FOUND", "Last_Name")]


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ({"data": [{}] * 101}, "LIMIT_EXCEEDED", {"api_name": "data", "maximum_length": 100}),
        ({"data": []}, "INVALID_DATA", {"api_name": "data"}),
        ({"data": {}}, "INVALID_DATA", {"api_name": "data"}),
        ({}, "MANDATORY_NOT_FOUND", {"api_name": "data"}),
        ({"data": [{}], "extra": 1}, "INVALID_DATA", {"api_name": "extra"}),
        (
            {"data": [{}], "duplicate_check_fields": ["Account_Name"]},
            "INVALID_DATA",
            {"json_path": "$.duplicate_check_fields"},
        ),
        ({"data": [{}], "trigger": ["everything"]}, "INVALID_DATA", {"api_name": "trigger"}),
        (
            {"data": [{}], "skip_feature_execution": [{"name": "x"}]},
            "INVALID_DATA",
            {"api_name": "skip_feature_execution"},
        ),
    ],
)
def test_a_request_that_does_not_fit_is_refused_whole(org: Org, body: Any, code: str, details: dict[str, Any]) -> None:
    error = org.refused("POST", "/Accounts", body)
    assert error["code"] == code
    assert details.items() <= error["details"].items()


def test_only_json_of_a_module_there_is(org: Org) -> None:
    assert org.refused("POST", "/Nothing", {"data": [{}]})["code"] == "INVALID_MODULE"
    url = f"{org.emulator.url}/crm/v8/Accounts"
    assert org.session.post(url, data="{}", headers={"Content-Type": "text/plain"}, timeout=10).status_code == 415
    broken = org.session.post(url, data="{", headers={"Content-Type": "application/json"}, timeout=10)
    assert broken.json()["code"] == "INVALID_DATA"
    missing = org.call("GET", "/Accounts/1/nothing/there")
    assert (missing.status_code, missing.json()["code"]) == (404, "INVALID_URL_PATTERN")
    assert org.refused("PATCH", "/Accounts", {})["code"] == "INVALID_REQUEST_METHOD"


@pytest.mark.parametrize(
    ("field", "value", "details"),
    [
        ("Account_Name", 7, {"expected_data_type": "text"}),
        ("Account_Name", "x" * 201, {"maximum_length": 200}),
        ("Employees", "7", {"expected_data_type": "integer"}),
        ("Employees", True, {"expected_data_type": "integer"}),
        ("Employees", 1_000_000_000, {"maximum_length": 9}),
        ("Account_Number", 7, {"expected_data_type": "bigint"}),
        ("Account_Number", "1234567890123456789", {"maximum_length": 18}),
        ("Annual_Revenue", "7.5", {"expected_data_type": "double"}),
        ("Industry", "Something new", {"api_name": "Industry"}),
        ("Phone", "tel: 1", {"expected_data_type": "phone"}),
        ("Website", "none", {"expected_data_type": "website"}),
        ("Owner", "5", {"expected_data_type": "jsonobject"}),
        ("Parent_Account", {"name": "Northwind"}, {"expected_data_type": "bigint"}),
        ("Parent_Account", {"id": "5725767000000000001"}, {"json_path": "$.data[0].Parent_Account.id"}),
        ("Created_Time", LOCAL, {"api_name": "Created_Time"}),
        ("Unheard_Of", 1, {"api_name": "Unheard_Of"}),
        ("id", "5725767000000000001", {"api_name": "id"}),
    ],
)
def test_a_value_that_does_not_fit_is_refused(org: Org, field: str, value: Any, details: dict[str, Any]) -> None:
    (entry,) = org.write("POST", "/Accounts", [{"Account_Name": "x", field: value}])
    assert entry["code"] == "INVALID_DATA"
    assert details.items() <= entry["details"].items()


def test_values_come_back_as_they_are_kept(org: Org) -> None:
    parent = org.add("Accounts", Account_Name="Parent")
    values = {
        "Account_Number": "123456789012345678",
        "Annual_Revenue": 12.5,
        "Credit_Limit": 1000.005,
        "Employees": 12,
        "Industry": "Service Provider",
        "Parent_Account": {"id": parent},
        "Tag": [{"name": "jde"}],
        "Phone": "",
    }
    row = org.row("Accounts", org.add("Accounts", Account_Name="Child", **values))
    assert row["Account_Number"] == "123456789012345678"
    assert (row["Annual_Revenue"], row["Credit_Limit"], row["Employees"]) == (12.5, 1000.005, 12)
    assert row["Parent_Account"] == {"name": "Parent", "id": parent}
    assert row["Tag"] == [{"name": "jde"}]
    assert row["Phone"] is None
    contact = org.row("Contacts", org.add("Contacts", First_Name="Ana", Last_Name="Ruiz", Date_of_Birth="1990-02-28"))
    assert (contact["Full_Name"], contact["Date_of_Birth"], contact["Email_Opt_Out"]) == (
        "Ana Ruiz",
        "1990-02-28",
        False,
    )


def test_switches_lift_what_is_strict_only_because_nothing_is_documented(org: Org) -> None:
    org.control.switch(picklists="accept", unknown_fields="ignore", person_names="either")
    account = org.add("Accounts", Account_Name="Lax", Industry="Something new", Unheard_Of=1)
    assert org.row("Accounts", account)["Industry"] == "Something new"
    org.add("Contacts", First_Name="Ana")


def test_an_update_changes_what_is_given_and_null_clears(org: Org) -> None:
    org.control.set_clock(now=NOW)
    first, second = (org.add("Accounts", Account_Name=name, Phone="1", Fax="2") for name in ("One", "Two"))
    org.control.set_clock(now="2026-03-01T08:16:00")
    response = org.call("PUT", "/Accounts", {"data": [{"id": first, "Phone": "3"}, {"id": second, "Fax": None}]})
    assert response.status_code == 200
    assert [entry["message"] for entry in response.json()["data"]] == ["record updated"] * 2
    row = org.row("Accounts", first)
    assert (row["Phone"], row["Fax"], row["Modified_Time"]) == ("3", "2", "2026-03-01T09:16:00+01:00")
    assert row["Created_Time"] == LOCAL
    assert org.row("Accounts", second)["Fax"] is None
    (entry,) = org.write("PUT", f"/Accounts/{first}", [{"Phone": "4"}])
    assert entry["details"]["id"] == first


def test_an_update_of_nothing_and_of_no_one(org: Org) -> None:
    account = org.add("Accounts", Account_Name="One")
    unknown, missing, cleared = org.write(
        "PUT", "/Accounts", [{"id": "5725767000000000001"}, {"Phone": "1"}, {"id": account, "Account_Name": None}]
    )
    assert (unknown["code"], unknown["details"]) == ("INVALID_DATA", {"id": "5725767000000000001"})
    assert (missing["code"], missing["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "id")
    assert (cleared["code"], cleared["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "Account_Name")


def test_if_unmodified_since_refuses_the_whole_call(org: Org) -> None:
    org.control.set_clock(now=NOW)
    old = org.add("Accounts", Account_Name="Old", JDE_Number="U1")
    org.control.set_clock(now="2026-03-01T09:00:00")
    new = org.add("Accounts", Account_Name="New", JDE_Number="U2")
    since = {"If-Unmodified-Since": "2026-03-01T09:30:00+01:00"}
    rows = [{"id": old, "Phone": "1"}, {"id": new, "Phone": "1"}]
    response = org.call("PUT", "/Accounts", {"data": rows}, since)
    assert (response.status_code, response.json()["code"]) == (412, "ALREADY_MODIFIED")
    assert response.json()["details"]["id"] == new
    assert org.row("Accounts", old)["Phone"] is None
    assert org.call("PUT", "/Accounts", {"data": rows[:1]}, since).status_code == 200
    upsert = {"data": [{"JDE_Number": "U2", "Account_Name": "New"}], "duplicate_check_fields": ["JDE_Number"]}
    assert org.call("POST", "/Accounts/upsert", upsert, since).status_code == 412
    assert org.call("PUT", "/Accounts", {"data": rows}, {"If-Unmodified-Since": "yesterday"}).status_code == 400


def test_multi_select_values_are_replaced_or_appended(org: Org) -> None:
    org.field(
        "Vendors",
        field_label="Regions",
        data_type="multiselectpicklist",
        pick_list_values=[{"display_value": name, "actual_value": name} for name in ("EMEA", "APAC", "LATAM")],
    )
    vendor = org.add("Vendors", Vendor_Name="V", Regions=["EMEA"])
    org.write("PUT", "/Vendors", [{"id": vendor, "Regions": ["APAC"], "$append_values": {"Regions": True}}])
    assert org.row("Vendors", vendor)["Regions"] == ["EMEA", "APAC"]
    org.write("PUT", "/Vendors", [{"id": vendor, "Regions": ["LATAM"]}])
    assert org.row("Vendors", vendor)["Regions"] == ["LATAM"]
    (entry,) = org.write("PUT", "/Vendors", [{"id": vendor, "Regions": ["EMEA", "Mars"]}])
    assert entry["details"]["supported_values"] == ["EMEA", "APAC", "LATAM"]


def test_a_unique_value_that_is_taken_names_its_record(org: Org) -> None:
    holder = org.add("Accounts", Account_Name="Holder", JDE_Number="D1")
    other = org.add("Accounts", Account_Name="Other")
    for method, row in (
        ("POST", {"Account_Name": "x", "JDE_Number": "d1"}),
        ("PUT", {"id": other, "JDE_Number": "D1"}),
    ):
        (entry,) = org.write(method, "/Accounts", [row])
        assert entry["code"] == "DUPLICATE_DATA"
        details = entry["details"]
        assert (details["api_name"], details["json_path"], details["id"]) == (
            "JDE_Number",
            "$.data[0].JDE_Number",
            holder,
        )
        assert details["duplicate_record"]["id"] == holder
        assert details["duplicate_record"]["module"]["api_name"] == "Accounts"
        assert set(details["duplicate_record"]["Owner"]) == {"name", "id", "zuid"}
        assert details["more_records"] is False
    (entry,) = org.write("PUT", "/Accounts", [{"id": holder, "JDE_Number": "D1", "Phone": "1"}])
    assert entry["code"] == "SUCCESS"


def test_workflows_run_unless_told_otherwise(org: Org) -> None:
    org.write("POST", "/Vendors", [{"Vendor_Name": "Quiet"}], trigger=[])
    assert org.control.automation().get("Vendors", {}) == {}
    org.write("POST", "/Vendors", [{"Vendor_Name": "Loud"}, {}])
    assert org.control.automation()["Vendors"]["workflow"] == 1
    org.write("POST", "/Vendors", [{"Vendor_Name": "Some"}], trigger=["approval"])
    assert org.control.automation()["Vendors"] == {
        "workflow": 1,
        "approval": 2,
        "blueprint": 1,
        "pathfinder": 1,
        "orchestration": 1,
    }


def test_deleting_moves_to_the_recycle_bin_and_empties_lookups(org: Org) -> None:
    account = org.add("Accounts", Account_Name="Gone", JDE_Number="G1")
    contact = org.add("Contacts", Last_Name="Left", Account_Name={"id": account})
    assert org.row("Contacts", contact)["Account_Name"] == {"name": "Gone", "id": account}
    response = org.call("DELETE", "/Accounts", ids=f"{account},5725767000000000001", wf_trigger="false")
    assert response.status_code == 207
    done, unknown = response.json()["data"]
    assert (done["message"], done["details"]) == ("record deleted", {"id": account})
    assert unknown["code"] == "INVALID_DATA"
    assert org.call("GET", f"/Accounts/{account}").status_code == 204
    assert org.row("Contacts", contact)["Account_Name"] is None
    (entry,) = org.write("POST", "/Accounts", [{"Account_Name": "Again", "JDE_Number": "G1"}])
    assert entry["code"] == "SUCCESS"
    again = entry["details"]["id"]
    org.control.switch(recycled_unique=True)
    assert org.call("DELETE", f"/Accounts/{again}").status_code == 200
    (entry,) = org.write("POST", "/Accounts", [{"Account_Name": "Third", "JDE_Number": "G1"}])
    assert (entry["code"], entry["details"]["id"]) == ("DUPLICATE_DATA", again)
    org.control.restore_record("Accounts", again)
    assert org.row("Accounts", again)["JDE_Number"] == "G1"
    assert org.refused("DELETE", "/Accounts")["code"] == "REQUIRED_PARAM_MISSING"
