"""Modules, fields, the org and its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Org


def test_modules_that_are_hidden_are_not_there(fresh_org: Org) -> None:
    org = fresh_org
    modules = {module["api_name"]: module for module in org.ok("GET", "/settings/modules")["modules"]}
    assert {"Accounts", "Contacts", "Vendors", "Leads", "Deals", "Products"} <= set(modules)
    assert modules["Vendors"]["api_supported"] is True
    assert org.ok("GET", "/settings/modules/Vendors")["modules"][0]["id"] == modules["Vendors"]["id"]
    org.control.hide_module("Vendors")
    assert "Vendors" not in [module["api_name"] for module in org.ok("GET", "/settings/modules")["modules"]]
    assert org.refused("GET", "/Vendors", fields="id")["code"] == "INVALID_MODULE"
    org.control.add_module("Assets", "Asset")
    assert org.ok("GET", "/settings/modules/Assets")["modules"][0]["generated_type"] == "custom"


def test_default_fields_are_those_of_the_sheet(fresh_org: Org) -> None:
    accounts, vendors = fresh_org.fields("Accounts"), fresh_org.fields("Vendors")
    assert len(accounts) == 43
    assert "Email" not in accounts
    assert len(vendors) == 25
    assert not {"Fax", "Last_Activity_Time"} & set(vendors)
    assert len(fresh_org.fields("Contacts")) == 63
    name = accounts["Account_Name"]
    assert (name["data_type"], name["json_type"], name["length"], name["system_mandatory"]) == (
        "text",
        "string",
        200,
        True,
    )
    assert (name["unique"], name["external"], name["custom_field"]) == ({}, None, False)
    assert accounts["Created_Time"]["read_only"] is True
    assert accounts["Created_Time"]["operation_type"]["api_create"] is False
    assert accounts["Parent_Account"]["lookup"]["module"]["api_name"] == "Accounts"
    assert accounts["Industry"]["pick_list_values"][0]["actual_value"] == "ASP (Application Service Provider)"
    assert fresh_org.fields("Contacts")["Date_of_Birth"]["field_label"] == "Date of Birth"


def test_a_field_is_made_and_takes_values_at_once(fresh_org: Org) -> None:
    org = fresh_org
    account = org.add("Accounts", Account_Name="Before")
    profile = org.ok("GET", "/settings/profiles")["profiles"][0]["id"]
    answer = org.call(
        "POST",
        "/settings/fields",
        {
            "fields": [
                {
                    "field_label": "JDE AN8",
                    "data_type": "text",
                    "length": 20,
                    "unique": {"case_sensitive": False},
                    "profiles": [{"id": profile, "permission_type": "read_write"}],
                },
                {"field_label": "On Hold", "data_type": "boolean"},
            ]
        },
        module="Accounts",
    )
    assert answer.status_code == 201
    assert [(item["code"], item["message"]) for item in answer.json()["fields"]] == [("SUCCESS", "field created")] * 2
    field = org.fields("Accounts")["JDE_AN8"]
    assert (field["unique"], field["custom_field"], field["length"]) == ({"case_sensitive": False}, True, 20)
    assert org.row("Accounts", account)["On_Hold"] is False
    org.write("PUT", "/Accounts", [{"id": account, "JDE_AN8": "1001"}])
    assert org.row("Accounts", account)["JDE_AN8"] == "1001"
    assert org.emulator.store.query('SELECT "JDE_AN8" AS n FROM Accounts') == [{"n": "1001"}]


@pytest.mark.parametrize(
    ("field", "code", "name"),
    [
        ({"field_label": "x" * 26, "data_type": "text"}, "INVALID_DATA", "field_label"),
        ({"field_label": "Fax", "data_type": "text"}, "DUPLICATE_DATA", "field_label"),
        ({"field_label": "New"}, "MANDATORY_NOT_FOUND", "data_type"),
        ({"data_type": "text"}, "MANDATORY_NOT_FOUND", "field_label"),
        ({"field_label": "New", "data_type": "formula"}, "INVALID_DATA", "data_type"),
        ({"field_label": "New", "data_type": "text", "length": 256}, "INVALID_DATA", "length"),
        ({"field_label": "New", "data_type": "boolean", "unique": {"case_sensitive": True}}, "INVALID_DATA", "unique"),
        (
            {"field_label": "New", "data_type": "email", "external": {"type": "org", "show": True}},
            "INVALID_DATA",
            "external",
        ),
        ({"field_label": "New", "data_type": "picklist"}, "MANDATORY_NOT_FOUND", "pick_list_values"),
        (
            {"field_label": "New", "data_type": "lookup", "lookup": {"module": {"api_name": "No"}}},
            "INVALID_DATA",
            "lookup",
        ),
        ({"field_label": "New", "data_type": "text", "profiles": [{"id": "1"}]}, "INVALID_DATA", "profiles"),
        ({"field_label": "New", "data_type": "text", "more": 1}, "INVALID_DATA", "more"),
    ],
)
def test_fields_that_can_not_be_made(org: Org, field: dict[str, Any], code: str, name: str) -> None:
    error = org.refused("POST", "/settings/fields", {"fields": [field]}, module="Accounts")
    assert (error["code"], error["details"]["api_name"]) == (code, name)


def test_a_call_makes_five_fields_or_none(fresh_org: Org) -> None:
    org = fresh_org
    six = [{"field_label": f"F{number}", "data_type": "text"} for number in range(6)]
    assert org.refused("POST", "/settings/fields", {"fields": six}, module="Vendors")["code"] == "LIMIT_EXCEEDED"
    broken = [*six[:3], {"field_label": "F9", "data_type": "none"}]
    assert org.refused("POST", "/settings/fields", {"fields": broken}, module="Vendors")["code"] == "INVALID_DATA"
    assert "F0" not in org.fields("Vendors")
    org.ok("POST", "/settings/fields", {"fields": six[:5]}, module="Vendors")
    assert org.refused("POST", "/settings/fields", {"fields": six[5:]})["code"] == "REQUIRED_PARAM_MISSING"


def test_two_unique_fields_in_every_edition_and_custom_fields_by_edition(fresh_org: Org) -> None:
    org = fresh_org
    for number in range(2):
        org.field("Vendors", field_label=f"U{number}", data_type="text", unique=True)
    third = {"fields": [{"field_label": "U2", "data_type": "text", "unique": True}]}
    error = org.refused("POST", "/settings/fields", third, module="Vendors")
    assert (error["code"], error["details"]["limit"]) == ("LIMIT_EXCEEDED", 2)
    org.control.switch(edition="free")
    plain = {"fields": [{"field_label": "Plain", "data_type": "text"}]}
    assert org.refused("POST", "/settings/fields", plain, module="Accounts")["code"] == "LIMIT_EXCEEDED"


def test_a_field_both_unique_and_external_is_a_switch(fresh_org: Org) -> None:
    both = {"field_label": "Both", "data_type": "text", "unique": True, "external": {"type": "org", "show": True}}
    error = fresh_org.refused("POST", "/settings/fields", {"fields": [both]}, module="Accounts")
    assert error["details"]["api_name"] == "external"
    fresh_org.control.switch(unique_external="accept")
    fresh_org.field("Accounts", **both)
    assert fresh_org.fields("Accounts")["Both"]["external"] == {"show": True, "type": "org"}


def test_picklists_grow_and_fields_change(fresh_org: Org) -> None:
    org = fresh_org
    industry = org.fields("Accounts")["Industry"]
    values = [{"display_value": "Brewery", "actual_value": "Brewery"}]
    answer = org.call(
        "PATCH", f"/settings/fields/{industry['id']}", {"fields": [{"pick_list_values": values}]}, module="Accounts"
    )
    assert (answer.status_code, answer.json()["fields"][0]["message"]) == (200, "field updated")
    listed = [value["actual_value"] for value in org.fields("Accounts")["Industry"]["pick_list_values"]]
    assert listed == [value["actual_value"] for value in industry["pick_list_values"]] + ["Brewery"]
    org.add("Accounts", Account_Name="Beer", Industry="Brewery")
    again = org.refused(
        "PATCH", "/settings/fields", {"fields": [{"id": industry["id"], "pick_list_values": values}]}, module="Accounts"
    )
    assert again["code"] == "DUPLICATE_DATA"


def test_an_existing_field_becomes_unique_only_without_duplicates(fresh_org: Org) -> None:
    org = fresh_org
    field = org.field("Accounts", field_label="Code", data_type="text")
    first, second = (org.add("Accounts", Account_Name=name, Code="same") for name in ("A", "B"))
    body = {"fields": [{"unique": {"case_sensitive": False}}]}
    error = org.refused("PATCH", f"/settings/fields/{field}", body, module="Accounts")
    assert (error["code"], error["details"]["values"]) == ("DUPLICATE_DATA", ["same"])
    org.write("PUT", "/Accounts", [{"id": second, "Code": "other"}])
    org.ok("PATCH", f"/settings/fields/{field}", body, module="Accounts")
    (entry,) = org.write("PUT", "/Accounts", [{"id": second, "Code": "same"}])
    assert (entry["code"], entry["details"]["id"]) == ("DUPLICATE_DATA", first)


def test_custom_fields_can_be_deleted(fresh_org: Org) -> None:
    org = fresh_org
    field = org.field("Accounts", field_label="Short Lived", data_type="text", unique=True)
    org.add("Accounts", Account_Name="A", Short_Lived="1")
    org.ok("DELETE", f"/settings/fields/{field}", module="Accounts")
    assert "Short_Lived" not in org.fields("Accounts")
    org.field("Accounts", field_label="Short Lived", data_type="integer")
    org.add("Accounts", Account_Name="B", Short_Lived=1)
    builtin = org.fields("Accounts")["Fax"]["id"]
    assert org.refused("DELETE", f"/settings/fields/{builtin}", module="Accounts")["code"] == "NOT_ALLOWED"


def test_the_org_and_its_users(org: Org) -> None:
    (described,) = org.ok("GET", "/org")["org"]
    assert described["zgid"] == org.emulator.org.zgid
    assert described["time_zone"] == "Europe/Berlin"
    assert described["license_details"]["paid_type"] == "enterprise"
    (me,) = org.ok("GET", "/users", type="CurrentUser")["users"]
    assert me["profile"]["name"] == "Administrator"
    assert len(org.ok("GET", "/users", type="ActiveUsers")["users"]) == 2
    assert len(org.ok("GET", "/users", type="AllUsers")["users"]) == 3
    assert org.ok("GET", f"/users/{me['id']}")["users"] == [me]
    former = org.ok("GET", "/users", type="DeactiveUsers")["users"][0]["id"]
    (entry,) = org.write("POST", "/Accounts", [{"Account_Name": "x", "Owner": {"id": former}}])
    assert entry["details"]["api_name"] == "Owner"
