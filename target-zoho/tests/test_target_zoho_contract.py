"""Every request the target sends, held against Zoho's official descriptions of its API.

The description of 2026 has closed objects, so bodies are checked against it; that of 2025 knows parameters and
endpoints it leaves out.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator
from target_zoho_runs import account, contact, record, schema

if t.TYPE_CHECKING:
    from target_zoho_runs import Runner

    from conftest import Org

SPECS = Path(os.environ.get("API_SPECS_DIR", "/nowhere")) / "zoho-crm"
NEW, OLD = SPECS / "oas31-2026", SPECS / "oas30-2025-06"
FILES = ("record", "coql", "fields", "modules", "org", "users", "bulk-write", "upload")

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not NEW.is_dir(), reason="API_SPECS_DIR does not hold Zoho's specifications"),
]

DIFFERENCES = (
    r"POST /write: 'find_by' is a required property",  # optional for inserts ("Bulk Write", v7)
    r"POST /write: Additional properties .*'find_by' was unexpected",  # mappings of lookups ("Bulk Write", v7)
    r"GET /settings/fields: include is missing",  # the documents' own calls go without
)
"""Where the documents and the description of 2026 disagree."""

Json = dict[str, t.Any]


class Specification:
    """The files, asked about single requests."""

    def __init__(self) -> None:
        self._operations: list[tuple[re.Pattern[str], str, str, Json, Json]] = []
        for name in FILES:
            document = json.loads((NEW / f"{name}.json").read_text("utf-8"))
            for path, operations in document["paths"].items():
                # `/{module}` must not answer for `/coql`.
                pattern = re.compile(re.sub(r"\{\w+\}", r"[A-Z0-9][^/]*", path))
                for method, operation in operations.items():
                    self._operations.append((pattern, path, method.upper(), operation, document))
        old = json.loads((OLD / "record.json").read_text("utf-8"))
        common = old["components"]["parameters"]
        self._old: dict[tuple[str, str], set[str]] = {}
        for path, operations in old["paths"].items():
            template = path.removeprefix("/crm/v8").replace("{module_api_name}", "{module}")
            for method, operation in operations.items():
                named = [item["$ref"].rsplit("/", 1)[-1] for item in operation.get("parameters", ()) if "$ref" in item]
                self._old[method.upper(), template] = {common[name]["name"] for name in named if name in common}

    def problems(self, request: Json) -> list[str]:
        """Return what no description allows about a request."""
        path = re.sub(r"^/crm/(bulk/)?v8", "", request["path"])
        for pattern, template, method, operation, document in self._operations:
            if method == request["method"] and pattern.fullmatch(path):
                head = f"{method} {template}: "
                found = [
                    *self._query(request, operation, document, self._old.get((method, template), set())),
                    *_body(request, operation, document),
                ]
                return [head + text for text in found]
        return [f"{request['method']} {path}: no such operation"]

    def _query(self, request: Json, operation: Json, document: Json, more: set[str]) -> t.Iterator[str]:
        listed = [_resolved(item, document) for item in operation.get("parameters", ())]
        known = {item["name"]: item for item in listed if item.get("in") == "query"}
        given = dict(parse_qsl(request["query"]))
        yield from (f"unknown parameter {name}" for name in given if name not in known and name not in more)
        yield from (f"{name} is missing" for name, item in known.items() if item.get("required") and name not in given)
        for name, text in given.items():
            wanted = known.get(name, {}).get("schema", {})
            if len(text) > wanted.get("maxLength", len(text)):
                yield f"{name} is longer than {wanted['maxLength']}"
            if wanted.get("type") == "integer" and not text.isdigit():
                yield f"{name} must be an integer"
            if text not in wanted.get("enum", [text]):
                yield f"{name} must be one of {wanted['enum']}"


def _resolved(node: Json, document: Json) -> Json:
    reference = node.get("$ref")
    if reference is None:
        return node
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def _body(request: Json, operation: Json, document: Json) -> t.Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return
    wanted = {**content["application/json"]["schema"], "components": document.get("components", {})}
    body = request["body"]
    for error in Draft202012Validator(json.loads(json.dumps(wanted).replace("\\\\p{", "\\\\x{"))).iter_errors(body):
        yield from (one.message for one in _leaves(error))


def _leaves(error: t.Any) -> t.Iterator[t.Any]:
    if not error.context:
        yield error
    for inner in error.context or ():
        yield from _leaves(inner)


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification()


def problems(specification: Specification, requests: list[Json]) -> list[str]:
    found = [text for request in requests for text in specification.problems(request)]
    return sorted({text for text in found if not any(re.match(pattern, text) for pattern in DIFFERENCES)})


def test_no_request_violates_the_specification(runner: Runner, org: Org, specification: Specification) -> None:
    org.control.switch(bulk_start_ms=0)
    both = [schema("Accounts"), schema("Contacts")]
    numbers = range(1, 130)
    full = [message for number in numbers for message in (account(number), contact(number))]
    assert runner.run(*both, *full, bulk_threshold=100) == 0
    org.control.fault(kind="reset", when="after", method="POST", path="upsert$")
    org.control.fault(kind="reset", when="after", method="PUT", path="Contacts")
    emptied = contact(2, Email=None, Account_Name=None, First_Name=None)
    changes = [
        account(1, Billing_City=None),
        account(2000),
        record("Accounts", "A1", Account_Name="Company A1"),
        contact(1, Last_Name="Eva"),
        emptied,
    ]
    assert runner.run(*both, *changes) == 0
    assert runner.run(*both, account(3000, **{"JDE Status": "New one"}), picklists="add") == 0
    gone = [{**row, "record": {**row["record"], "_sdc_deleted_at": "2026-03-01T00:00:00Z"}} for row in full]
    deletions = {"Contacts": {"do": "delete"}}
    assert runner.run(*both, *gone, deletions=deletions, delete_guard_rows=10_000) == 0
    assert org.truth("Contacts") == []
    runner.settings["ledger_url"] += "2"
    assert runner.run(*both, *full[:50], match_rules={"Accounts": [{"on": "Phone", "as": "phone"}]}) == 0
    requests = [one for one in org.control.requests(5000) if one["path"].startswith("/crm/")]
    kinds = {(request["method"], re.sub(r"\d+$", "{id}", request["path"])) for request in requests}
    assert {
        ("POST", "/crm/v8/Accounts"),
        ("POST", "/crm/v8/Accounts/upsert"),
        ("PUT", "/crm/v8/Accounts"),
        ("GET", "/crm/v8/Contacts"),
        ("DELETE", "/crm/v8/Contacts"),
        ("GET", "/crm/v8/Accounts/deleted"),
        ("POST", "/crm/v8/coql"),
        ("POST", "/crm/v8/upload"),
        ("POST", "/crm/bulk/v8/write"),
        ("GET", "/crm/bulk/v8/write/{id}"),
        ("GET", "/crm/v8/settings/fields"),
        ("POST", "/crm/v8/settings/fields"),
        ("PATCH", "/crm/v8/settings/fields/{id}"),
        ("GET", "/crm/v8/settings/modules"),
        ("GET", "/crm/v8/org"),
    } <= kinds
    downloads = [one for one in requests if "bulk-write" in one["path"]]
    assert problems(specification, [one for one in requests if one not in downloads]) == []


def test_the_check_itself_notices_violations(specification: Specification) -> None:
    def one(method: str, path: str, query: str = "", body: t.Any = None) -> list[str]:
        return problems(specification, [{"method": method, "path": path, "query": query, "body": body}])

    assert one("POST", "/crm/v8/Accounts/upsert", body={"data": [{"x": 1}], "trigger": []}) == []
    assert one("POST", "/crm/v8/Accounts/upsert", body={"data": [{}] * 101})
    assert one("POST", "/crm/v8/Accounts/upsert", body={"rows": []})
    assert one("PUT", "/crm/v8/Accounts", body={"data": [{"id": 7}]})
    assert one("GET", "/crm/v8/Accounts", "ids=" + ",".join(["5" * 19] * 60))
    assert one("GET", "/crm/v8/Accounts", "id=5")
    assert one("GET", "/crm/v8/Accounts", "sort_by=Phone")
    assert one("POST", "/crm/v8/settings/fields", "", {"fields": []})
    assert one("POST", "/crm/v8/query", "", {"select_query": "x"})
    assert one("POST", "/crm/bulk/v8/write", "", {"operation": "insert"})
