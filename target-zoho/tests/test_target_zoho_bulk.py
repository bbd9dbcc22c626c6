"""First loads by bulk write: what becomes of each row, whatever becomes of the job."""

from __future__ import annotations

import csv
import io
import typing as t
import zipfile

import pytest
from sync_ledger.adapter import Action, Operation, Result, WritesInBulk
from sync_ledger.errors import BudgetExhaustedError
from target_zoho import bulk
from target_zoho.bulk import BulkWrite
from target_zoho_runs import account, contact, schema, state

if t.TYPE_CHECKING:
    from sync_ledger.adapter import WriteResult
    from target_zoho.adapter import ZohoModule
    from target_zoho_runs import Runner

    from conftest import Org

JOBS = "/crm/bulk/v8/write"


def create(external_id: str, **values: t.Any) -> Operation:
    return Operation(Action.CREATE, external_id, {"Account_Name": f"Company {external_id}", **values})


def creates(*numbers: int) -> list[Operation]:
    return [create(str(number)) for number in numbers]


@pytest.fixture
def accounts(org: Org) -> ZohoModule:
    org.control.switch(bulk_start_ms=0)
    return org.connect(bulk_threshold=1).entity("Accounts")


def keys(org: Org, module: str = "Accounts") -> list[str]:
    return sorted(str(one["JDE_Number"]) for one in org.truth(module))


def calls(org: Org, path: str, method: str = "POST") -> int:
    return sum(one["path"].endswith(path) and one["method"] == method for one in org.control.requests(2000))


def kinds(results: t.Sequence[WriteResult]) -> list[Result]:
    return [result.result for result in results]


def test_a_module_is_written_in_bulk_from_the_threshold_on(org: Org) -> None:
    module = org.destination.entity("Accounts")
    assert isinstance(module, WritesInBulk)
    assert (module.bulk_threshold, module.bulk_size) == (5000, 25_000)


