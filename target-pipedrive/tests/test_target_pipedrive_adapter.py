from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.errors import ConfigError
from target_pipedrive.adapter import PipedriveDestination
from target_pipedrive.client import PipedriveClient
from target_pipedrive.hosts import hosts

if t.TYPE_CHECKING:
    from conftest import Account


def create(external_id: str, **values: t.Any) -> Operation:
    return Operation(Action.CREATE, external_id, {"name": f"Company {external_id}", **values})


def update(remote_id: str, external_id: str = "1001", **values: t.Any) -> Operation:
    return Operation(Action.UPDATE, external_id, values, remote_id)


def created(account: Account, external_id: str = "1001", **values: t.Any) -> str:
    (result,) = account.organizations.write([create(external_id, **values)])
    assert result.result is Result.WRITTEN, result
    assert result.remote_id
    return result.remote_id


def test_the_account_is_named_by_the_company_of_its_token(account: Account) -> None:
    kind, _, company = account.destination.name.partition(":")
    assert kind == "pipedrive"
    assert company


def test_a_token_of_another_company_is_refused(account: Account) -> None:
    client = PipedriveClient(hosts(account.emulator.url), account.emulator.api_token)
    destination = PipedriveDestination(client, "JDE Number", company_domain="somebody-else")
    with pytest.raises(ConfigError, match="company_domain"):
        _ = destination.name
    destination.close()


def test_parents_come_before_children(account: Account) -> None:
    assert account.destination.entities == (
        "organizations",
        "persons",
        "pipelines",
        "stages",
        "products",
        "deals",
        "activities",
        "notes",
    )


def test_the_description_holds_the_accounts_custom_fields_by_label(account: Account) -> None:
    description = account.organizations.describe()
    assert {"name", "address", "JDE Number", "JDE Status", "Credit Limit"} <= set(description.names())
    status = description.find("JDE Status")
    assert status is not None
    assert set(status.options or {}) == {"Active", "On hold", "Closed"}
    assert account.persons.describe().external_id_field.key != description.external_id_field.key


def test_a_created_organization_is_there_with_all_its_values(account: Account) -> None:
    status = account.organizations.describe().find("JDE Status")
    assert status is not None
    assert status.options is not None
    values = {
        "address": {"value": "Hafenstr. 3, 20457 Hamburg", "locality": "Hamburg", "country": None},
        "Credit Limit": 12500.5,
        "JDE Status": status.options["On hold"],
        "Phone": "+49 40 1",
        "Tax ID": None,
    }
    remote_id = created(account, name="Müller & Söhne", **values)
    (record,) = account.truth("organizations")
    assert (str(record["id"]), record["name"]) == (remote_id, "Müller & Söhne")
    read = account.organizations.read([remote_id])[remote_id]
    assert read.external_id == "1001"
    assert read.values["Credit Limit"] == 12500.5
    assert read.values["JDE Status"] == status.options["On hold"]
    assert read.values["Tax ID"] is None
    assert read.values["address"]["locality"] == "Hamburg"


def test_an_update_changes_what_it_names_and_nothing_else(account: Account) -> None:
    remote_id = created(account, **{"Credit Limit": 10, "Tax ID": "DE1"})
    (result,) = account.organizations.write([update(remote_id, **{"Credit Limit": 20, "Phone": "5"})])
    assert result.result is Result.WRITTEN
    assert result.remote_id == remote_id
    values = account.organizations.read([remote_id])[remote_id].values
    assert (values["Credit Limit"], values["Phone"], values["Tax ID"]) == (20, "5", "DE1")
    account.organizations.write([update(remote_id, **{"Tax ID": None, "address": None})])
    assert account.organizations.read([remote_id])[remote_id].values["Tax ID"] is None


def test_a_person_belongs_to_its_organization_and_replaces_its_lists(account: Account) -> None:
    company = created(account)
    emails = [{"value": "ana@x.example", "primary": True, "label": "work"}]
    phones = [{"value": "1", "primary": True, "label": "work"}, {"value": "2", "primary": False, "label": "mobile"}]
    values = {"name": "Ana Ruiz", "org_id": company, "emails": emails, "phones": phones, "Job Title": "CFO"}
    (result,) = account.persons.write([Operation(Action.CREATE, "1001-1", values)])
    remote_id = t.cast("str", result.remote_id)
    read = account.persons.read([remote_id])[remote_id]
    assert read.external_id == "1001-1"
    assert {name: read.values[name] for name in values} == values
    account.persons.write([update(remote_id, emails=[], phones=phones[:1], org_id=None)])
    read = account.persons.read([remote_id])[remote_id]
    assert (read.values["emails"], read.values["phones"], read.values["org_id"]) == ([], phones[:1], None)


