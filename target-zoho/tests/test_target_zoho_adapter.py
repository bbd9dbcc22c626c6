from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.errors import ConfigError, ServiceUnavailableError
from target_zoho.adapter import Choices, ZohoDestination

if t.TYPE_CHECKING:
    from sync_ledger.adapter import WriteResult
    from target_zoho.adapter import ZohoModule

    from conftest import Org


def create(external_id: str, **values: t.Any) -> Operation:
    return Operation(Action.CREATE, external_id, {"Account_Name": f"Company {external_id}", **values})


def update(remote_id: str, external_id: str = "1001", *, adopt: bool = False, **values: t.Any) -> Operation:
    return Operation(Action.UPDATE, external_id, values, remote_id, adopt)


def made(module: ZohoModule, external_id: str = "1001", **values: t.Any) -> str:
    (result,) = module.write([create(external_id, **values)])
    assert result.result is Result.WRITTEN, result
    assert result.remote_id
    return result.remote_id


@pytest.fixture
def accounts(org: Org) -> ZohoModule:
    return org.destination.entity("Accounts")


def bodies(org: Org, method: str) -> list[dict[str, t.Any]]:
    return [one["body"] for one in org.control.requests(100) if one["method"] == method and "/Accounts" in one["path"]]


def test_the_organisation_is_named_by_its_number(org: Org) -> None:
    assert org.destination.name == f"zoho:{org.emulator.org.zgid}"


def test_parents_come_first_and_every_module_can_be_written(org: Org) -> None:
    org.control.add_module("Machines")
    entities = org.connect().entities
    assert entities[:3] == ("Accounts", "Vendors", "Contacts")
    assert "Machines" in entities
    assert org.connect().chosen == ("Accounts", "Vendors", "Contacts")


def test_a_module_the_edition_does_not_have_is_left_out(org: Org) -> None:
    org.control.hide_module("Vendors")
    assert org.connect().entities[:2] == ("Accounts", "Contacts")


def test_a_module_the_settings_name_has_to_be_there(org: Org) -> None:
    destination = ZohoDestination(org.client, Choices("JDE Number"), modules=["Machine"])
    with pytest.raises(ConfigError, match="setting modules: the organisation has no module 'Machine'"):
        _ = destination.entities


def test_a_created_record_is_there_with_all_its_values(org: Org, accounts: ZohoModule) -> None:
    values = {
        "Account_Name": "Müller & Söhne",
        "Credit_Limit": 12500.5,
        "JDE_Status": "On hold",
        "Regions": ["EMEA", "US"],
        "Checked_At": "2026-03-01T08:15:00Z",
        "Since": "2026-03-01",
        "On_Hold": True,
        "Tax_ID": None,
        "Rating_Points": 7,
    }
    remote_id = made(accounts, **values)
    read = accounts.read([remote_id])[remote_id]
    assert read.external_id == "1001"
    assert {name: read.values[name] for name in values} == values
    (record,) = org.truth("Accounts")
    assert (record["id"], record["JDE_Number"]) == (remote_id, "1001")