def test_creates_are_one_job_with_a_result_for_each(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    before = org.client.usage()
    values = {
        "Account_Name": 'Müller, "Söhne"\r\n& Co.',
        "Credit_Limit": 12.5,
        "JDE_Status": "Active",
        "Regions": ["EMEA", "US"],
        "Checked_At": "2026-03-01T08:15:00Z",
        "Since": "2026-03-01",
        "On_Hold": True,
        "Rating_Points": 7,
    }
    results = accounts.write_bulk([create("1", **values), *creates(2, 3)])
    assert kinds(results) == [Result.WRITTEN] * 3
    assert all(result.created for result in results)
    ids = {one["JDE_Number"]: one["id"] for one in org.truth("Accounts")}
    assert [result.remote_id for result in results] == [ids["1"], ids["2"], ids["3"]]
    read = accounts.read([ids["1"]])[ids["1"]].values
    assert {name: read[name] for name in values} == values
    assert calls(org, JOBS) == 1
    assert calls(org, "/upsert") == 0
    assert 500 <= org.client.usage().cost - before.cost < 510


@pytest.mark.parametrize("number", [0.00001, -2.5e-7, 0.1, 12345678901234])
def test_a_number_is_written_in_digits(org: Org, accounts: ZohoModule, number: float) -> None:
    (result,) = accounts.write_bulk([create("1", Credit_Limit=number)])
    assert result.result is Result.WRITTEN, result
    assert org.truth("Accounts")[0]["Credit_Limit"] == pytest.approx(number, abs=0.005)  # Zoho rounds


def test_results_are_told_apart_by_key_and_not_by_place(org: Org, accounts: ZohoModule) -> None:
    org.control.switch(bulk_result_order="shuffled", bulk_result_columns="all")
    results = accounts.write_bulk(creates(*range(200)))
    ids = {one["JDE_Number"]: one["id"] for one in org.truth("Accounts")}
    assert [result.remote_id for result in results] == [ids[str(number)] for number in range(200)]


def test_a_row_whose_record_is_there_already_is_written_into_that_one(org: Org, accounts: ZohoModule) -> None:
    there = org.add("Accounts", Account_Name="Old name", JDE_Number="2")
    results = accounts.write_bulk(creates(1, 2, 3))
    assert kinds(results) == [Result.WRITTEN] * 3
    assert (results[1].remote_id, results[1].created) == (there, False)
    assert keys(org) == ["1", "2", "3"]
    assert {one["Account_Name"] for one in org.truth("Accounts")} == {f"Company {number}" for number in (1, 2, 3)}


def test_another_records_unique_value_keeps_the_row_back_with_the_candidate(org: Org) -> None:
    unique(org, "Tax_ID")
    org.control.switch(bulk_start_ms=0)
    theirs = org.add("Accounts", Account_Name="Theirs", Tax_ID="DE1")
    module = org.connect(bulk_threshold=1).entity("Accounts")
    results = module.write_bulk([create("1", Tax_ID="DE1"), create("2", Tax_ID="DE2")])
    assert kinds(results) == [Result.REJECTED, Result.WRITTEN]
    assert (results[0].code, results[0].field) == ("DUPLICATE_DATA", "Tax_ID")
    assert f"record {theirs} of Accounts" in (results[0].text or "")
    assert [(one["id"], one["Account_Name"]) for one in org.truth("Accounts") if one["id"] == theirs] == [
        (theirs, "Theirs")
    ]


def unique(org: Org, name: str) -> None:
    fields = org.client.get("/settings/fields", {"module": "Accounts"}).data["fields"]
    (field_id,) = [field["id"] for field in fields if field["api_name"] == name]
    body = {"fields": [{"unique": {"case_sensitive": False}}]}
    org.client.write("PATCH", f"/settings/fields/{field_id}", body, params={"module": "Accounts"})


def test_a_refused_row_names_the_field_and_the_others_are_written(org: Org, accounts: ZohoModule) -> None:
    results = accounts.write_bulk([create("1", Tax_ID="x" * 300), *creates(2)])
    assert kinds(results) == [Result.REJECTED, Result.WRITTEN]
    assert (results[0].code, results[0].field) == ("INVALID_DATA", "Tax_ID")


def test_what_a_file_cannot_hold_goes_the_normal_way(org: Org, accounts: ZohoModule) -> None:
    results = accounts.write_bulk([create("1", Account_Name=" Acme "), *creates(2)])
    assert kinds(results) == [Result.WRITTEN] * 2
    assert calls(org, "/upsert") == 1


def test_lookups_go_by_id(org: Org, accounts: ZohoModule) -> None:
    (parent,) = accounts.write_bulk(creates(1))
    accounts.write_bulk([create("2", Parent_Account=parent.remote_id)])
    child = next(one for one in org.truth("Accounts") if one["JDE_Number"] == "2")
    assert child["Parent_Account"]["id"] == parent.remote_id


def test_a_job_that_does_not_process_rows_leaves_them_open(org: Org, accounts: ZohoModule) -> None:
    org.control.fault(kind="partial", path=JOBS, every=2)
    results = accounts.write_bulk(creates(*range(6)))
    assert kinds(results) == [Result.UNKNOWN, Result.WRITTEN] * 3


@pytest.mark.parametrize("end", ["fails", "stalls"])
def test_a_job_that_fails_or_never_ends_leaves_every_row_open(org: Org, accounts: ZohoModule, end: str) -> None:
    org.control.switch(bulk_end=end, bulk_end_after=2)
    results = accounts.write_bulk(creates(*range(5)))
    assert kinds(results) == [Result.UNKNOWN] * 5
    assert sum(org.waits) < bulk.TIME_LIMIT_SECONDS + 10
    found = accounts.find([str(number) for number in range(5)])
    assert set(found) <= {"0", "1"}
    again = accounts.write([one for one in creates(*range(5)) if one.external_id not in found])
    assert set(kinds(again)) == {Result.WRITTEN}
    assert keys(org) == ["0", "1", "2", "3", "4"]


def test_a_job_still_at_work_makes_nothing_twice(org: Org, accounts: ZohoModule) -> None:
    org.control.switch(bulk_start_ms=100_000_000)
    assert set(kinds(accounts.write_bulk(creates(*range(30))))) == {Result.UNKNOWN}
    assert set(kinds(accounts.write(creates(*range(30))))) == {Result.WRITTEN}
    org.control.switch(bulk_start_ms=0)
    (late,) = accounts.write_bulk(creates(30))
    assert late.result is Result.WRITTEN
    assert len(keys(org)) == len(set(keys(org))) == 31


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ({"kind": "reset", "when": "after", "method": "POST", "path": JOBS}, True),
        ({"kind": "status", "status": 500, "when": "after", "method": "POST", "path": JOBS}, True),
        ({"kind": "truncate", "method": "POST", "path": JOBS}, True),
        ({"kind": "reset", "when": "before", "method": "POST", "path": JOBS}, False),
    ],
)
def test_a_job_of_which_nobody_knows_leaves_every_row_open(
    org: Org, accounts: ZohoModule, fault: dict[str, t.Any], *, after: bool
) -> None:
    accounts.describe()
    org.control.fault(**fault)
    results = accounts.write_bulk(creates(1, 2))
    assert kinds(results) == [Result.UNKNOWN] * 2
    accounts.write(creates(1, 2))
    assert keys(org) == ["1", "2"]
    assert calls(org, JOBS) == 1
    assert after in {True, False}


