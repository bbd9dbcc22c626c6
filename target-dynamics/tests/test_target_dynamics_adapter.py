from __future__ import annotations

import typing as t

import pytest
from service_emulators.dynamics.errors import ApiError
from sync_ledger.adapter import Action, Operation, Result

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from target_dynamics.adapter import DynamicsTable

    from conftest import Crm

NOBODY = "00000000-0000-0000-0000-000000000009"


def creates(*numbers: int, **values: t.Any) -> list[Operation]:
    return [Operation(Action.CREATE, str(one), {"name": f"Company {one}", **values}) for one in numbers]


def change(remote_id: str, external_id: str = "1", **values: t.Any) -> Operation:
    return Operation(Action.UPDATE, external_id, values, remote_id)


def accounts(crm: Crm, **choices: t.Any) -> DynamicsTable:
    return crm.connect(**choices).entity("accounts")


def refuse_by_plugin(crm: Crm, name: str) -> None:
    """Let custom logic of the environment refuse rows of a name."""

    def check(*given: t.Any, **_more: t.Any) -> None:
        if any(isinstance(one, dict) and one.get("name") == name for one in given):
            raise ApiError(400, "0x80040265", "The column 'name' has a value that the plug-in does not allow")

    crm.emulator.parts.rows.checks.append(check)


@pytest.fixture
def counted(crm: Crm) -> Callable[[], int]:
    assert crm.client.who_am_i  # signs in
    begun = crm.calls()
    return lambda: crm.calls() - begun


def test_creates_go_in_one_request_and_tell_the_ids_in_order(crm: Crm) -> None:
    table = accounts(crm)
    table.describe()
    found = table.write(creates(*range(1, 301)))
    assert {one.result for one in found} == {Result.WRITTEN}
    assert all(one.created for one in found)
    by_id = {row["accountid"]: row["jde_number"] for row in crm.truth("accounts")}
    assert [by_id[one.remote_id] for one in found] == [str(number) for number in range(1, 301)]
    assert crm.control.counters()["writes"] >= 1


def test_opening_a_table_is_a_few_calls_whatever_its_columns(crm: Crm, counted: Callable[[], int]) -> None:
    destination = crm.connect()
    destination.entity("accounts").describe()
    assert counted() <= 2


def test_updates_send_changed_columns_only(crm: Crm) -> None:
    table = accounts(crm)
    (made,) = table.write(creates(1, address1_city="Denver"))
    before = crm.truth("accounts")[0]
    (found,) = table.write([change(made.remote_id or "", creditlimit=7)])
    assert found.result is Result.WRITTEN
    after = crm.truth("accounts")[0]
    assert after["creditlimit"] == 7
    assert after["versionnumber"] > before["versionnumber"]
    assert after["address1_city"] == "Denver"


def test_rows_read_back_as_they_were_written(wide: Crm) -> None:
    table = accounts(wide)
    regions = table.describe().find("Regions")
    assert regions is not None
    assert regions.options is not None
    values = {
        "name": "Acme",
        "creditlimit": 100.25,
        "paymenttermscode": 2,
        "description": "a\nb",
        "creditonhold": True,
        "jde_regions": sorted(regions.options.values())[:2],
        "jde_since": "2026-01-09",
        "jde_checkedat": "2026-01-09T14:05:00Z",
        "jde_openbalance": -12.5,
        "jde_rate": 0.1234,
        "jde_blocked": True,
    }
    (parent,) = table.write(creates(1))
    (made,) = table.write([Operation(Action.CREATE, "2", {**values, "parentaccountid": parent.remote_id})])
    record = table.read([made.remote_id or ""])[made.remote_id or ""]
    assert record.external_id == "2"
    found = {name: record.values[name] for name in values}
    assert found == values
    assert record.values["parentaccountid"] == parent.remote_id