@pytest.mark.parametrize("many", [3, 9, 10, 120])
def test_records_are_read_by_id_in_the_cheapest_way(account: Account, many: int) -> None:
    ids = [str(account.control.add_record("organizations", {"name": f"N{number}"})["id"]) for number in range(many)]
    account.organizations.describe()
    before = account.destination.usage().cost
    found = account.organizations.read([*ids, "999999"] if many > 9 else ids)
    assert sorted(found) == sorted(ids)
    assert all(record.external_id is None for record in found.values())
    assert account.destination.usage().cost - before == (many if many < 10 else 10 * -(-(many + 1) // 100))


@pytest.mark.parametrize("how", ["404", "record"])
def test_deleted_records_are_absent_when_read(account: Account, how: str) -> None:
    account.control.switch(deleted_get=how)
    remote_id = created(account)
    account.control.delete_record("organizations", int(remote_id))
    assert account.organizations.read([remote_id]) == {}


@pytest.mark.parametrize("status", [404, 410])
def test_an_update_of_a_deleted_record_says_it_is_gone(account: Account, status: int) -> None:
    account.control.switch(deleted_patch=status)
    remote_id = created(account)
    account.control.delete_record("organizations", int(remote_id))
    (result,) = account.organizations.write([update(remote_id, name="x")])
    assert result.result is Result.GONE


def test_a_full_sweep_meets_every_record_and_a_delta_only_what_changed(account: Account) -> None:
    records = [account.control.add_record("organizations", {"name": "own"}) for _ in range(3)]
    for number in range(1001, 1521):
        account.control.add_record("organizations", {"name": "x", "custom_fields": {"JDE Number": str(number)}})
    sweep = account.organizations.sweep(None)
    entries = list(sweep.entries)
    assert len(entries) == 523
    assert sum(1 for entry in entries if entry.external_id is None) == 3
    assert {entry.external_id for entry in entries} - {None} == {str(number) for number in range(1001, 1521)}
    assert sweep.next_since is not None
    assert sweep.next_since.microsecond == 0

    account.control.set_clock(offset_seconds=3600)
    account.control.patch_record("organizations", records[0]["id"], {"custom_fields": {"JDE Number": "7"}})
    delta = account.organizations.sweep(sweep.next_since + timedelta(minutes=30))
    assert [(entry.remote_id, entry.external_id) for entry in delta.entries] == [(str(records[0]["id"]), "7")]


def test_a_refused_row_names_the_field_by_its_label(account: Account) -> None:
    (result,) = account.organizations.write([create("1001", **{"Credit Limit": "much"})])
    assert result.result is Result.REJECTED
    assert result.field == "Credit Limit"
    assert result.code == "ERR_SCHEMA_VALIDATION_FAILED"
    assert "Credit Limit" in (result.text or "")
    (result,) = account.organizations.write([create("1001", owner_id="me")])
    assert (result.result, result.field) == (Result.REJECTED, "owner_id")
    assert account.truth("organizations") == []


def test_a_wrong_external_id_field_names_the_setting(account: Account) -> None:
    client = PipedriveClient(hosts(account.emulator.url), account.emulator.api_token)
    destination = PipedriveDestination(client, "JDE Nummer")
    with pytest.raises(ConfigError, match="external_id_field 'JDE Nummer': persons has no such custom field"):
        destination.entity("persons").describe()
    destination.close()


def test_usage_is_what_the_service_counted(account: Account) -> None:
    _ = account.destination.name
    remote_id = created(account)
    account.organizations.write([update(remote_id, name="x")])
    list(account.organizations.sweep(None).entries)
    account.organizations.read([remote_id])
    counters, usage = account.control.counters(), account.destination.usage()
    assert (usage.calls, usage.writes, usage.cost) == (counters["requests"], counters["writes"], counters["cost"])
    assert (usage.writes, usage.cost) == (2, 2 + 10 + 5 + 5 + 10 + 1)


def test_the_daily_balance_is_known_where_the_service_tells_it(account: Account) -> None:
    assert account.destination.usage().budget_left is None
    account.control.switch(daily_headers=True, daily_budget=1000)
    account.organizations.describe()
    assert account.destination.usage().budget_left == 990
