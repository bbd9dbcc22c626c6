"""One row at a time: create, read, update, upsert, delete (fact sheet sections 4, 5 and 7)."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import pytest

NOBODY = "00000000-0000-0000-0000-000000000009"
ASKED = {"Prefer": "return=representation"}


def test_create_answers_the_address_and_nothing_else(crm):
    answer = crm.call("POST", "accounts", {"name": "Acme"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["OData-Version"] == "4.0"
    address = answer.headers["OData-EntityId"]
    assert address.startswith(f"{crm.root}accounts(")
    assert crm.session.get(address).json()["name"] == "Acme"


def test_create_with_the_representation(crm):
    answer = crm.call("POST", "accounts?$select=name,_ownerid_value", {"name": "Acme"}, **ASKED)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert answer.headers["ETag"] == body["@odata.etag"]
    assert set(body) == {"@odata.context", "@odata.etag", "accountid", "name", "_ownerid_value"}
    assert body["@odata.context"] == f"{crm.root}$metadata#accounts(name,_ownerid_value)/$entity"


def test_what_a_new_row_has_of_its_own(crm):
    user = crm.ok("GET", "WhoAmI")["UserId"]
    row = crm.row("accounts", crm.add("accounts", name="Acme"))
    assert row["_ownerid_value"] == row["_owninguser_value"] == row["_createdby_value"] == user
    assert (row["statecode"], row["statuscode"], row["creditonhold"]) == (0, 1, False)
    assert row["createdon"] == row["modifiedon"]
    assert row["@odata.etag"] == f'W/"{row["versionnumber"]}"'
    assert row["telephone1"] is None
    assert "accountcategorycodename" not in row


def test_the_id_may_be_given_once(crm):
    given = str(uuid.uuid4())
    assert crm.add("accounts", name="Acme", accountid=given) == given
    assert crm.refused("POST", "accounts", {"name": "Acme", "accountid": given})[:2] == (412, "0x80040237")


def test_a_row_that_is_not_there(crm):
    status, code, message = crm.refused("GET", f"accounts({NOBODY})")
    assert (status, code, message) == (404, "0x80040217", f"account With Id = {NOBODY} Does Not Exist")
    assert crm.refused("DELETE", f"accounts({NOBODY})")[:2] == (404, "0x80040217")
    assert crm.refused("GET", f"accounts(jde_number='{crm.number()}')")[:2] == (404, "0x80060891")
    assert crm.refused("DELETE", f"accounts(jde_number='{crm.number()}')")[:2] == (404, "0x80060891")


def test_names_of_sets_and_columns_have_their_case(crm):
    assert crm.refused("GET", f"Accounts({NOBODY})")[0] == 404
    assert crm.refused("POST", "account", {"name": "x"})[0] == 404
    assert crm.refused("POST", "accounts", {"Name": "x"})[:2] == (400, "0x80048d19")
    row_id = crm.add("accounts", name="x")
    assert crm.refused("GET", f"accounts({row_id})?$select=Name")[0] == 400


def test_methods_that_a_path_does_not_take(crm):
    assert crm.refused("PUT", "accounts", {})[0] == 405
    assert crm.refused("PATCH", "accounts", {})[0] == 405
    assert crm.refused("GET", "nothing/of/the/kind")[0] == 404


def test_an_update_changes_what_it_names_and_the_version(crm):
    row_id = crm.add("accounts", name="Acme", telephone1="1")
    before = crm.row("accounts", row_id)
    answer = crm.call("PATCH", f"accounts({row_id})", {"telephone1": "2"})
    assert (answer.status_code, answer.content) == (204, b"")
    after = crm.row("accounts", row_id)
    assert (after["name"], after["telephone1"]) == ("Acme", "2")
    assert after["versionnumber"] > before["versionnumber"]


def test_an_equal_value_counts_as_an_update(crm):
    crm.control.set_clock(now="2026-11-20T09:30:05")
    row_id = crm.add("accounts", name="Acme")
    crm.control.set_clock(now="2026-11-20T09:30:07")
    crm.ok("PATCH", f"accounts({row_id})", {"name": "Acme"})
    row = crm.row("accounts", row_id)
    assert (row["createdon"], row["modifiedon"]) == ("2026-11-20T09:30:05Z", "2026-11-20T09:30:07Z")


def test_writes_of_one_second_have_versions_of_their_own(crm):
    crm.control.set_clock(now="2026-11-20T09:30:05")
    rows = [crm.row("accounts", crm.add("accounts", name="Acme")) for _ in range(3)]
    assert len({row["modifiedon"] for row in rows}) == 1
    assert len({row["versionnumber"] for row in rows}) == 3


def upsert(crm, number, body, **headers):
    return crm.call("PATCH", f"accounts(jde_number='{number}')", body, **headers)


def test_upsert_by_key_tells_nothing_apart(crm):
    number = crm.number()
    for name in ("created", "updated"):
        answer = upsert(crm, number, {"name": name})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["OData-EntityId"] == f"{crm.root}accounts(jde_number='{number}')"
    assert crm.ok("GET", f"accounts(jde_number='{number}')")["name"] == "updated"


def test_upsert_with_the_representation_tells_them_apart(crm):
    number = crm.number()
    assert upsert(crm, number, {"name": "a"}, **ASKED).status_code == 201
    answer = upsert(crm, number, {"name": "b"}, **ASKED)
    assert (answer.status_code, answer.json()["jde_number"]) == (200, number)


def test_the_table_of_if_match_and_if_none_match(crm):
    there, missing = crm.number(), crm.number()
    upsert(crm, there, {"name": "old"})
    tag = crm.ok("GET", f"accounts(jde_number='{there}')")["@odata.etag"]
    path, gone = f"accounts(jde_number='{there}')", f"accounts(jde_number='{missing}')"
    new = {"name": "new"}
    assert crm.call("PATCH", path, new, If_Match="*").status_code == 204
    assert crm.refused("PATCH", gone, new, If_Match="*")[:2] == (404, "0x80060891")
    assert crm.refused("GET", gone)[0] == 404
    assert crm.refused("PATCH", path, {"name": "newer"}, If_None_Match="*")[:2] == (412, "0x80040237")
    assert crm.ok("GET", path)["name"] == "new"
    assert crm.refused("PATCH", path, {"name": "newer"}, If_Match=tag)[:2] == (412, "0x80060882")
    tag = crm.ok("GET", path)["@odata.etag"]
    assert crm.call("PATCH", path, {"name": "newer"}, If_Match=tag).status_code == 204
    assert crm.refused("PATCH", gone, new, If_Match=tag)[0] == 404
    assert crm.call("PATCH", gone, new, If_None_Match="*").status_code == 204
    assert crm.refused("PATCH", f"accounts({NOBODY})", new, If_Match="*")[:2] == (404, "0x80040217")
    assert crm.refused("DELETE", path, If_Match='W/"1"')[:2] == (412, "0x80060882")


def test_a_patch_by_id_creates_as_well(crm):
    given = str(uuid.uuid4())
    assert crm.call("PATCH", f"accounts({given})", {"name": "Acme"}, **ASKED).status_code == 201
    assert crm.row("accounts", given)["name"] == "Acme"


def test_key_columns_in_the_body_are_dropped_on_update_and_win_on_create(crm):
    number, other = crm.number(), crm.number()
    upsert(crm, number, {"name": "a"})
    upsert(crm, number, {"name": "b", "jde_number": other})
    assert crm.ok("GET", f"accounts(jde_number='{number}')")["name"] == "b"
    url, body = crm.number(), crm.number()
    upsert(crm, url, {"name": "c", "jde_number": body})
    assert crm.refused("GET", f"accounts(jde_number='{url}')")[0] == 404
    assert crm.ok("GET", f"accounts(jde_number='{body}')")["name"] == "c"


@pytest.mark.parametrize("sign", list("/<>*%&:\\?+"))
def test_characters_that_keys_cannot_hold(crm, sign):
    value = quote(f"1{sign}2", safe="")
    assert crm.refused("PATCH", f"accounts(jde_number='{value}')", {"name": "x"})[:2] == (400, "0x80060888")
    assert crm.refused("GET", f"accounts(jde_number='{value}')")[0] == 400


@pytest.mark.parametrize("value", ["1-2", "1_2", "1|2", "O''Neil", "1 2"])
def test_characters_that_keys_can_hold(crm, value):
    assert upsert(crm, value.replace("|", "%7C"), {"name": "x"}).status_code == 204
    names = [row["jde_number"] for row in crm.emulator.records("accounts")]
    assert value.replace("''", "'") in names


@pytest.mark.parametrize(
    "key", ["accountnumber='1'", "jde_number='1',name='x'", "nothing='1'", "jde_number=1", "Jde_Number='1'"]
)
def test_what_is_no_key(crm, key):
    status, code, message = crm.refused("PATCH", f"accounts({key})", {"name": "x"})
    assert (status, code) == (400, "")
    assert message.startswith("The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.account'")


def test_keys_hold_one_row_each_and_rows_without_a_value_are_free(crm):
    number = crm.number()
    crm.add("accounts", name="a", jde_number=number)
    status, code, message = crm.refused("POST", "accounts", {"name": "b", "jde_number": number})
    assert (status, code) == (412, "0x80060892")
    assert message.startswith(
        "Entity Key JDE Number violated. A record with the same value for JDE Number already exists"
    )
    other = crm.add("accounts", name="b")
    crm.add("accounts", name="c", jde_number=None)
    assert crm.refused("PATCH", f"accounts({other})", {"jde_number": number})[:2] == (412, "0x80060892")


def test_delete(crm):
    number = crm.number()
    row_id = crm.add("accounts", name="a", jde_number=number)
    assert crm.call("DELETE", f"accounts(jde_number='{number}')").status_code == 204
    assert crm.refused("GET", f"accounts({row_id})")[0] == 404
    found = crm.emulator.store.query("SELECT * FROM _tombstones WHERE id = :id", id=row_id)
    assert [one["table"] for one in found] == ["account"]


def test_deleting_a_parent_empties_lookups_and_currencies_stay(crm):
    account = crm.add("accounts", name="a")
    contact = crm.add("contacts", lastname="x", **{"parentcustomerid_account@odata.bind": f"accounts({account})"})
    crm.ok("DELETE", f"accounts({account})")
    assert crm.row("contacts", contact)["_parentcustomerid_value"] is None
    crm.add("accounts", name="a", creditlimit=1)
    currency = crm.emulator.parts.environment.currency_id
    assert crm.refused("DELETE", f"transactioncurrencies({currency})")[:2] == (405, "0x80040227")


def test_one_property(crm):
    row_id = crm.add("accounts", name="a", description="d")
    assert crm.call("PUT", f"accounts({row_id})/name", {"value": "b"}).status_code == 204
    assert crm.call("DELETE", f"accounts({row_id})/description").status_code == 204
    row = crm.row("accounts", row_id)
    assert (row["name"], row["description"]) == ("b", None)
    assert crm.refused("PUT", f"accounts({row_id})/name", {"name": "b"})[0] == 400


def test_not_modified(crm):
    row_id = crm.add("accounts", name="a")
    tag = crm.row("accounts", row_id)["@odata.etag"]
    answer = crm.call("GET", f"accounts({row_id})", If_None_Match=tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert crm.call("GET", f"accounts({row_id})", If_None_Match="null").status_code == 200
    annotated = {"If_None_Match": tag, "Prefer": 'odata.include-annotations="*"'}
    assert crm.call("GET", f"accounts({row_id})", **annotated).status_code == 200


def test_lookups_are_bound_by_id_and_by_key(crm):
    number = crm.number()
    account = crm.add("accounts", name="a", jde_number=number)
    for url in (f"/accounts({account})", f"accounts(jde_number='{number}')", f"{crm.root}accounts({account})"):
        contact = crm.add("contacts", lastname="x", **{"parentcustomerid_account@odata.bind": url})
        row = crm.row("contacts", contact, Prefer='odata.include-annotations="*"')
        assert row["_parentcustomerid_value"] == row["_accountid_value"] == account
        name = "_parentcustomerid_value@"
        assert row[name + "Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
        assert row[name + "Microsoft.Dynamics.CRM.associatednavigationproperty"] == "parentcustomerid_account"
        assert row[name + "OData.Community.Display.V1.FormattedValue"] == "a"
    crm.ok("PATCH", f"contacts({contact})", {"parentcustomerid_account@odata.bind": None})
    assert crm.row("contacts", contact)["_parentcustomerid_value"] is None


def test_a_lookup_to_nobody_fails_the_whole_row(crm):
    before = crm.emulator.counts()["contacts"]
    bind = "parentcustomerid_account@odata.bind"
    body = {"lastname": "x", bind: f"/accounts(jde_number='{crm.number()}')"}
    assert crm.refused("POST", "contacts", body)[:2] == (404, "0x80060891")
    assert crm.refused("POST", "contacts", {"lastname": "x", bind: f"/accounts({NOBODY})"})[:2] == (404, "0x80040217")
    assert crm.emulator.counts()["contacts"] == before


def test_navigation_names_have_their_case_and_their_table(crm):
    contact = crm.add("contacts", lastname="x")
    for name in ("PrimaryContactId", "primarycontactId"):
        status, code, message = crm.refused("POST", "accounts", {f"{name}@odata.bind": f"/contacts({contact})"})
        assert (status, code) == (400, "0x80048d19")
        assert "undeclared property" in message
        assert "which only has property annotations" in message
    wrong = {"lastname": "y", "parentcustomerid_account@odata.bind": f"/contacts({contact})"}
    assert crm.refused("POST", "contacts", wrong)[:2] == (400, "0x80048d19")


def test_lookups_cannot_be_written_in_other_ways(crm):
    contact = crm.add("contacts", lastname="x")
    assert crm.refused("POST", "accounts", {"_primarycontactid_value": contact})[:2] == (400, "0x80048d19")
    assert crm.refused("POST", "accounts", {"primarycontactid": contact})[:2] == (400, "0x80048d19")


def test_owners_are_users_or_teams(crm):
    person = crm.emulator.parts.environment.user_id
    row_id = crm.add("accounts", name="a", **{"ownerid@odata.bind": f"/systemusers({person})"})
    row = crm.row("accounts", row_id, Prefer='odata.include-annotations="*"')
    assert row["_ownerid_value"] == row["_owninguser_value"] == person
    assert row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "systemuser"
    bind = {"ownerid@odata.bind": f"/accounts({row_id})"}
    assert crm.refused("PATCH", f"accounts({row_id})", bind)[0] == 400
    assert crm.refused("PATCH", f"accounts({row_id})", {"ownerid@odata.bind": None})[0] == 400


def test_deep_insert(crm):
    body = {
        "name": "a",
        "primarycontactid": {"lastname": "first"},
        "contact_customer_accounts": [{"lastname": "second"}, {"lastname": "third"}],
    }
    account = crm.add("accounts", **body)
    contacts = {row["lastname"]: row for row in crm.emulator.records("contacts")}
    assert crm.row("accounts", account)["_primarycontactid_value"] == contacts["first"]["contactid"]
    assert {contacts[name]["_parentcustomerid_value"] for name in ("second", "third")} == {account}
    before = crm.emulator.counts()
    assert crm.refused("POST", "accounts", {"name": "a", "primarycontactid": {"lastname": "x" * 51}})[0] == 400
    assert crm.refused("POST", "accounts", {"name": "x" * 161, "primarycontactid": {"lastname": "x"}})[0] == 400
    assert crm.emulator.counts() == before


def test_state_goes_by_update_alone_and_takes_its_status_along(crm):
    assert crm.refused("POST", "accounts", {"name": "a", "statecode": 1})[:2] == (400, "0x80048d19")
    row_id = crm.add("accounts", name="a")
    crm.ok("PATCH", f"accounts({row_id})", {"statecode": 1})
    row = crm.row("accounts", row_id)
    assert (row["statecode"], row["statuscode"]) == (1, 2)
    assert crm.refused("PATCH", f"accounts({row_id})", {"statuscode": 1})[:2] == (400, "0x80048408")
    assert crm.refused("PATCH", f"accounts({row_id})", {"statecode": 0, "statuscode": 2})[:2] == (400, "0x80048408")
    crm.ok("PATCH", f"accounts({row_id})", {"statecode": 0, "statuscode": 1})
    crm.control.switch(state_on_create="ignore")
    assert crm.row("accounts", crm.add("accounts", name="a", statecode=1))["statecode"] == 0


def test_what_only_the_service_writes(crm):
    for name, value in {"modifiedon": "2026-01-01T00:00:00Z", "creditlimit_base": 1, "address1_composite": "x"}.items():
        assert crm.refused("POST", "accounts", {"name": "a", name: value})[:2] == (400, "0x80048d19")
    crm.control.switch(read_only="ignore")
    row = crm.row("accounts", crm.add("accounts", name="a", modifiedon="2020-01-01T00:00:00Z"))
    assert not row["modifiedon"].startswith("2020")


def test_a_create_can_be_backdated(crm):
    row = crm.row("accounts", crm.add("accounts", name="a", overriddencreatedon="2020-01-01T00:00:00Z"))
    assert row["createdon"] == "2020-01-01T00:00:00Z"
    row_id = row["accountid"]
    assert crm.refused("PATCH", f"accounts({row_id})", {"overriddencreatedon": "2020-01-01T00:00:00Z"})[0] == 400


def test_amounts_have_a_currency_and_a_twin_in_the_base_currency(crm):
    row = crm.row("accounts", crm.add("accounts", name="a", creditlimit=100.25))
    environment = crm.emulator.parts.environment
    assert (row["creditlimit"], row["creditlimit_base"], row["exchangerate"]) == (100.25, 100.25, 1)
    assert row["_transactioncurrencyid_value"] == environment.currency_id
    dollars = environment.id_of("currency USD")
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({dollars})"}
    row_id = crm.add("accounts", name="a", creditlimit=110, **bind)
    assert crm.row("accounts", row_id)["creditlimit_base"] == 100
    crm.ok("PATCH", f"accounts({row_id})", {"creditlimit": None})
    assert crm.row("accounts", row_id)["creditlimit_base"] is None


def test_names_and_addresses_in_one_piece(crm):
    contact = crm.add("contacts", firstname="Ada", lastname="Byron", address1_line1="1 Road", address1_city="London")
    row = crm.row("contacts", contact)
    assert row["fullname"] == "Ada Byron"
    assert row["address1_composite"] == "1 Road\r\nLondon"
    crm.ok("PATCH", f"contacts({contact})", {"lastname": "King"})
    assert crm.row("contacts", contact)["fullname"] == "Ada King"
    assert crm.refused("PATCH", f"contacts({contact})", {"fullname": "x"})[0] == 400


def test_annotations_of_errors_come_on_request(crm):
    headers = {"Prefer": 'odata.include-annotations="*"'}
    error = crm.call("POST", "accounts", {"name": "x" * 161}, **headers).json()["error"]
    assert "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus" in error
    assert "@Microsoft.PowerApps.CDS.HelpLink" in error
    assert set(crm.call("POST", "accounts", {"name": "x" * 161}).json()["error"]) == {"code", "message"}


def test_only_the_annotations_asked_for(crm):
    row_id = crm.add("accounts", name="a", paymenttermscode=1, creditlimit=1234.5)
    formatted = "OData.Community.Display.V1.FormattedValue"
    row = crm.row("accounts", row_id, Prefer=f'odata.include-annotations="{formatted}"')
    assert row[f"paymenttermscode@{formatted}"] == "Net 30"
    assert row[f"creditlimit@{formatted}"] == "€1,234.50"
    assert "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname" not in row
    assert not [name for name in crm.row("accounts", row_id) if formatted in name]


def test_a_body_must_be_a_json_object(crm):
    for body in (b"{", b"[]", b"\xff"):
        headers = {"Content-Type": "application/json"}
        answer = crm.session.post(f"{crm.root}accounts", body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x80048d19")


def test_urls_have_a_length(crm):
    path = f"accounts({crm.add('accounts', name='a')})?$select=name&tag="
    assert crm.call("GET", path + "x" * (32 * 1024 - len(path))).status_code == 200
    assert crm.refused("GET", path + "x" * (32 * 1024 - len(path) + 1))[0] == 414
