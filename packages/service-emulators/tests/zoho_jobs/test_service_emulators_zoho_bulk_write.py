"""Bulk write: upload, what a job may ask for, how it runs and ends, and what its result tells."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from service_emulators.zoho.switches import ZohoSwitches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Org

WRITE = "/crm/bulk/v8/write"
UPLOAD = "/crm/v8/upload"


def upload(org: Org, content: bytes, expected: int = 400, **headers: str | None) -> dict[str, Any]:
    given = {"feature": "bulk-write", "X-CRM-ORG": org.emulator.org.zgid, **headers}
    sent = {name: value for name, value in given.items() if value is not None}
    response = org.call("POST", UPLOAD, files={"file": ("rows.zip", content)}, headers=sent)
    assert response.status_code == expected, response.text
    answer: dict[str, Any] = response.json()
    return answer


# --- upload ---


def test_an_uploaded_archive_gets_an_id(org: Org) -> None:
    answer = upload(org, org.archive("Account_Name\nA\n"), 200)
    assert (answer["status"], answer["code"], answer["message"]) == ("success", "FILE_UPLOAD_SUCCESS", "file uploaded.")
    assert answer["details"]["file_id"].isdigit()
    assert "T" in answer["details"]["created_time"]


def test_an_upload_needs_its_headers(org: Org) -> None:
    good = org.archive("Account_Name\nA\n")
    assert upload(org, good, feature=None)["message"] == "Required key feature is not available"
    assert upload(org, good, feature="attachments")["code"] == "NOT_SUPPORTED_FEATURE"
    for value in (None, "1"):
        answer = upload(org, good, **{"X-CRM-ORG": value})
        assert (answer["code"], answer["message"]) == ("INVALID_DATA", "Invalid data - x-crm-org")


def test_an_upload_must_be_a_small_archive_of_one_file(org: Org) -> None:
    answer = upload(org, b"Account_Name\nA\n")
    assert (answer["code"], answer["message"]) == (
        "INVALID_FILE_FORMAT",
        "invalid file format. only zip format is supported",
    )
    assert upload(org, org.archive("a", "b.csv", "c.csv"))["code"] == "INVALID_FILE_FORMAT"
    big = b"0" * (25 * 1024 * 1024 + 1)
    assert upload(org, big)["message"] == "Import file size should be less than 25 mb."


def test_an_upload_without_a_file_is_refused(org: Org) -> None:
    headers = {"feature": "bulk-write", "X-CRM-ORG": org.emulator.org.zgid}
    assert org.refused("POST", UPLOAD, headers=headers)["code"] == "MANDATORY_NOT_FOUND"
    body = org.refused("POST", UPLOAD, files={"other": ("a.zip", org.archive("x"))}, headers=headers)
    assert body["code"] == "MANDATORY_NOT_FOUND"


# --- what a job may ask for ---


def changed(body: dict[str, Any], **resource: Any) -> dict[str, Any]:
    (given,) = body["resource"]
    merged = {name: value for name, value in {**given, **resource}.items() if value is not None}
    return {**body, "resource": [merged]}


def mapped(*items: dict[str, Any]) -> dict[str, Any]:
    return {"field_mappings": [{"api_name": "Account_Name", "index": 0}, *items]}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("FILE_NOT_FOUND", {"file_id": "1"}),
        ("FILE_NOT_FOUND", {"file_names": ["other.csv"]}),
        ("INVALID_FILE_ID", {"file_id": "file"}),
        ("MODULE_NOT_AVAILABLE", {"module": {"api_name": "Nowhere"}}),
        ("MANDATORY_FIELDS_NOT_MAPPED", {"field_mappings": [{"api_name": "Phone", "index": 1}]}),
        ("INVALID_FIELD", mapped({"api_name": "Nothing", "index": 1})),
        ("INVALID_FIELD", mapped({"api_name": "Created_Time", "index": 1})),
        ("COLUMN_INDEX_NOT_FOUND", mapped({"api_name": "Phone", "index": 2})),
        ("INVALID_FORMAT", mapped({"api_name": "Phone", "index": 1, "format": "dd.MM.yyyy"})),
        ("COEXISTENCE_NOT_ALLOWED", mapped({"api_name": "Phone", "index": 1, "default_value": {"value": "1"}})),
        ("MISSING_REQUIRED_KEY", mapped({"api_name": "Phone"})),
        ("INVALID_DATA", mapped({"api_name": "Phone", "index": "1"})),
        ("INVALID_DATA", mapped({"api_name": "Parent_Account", "index": 1, "find_by": "Phone"})),
        ("INVALID_DATA", mapped({"api_name": "Phone", "index": 1, "find_by": "id"})),
        ("DUPLICATE_DATA", mapped({"api_name": "Account_Name", "index": 1})),
        ("HEADER_LIMIT_EXCEEDED", {"field_mappings": [{"api_name": "Account_Name", "index": 0}] * 201}),
        ("INVALID_DATA", {"find_by": "Phone"}),
        ("INVALID_DATA", {"ignore_empty": "yes"}),
        ("INVALID_DATA", {"file_names": []}),
        ("INVALID_DATA", {"type": "sub"}),
        ("MISSING_REQUIRED_KEY", {"file_names": None}),
        ("REQUEST_BODY_NOT_SUPPORTED", {"more": 1}),
    ],
)
def test_a_job_that_does_not_fit_is_refused(org: Org, code: str, change: dict[str, Any]) -> None:
    body = changed(org.job("Name,Phone\nA,1\n", **mapped()), **change)
    answer = org.refused("POST", WRITE, body)
    assert (answer["code"], answer["status"]) == (code, "error")
    assert org.records("Accounts") == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("INVALID_CALLBACK_URL", {"callback": {"url": "ftp://x.example", "method": "post"}}),
        ("INVALID_CALLBACK_URL", {"callback": {"method": "post"}}),
        ("INVALID_CALLBACK_METHOD", {"callback": {"url": "https://x.example", "method": "get"}}),
        ("INVALID_DATA", {"operation": "delete"}),
        ("MISSING_REQUIRED_KEY", {"operation": None}),
        ("MISSING_REQUIRED_KEY", {"resource": None}),
        ("INVALID_DATA", {"resource": []}),
        ("REQUEST_BODY_NOT_SUPPORTED", {"more": 1}),
    ],
)
def test_a_request_that_does_not_fit_is_refused(org: Org, code: str, change: dict[str, Any]) -> None:
    body = {**org.job("Account_Name\nA\n"), **change}
    answer = org.refused("POST", WRITE, body)
    assert answer["code"] == code


def test_an_empty_request_is_invalid(org: Org) -> None:
    assert org.refused("POST", WRITE, {})["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("operation", ["update", "upsert"])
def test_update_and_upsert_need_find_by(org: Org, operation: str) -> None:
    answer = org.refused("POST", WRITE, org.job("Account_Name\nA\n", operation=operation))
    assert (answer["code"], answer["message"]) == ("MANDATORY_NOT_FOUND", "Required key find_by is not available")


def test_find_by_is_the_id_alone_unless_switched(org: Org) -> None:
    body = org.job("JDE_Number,Account_Name\n1,A\n", operation="upsert", find_by="JDE_Number")
    answer = org.refused("POST", WRITE, body)
    assert (answer["code"], answer["details"]["supported_values"]) == ("INVALID_DATA", ["id"])
    org.control.switch(bulk_find_by="unique")
    assert org.ok("POST", WRITE, body)["code"] == "SUCCESS"


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("FILE_TOO_LARGE", "Account_Name\n" + "A\n" * 25_001),
        ("FILE_NOT_SUPPORTED", ""),
        ("FILE_NOT_SUPPORTED", b"Account_Name\n\xff\xfe\n"),
        ("HEADER_LIMIT_EXCEEDED", ",".join(f"c{number}" for number in range(201)) + "\n"),
        ("INVALID_FIELD", "Account_Name,Nothing\nA,1\n"),
        ("MANDATORY_FIELDS_NOT_MAPPED", "Phone\n1\n"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(org: Org, code: str, content: str | bytes) -> None:
    assert org.refused("POST", WRITE, org.job(content))["code"] == code


def test_a_job_costs_five_hundred_credits(org: Org) -> None:
    body = org.job("Account_Name\nA\n")
    org.control.reset_counters()
    org.ok("POST", WRITE, body)
    assert org.control.counters()["cost"] == 500


# --- how it runs ---


def test_states_go_from_added_to_completed(org: Org) -> None:
    org.control.set_clock(now="2026-03-01T08:00:00")
    org.control.switch(bulk_start_ms=5000, bulk_polls=2)
    job = org.write("Account_Name,JDE_Number\nA,1\nB,2\n")
    details = org.details(job)
    assert (details["status"], details["operation"], details["id"]) == ("ADDED", "insert", job)
    assert details["created_time"] == "2026-03-01T09:00:00+01:00"
    assert details["resource"][0]["file"]["total_count"] == 0
    assert "result" not in details
    assert org.records("Accounts") == []
    org.control.set_clock(offset_seconds=5)
    org.until(lambda: org.records("Accounts"), lambda found: len(found) == 2)
    assert org.details(job)["status"] == "INPROGRESS"
    done = org.ended(job)
    assert done["status"] == "COMPLETED"
    assert done["resource"][0]["file"] == {
        "status": "COMPLETED",
        "name": "rows.csv",
        "added_count": 2,
        "updated_count": 0,
        "skipped_count": 0,
        "total_count": 2,
    }


def test_the_running_state_can_be_written_apart(org: Org) -> None:
    org.control.switch(bulk_polls=2, bulk_in_progress="IN PROGRESS")
    job = org.write("Account_Name\nA\n")
    org.until(lambda: org.records("Accounts"), bool)
    assert {org.details(job)["status"], org.details(job)["status"]} == {"IN PROGRESS"}


def test_calls_are_answered_while_a_job_runs(org: Org) -> None:
    job = org.write("Account_Name\n" + "".join(f"A{number}\n" for number in range(1500)))
    counts: list[int] = []

    def ended(details: dict[str, Any]) -> bool:
        counts.append(org.emulator.counts()["Accounts"])
        return bool(details["status"] == "COMPLETED")

    org.until(lambda: org.details(job), ended)
    assert any(0 < count < 1500 for count in counts)
    assert counts[-1] == 1500


def test_result_tells_of_each_row_in_the_first_three_mapped_columns(org: Org) -> None:
    org.add("Accounts", {"Account_Name": "Old", "JDE_Number": "2"})
    lines = ["1,One,Bonn,1", "2,Two,Bonn,2", "3,,Bonn,3", f"4,Four,,{'1' * 31}", f"5,,,{'1' * 31}", "1,Again,,"]
    job = org.write(
        "Number,Name,City,Phone\n" + "\n".join(lines),
        field_mappings=[
            {"api_name": "JDE_Number", "index": 0},
            {"api_name": "Account_Name", "index": 1},
            {"api_name": "Billing_City", "index": 2},
            {"api_name": "Phone", "index": 3},
        ],
    )
    rows = org.result(job)
    assert list(rows[0]) == ["Number", "Name", "City", "STATUS", "RECORD_ID", "ERRORS"]
    told = [(row["Number"], row["STATUS"], row["ERRORS"]) for row in rows]
    assert told == [
        ("1", "ADDED", ""),
        ("2", "SKIPPED", "DUPLICATE_DATA-Number"),
        ("3", "SKIPPED", "MANDATORY_NOT_FOUND-Name"),
        ("4", "SKIPPED", "INVALID_DATA-Phone"),
        ("5", "SKIPPED", "INVALID_DATA-Phone:MANDATORY_NOT_FOUND-Name"),
        ("1", "SKIPPED", "DUPLICATE_DATA-Number"),
    ]
    ids = {row["JDE_Number"]: row["id"] for row in org.records("Accounts")}
    assert [row["RECORD_ID"] for row in rows] == [ids["1"], "", "", "", "", ""]
    assert org.details(job)["resource"][0]["file"]["skipped_count"] == 5


def test_all_columns_and_another_order_by_switch(org: Org) -> None:
    content = "Account_Name,JDE_Number,Phone,Fax\n" + "".join(f"A{n},{n},1,f{n}\n" for n in range(20))
    org.control.switch(bulk_result_columns="all", bulk_result_order="shuffled")
    rows = org.result(org.write(content))
    assert list(rows[0])[:4] == ["Account_Name", "JDE_Number", "Phone", "Fax"]
    assert [row["JDE_Number"] for row in rows] != [str(number) for number in range(20)]
    ids = {row["JDE_Number"]: row["id"] for row in org.records("Accounts")}
    assert {row["JDE_Number"]: row["RECORD_ID"] for row in rows} == ids


def test_rows_of_a_job_set_off_no_workflow(org: Org) -> None:
    before = org.control.call("GET", "/automation")
    org.result(org.write("Account_Name\nA\n"))
    assert org.control.call("GET", "/automation") == before


def test_writes_count_for_the_call_that_is_told_of_the_end(org: Org) -> None:
    job = org.write("Account_Name,JDE_Number\nA,1\nB,2\nC,2\n")
    assert org.control.counters()["writes"] == 0
    org.ended(job)
    assert org.control.counters()["writes"] == 2
    org.details(job)
    assert org.control.counters()["writes"] == 2


# --- operations and values ---


def test_insert_with_find_by_leaves_what_is_there(org: Org) -> None:
    org.control.switch(bulk_find_by="unique")
    org.add("Accounts", {"Account_Name": "Old", "JDE_Number": "1"})
    rows = org.result(org.write("JDE_Number,Account_Name\n1,New\n2,Two\n", find_by="JDE_Number"))
    assert [(row["STATUS"], row["ERRORS"]) for row in rows] == [("SKIPPED", ""), ("ADDED", "")]
    assert {row["Account_Name"] for row in org.records("Accounts")} == {"Old", "Two"}


def test_update_by_id_changes_what_is_there_and_adds_nothing(org: Org) -> None:
    (first,) = org.add("Accounts", {"Account_Name": "Old", "JDE_Number": "1", "Phone": "1", "Fax": "1"})
    content = f"id,Account_Name,Phone,Fax\n{first},New,,2\n5725768000000000001,Other,,\n,None,,\n"
    rows = org.result(org.write(content, operation="update", find_by="id"))
    assert [(row["STATUS"], row["ERRORS"]) for row in rows] == [
        ("UPDATED", ""),
        ("SKIPPED", "RESOURCE_NOT_FOUND-id"),
        ("SKIPPED", "RESOURCE_NOT_FOUND-id"),
    ]
    (record,) = org.records("Accounts")
    assert (record["Account_Name"], record["Phone"], record["Fax"]) == ("New", None, "2")


def test_empty_cells_can_be_ignored(org: Org) -> None:
    (first,) = org.add("Accounts", {"Account_Name": "Old", "Phone": "1"})
    org.result(org.write(f"id,Account_Name,Phone\n{first},New,\n", operation="update", find_by="id", ignore_empty=True))
    (record,) = org.records("Accounts")
    assert (record["Account_Name"], record["Phone"]) == ("New", "1")


def test_upsert_by_a_unique_field_does_both(org: Org) -> None:
    org.control.switch(bulk_find_by="unique")
    org.add("Accounts", {"Account_Name": "Old", "JDE_Number": "a1"})
    rows = org.result(org.write("JDE_Number,Account_Name\nA1,New\n2,Two\n", operation="upsert", find_by="JDE_Number"))
    assert [row["STATUS"] for row in rows] == ["UPDATED", "ADDED"]
    assert {row["JDE_Number"]: row["Account_Name"] for row in org.records("Accounts")} == {"A1": "New", "2": "Two"}


def test_upsert_by_id_adds_rows_without_one_alone(org: Org) -> None:
    (first,) = org.add("Accounts", {"Account_Name": "Old"})
    content = f"id,Account_Name\n{first},New\n,Two\n5725768000000000001,Gone\n"
    rows = org.result(org.write(content, operation="upsert", find_by="id"))
    assert [(row["STATUS"], row["ERRORS"]) for row in rows] == [
        ("UPDATED", ""),
        ("ADDED", ""),
        ("SKIPPED", "RESOURCE_NOT_FOUND-id"),
    ]
    assert {row["Account_Name"] for row in org.records("Accounts")} == {"New", "Two"}


def test_a_job_whose_field_is_gone_fails_and_others_go_on(org: Org) -> None:
    made = {"fields": [{"field_label": "Passing", "data_type": "text", "length": 20}]}
    field = org.ok("POST", "/crm/v8/settings/fields?module=Accounts", made)["fields"][0]["details"]["id"]
    org.control.switch(bulk_start_ms=3_600_000)
    job = org.write("Account_Name,Passing\nA,1\n")
    org.ok("DELETE", f"/crm/v8/settings/fields/{field}?module=Accounts")
    org.control.switch(bulk_start_ms=0)
    assert org.ended(job)["status"] == "FAILED"
    assert org.result(org.write("Account_Name\nB\n"))[0]["STATUS"] == "ADDED"


def test_cells_become_values_of_their_fields(org: Org) -> None:
    (parent,) = org.add("Accounts", {"Account_Name": "Parent", "JDE_Number": "P"})
    mappings = [
        {"api_name": "Last_Name", "index": 0},
        {"api_name": "Date_of_Birth", "index": 1, "format": "dd.MM.yyyy"},
        {"api_name": "Email_Opt_Out", "index": 2},
        {"api_name": "Account_Name", "index": 3, "find_by": "JDE_Number"},
        {"api_name": "Reporting_To", "index": 4},
        {"api_name": "Department", "default_value": {"value": "Sales"}},
        {"api_name": "Owner", "index": 5, "find_by": "email"},
    ]
    (boss,) = org.add("Contacts", {"Last_Name": "Boss"})
    email = next(iter(org.emulator.org.users.values()))["email"]
    content = f"n;b;o;a;r;w\nAna;01.02.1990;true;p;{boss};{email}\nBad;1990-02-01;perhaps;none;1;x@y.example\n"
    rows = org.result(org.write(content, "Contacts", field_mappings=mappings))
    assert [(row["STATUS"], row["ERRORS"]) for row in rows] == [("ADDED", ""), ("SKIPPED", "INVALID_DATA-b,o,a,r,w")]
    record = next(row for row in org.records("Contacts") if row["Last_Name"] == "Ana")
    assert (record["Date_of_Birth"], record["Email_Opt_Out"], record["Department"]) == ("1990-02-01", True, "Sales")
    assert (record["Account_Name"]["id"], record["Reporting_To"]["id"]) == (parent, boss)


def test_a_header_row_may_name_fields_and_keys_of_lookups(org: Org) -> None:
    (parent,) = org.add("Accounts", {"Account_Name": "Parent", "JDE_Number": "P"})
    org.result(org.write("Last_Name|Account_Name.JDE_Number\nAna|P\n", "Contacts"))
    org.result(org.write(f"Last_Name:Account_Name.id\nBo:{parent}\n", "Contacts"))
    assert [row["Account_Name"]["id"] for row in org.records("Contacts")] == [parent, parent]


def test_rows_pass_the_checks_of_the_record_api(org: Org) -> None:
    """Each cell below is refused by both, for the same reason."""
    cells = {
        "Website": "nothing",
        "Employees": "12345678901",
        "Annual_Revenue": "much",
        "Industry": "No such industry",
        "Account_Name": "x" * 201,
        "Fax": "x" * 31,
    }
    for name, cell in cells.items():
        columns = {"Account_Name": "A", name: cell}
        (row,) = org.result(org.write(f"{','.join(columns)}\n{','.join(columns.values())}\n"))
        value: Any = int(cell) if name == "Employees" else cell
        (item,) = org.refused("POST", "/crm/v8/Accounts", {"data": [{"Account_Name": "A", name: value}]})["data"]
        assert row["ERRORS"] == f"{item['code']}-{name}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_are_utf_8_with_or_without_a_mark(org: Org, encoding: str) -> None:
    org.result(org.write("Account_Name\nÄrger\n".encode(encoding)))
    assert org.records("Accounts")[0]["Account_Name"] == "Ärger"


def test_another_encoding_is_taken_at_the_jobs_word(org: Org) -> None:
    body = org.job("Account_Name\nÄrger\n".encode("latin-1"))
    answer = org.ok("POST", WRITE, {**body, "character_encoding": "ISO-8859-1"})
    assert org.ended(answer["details"]["id"])["character_encoding"] == "ISO-8859-1"
    assert org.records("Accounts")[0]["Account_Name"] == "Ärger"


# --- faults ---


def test_a_job_can_fail_in_part(org: Org) -> None:
    org.control.fault("partial", method="POST", path="/bulk/v8/write$", every=3)
    rows = org.result(org.write("Account_Name\n" + "".join(f"A{number}\n" for number in range(7))))
    assert [row["STATUS"] for row in rows] == ["UNPROCESSED", "ADDED", "ADDED"] * 2 + ["UNPROCESSED"]
    assert rows[0]["ERRORS"] == "CANNOT_PROCESS-Account_Name"
    assert len(org.records("Accounts")) == 4


def test_a_job_can_fail_whole(org: Org) -> None:
    org.control.switch(bulk_end="fails", bulk_end_after=3)
    job = org.write("Account_Name\n" + "".join(f"A{number}\n" for number in range(7)))
    details = org.ended(job)
    assert details["status"] == "FAILED"
    assert details["resource"][0]["status"] == "FAILED"
    assert "result" not in details
    assert len(org.records("Accounts")) == 3
    assert org.call("GET", f"/crm/v8/bulk-write/{job}/{job}.zip").status_code == 404


def test_a_job_can_stall_for_ever_without_holding_up_others(org: Org) -> None:
    org.control.switch(bulk_end="stalls", bulk_end_after=2)
    stalled = org.write("Account_Name\n" + "".join(f"A{number}\n" for number in range(7)))
    org.until(lambda: org.details(stalled)["resource"][0]["status"], lambda state: state == "INPROGRESS")
    org.control.switch(bulk_end="completes")
    org.result(org.write("Account_Name\nLast\n"))
    assert org.details(stalled)["status"] == "INPROGRESS"
    assert len(org.records("Accounts")) == 3


def test_jobs_of_a_file_go_on_where_they_were(org_with: Callable[..., Org], tmp_path: Path) -> None:
    path = tmp_path / "org.sqlite"
    first = org_with(path=path, bulk_start_ms=3_600_000)
    job = first.write("Account_Name\nA\n")
    first.emulator.stop()
    second = org_with(path=path)
    second.until(lambda: second.records("Accounts"), bool)
    assert second.result(job)[0]["STATUS"] == "ADDED"


def test_the_end_is_told_to_the_callback(org: Org, hook: tuple[str, list[Any]]) -> None:
    url, got = hook
    body = {**org.job("Account_Name\nA\n"), "callback": {"url": url, "method": "post"}}
    job = org.ok("POST", WRITE, body)["details"]["id"]
    org.until(lambda: got, bool)
    assert got == [{"job_id": job, "operation": "insert", "state": "COMPLETED"}]
    assert org.details(job)["callback"] == {"url": url, "method": "post"}


def test_a_job_whose_answer_was_lost_runs_all_the_same(org: Org) -> None:
    body = org.job("Account_Name\nA\n")
    org.control.fault("reset", method="POST", path="/bulk/v8/write$", when="after")
    with pytest.raises(requests.ConnectionError):
        org.call("POST", WRITE, body)
    org.until(lambda: org.records("Accounts"), bool)


def test_no_thread_outlives_its_emulator(org_with: Callable[..., Org], hook: tuple[str, list[Any]]) -> None:
    before = set(threading.enumerate())
    org = org_with()
    body = {**org.job("Account_Name\n" + "A\n" * 2000), "callback": {"url": hook[0], "method": "post"}}
    org.ok("POST", WRITE, body)
    org.until(lambda: org.emulator.counts()["Accounts"], bool)
    org.emulator.stop()
    assert {thread.name for thread in set(threading.enumerate()) - before if "emulator" in thread.name} == set()


def test_unknown_jobs_and_results(org: Org) -> None:
    for job in ("1", "x", "9" * 30):
        assert org.refused("GET", f"{WRITE}/{job}")["code"] == "RESOURCE_NOT_FOUND"
    assert org.call("GET", "/crm/v8/bulk-write/1/1.zip").status_code == 404


def test_switches_are_strict_by_default() -> None:
    defaults = msgspec.to_builtins(ZohoSwitches())
    assert (defaults["bulk_find_by"], defaults["bulk_result_columns"]) == ("id", "first_three")
