"""What an upsert takes for the same record, and external ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Org

KEY = {"case_sensitive": False}


@pytest.fixture(scope="module")
def prepare() -> Callable[[Org], object]:
    def add_fields(org: Org) -> None:
        key = org.fields("Contacts")["JDE_Number"]["id"]
        org.ok("DELETE", f"/settings/fields/{key}", module="Contacts")  # two unique fields are all a module may have
        org.field("Contacts", field_label="First Key", data_type="text", unique=KEY)
        org.field("Contacts", field_label="Second Key", data_type="text", unique={"case_sensitive": True})
        org.field("Accounts", field_label="Ext ID", data_type="text", length=20, external={"type": "org", "show": True})
        org.field("Contacts", field_label="C ID", data_type="text", external={"type": "org", "show": True})

    return add_fields


def upsert(org: Org, row: dict[str, Any], *check: str) -> dict[str, Any]:
    more = {"duplicate_check_fields": list(check)} if check else {}
    (entry,) = org.write("POST", "/Contacts/upsert", [row], **more)
    return entry


@pytest.fixture
def three(org: Org, request: pytest.FixtureRequest) -> dict[str, str]:
    """Three contacts, each to be found by one field; values are of this test alone."""
    mark = request.node.name
    return {
        "Email": org.add("Contacts", Last_Name="Mail", Email=f"{abs(hash(mark))}@x.example"),
        "First_Key": org.add("Contacts", Last_Name="First", First_Key=f"1 {mark}"),
        "Second_Key": org.add("Contacts", Last_Name="Second", Second_Key=f"2 {mark}"),
        "mark": mark,
    }


@pytest.mark.parametrize(
    ("check", "order"),
    [
        ((), ["Email", "First_Key", "Second_Key"]),
        (("First_Key",), ["First_Key", "Second_Key"]),
        (("Second_Key",), ["Second_Key", "First_Key"]),
        (("Email",), ["Email", "First_Key", "Second_Key"]),
    ],
)
def test_fields_are_tried_in_the_documented_order(
    org: Org, three: dict[str, str], check: tuple[str, ...], order: list[str]
) -> None:
    mark = three["mark"]
    values = {"Email": f"{abs(hash(mark))}@x.example", "First_Key": f"1 {mark}", "Second_Key": f"2 {mark}"}
    # One value after the other is free again, so that the next field of the order must decide.
    for by in order:
        row: dict[str, Any] = {"Last_Name": "Same", by: values[by]}
        for later in order[order.index(by) + 1 :]:
            if later == "Email":
                row[later] = values[later]
        entry = upsert(org, row, *check)
        assert (entry["action"], entry["duplicate_field"]) == ("update", by)
        assert entry["details"]["id"] == three[by]
    if "Email" not in order:
        entry = upsert(org, {"Last_Name": "Other", "Email": values["Email"]}, *check)
        assert (entry["action"], entry["duplicate_field"]) == ("insert", None)


def test_another_unique_field_captures_the_record_silently(org: Org) -> None:
    foreign = org.add("Contacts", Last_Name="Foreign", Second_Key="shared")
    entry = upsert(org, {"Last_Name": "Ours", "First_Key": "fresh", "Second_Key": "shared"}, "First_Key")
    assert (entry["action"], entry["duplicate_field"], entry["details"]["id"]) == ("update", "Second_Key", foreign)
    assert org.row("Contacts", foreign)["First_Key"] == "fresh"


def test_a_matched_record_that_would_take_anothers_value_is_refused(org: Org) -> None:
    org.add("Contacts", Last_Name="A", First_Key="k1")
    holder = org.add("Contacts", Last_Name="B", Second_Key="k2")
    entry = upsert(org, {"Last_Name": "A", "First_Key": "k1", "Second_Key": "k2"}, "First_Key")
    assert (entry["code"], entry["details"]["id"]) == ("DUPLICATE_DATA", holder)


def test_a_null_key_matches_nothing(org: Org) -> None:
    entries = [upsert(org, {"Last_Name": "Null", "First_Key": key}, "First_Key") for key in (None, "", None)]
    assert [entry["action"] for entry in entries] == ["insert"] * 3


def test_case_decides_only_where_the_field_says_so(org: Org) -> None:
    upsert(org, {"Last_Name": "Case", "First_Key": "Straße", "Second_Key": "Case"}, "First_Key")
    assert upsert(org, {"Last_Name": "Case", "First_Key": "STRASSE"}, "First_Key")["action"] == "update"
    assert upsert(org, {"Last_Name": "Case", "Second_Key": "case"}, "Second_Key")["action"] == "insert"


def test_without_the_array_accounts_of_one_name_become_one(org: Org) -> None:
    first, second = (
        org.write("POST", "/Accounts/upsert", [{"Account_Name": "Same Name", "Phone": phone}])[0] for phone in "12"
    )
    assert (first["action"], second["action"], second["duplicate_field"]) == ("insert", "update", "Account_Name")
    assert first["details"]["id"] == second["details"]["id"]


def test_only_system_and_unique_fields_may_be_named(org: Org) -> None:
    for names in (["Phone"], ["Nothing"], ["C_ID"], [], "First_Key"):
        body = {"data": [{"Last_Name": "x"}], "duplicate_check_fields": names}
        assert org.refused("POST", "/Contacts/upsert", body)["details"]["api_name"] == "duplicate_check_fields"


def test_one_key_twice_in_a_batch(org: Org) -> None:
    rows = [{"Last_Name": "Twice", "First_Key": "twice"}, {"Last_Name": "Again", "First_Key": "twice"}]
    first, second = org.write("POST", "/Contacts/upsert", rows, duplicate_check_fields=["First_Key"])
    assert (first["code"], second["code"]) == ("SUCCESS", "DUPLICATE_DATA")
    org.control.switch(same_key_in_batch="update")
    rows = [{**row, "First_Key": "thrice"} for row in rows]
    first, second = org.write("POST", "/Contacts/upsert", rows, duplicate_check_fields=["First_Key"])
    assert (first["action"], second["action"]) == ("insert", "update")


def test_an_external_field_takes_part_without_being_named(org: Org) -> None:
    contact = org.add("Contacts", Last_Name="Ext", C_ID="E-1")
    entry = upsert(org, {"Last_Name": "Ext", "C_ID": "E-1"})
    assert (entry["duplicate_field"], entry["details"]["id"]) == ("C_ID", contact)


def test_external_ids_stand_for_record_ids(org: Org) -> None:
    contact = org.add("Contacts", Last_Name="Ext", C_ID="C-88")
    header = {"X-EXTERNAL": "Contacts.C_ID"}
    assert org.ok("GET", "/Contacts/C-88", headers=header)["data"][0]["id"] == contact
    assert org.call("GET", "/Contacts/C-89", headers=header).status_code == 204
    rows = {"data": [{"C_ID": "C-88", "Phone": "1"}, {"C_ID": "C-89", "Phone": "1"}]}
    response = org.call("PUT", "/Contacts", rows, header)
    assert [entry["code"] for entry in response.json()["data"]] == ["SUCCESS", "INVALID_DATA"]
    assert org.call("PUT", "/Contacts/C-88", {"data": [{"Phone": "2"}]}, header).status_code == 200
    assert org.row("Contacts", contact)["Phone"] == "2"
    assert org.call("DELETE", "/Contacts", headers=header, ids="C-88,C-89").status_code == 207
    assert org.call("GET", f"/Contacts/{contact}").status_code == 204


def test_lookups_by_external_id(org: Org) -> None:
    account = org.add("Accounts", Account_Name="Parent", Ext_ID="1001")
    header = {"X-EXTERNAL": "Contacts.Account_Name.Ext_ID"}
    row = {"Last_Name": "Child", "Account_Name": {"Ext_ID": "1001"}}
    entry = org.call("POST", "/Contacts/upsert", {"data": [row]}, header).json()["data"][0]
    assert org.row("Contacts", entry["details"]["id"])["Account_Name"]["id"] == account
    row["Account_Name"] = {"Ext_ID": "1002"}
    entry = org.call("POST", "/Contacts", {"data": [row]}, header).json()["data"][0]
    assert entry["code"] == "INVALID_DATA"
    assert entry["details"]["json_path"] == "$.data[0].Account_Name.Ext_ID"
    for rule in ("Contacts.First_Key", "Accounts.Ext_ID", "Contacts.Account_Name.Phone", "Contacts.Phone.Ext_ID"):
        refused = org.call("POST", "/Contacts", {"data": [{"Last_Name": "x"}]}, {"X-EXTERNAL": rule})
        assert refused.json()["details"] == {"header": "X-EXTERNAL", "value": rule}
