"""Against the vendor's own specifications: which endpoints there are, and the shape of answers.

The specification of 2026 has status codes and closed objects, so answers are checked against it; that of 2025 knows
more endpoints.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from service_emulators.zoho.endpoints import routes_of

if TYPE_CHECKING:
    import requests

    from conftest import Org

pytestmark = pytest.mark.contract
DIFFERENCES = {
    r"GET /write/\{jobId\} 200 : : 'callback' is a required property": "a job need not have one",
    r"GET /read/\{jobId\} 200 : data/0: '(Attachment_Source__s|File_Id__s)' is a required property": "of attachments",
    r"GET /org 200 : org/0: Additional properties .*'max_per_page' was unexpected": "2025",
    r"GET /settings/modules 200 : modules/\d: Additional properties .*'visible' was unexpected": "2025",
    r"GET /settings/fields 200 : fields/\d+/operation_type: .*'web_view' was unexpected": "sheet, 6",
    r"POST /\{module\}/upsert 200 : data/0: .*'action', 'duplicate_field' were unexpected": "sheet, 3",
    r"GET /\{module\}/\{recordID\} 200 : data/0/(Created|Modified)_By: .*'email' was unexpected": "2025",
    r"DELETE /\{module\} 400 : data/0/code: 'INVALID_DATA' is not one of": "sheet, 3",
}
"""Where others say otherwise than the specification of 2026: that of 2025, or a section of the fact sheet."""
METHODS = ("get", "post", "put", "patch", "delete")
NEW, OLD = "oas31-2026", "oas30-2025-06"


@pytest.fixture(scope="module")
def folder() -> Path:
    given = os.environ.get("API_SPECS_DIR")
    if not given or not (Path(given) / "zoho-crm" / NEW).is_dir():
        pytest.skip(f"set API_SPECS_DIR to a folder that holds zoho-crm/{NEW} and zoho-crm/{OLD}")
    return Path(given) / "zoho-crm"


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def readable(node: Any) -> Any:
    """Lets every property be null, which the specification says of hardly any though its own examples show it, and
    takes alternatives for such that may both hold.
    """
    if isinstance(node, list):
        return [readable(item) for item in node]
    if not isinstance(node, dict):
        return node
    # Python's regular expressions know no `\\p{…}`.
    changed = {name: readable(item) for name, item in node.items() if not (name == "pattern" and "\\p" in str(item))}
    if "oneOf" in changed:  # its alternatives overlap
        changed["anyOf"] = changed.pop("oneOf")
    properties = node.get("properties")
    if isinstance(properties, dict) and "type" not in properties.get("properties", {}):
        changed["properties"] = {
            name: {"anyOf": [schema, {"type": "null"}]} for name, schema in changed["properties"].items()
        }
    return changed


class Specification:
    """One file of the specification of 2026."""

    def __init__(self, path: Path) -> None:
        self._document = readable(load(path))

    def answer(self, method: str, template: str, status: int) -> Draft202012Validator:
        """Returns the schema of an answer."""
        response = self._document["paths"][template][method.lower()]["responses"][str(status)]
        pointer = f"#/paths/{escaped(template)}/{method.lower()}/responses/{status}"
        if "$ref" in response:
            pointer = response["$ref"]
            response = self._document["components"]["responses"][pointer.rpartition("/")[2]]
        assert "application/json" in response["content"]
        return Draft202012Validator({**self._document, "$ref": f"{pointer}/content/application~1json/schema"})


def escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_endpoint_is_one_of_the_specifications(org: Org, folder: Path) -> None:
    official: set[str] = set()
    for path in (folder / OLD).glob("*.json"):
        official |= {
            f"{method.upper()} {bare(template)}"
            for template, operations in load(path)["paths"].items()
            for method in METHODS
            if method in operations
        }
    for path in (folder / NEW).glob("*.json"):
        prefix = "/crm/bulk/v8" if path.name in {"bulk-read.json", "bulk-write.json"} else "/crm/v8"
        official |= {
            f"{method.upper()} {prefix}{bare(template)}"
            for template, operations in load(path)["paths"].items()
            for method in METHODS
            if method in operations
        }
    ours = {bare(key) for key in routes_of(org.emulator._apis)}
    # The address of a result is in the answer; the specification calls it `{download_url}`.
    assert ours - official == {"GET /crm/v8/bulk-write/{}/{}"}


def test_the_check_itself_finds_what_does_not_fit(folder: Path) -> None:
    check = Specification(folder / NEW / "bulk-write.json").answer("POST", "/write", 201)
    details = {"id": "1", "created_by": {"id": "2", "name": None}}
    good = {"status": "success", "code": "SUCCESS", "message": "success", "details": details}
    assert check.is_valid(good)
    assert not check.is_valid({**good, "code": "DONE"})
    assert not check.is_valid({**good, "surprise": 1})
    assert not check.is_valid({**good, "details": {**details, "id": 1}})


class Check:
    """Calls the emulator and holds its answers against the specification."""

    def __init__(self, org: Org, folder: Path) -> None:
        self._org = org
        self._folder = folder
        self._files: dict[str, Specification] = {}
        self.problems: list[str] = []

    def __call__(
        self, file: str, method: str, template: str, status: int, path: str, body: Any = None, **kwargs: Any
    ) -> Any:
        prefix = "/crm/bulk/v8" if file.startswith("bulk") else "/crm/v8"
        response: requests.Response = self._org.call(method, prefix + path, body, **kwargs)
        assert response.status_code == status, (method, path, response.status_code, response.text)
        if file not in self._files:
            self._files[file] = Specification(self._folder / NEW / f"{file}.json")
        answer = response.json()
        for error in self._files[file].answer(method, template, status).iter_errors(answer):
            for cause in deepest(error):
                where = "/".join(str(part) for part in cause.absolute_path)
                self.problems.append(
                    f"{method} {template} {status} {answer.get('code', '')}: {where}: {cause.message[:300]}"
                )
        return answer


def deepest(error: Any) -> list[Any]:
    """Returns what is wrong by the alternative that comes closest; of "or null", by the other one."""
    branches: dict[Any, list[Any]] = {}
    for one in error.context or ():
        branches.setdefault(one.schema_path[0], []).append(one)
    if not branches:
        return [error]
    fitting = [found for found in branches.values() if not (len(found) == 1 and is_of_another_type(found[0], error))]
    closest = min(fitting or branches.values(), key=len)
    return [cause for one in closest for cause in deepest(one)]


def is_of_another_type(one: Any, parent: Any) -> bool:
    return bool(one.validator == "type" and len(one.absolute_path) == len(parent.absolute_path))


def test_answers_fit_the_response_schemas(org: Org, folder: Path) -> None:
    check = Check(org, folder)
    coql = "/coql"
    org.add("Accounts", {"Account_Name": "A", "JDE_Number": "1"}, {"Account_Name": "B", "JDE_Number": "2"})
    query = "select Account_Name, Owner, Modified_Time from Accounts where {}"
    check("coql", "POST", coql, 200, coql, {"select_query": query.format("id is not null")})
    for text in (
        "select id from Accounts",
        "select id from Accounts where Phone = 'x",
        query.format("Nothing = '1'"),
        query.format("Employees = 'x'"),
        query.format("id is not null limit 3000"),
        query.format("id is not null order by id, id"),
        query.format("id is not null order by Description"),
        "select id from Nowhere where id is not null",
    ):
        check("coql", "POST", coql, 400, coql, {"select_query": text})
    check("coql", "POST", coql, 400, coql, {})
    check("coql", "POST", coql, 400, coql, {"select_query": 1})

    headers = {"feature": "bulk-write", "X-CRM-ORG": org.emulator.org.zgid}
    good = {"file": ("a.zip", org.archive("Account_Name\nA\n"))}
    check("upload", "POST", "/upload", 200, "/upload", files=good, headers=headers)
    check("upload", "POST", "/upload", 400, "/upload", files={"file": ("a.zip", b"x")}, headers=headers)
    check("upload", "POST", "/upload", 400, "/upload", files=good, headers={**headers, "X-CRM-ORG": "1"})
    check("upload", "POST", "/upload", 400, "/upload", files=good, headers={"X-CRM-ORG": headers["X-CRM-ORG"]})
    check("upload", "POST", "/upload", 400, "/upload", files=good, headers={**headers, "feature": "x"})

    job = org.job("Account_Name\nA\n", field_mappings=[{"api_name": "Account_Name", "index": 0}])
    job_id = check("bulk-write", "POST", "/write", 201, "/write", job)["details"]["id"]
    org.ended(job_id)
    check("bulk-write", "GET", "/write/{jobId}", 200, f"/write/{job_id}")
    for change in (
        {"callback": {"url": "x", "method": "post"}},
        {"callback": {"url": "https://x.example", "method": "get"}},
        {"operation": "upsert"},
        {"operation": None},
        {"operation": "merge"},
        {"more": 1},
    ):
        check("bulk-write", "POST", "/write", 400, "/write", {**job, **change})
    for change in ({"file_id": "1"}, {"module": {"api_name": "Nowhere"}}):
        resource = {**job["resource"][0], **change}
        check("bulk-write", "POST", "/write", 400, "/write", {**job, "resource": [resource]})
    unmapped = {**job["resource"][0], "field_mappings": [{"api_name": "Phone", "index": 0}]}
    check("bulk-write", "POST", "/write", 400, "/write", {**job, "resource": [unmapped]})

    read = {"query": {"module": {"api_name": "Accounts"}, "fields": ["id", "Account_Name"]}}
    job_id = check("bulk-read", "POST", "/read", 201, "/read", read)["data"][0]["details"]["id"]
    org.until(
        lambda: org.ok("GET", f"/crm/bulk/v8/read/{job_id}"), lambda seen: seen["data"][0]["state"] == "COMPLETED"
    )
    check("bulk-read", "GET", "/read/{jobId}", 200, f"/read/{job_id}")
    check("bulk-read", "GET", "/read/{jobId}", 404, "/read/1")
    check("bulk-read", "GET", "/read/{jobId}/result", 404, "/read/1/result")
    for change in ({"module": {"api_name": "Nowhere"}}, {"fields": ["Nothing"]}, {"page": 501}, {"cvid": "1"}):
        check("bulk-read", "POST", "/read", 400, "/read", {"query": {**read["query"], **change}})
    check("bulk-read", "POST", "/read", 400, "/read", {"query": 1})

    watch = "/actions/watch"
    channel = {"channel_id": "1", "events": ["Accounts.all"], "notify_url": "https://x.example", "token": "t"}
    check("notifications", "POST", watch, 201, watch, {"watch": [channel]})
    check("notifications", "POST", watch, 207, watch, {"watch": [channel, {**channel, "channel_id": "x"}]})
    check("notifications", "POST", watch, 400, watch, {"watch": [{**channel, "token": "x" * 51}]})
    check("notifications", "POST", watch, 400, watch, {})
    check("notifications", "GET", watch, 200, watch)
    check("notifications", "PUT", watch, 200, watch, {"watch": [channel]})
    check("notifications", "PATCH", watch, 200, watch, {"channel_id": "1", "events": ["Contacts.all"]})
    check("notifications", "DELETE", watch, 200, watch, params={"channel_ids": "1"})
    check("notifications", "DELETE", watch, 400, watch, params={"channel_ids": "1"})
    check("notifications", "DELETE", watch, 400, watch)

    check("org", "GET", "/org", 200, "/org")
    check("users", "GET", "/users", 200, "/users", params={"type": "ActiveUsers"})
    check("modules", "GET", "/settings/modules", 200, "/settings/modules")
    fields = "/settings/fields"
    check("fields", "GET", fields, 200, fields, params={"module": "Accounts"})
    made = {"fields": [{"field_label": "Contract", "data_type": "text", "length": 20}]}
    check("fields", "POST", fields, 201, fields, made, params={"module": "Vendors"})
    check("fields", "POST", fields, 400, fields, {"fields": [{"field_label": "x"}]}, params={"module": "Vendors"})

    module = "/{module}"
    accounts = {"data": [{"Account_Name": "C", "JDE_Number": "9"}]}
    number = check("record", "POST", module, 201, "/Accounts", accounts)["data"][0]["details"]["id"]
    check("record", "POST", module, 400, "/Accounts", accounts)
    check("record", "POST", module, 400, "/Accounts", {"data": [{"Phone": "1"}]})
    check("record", "PUT", module, 200, "/Accounts", {"data": [{"id": number, "Phone": "1"}]})
    check("record", "PUT", "/{module}/{recordID}", 200, f"/Accounts/{number}", {"data": [{"Phone": "2"}]})
    upsert = {**accounts, "duplicate_check_fields": ["JDE_Number"]}
    check("record", "POST", "/{module}/upsert", 200, "/Accounts/upsert", upsert)
    check("record", "GET", module, 200, "/Accounts", params={"fields": "Account_Name,Owner"})
    check("record", "GET", "/{module}/{recordID}", 200, f"/Accounts/{number}")
    check("record", "DELETE", module, 200, "/Accounts", params={"ids": number})
    check("record", "DELETE", module, 400, "/Accounts", params={"ids": number})
    check("record", "GET", "/{module}/deleted", 200, "/Accounts/deleted", params={"type": "all"})
    check("record-count", "GET", "/{moduleApiName}/actions/count", 200, "/Accounts/actions/count")
    org.control.switch(search_lag_ms=0)
    search = {"criteria": "(Account_Name:equals:A)"}
    check("module-search", "GET", "/{module}/search", 200, "/Accounts/search", params=search)
    unexpected = [line for line in check.problems if not any(re.match(known, line) for known in DIFFERENCES)]
    assert not unexpected, "\n".join(unexpected)
    gone = [known for known in DIFFERENCES if not any(re.match(known, line) for line in check.problems)]
    assert not gone, "no longer different: " + "\n".join(gone)