def test_a_contact_is_bound_to_its_account(crm: Crm) -> None:
    (company,) = accounts(crm).write(creates(1))
    contacts = crm.destination.entity("contacts")
    values = {"lastname": "Ruiz", "parentcustomerid_account": company.remote_id}
    (made,) = contacts.write([Operation(Action.CREATE, "1-1", values)])
    record = contacts.read([made.remote_id or ""])[made.remote_id or ""]
    assert record.values["parentcustomerid_account"] == company.remote_id
    assert record.values["parentcustomerid_contact"] is None
    (emptied,) = contacts.write([change(made.remote_id or "", "1-1", parentcustomerid_account=None)])
    assert emptied.result is Result.WRITTEN
    assert contacts.read([made.remote_id or ""])[made.remote_id or ""].values["parentcustomerid_account"] is None


def test_a_row_of_a_chunk_that_is_refused_is_named_and_the_others_are_written(crm: Crm) -> None:
    refuse_by_plugin(crm, "Company 150")
    table = accounts(crm)
    found = table.write(creates(*range(1, 301)))
    bad = [one for one in found if one.result is not Result.WRITTEN]
    assert [(one.result, one.code, one.field) for one in bad] == [(Result.REJECTED, "0x80040265", "name")]
    assert found[149] is bad[0]
    assert len(crm.truth("accounts")) == 299


def test_a_row_that_is_gone_is_told_and_never_made_anew(crm: Crm) -> None:
    table = accounts(crm)
    made = table.write(creates(1, 2))
    crm.control.delete_record("accounts", made[0].remote_id or "")
    found = table.write([change(one.remote_id or "", str(n), creditlimit=5) for n, one in enumerate(made, 1)])
    assert [one.result for one in found] == [Result.GONE, Result.WRITTEN]
    assert len(crm.truth("accounts")) == 1
    assert table.read([made[0].remote_id or "", made[1].remote_id or ""]).keys() == {made[1].remote_id}


def test_a_row_that_appeared_meanwhile_is_not_overwritten(crm: Crm) -> None:
    table = accounts(crm)
    there = crm.add("accounts", name="Somebody's", jde_number="2")
    found = table.write(creates(1, 2, 3))
    assert [one.result for one in found] == [Result.WRITTEN, Result.POSTPONED, Result.WRITTEN]
    assert there in (found[1].text or "")
    names = {row["jde_number"]: row["name"] for row in crm.truth("accounts")}
    assert names == {"1": "Company 1", "2": "Somebody's", "3": "Company 3"}


def test_a_row_that_says_the_same_already_is_found(crm: Crm) -> None:
    there = crm.add("accounts", name="Company 2", jde_number="2")
    found = accounts(crm).write(creates(1, 2))
    assert (found[1].result, found[1].remote_id, found[1].created) == (Result.WRITTEN, there, False)


def test_states_are_set_once_rows_are_made(crm: Crm) -> None:
    table = accounts(crm)
    found = table.write([*creates(1, statecode=1), *creates(2), *creates(3, statecode=0)])
    assert {one.result for one in found} == {Result.WRITTEN}
    states = {row["jde_number"]: (row["statecode"], row["statuscode"]) for row in crm.truth("accounts")}
    assert states == {"1": (1, 2), "2": (0, 1), "3": (0, 1)}


def test_rows_are_deactivated_brought_back_and_deleted(crm: Crm) -> None:
    table = accounts(crm)
    assert table.removals == {Action.ARCHIVE, Action.DELETE}
    made = table.write(creates(1, 2))
    ids = [one.remote_id or "" for one in made]

    def do(action: Action) -> list[Result]:
        return [one.result for one in table.write([Operation(action, str(n), {}, one) for n, one in enumerate(ids, 1)])]

    assert do(Action.ARCHIVE) == [Result.WRITTEN] * 2
    assert {(row["statecode"], row["statuscode"]) for row in crm.truth("accounts")} == {(1, 2)}
    assert do(Action.RESTORE) == [Result.WRITTEN] * 2
    assert {(row["statecode"], row["statuscode"]) for row in crm.truth("accounts")} == {(0, 1)}
    assert do(Action.DELETE) == [Result.WRITTEN] * 2
    assert crm.truth("accounts") == []
    assert do(Action.DELETE) == [Result.GONE] * 2


def test_a_match_takes_the_external_id(crm: Crm) -> None:
    table = accounts(crm)
    there = crm.add("accounts", name="Acme")
    (found,) = table.write([Operation(Action.UPDATE, "7", {}, there, adopt=True)])
    assert found.result is Result.WRITTEN
    assert crm.truth("accounts")[0]["jde_number"] == "7"