def test_a_hundred_records_are_one_call(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    before = org.client.usage()
    results = accounts.write([create(str(number)) for number in range(100)])
    after = org.client.usage()
    assert {result.result for result in results} == {Result.WRITTEN}
    assert all(result.created for result in results)
    assert (after.calls - before.calls, after.cost - before.cost) == (1, 10)
    keys = {one["id"]: one["JDE_Number"] for one in org.truth("Accounts")}
    assert [keys[result.remote_id] for result in results if result.remote_id] == [str(number) for number in range(100)]


def test_an_upsert_names_the_external_id_and_sets_nothing_off(org: Org, accounts: ZohoModule) -> None:
    made(accounts)
    (body,) = bodies(org, "POST")
    assert body["duplicate_check_fields"] == ["JDE_Number"]
    assert body["trigger"] == []
    assert not any(org.control.automation().values())


def test_automation_runs_where_it_is_asked_for(org: Org) -> None:
    module = org.connect(trigger=("workflow",)).entity("Accounts")
    remote_id = made(module)
    module.write([update(remote_id, Phone="1")])
    assert [body["trigger"] for body in [*bodies(org, "POST"), *bodies(org, "PUT")]] == [["workflow"]] * 2
    assert org.control.automation()["Accounts"]["workflow"] == 2


def test_an_update_changes_what_it_names_and_nothing_else(org: Org, accounts: ZohoModule) -> None:
    remote_id = made(accounts, Credit_Limit=10, Tax_ID="DE1", Regions=["US"])
    (result,) = accounts.write([update(remote_id, Credit_Limit=20, Regions=None, Billing_City=None)])
    assert (result.result, result.remote_id) == (Result.WRITTEN, remote_id)
    values = accounts.read([remote_id])[remote_id].values
    assert (values["Credit_Limit"], values["Tax_ID"], values["Regions"]) == (20, "DE1", None)
    (body,) = bodies(org, "PUT")
    assert set(body["data"][0]) == {"id", "Credit_Limit", "Regions", "Billing_City"}


def test_adopting_writes_the_external_id_as_well(org: Org, accounts: ZohoModule) -> None:
    remote_id = org.add("Accounts", Account_Name="Own")
    accounts.write([update(remote_id, adopt=True, Phone="1")])
    assert org.truth("Accounts")[0]["JDE_Number"] == "1001"


def test_a_row_that_is_refused_does_not_keep_the_others(accounts: ZohoModule, org: Org) -> None:
    results = accounts.write([create("1"), create("2", Tax_ID="x" * 300), create("3")])
    assert [result.result for result in results] == [Result.WRITTEN, Result.REJECTED, Result.WRITTEN]
    refused = results[1]
    assert (refused.code, refused.field) == ("INVALID_DATA", "Tax_ID")
    assert "it takes 255" in (refused.text or "")
    assert sorted(one["JDE_Number"] for one in org.truth("Accounts")) == ["1", "3"]


def test_a_batch_in_which_all_are_refused_tells_of_each(accounts: ZohoModule) -> None:
    results = accounts.write([create(str(number), Since="soon") for number in range(3)])
    assert {(result.result, result.field) for result in results} == {(Result.REJECTED, "Since")}


def test_an_update_of_a_deleted_record_says_it_is_gone(org: Org, accounts: ZohoModule) -> None:
    first, second = made(accounts, "1"), made(accounts, "2")
    org.control.delete_record("Accounts", first)
    results = accounts.write([update(first, "1", Phone="1"), update(second, "2", Phone="2")])
    assert [result.result for result in results] == [Result.GONE, Result.WRITTEN]


def test_a_lookup_to_a_record_that_is_not_there_is_the_rows_own_fault(accounts: ZohoModule) -> None:
    first, second = made(accounts, "1"), made(accounts, "2")
    results = accounts.write([update(second, "2", Parent_Account="999"), update(first, "1", Parent_Account=second)])
    assert [(result.result, result.field) for result in results] == [
        (Result.REJECTED, "Parent_Account"),
        (Result.WRITTEN, None),
    ]
    assert accounts.read([first])[first].values["Parent_Account"] == second


def test_records_are_deleted_into_the_recycle_bin(org: Org, accounts: ZohoModule) -> None:
    ids = [made(accounts, str(number)) for number in range(3)]
    org.control.delete_record("Accounts", ids[1])
    operations = [Operation(Action.DELETE, str(number), {}, remote_id) for number, remote_id in enumerate(ids)]
    results = accounts.write(operations)
    assert [result.result for result in results] == [Result.WRITTEN, Result.GONE, Result.WRITTEN]
    assert org.truth("Accounts") == []
    org.control.restore_record("Accounts", ids[0])
    assert [one["id"] for one in org.truth("Accounts")] == [ids[0]]


@pytest.mark.parametrize("many", [1, 100, 120])
def test_records_are_read_by_id_fifty_a_call(org: Org, accounts: ZohoModule, many: int) -> None:
    ids = [made(accounts, str(number)) for number in range(many)] if many == 1 else []
    if not ids:
        for start in range(0, many, 100):
            ids += [
                result.remote_id or ""
                for result in accounts.write([create(str(number)) for number in range(start, min(start + 100, many))])
            ]
    before = org.client.usage().cost
    found = accounts.read([*ids[:-1], "999999", ids[-1]])
    assert sorted(found) == sorted(ids)
    assert org.client.usage().cost - before == -(-(many + 1) // 50)
    assert org.client.usage().cost - before == accounts.estimate(reads=many + 1).cost


def test_a_full_sweep_meets_every_record_and_a_delta_what_changed_and_what_was_deleted(
    org: Org, accounts: ZohoModule
) -> None:
    own = [org.add("Accounts", Account_Name="own", Phone=str(number)) for number in range(3)]
    for start in range(0, 300, 100):
        accounts.write([create(str(number)) for number in range(start, start + 100)])
    sweep = accounts.sweep(None, ["Phone"])
    entries = list(sweep.entries)
    assert len(entries) == 303
    assert [entry.values["Phone"] for entry in entries if entry.external_id is None] == ["0", "1", "2"]
    assert all(entry.added_at for entry in entries)
    assert {entry.external_id for entry in entries} - {None} == {str(number) for number in range(300)}
    assert sweep.next_since is not None

    org.control.set_clock(offset_seconds=3600)
    org.control.patch_record("Accounts", own[0], {"JDE_Number": "x7"})
    org.control.delete_record("Accounts", own[1])
    delta = accounts.sweep(sweep.next_since + timedelta(minutes=30))
    assert [(entry.remote_id, entry.external_id, entry.deleted) for entry in delta.entries] == [
        (own[1], None, True),
        (own[0], "x7", False),
    ]


def test_a_delta_without_changes_costs_two_calls(org: Org, accounts: ZohoModule) -> None:
    made(accounts)
    org.control.set_clock(offset_seconds=600)
    before = org.client.usage()
    assert list(accounts.sweep(org.client.server_now() + timedelta(minutes=5)).entries) == []
    after = org.client.usage()
    assert (after.calls - before.calls, after.cost - before.cost) == (2, 2)


def test_records_changed_while_they_are_listed_are_met_once(org: Org, accounts: ZohoModule) -> None:
    for start in range(0, 2100, 100):
        accounts.write([create(str(number)) for number in range(start, start + 100)])
    entries = iter(accounts.sweep(None).entries)
    first = next(entries)
    org.control.patch_record("Accounts", first.remote_id, {"Phone": "1"})
    org.control.delete_record("Accounts", org.truth("Accounts")[50]["id"])
    met = [first, *entries]
    assert len({entry.remote_id for entry in met}) == len(met) == 2100


def test_find_sees_what_was_written_a_moment_ago(org: Org, accounts: ZohoModule) -> None:
    ids = accounts.write([create(str(number)) for number in range(60)])
    found = accounts.find([str(number) for number in range(58, 130)])
    assert found == {"58": [ids[58].remote_id], "59": [ids[59].remote_id]}
    assert not any("/search" in one["path"] for one in org.control.requests(500))


def test_find_tells_keys_apart_by_case_and_takes_quotes(org: Org, accounts: ZohoModule) -> None:
    org.add("Accounts", Account_Name="a", JDE_Number="o'neil")
    assert accounts.find(["O'NEIL", "o'neil"]) == {"o'neil": [org.truth("Accounts")[0]["id"]]}


def test_records_with_more_than_fifty_fields_come_whole(org: Org) -> None:
    org.set_up({"Accounts": {f"Extra {number}": "text" for number in range(40)}})
    module = org.connect().entity("Accounts")
    remote_id = made(module, Extra_0="a", Extra_39="b")
    assert len(module.describe().fields) > 60
    before = org.client.usage().cost
    values = module.read([remote_id])[remote_id].values
    assert org.client.usage().cost - before == module.estimate(reads=1).cost == 2
    assert (values["Extra_0"], values["Extra_39"], values["Account_Name"]) == ("a", "b", "Company 1001")
    (record,) = module.records()
    assert record.values == values


def test_a_field_named_like_a_word_of_the_query_language_is_read(org: Org) -> None:
    org.set_up({"Accounts": {"Group": "text"}})
    module = org.connect().entity("Accounts")
    made(module, Group="Wholesale")
    assert [entry.values for entry in module.sweep(None, ["Group"]).entries] == [{"Group": "Wholesale"}]
    assert [one.values["Group"] for one in module.records()] == ["Wholesale"]


def test_usage_is_what_the_service_counted(org: Org, accounts: ZohoModule) -> None:
    _ = org.destination.name
    remote_id = made(accounts)
    accounts.write([update(remote_id, Phone="1")])
    list(accounts.sweep(None).entries)
    accounts.read([remote_id])
    accounts.find(["1001"])
    counters, usage = org.control.counters(), org.client.usage()
    assert usage.cost == counters["cost"] == org.control.credits()["used"]


def test_a_plan_tells_what_writes_cost(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    expected = accounts.estimate(creates=130)
    before = org.client.usage()
    for start in (0, 100):
        accounts.write([create(str(number)) for number in range(start, min(start + 100, 130))])
    after = org.client.usage()
    assert (after.calls - before.calls, after.cost - before.cost) == (expected.calls, expected.cost) == (2, 13)


def test_owners_are_users_by_their_address(org: Org, accounts: ZohoModule) -> None:
    owner = accounts.describe().find("Owner")
    assert owner is not None
    assert owner.options is not None
    sam = owner.options["Sam@emulator-sandbox.example"]
    assert owner.options["sam sales"] == sam
    assert "former@emulator-sandbox.example" not in owner.options
    remote_id = made(accounts, Owner=sam)
    assert accounts.read([remote_id])[remote_id].values["Owner"] == sam


def test_picklists_grow_where_that_is_allowed(org: Org) -> None:
    module = org.connect(add_options=True).entity("Accounts")
    results = module.write([create("1", JDE_Status="New", Regions=["EMEA", "APAC"]), create("2", JDE_Status="Active")])
    assert [result.result for result in results] == [Result.WRITTEN] * 2
    values = {one["JDE_Number"]: (one["JDE_Status"], one["Regions"]) for one in org.truth("Accounts")}
    assert values["1"] == ("New", ["EMEA", "APAC"])
    listed = org.connect().entity("Accounts").describe().find("JDE_Status")
    assert listed is not None
    assert set(listed.options or {}) == {"Active", "On hold", "Closed", "New"}
    before = len(org.control.requests(500))
    module.write([create("3", JDE_Status="New")])
    assert len(org.control.requests(500)) == before + 1


def test_a_value_the_picklist_does_not_take_keeps_its_own_row_only(org: Org) -> None:
    module = org.connect(add_options=True).entity("Accounts")
    org.control.fault(
        kind="status", status=400, method="PATCH", times=None,
        body={"code": "LIMIT_EXCEEDED", "details": {}, "message": "too many values", "status": "error"},
    )  # fmt: skip
    results = module.write([create("1", JDE_Status="New"), create("2", JDE_Status="Active")])
    assert [result.result for result in results] == [Result.REJECTED, Result.WRITTEN]
    assert (results[0].field, "too many values" in (results[0].text or "")) == ("JDE_Status", True)


LOST: t.Final[tuple[dict[str, t.Any], ...]] = (
    {"kind": "reset", "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "truncate"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 200, "when": "after", "body": {"data": []}},
    {"kind": "status", "status": 200, "when": "after", "body": "<html>"},
    {"kind": "timeout", "delay_ms": 6000, "when": "after"},
)


@pytest.mark.parametrize("fault", LOST[:-1])
def test_a_lost_answer_leaves_every_row_of_the_call_open(
    org: Org, accounts: ZohoModule, fault: dict[str, t.Any]
) -> None:
    accounts.describe()
    org.control.fault(method="POST", path="upsert", **fault)
    results = accounts.write([create("1"), create("2")])
    assert {result.result for result in results} == {Result.UNKNOWN}
    happened = fault.get("when") == "after" or fault["kind"] == "truncate"
    assert set(accounts.find(["1", "2"])) == ({"1", "2"} if happened else set())
    again = accounts.write([create("1"), create("2")])
    assert {(result.result, result.created) for result in again} == {(Result.WRITTEN, not happened)}
    assert len(org.truth("Accounts")) == 2


LATER = {"code": "RECORD_LOCKED", "details": {"api_name": "id"}, "message": "record is locked", "status": "error"}


def answered(org: Org, accounts: ZohoModule, *items: dict[str, t.Any]) -> list[WriteResult]:
    accounts.describe()
    org.control.fault(kind="status", status=400, body={"data": list(items)}, method="PUT")
    return list(accounts.write([update(str(number), str(number), Phone="1") for number in range(len(items))]))


def test_codes_that_pass_by_themselves_are_no_fault_of_the_row(org: Org, accounts: ZohoModule) -> None:
    codes = ("RECORD_LOCKED", "NOT_APPROVED", "NOT_REVIEWED", "DEPENDENT_SERVICE_ERROR")
    results = answered(org, accounts, *({**LATER, "code": code} for code in codes))
    assert {result.result for result in results} == {Result.POSTPONED}


def test_several_errors_of_one_row_are_told_together(org: Org, accounts: ZohoModule) -> None:
    errors = [
        {"code": "INVALID_DATA", "details": {"api_name": "Phone", "maximum_length": 30}, "message": "invalid data"},
        {"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "Account_Name"}, "message": "required field not found"},
    ]
    both = {"code": "MULTIPLE_OR_MULTI_ERRORS", "details": {"errors": errors}, "message": "multiple errors found"}
    odd = {"code": "INTERNAL_ERROR", "details": {}, "message": "internal error", "status": "error"}
    several, lost = answered(org, accounts, {**both, "status": "error"}, odd)
    assert (several.result, several.code, several.field) == (Result.REJECTED, "INVALID_DATA", "Phone")
    assert several.text == "Phone: invalid data (it takes 30); Account_Name: required field not found"
    assert lost.result is Result.UNKNOWN


def test_pages_go_on_as_long_as_zoho_says_that_there_is_more(org: Org, accounts: ZohoModule) -> None:
    accounts.write([create(str(number)) for number in range(25)])
    org.control.switch(coql_rows=10)  # fewer than a query asks for
    assert len(list(accounts.sweep(None).entries)) == 25
    assert len(list(accounts.records())) == 25


def test_a_query_answered_without_rows_is_a_fault_in_one_line(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    org.control.fault(kind="status", status=200, body={"info": {}}, path="coql", times=None)
    with pytest.raises(ServiceUnavailableError, match="POST /coql without the rows"):
        accounts.find(["1"])


@pytest.mark.parametrize("path", ["coql", "/Accounts$", "/Accounts/deleted", "settings/fields"])
def test_a_read_that_is_refused_is_a_fault_of_the_run_in_one_line(org: Org, path: str) -> None:
    remote_id = org.add("Accounts", Account_Name="x")
    module = org.connect().entity("Accounts")
    refused = {"code": "INVALID_QUERY", "details": {"column_name": "X"}, "message": "invalid query", "status": "error"}
    org.control.fault(kind="status", status=400, body=refused, path=path, times=None)

    def look() -> None:
        module.read([remote_id])
        list(module.sweep(org.client.server_now()).entries)

    with pytest.raises(ServiceUnavailableError, match=r"Zoho refuses .*INVALID_QUERY: invalid query"):
        look()


def test_a_call_refused_as_a_whole_is_sent_in_halves_until_the_row_is_found(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    refused = {"code": "INVALID_DATA", "details": {}, "message": "body", "status": "error"}
    org.control.fault(kind="status", status=400, body=refused, method="POST", path="upsert", times=3)
    results = accounts.write([create(str(number)) for number in range(4)])
    assert [result.result for result in results] == [Result.REJECTED, *[Result.WRITTEN] * 3]
    assert len(org.truth("Accounts")) == 3
