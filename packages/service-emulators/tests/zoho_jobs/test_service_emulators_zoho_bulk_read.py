"""Bulk read: what a job may ask for, how it ends, and the file it gives."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Org

READ = "/crm/bulk/v8/read"


def start(org: Org, module: str = "Accounts", **query: Any) -> str:
    """Starts a job; returns its id."""
    answer = org.ok("POST", READ, {"query": {"module": {"api_name": module}, **query}})
    return str(answer["data"][0]["details"]["id"])


def details(org: Org, job: str) -> dict[str, Any]:
    (found,) = org.ok("GET", f"{READ}/{job}")["data"]
    return dict(found)


def ended(org: Org, job: str) -> dict[str, Any]:
    found: dict[str, Any] = org.until(lambda: details(org, job), lambda seen: seen["state"] in {"COMPLETED", "FAILURE"})
    return found


def read(org: Org, module: str = "Accounts", **query: Any) -> list[list[str]]:
    """Carries a job out; returns the lines of its file."""
    found = ended(org, start(org, module, **query))
    assert found["state"] == "COMPLETED", found
    content = org.session.get(found["result"]["download_url"], timeout=10).content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        (name,) = file.namelist()
        return list(csv.reader(io.StringIO(file.read(name).decode(), newline="")))


def criterion(field: str, comparator: str, value: Any) -> dict[str, Any]:
    return {"field": {"api_name": field}, "comparator": comparator, "value": value}


@pytest.fixture
def accounts(org: Org) -> Org:
    org.add(
        "Accounts",
        {"Account_Name": 'One, "1"', "JDE_Number": "1", "Employees": 5, "Annual_Revenue": 2.5},
        {"Account_Name": "Two", "JDE_Number": "2", "Employees": 50, "Annual_Revenue": 3},
    )
    return org


def test_a_job_is_created_polled_and_downloaded(accounts: Org) -> None:
    body = {"query": {"module": {"api_name": "Accounts"}, "fields": ["id", "Account_Name"]}, "file_type": "csv"}
    response = accounts.call("POST", READ, body)
    assert response.status_code == 201
    (entry,) = response.json()["data"]
    assert (entry["code"], entry["message"]) == ("ADDED_SUCCESSFULLY", "Added successfully.")
    assert (entry["details"]["operation"], entry["details"]["state"]) == ("read", "ADDED")
    assert response.json()["info"] == {}
    found = ended(accounts, entry["details"]["id"])
    assert found["query"]["page"] == 1
    assert found["query"]["fields"] == ["id", "Account_Name"]
    assert (found["result"]["count"], found["result"]["per_page"], found["result"]["more_records"]) == (
        2,
        200_000,
        False,
    )
    answer = accounts.session.get(found["result"]["download_url"], timeout=10)
    assert answer.headers["content-type"] == "application/x-download"


def test_lines_hold_the_fields_asked_for(accounts: Org) -> None:
    ids = [row["id"] for row in accounts.records("Accounts")]
    assert read(accounts, fields=["id", "Account_Name", "Employees", "Annual_Revenue", "Locked__s", "Phone"]) == [
        ["Id", "Account_Name", "Employees", "Annual_Revenue", "Locked__s", "Phone"],
        [ids[0], 'One, "1"', "5", "2.5", "false", ""],
        [ids[1], "Two", "50", "3", "false", ""],
    ]


def test_without_fields_all_come(accounts: Org) -> None:
    header = read(accounts)[0]
    assert set(accounts.records("Accounts")[0]) - {"Record_Image"} == {
        "id" if name == "Id" else name for name in header
    }


def test_related_records_come_as_ids_and_by_their_fields(accounts: Org) -> None:
    account = accounts.records("Accounts")[1]["id"]
    accounts.add("Contacts", {"Last_Name": "Ruiz", "Account_Name": {"id": account}})
    lines = read(accounts, "Contacts", fields=["Last_Name", "Account_Name", "Account_Name.Account_Name"])
    assert lines[1] == ["Ruiz", account, "Two"]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (criterion("JDE_Number", "equal", "1"), ["1"]),
        (criterion("JDE_Number", "not_equal", "1"), ["2"]),
        (criterion("JDE_Number", "in", ["1", "2"]), ["1", "2"]),
        (criterion("JDE_Number", "not_in", ["1"]), ["2"]),
        (criterion("Account_Name", "contains", "w"), ["2"]),
        (criterion("Account_Name", "not_contains", "w"), ["1"]),
        (criterion("Account_Name", "starts_with", "tw"), ["2"]),
        (criterion("Account_Name", "ends_with", "wo"), ["2"]),
        (criterion("Employees", "greater_than", 5), ["2"]),
        (criterion("Employees", "less_equal", "5"), ["1"]),
        (criterion("Employees", "between", ["1", "10"]), ["1"]),
        (criterion("Phone", "equal", "${EMPTY}"), ["1", "2"]),
        (criterion("Modified_Time", "greater_equal", "2020-01-01T00:00:00+00:00"), ["1", "2"]),
        (criterion("Modified_Time", "less_than", "2020-01-01T00:00:00+00:00"), []),
        (
            {
                "group_operator": "or",
                "group": [
                    criterion("JDE_Number", "equal", "1"),
                    {
                        "group_operator": "and",
                        "group": [
                            criterion("Employees", "greater_than", 5),
                            criterion("Account_Name", "equal", "two"),
                            criterion("Phone", "equal", "${EMPTY}"),
                        ],
                    },
                ],
            },
            ["1", "2"],
        ),
    ],
)
def test_criteria(accounts: Org, criteria: dict[str, Any], found: list[str]) -> None:
    assert [line[0] for line in read(accounts, fields=["JDE_Number"], criteria=criteria)[1:]] == found


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("MODULE_NOT_AVAILABLE", {"module": {"api_name": "Nowhere"}}),
        ("FIELD_NOT_AVAILABLE", {"fields": ["Nothing"]}),
        ("FIELD_NOT_SUPPORTED", {"fields": []}),
        ("CVID_NOT_SUPPORTED", {"cvid": "1"}),
        ("PAGE_NOT_SUPPORTED", {"page": 0}),
        ("PAGE_RANGE_EXCEEDED", {"page": 501}),
        ("INVALID_REQUEST", {"page": 1, "page_token": "x"}),
        ("INVALID_DATA", {"page_token": "x"}),
        ("REQUEST_BODY_NOT_SUPPORTED", {"more": 1}),
        ("FIELD_IN_CRITERIA_NOT_AVAILABLE", {"criteria": criterion("Nothing", "equal", "1")}),
        ("FIELD_COMPARATOR_IN_CRITERIA_NOT_SUPPORTED", {"criteria": criterion("Phone", "like", "1")}),
        ("FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", {"criteria": criterion("Employees", "equal", "many")}),
        ("COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", {"criteria": criterion("Phone", "equal", ["1"])}),
        ("COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", {"criteria": criterion("Employees", "between", ["1"])}),
        ("VALUE_LIMIT_EXCEEDED_IN_CRITERIA", {"criteria": criterion("Phone", "in", ["1"] * 201)}),
        ("GROUP_OPERATOR_NOT_SUPPORTED", {"criteria": {"group_operator": "xor", "group": []}}),
        ("AMBIGUOUS_GROUP_IN_CRITERIA", {"criteria": {"group_operator": "or", "group": []}}),
        ("INVALID_CRITERIA", {"criteria": {"api_name": "Phone", "comparator": "equal", "value": "1"}}),
        (
            "CRITERIA_LIMIT_EXCEEDED",
            {"criteria": {"group_operator": "or", "group": [criterion("Phone", "equal", "1")] * 26}},
        ),
    ],
)
def test_a_job_that_does_not_fit_is_refused(org: Org, code: str, query: dict[str, Any]) -> None:
    body = {"query": {"module": {"api_name": "Accounts"}, **query}}
    answer = org.refused("POST", READ, body)
    assert (answer["code"], answer["status"]) == (code, "error")


def test_requests_that_are_none(org: Org) -> None:
    assert org.refused("POST", READ, {})["code"] == "REQUEST_BODY_IS_EMPTY"
    assert org.refused("POST", READ, {"query": 1})["code"] == "REQUEST_BODY_NOT_SUPPORTED"
    body = {"query": {"module": {"api_name": "Accounts"}}}
    assert org.refused("POST", READ, {**body, "file_type": "ics"})["code"] == "NOT_SUPPORTED_FEATURE"
    callback = {"url": "nowhere", "method": "post"}
    assert org.refused("POST", READ, {**body, "callback": callback})["code"] == "INVALID_CALLBACK_URL"


def test_pages_by_number_and_by_token(org: Org) -> None:
    org.control.switch(bulk_read_page=2)
    ids = org.add("Accounts", *({"Account_Name": f"A{number}"} for number in range(5)))
    first = ended(org, start(org, fields=["id"]))["result"]
    assert (first["count"], first["more_records"]) == (2, True)
    lines = read(org, fields=["id"], page_token=first["next_page_token"])
    assert [line[0] for line in lines[1:]] == ids[2:4]
    assert [line[0] for line in read(org, fields=["id"], page=3)[1:]] == ids[4:]
    last = ended(org, start(org, fields=["id"], page=3))["result"]
    assert (last["more_records"], "next_page_token" in last) == (False, False)


def test_states_and_ends_by_switch(org: Org) -> None:
    org.control.switch(bulk_polls=2)
    job = start(org, fields=["id"])
    assert {details(org, job)["state"], details(org, job)["state"]} <= {"ADDED", "IN PROGRESS"}
    assert ended(org, job)["state"] == "COMPLETED"
    org.control.switch(bulk_end="fails", bulk_polls=0)
    job = start(org, fields=["id"])
    assert ended(org, job)["state"] == "FAILURE"
    assert org.call("GET", f"{READ}/{job}/result").status_code == 404


def test_the_end_is_told_to_the_callback(org: Org, hook: tuple[str, list[Any]]) -> None:
    url, got = hook
    body = {"query": {"module": {"api_name": "Accounts"}}, "callback": {"url": url, "method": "post"}}
    job = org.ok("POST", READ, body)["data"][0]["details"]["id"]
    org.until(lambda: got, bool)
    assert got == [{"job_id": job, "operation": "read", "state": "COMPLETED"}]


def test_a_job_costs_fifty_credits_and_unknown_ones_are_not_found(org: Org) -> None:
    start(org)
    assert org.control.counters()["cost"] == 50
    for path in (f"{READ}/1", f"{READ}/x", f"{READ}/1/result"):
        answer = org.refused("GET", path, status=404)
        assert answer["code"] == "RESOURCE_NOT_FOUND"