@pytest.mark.parametrize("body", ["<html>", ""])
def test_a_result_that_cannot_be_read_leaves_every_row_open(org: Org, accounts: ZohoModule, body: str) -> None:
    org.control.fault(kind="status", status=200, body=body, method="GET", path="bulk-write", times=None)
    assert kinds(accounts.write_bulk(creates(1, 2))) == [Result.UNKNOWN] * 2
    assert keys(org) == ["1", "2"]


def test_a_job_zoho_refuses_sends_its_rows_the_normal_way(org: Org, accounts: ZohoModule) -> None:
    refused = {"code": "INVALID_REQUEST", "details": {}, "message": "no", "status": "error"}
    org.control.fault(kind="status", status=400, body=refused, method="POST", path=JOBS)
    assert kinds(accounts.write_bulk(creates(*range(150)))) == [Result.WRITTEN] * 150
    assert len(keys(org)) == 150


def test_a_used_up_budget_is_only_told_while_nothing_was_sent(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    empty = {"kind": "status", "status": 429, "headers": {"x-api-credits-remaining": "0"}, "times": None}
    org.control.fault(method="POST", path="/upload", **empty)
    with pytest.raises(BudgetExhaustedError):
        accounts.write_bulk(creates(1))
    assert org.truth("Accounts") == []


def test_a_budget_that_ends_while_a_job_runs_leaves_every_row_open(org: Org, accounts: ZohoModule) -> None:
    accounts.describe()
    empty = {"kind": "status", "status": 429, "headers": {"x-api-credits-remaining": "0"}, "times": None}
    org.control.fault(method="GET", path=JOBS, **empty)
    assert kinds(accounts.write_bulk(creates(1, 2))) == [Result.UNKNOWN] * 2


def test_a_budget_below_the_price_of_a_job_goes_by_calls(runner: Runner, org: Org) -> None:
    org.control.switch(bulk_start_ms=0)
    rows = [schema("Accounts"), *(account(number) for number in range(300)), state(1)]
    assert runner.run(*rows, bulk_threshold=200, daily_budget=400) == 0
    assert (len(org.truth("Accounts")), calls(org, JOBS), calls(org, "/upload")) == (300, 0, 0)


def test_credits_below_the_price_of_a_job_go_by_calls_beside_the_reserve(runner: Runner, org: Org) -> None:
    org.control.switch(bulk_start_ms=0, credits=700)
    org.client.write("POST", "/Accounts", {"data": [{"Account_Name": str(one)} for one in range(100)]}, records=100)
    org.control.switch(credits=org.control.counters()["cost"] + 600)
    rows = [schema("Accounts"), *(account(number) for number in range(300)), state(1)]
    assert runner.run(*rows, bulk_threshold=200, daily_budget=800, budget_reserve=500) == 0
    assert (len(org.truth("Accounts")), calls(org, JOBS)) == (400, 0)


def test_waits_grow_to_half_a_minute(org: Org, accounts: ZohoModule) -> None:
    org.control.switch(bulk_polls=12)
    del org.waits[:]
    accounts.write_bulk(creates(1))
    waits = [wait for wait in org.waits if wait >= bulk.FIRST_WAIT_SECONDS]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2.0, 30.0)