def test_the_sweep_lists_all_rows_with_an_external_id_then_what_changed(crm: Crm) -> None:
    table = accounts(crm)
    crm.add("accounts", name="Users' own")
    made = table.write(creates(1, 2))
    full = table.sweep(None)
    entries = {one.remote_id: one.external_id for one in full.entries}
    assert entries == {made[0].remote_id: "1", made[1].remote_id: "2"}
    crm.advance(3600)
    assert full.next_since is not None
    crm.control.patch_record("accounts", made[0].remote_id or "", {"jde_number": None})
    later = table.sweep(full.next_since)
    assert {one.remote_id: one.external_id for one in later.entries}[made[0].remote_id or ""] is None


def test_the_sweep_brings_the_values_that_match_rules_need(wide: Crm) -> None:
    there = wide.add("accounts", name="Acme", accountnumber="A-1", jde_taxid="DE1")
    entries = list(accounts(wide).sweep(None, ["accountnumber", "jde_taxid"]).entries)
    assert [(one.remote_id, one.external_id, one.values) for one in entries] == [
        (there, None, {"accountnumber": "A-1", "jde_taxid": "DE1"})
    ]
    assert entries[0].added_at


def test_external_ids_are_found_in_the_rows_themselves(crm: Crm) -> None:
    table = accounts(crm)
    numbers = [f"O'Neil {number}" for number in range(600)]
    table.write([Operation(Action.CREATE, one, {"name": one}) for one in numbers[:500]])
    found = table.find(numbers)
    assert set(found) == set(numbers[:500])
    assert all(len(ids) == 1 for ids in found.values())


def test_rows_are_read_in_groups(crm: Crm) -> None:
    table = accounts(crm)
    made = table.write(creates(*range(500)))
    ids = [one.remote_id or "" for one in made]
    begun = crm.calls()
    assert set(table.read([*ids, NOBODY])) == set(ids)
    assert crm.calls() - begun == table.estimate(reads=501).calls


def test_all_rows_are_listed_with_their_values(crm: Crm) -> None:
    table = accounts(crm)
    table.write(creates(1, 2, creditlimit=3))
    assert {(one.external_id, one.values["creditlimit"]) for one in table.records()} == {("1", 3), ("2", 3)}


def test_a_table_without_bulk_messages_is_written_by_batches(crm: Crm) -> None:
    crm.control.switch(multiple_messages=[])
    found = accounts(crm).write(creates(*range(1, 151)))
    assert {one.result for one in found} == {Result.WRITTEN}
    assert len({one.remote_id for one in found}) == 150
    assert not [one for one in crm.control.requests(100) if "Multiple" in one["path"]]


def test_chunks_that_are_too_large_are_halved(crm: Crm) -> None:
    table = accounts(crm)
    table.describe()
    crm.control.fault(kind="status", status=413, path="CreateMultiple", times=2)
    found = table.write(creates(*range(1, 101)))
    assert {one.result for one in found} == {Result.WRITTEN}
    assert len(crm.truth("accounts")) == 100


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_told_as_such(crm: Crm, when: str) -> None:
    table = accounts(crm)
    table.describe()
    crm.control.fault(kind="reset", when=when, path="CreateMultiple")
    found = table.write(creates(*range(1, 11)))
    assert {one.result for one in found} == {Result.UNKNOWN}
    assert len(table.find([str(number) for number in range(1, 11)])) == (10 if when == "after" else 0)


def test_rows_of_a_chunk_that_made_the_service_fail_go_one_by_one_afterwards(crm: Crm) -> None:
    table = accounts(crm)
    table.describe()
    crm.control.fault(kind="status", status=500, path="CreateMultiple", times=None)
    assert {one.result for one in table.write(creates(*range(1, 11)))} == {Result.UNKNOWN}
    assert {one.result for one in table.write(creates(*range(1, 11)))} == {Result.WRITTEN}


