"""Every request the target sends, held against Pipedrive's official description of its API."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml
from jsonschema import Draft202012Validator
from target_pipedrive_runs import organization, person, schema

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

SPECS = Path(os.environ.get("API_SPECS_DIR", "/nowhere")) / "pipedrive"

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason="API_SPECS_DIR does not hold Pipedrive's specifications"),
]


class Specification:
    """One OpenAPI file, asked about single requests."""

    def __init__(self, version: str) -> None:
        text = (SPECS / f"openapi-{version}.yaml").read_text("utf-8")
        self._document = yaml.load(text, Loader=yaml.CSafeLoader)
        self._paths = {
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): operations
            for path, operations in self._document["paths"].items()
        }

    def problems(self, request: dict[str, t.Any], path: str) -> list[str]:
        """Return what the specification does not allow about a request."""
        operation = next(
            (
                found[request["method"].lower()]
                for pattern, found in self._paths.items()
                if pattern.fullmatch(path) and request["method"].lower() in found
            ),
            None,
        )
        if operation is None:
            return ["no such operation"]
        return [*self._query_problems(request, operation), *self._body_problems(request, operation)]

    def _query_problems(self, request: dict[str, t.Any], operation: dict[str, t.Any]) -> list[str]:
        known = {item["name"]: item for item in operation.get("parameters", []) if item["in"] == "query"}
        given = dict(parse_qsl(request["query"]))
        found = [f"unknown parameter {name}" for name in given if name not in known]
        found += [f"{name} is required" for name, item in known.items() if item.get("required") and name not in given]
        for name, text in given.items():
            wanted = known.get(name, {}).get("schema", {})
            if wanted.get("type") == "integer" and not text.isdigit():
                found.append(f"{name} must be an integer")
            if "enum" in wanted and text not in wanted["enum"]:
                found.append(f"{name} must be one of {wanted['enum']}")
        return found

    def _body_problems(self, request: dict[str, t.Any], operation: dict[str, t.Any]) -> list[str]:
        wanted = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if wanted is None or request["body"] is None:
            return [] if wanted is request["body"] is None else ["a body where none belongs, or none where one does"]
        strict = _strict(self._document, wanted, clearing=request["method"] == "PATCH")
        return [error.message for error in Draft202012Validator(strict).iter_errors(request["body"])]


def _strict(document: dict[str, t.Any], node: t.Any, *, clearing: bool) -> t.Any:
    """Return an OpenAPI 3.0 schema as JSON Schema that refuses properties the vendor does not list.

    `clearing` lets top-level properties be null: "null clears" in a PATCH (Pipedrive API fact sheet section 3), which
    the file does not spell out property by property.
    """
    if "$ref" in node:
        for part in node["$ref"].removeprefix("#/").split("/"):
            document = document[part]
        node = document
    if "allOf" in node:
        parts = [_strict(document, part, clearing=clearing) for part in node["allOf"]]
        if not any("properties" in part for part in parts):
            return {name: item for part in parts for name, item in part.items()}
        properties = {name: item for part in parts for name, item in part.get("properties", {}).items()}
        required = [name for part in parts for name in part.get("required", [])]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    result = {name: value for name, value in node.items() if name in {"type", "enum", "required"}}
    if "properties" in node:
        result["properties"] = {
            name: _strict(document, item, clearing=False) for name, item in node["properties"].items()
        }
        if clearing:
            nullable = {
                "address",
                "org_id",
                "person_id",
                "deal_id",
                "expected_close_date",
                "due_date",
                *(name for name, item in node["properties"].items() if item.get("nullable")),
            }
            for name in nullable & set(result["properties"]):
                result["properties"][name] = {"anyOf": [result["properties"][name], {"type": "null"}]}
        result["additionalProperties"] = bool(node.get("additionalProperties"))
    if "items" in node:
        result["items"] = _strict(document, node["items"], clearing=False)
    return result


@pytest.fixture(scope="module")
def specifications() -> dict[str, Specification]:
    return {version: Specification(version) for version in ("v1", "v2")}


def problems(specifications: dict[str, Specification], requests: list[dict[str, t.Any]]) -> list[str]:
    found = []
    for request in requests:
        version, path = request["path"].removeprefix("/api/")[:2], request["path"].removeprefix("/api/")[2:]
        found += [
            f"{request['method']} {request['path']}: {text}" for text in specifications[version].problems(request, path)
        ]
    return found


def test_no_request_violates_the_specification(
    runner: Runner, pipedrive: PipedriveEmulator, specifications: dict[str, Specification]
) -> None:
    both = [schema("organizations"), schema("persons")]
    pipedrive.control.fault(kind="reset", when="after", method="POST", path="organizations$", skip=5)
    pipedrive.control.fault(kind="reset", when="after", method="PATCH", path="persons")
    full = [message for number in range(1, 30) for message in (organization(number), person(number))]
    assert runner.run(*both, *full) == 0
    emptied = person(2, emails=None, phones=None, org_id=None, **{"Job Title": None})
    changes = [organization(1, address=None, **{"Credit Limit": None}), person(1, name="Eva"), emptied]
    assert runner.run(*both, *changes) == 0
    runner.settings["ledger_url"] += "2"
    assert runner.run(*both, *full) == 0
    requests = pipedrive.control.requests(5000)
    kinds = {(request["method"], re.sub(r"\d+$", "{id}", request["path"])) for request in requests}
    assert {("POST", "/api/v2/persons"), ("PATCH", "/api/v2/organizations/{id}"), ("GET", "/api/v1/users/me")} <= kinds
    assert any("updated_since" in request["query"] for request in requests)
    assert any("ids=" in request["query"] for request in requests)
    assert any("sort_direction=desc" in request["query"] for request in requests)
    assert problems(specifications, requests) == []


def test_the_check_itself_notices_violations(specifications: dict[str, Specification]) -> None:
    def one(method: str, path: str, query: str = "", body: t.Any = None) -> list[str]:
        request = {"method": method, "path": path, "query": query, "body": body, "status": 200}
        return problems(specifications, [request])

    assert one("POST", "/api/v2/organizations", body={"name": "x", "custom_fields": {"a" * 40: 1}}) == []
    assert one("POST", "/api/v2/organizations", body={"name": "x", "Tax": 1})
    assert one("POST", "/api/v2/organizations", body={"address": {"value": "x"}})
    assert one("POST", "/api/v2/organizations", body={"name": "x", "address": {"city": "x"}})
    assert one("POST", "/api/v2/organizations", body={"name": "x", "address": None})
    assert one("PATCH", "/api/v2/persons/1", body={"org_id": "7"})
    assert one("PUT", "/api/v2/persons/1", body={"name": "x"})
    assert one("GET", "/api/v2/persons", "limit=all")
    assert one("GET", "/api/v2/persons", "sort_by=name")
    assert one("GET", "/api/v2/persons", "page=2")