def test_a_large_file_is_cut_into_several(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    org.control.switch(bulk_start_ms=0)
    monkeypatch.setattr(bulk, "LARGEST_FILE", 1000)
    module = org.connect(bulk_threshold=1).entity("Accounts")
    assert set(kinds(module.write_bulk(creates(*range(40))))) == {Result.WRITTEN}
    assert calls(org, JOBS) > 1
    assert len(keys(org)) == 40


def test_the_file_is_a_zip_of_one_csv_with_the_external_id_first(org: Org, accounts: ZohoModule) -> None:
    files: list[bytes] = []
    upload = org.client.upload

    def watched(content: bytes) -> str:
        files.append(content)
        return upload(content)

    org.client.upload = watched  # type: ignore[method-assign]
    accounts.write_bulk(creates(1, 2))
    with zipfile.ZipFile(io.BytesIO(files[0])) as archive:
        (name,) = archive.namelist()
        rows = list(csv.reader(io.StringIO(archive.read(name).decode(), newline="")))
    assert rows == [["JDE_Number", "Account_Name"], ["1", "Company 1"], ["2", "Company 2"]]


def test_nothing_is_sent_for_nothing(org: Org) -> None:
    fields = org.destination.entity("Accounts")
    fields.describe()
    before = org.client.usage().calls
    assert BulkWrite(org.client, None, fields.write).write([], 100) == []  # type: ignore[arg-type]
    assert org.client.usage().calls == before


def test_a_first_load_of_the_target_goes_by_bulk_write_and_the_next_does_not(runner: Runner, org: Org) -> None:
    org.control.switch(bulk_start_ms=0)
    both = (schema("Accounts"), schema("Contacts"))
    rows = [account(number) for number in range(300)] + [contact(number) for number in range(300)]
    assert runner.run(*both, *rows, state(1), bulk_threshold=200) == 0
    assert runner.passed == [{"bookmarks": {"customers": {"position": 1}}}]
    assert (len(org.truth("Accounts")), len(org.truth("Contacts"))) == (300, 300)
    assert (calls(org, JOBS), calls(org, "/upsert")) == (2, 0)
    org.control.reset_counters()
    assert runner.run(*both, *rows, state(2), bulk_threshold=200) == 0
    assert org.control.counters()["writes"] == 0
    companies = {one["id"]: one["JDE_Number"] for one in org.truth("Accounts")}
    people = org.truth("Contacts")
    assert all(companies[one["Account_Name"]["id"]] == one["JDE_Number"].split("-")[0] for one in people)


def test_a_first_load_whose_job_fails_in_part_ends_equal_to_the_source(runner: Runner, org: Org) -> None:
    org.control.switch(bulk_start_ms=0, bulk_end="fails", bulk_end_after=120)
    assert runner.run(schema("Accounts"), *(account(n) for n in range(300)), state(1), bulk_threshold=200) == 0
    assert keys(org) == sorted(str(number) for number in range(300))