def test_an_owner_is_named_by_name_or_address(crm: Crm) -> None:
    table = accounts(crm)
    options = t.cast("t.Any", table.describe().find("ownerid")).options
    name, person = next(iter(options.items()))
    (made,) = table.write(creates(1, ownerid=options[name.upper()]))
    assert made.result is Result.WRITTEN
    assert table.read([made.remote_id or ""])[made.remote_id or ""].values["ownerid"] == person


def test_the_account_is_named_by_its_organisation(crm: Crm) -> None:
    assert crm.destination.name == f"dynamics:{crm.client.organisation}"
    assert crm.destination.entities[:2] == ("accounts", "contacts")
    assert crm.destination.chosen == ("accounts", "contacts")


@pytest.mark.parametrize("status", [412, 500])
def test_a_duplicate_by_the_environments_rules_is_refused_when_asked_for(crm: Crm, status: int) -> None:
    crm.control.switch(duplicate_status=status)
    crm.control.detect_duplicates("accounts", "name")
    crm.add("accounts", name="Company 2")
    found = accounts(crm, duplicate_detection=True).write(creates(1, 2, 3))
    assert [one.result for one in found] == [Result.WRITTEN, Result.REJECTED, Result.WRITTEN]
    assert (found[1].code, "duplicate_detection" in (found[1].text or "")) == ("0x80040333", True)
    assert accounts(crm).write(creates(2))[0].result is Result.WRITTEN, "off by default"


def test_parts_of_a_batch_that_are_turned_away_are_sent_again(crm: Crm) -> None:
    crm.control.switch(multiple_messages=[])
    turned_away: list[str] = []

    def check(*given: t.Any, **_more: t.Any) -> None:
        names = [one["name"] for one in given if isinstance(one, dict) and "name" in one]
        if names and names[0] in {"Company 2", "Company 5"} and names[0] not in turned_away:
            turned_away.append(names[0])
            raise ApiError(429, "0x80072326", "Number of concurrent requests exceeded", [("Retry-After", "0")])

    crm.emulator.parts.rows.checks.append(check)
    found = accounts(crm).write(creates(*range(1, 11)))
    assert {one.result for one in found} == {Result.WRITTEN}
    assert len(turned_away) == 2
    by_id = {row["accountid"]: row["jde_number"] for row in crm.truth("accounts")}
    assert [by_id[one.remote_id] for one in found] == [str(number) for number in range(1, 11)]


def test_a_batch_of_no_writes_and_one_of_a_single_row_are_no_special_cases(crm: Crm) -> None:
    table = accounts(crm)
    assert table.write([]) == []
    assert [one.result for one in table.write(creates(1))] == [Result.WRITTEN]
    assert table.read([]) == {}
    assert table.find([]) == {}


def test_an_external_id_that_differs_in_capitals_alone_is_told_with_its_twin(crm: Crm) -> None:
    there = crm.add("accounts", name="Twin", jde_number="ab1")
    (found,) = accounts(crm).write([Operation(Action.CREATE, "AB1", {"name": "Twin"})])
    if found.result is Result.WRITTEN:  # the environment's database tells capitals apart
        assert len(crm.truth("accounts")) == 2
    else:
        assert found.result is Result.REJECTED
        assert there in (found.text or "")


def test_rows_of_tables_that_are_not_loaded_go_by_their_name_or_code(crm: Crm) -> None:
    table = accounts(crm)
    currency = crm.truth("transactioncurrencies")[0]
    options = t.cast("t.Any", table.describe().find("transactioncurrencyid")).options
    code = options[currency["isocurrencycode"]]
    assert code == options[currency["currencyname"].upper()] == currency["transactioncurrencyid"]
    (made,) = table.write(creates(1, transactioncurrencyid=code))
    assert table.read([made.remote_id or ""])[made.remote_id or ""].values["transactioncurrencyid"] == code


def test_a_match_rule_may_look_at_a_column_that_cannot_be_written(crm: Crm) -> None:
    there = crm.add("contacts", firstname="Ana", lastname="Ruiz")
    contacts = crm.connect().entity("contacts")
    (entry,) = contacts.sweep(None, ["fullname"]).entries
    assert entry.values == {"fullname": "Ana Ruiz"}
    assert contacts.read([there])[there].values["fullname"] == "Ana Ruiz"
