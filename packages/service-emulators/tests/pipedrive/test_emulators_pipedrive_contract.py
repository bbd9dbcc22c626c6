"""Against the vendor's own specifications: costs, and the shape of answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from service_emulators.pipedrive.costs import V1_COSTS, V2_COSTS

if TYPE_CHECKING:
    from conftest import Company

pytestmark = pytest.mark.contract
METHODS = ("get", "post", "put", "patch", "delete")


def load(name: str) -> dict[str, Any]:
    folder = os.environ.get("API_SPECS_DIR")
    if not folder:
        pytest.skip("set API_SPECS_DIR to a folder that holds pipedrive/openapi-v2.yaml and pipedrive/openapi-v1.yaml")
    with (Path(folder) / "pipedrive" / name).open(encoding="utf-8") as file:
        loaded: dict[str, Any] = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


@pytest.fixture(scope="module")
def v2() -> dict[str, Any]:
    return load("openapi-v2.yaml")


@pytest.fixture(scope="module")
def v1() -> dict[str, Any]:
    return load("openapi-v1.yaml")


def costs(spec: dict[str, Any]) -> dict[str, int]:
    return {
        f"{method.upper()} {path}": operation["x-token-cost"]
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method in METHODS and "x-token-cost" in operation
    }


def test_v2_costs_are_those_of_the_specification(v2: dict[str, Any]) -> None:
    official = costs(v2)
    assert {key: official.get(key) for key in V2_COSTS} == V2_COSTS


def test_v1_costs_are_those_of_the_specification(v1: dict[str, Any]) -> None:
    official = costs(v1)
    assert {key: official.get(key) for key in V1_COSTS} == V1_COSTS


class Strict:
    """Turns a response schema of the specification into JSON Schema without room for anything unnamed.

    The specification leaves `nullable` out nearly everywhere although its own descriptions speak of null, so null is
    taken as a value of every property; unknown properties are not. What only the example of an answer shows (a deal's
    creator, for one) is known too.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec

    def response(self, method: str, path: str, status: int) -> Draft202012Validator:
        content = self._spec["paths"][path][method.lower()]["responses"][str(status)]["content"]["application/json"]
        schema = self._schema(content["schema"])
        example = content.get("example", {}).get("data")
        record = (example or [{}])[0] if isinstance(example, list) else example
        if isinstance(record, dict):
            data = schema["properties"]["data"]["anyOf"][0]
            known = data.get("items", data).get("properties", {})
            known.update({name: {} for name in record if name not in known})
        return Draft202012Validator(schema)

    def _schema(self, node: Any) -> Any:
        node = self._resolve(node)
        merged: dict[str, Any] = {}
        for part in node.get("allOf", ()):
            self._merge(merged, self._schema(part))
        self._merge(merged, {name: node[name] for name in ("type", "enum", "required") if name in node})
        for name in ("oneOf", "anyOf"):
            if name in node:
                merged["anyOf"] = [self._schema(part) for part in node[name]]
        if "items" in node:
            merged["items"] = self._schema(node["items"])
        if "properties" in node:
            own = {name: self._nullable(self._schema(part)) for name, part in node["properties"].items()}
            merged.setdefault("properties", {}).update(own)
        if "properties" in merged:
            merged["additionalProperties"] = bool(node.get("additionalProperties", False))
        return merged

    def _resolve(self, node: Any) -> Any:
        while "$ref" in node:
            found: Any = self._spec
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    @staticmethod
    def _merge(target: dict[str, Any], part: dict[str, Any]) -> None:
        for name, value in part.items():
            if name == "properties":
                target.setdefault("properties", {}).update(value)
            elif name == "required":
                target["required"] = [*target.get("required", ()), *value]
            else:
                target[name] = value

    @staticmethod
    def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema


def test_the_check_itself_finds_what_does_not_fit(v2: dict[str, Any]) -> None:
    check = Strict(v2).response("GET", "/organizations/{id}", 200)
    assert check.is_valid({"success": True, "data": {"id": 1, "address": {"value": "x"}}})
    assert not check.is_valid({"success": True, "data": {"id": "1"}})
    assert not check.is_valid({"success": True, "data": {"id": 1, "surprise": 1}})
    assert not check.is_valid({"success": True, "data": {"id": 1, "address": {"city": "x"}}})


def test_answers_fit_the_response_schemas(company: Company, v2: dict[str, Any]) -> None:
    strict = Strict(v2)
    problems: list[str] = []

    def check(method: str, template: str, path: str, body: Any = None, status: int = 200, **params: Any) -> Any:
        response = company.call(method, path, body, **params)
        assert response.status_code == status, response.text
        for error in strict.response(method, template, status).iter_errors(response.json()):
            cause = error
            while cause.context:  # the branch that is not "or null" says what is wrong
                cause = cause.context[0]
            where = "/".join(str(part) for part in cause.absolute_path)
            problems.append(f"{method} {template}: {where}: {cause.message}")
        return response.json()["data"]

    company.control.switch(search_lag_ms=0, contact_sync=True)
    key, status = company.code("organization", "JDE Number"), company.code("organization", "JDE Status")
    option = next(f for f in company.ok("GET", "/organizationFields", limit=500) if f["field_code"] == status)
    body = {
        "name": "Contract AG",
        "address": {"value": "Hafenstr. 3"},
        "label_ids": [5],
        "website": "https://x.example",
        "industry": 2,
        "custom_fields": {key: "4711", status: option["options"][0]["id"]},
    }
    organization = check("POST", "/organizations", "/organizations", body)["id"]
    person_body = {"name": "Ana", "org_id": organization, "emails": [{"value": "a@x.example"}], "job_title": "CFO"}
    person = check("POST", "/persons", "/persons", person_body)["id"]
    for entity, number, item in (("organizations", organization, "organization"), ("persons", person, "person")):
        check("GET", f"/{entity}", f"/{entity}", limit=1)
        check("GET", f"/{entity}", f"/{entity}", limit=500)
        check("GET", f"/{entity}/{{id}}", f"/{entity}/{number}")
        check("PATCH", f"/{entity}/{{id}}", f"/{entity}/{number}", {"name": "B", "custom_fields": {}})
        blocks = "ui_visibility,important_fields,required_fields"
        check("GET", f"/{item}Fields", f"/{item}Fields", include_fields=blocks)
        check("GET", f"/{item}Fields/{{field_code}}", f"/{item}Fields/name")
        made = check("POST", f"/{item}Fields", f"/{item}Fields", {"field_name": "C", "field_type": "address"})
        check("PATCH", f"/{item}Fields/{{field_code}}", f"/{item}Fields/{made['field_code']}", {"field_name": "D"})
        check("DELETE", f"/{item}Fields/{{field_code}}", f"/{item}Fields/{made['field_code']}")
        chosen = company.field(item, "Choice", "set", "a")["field_code"]
        options = f"/{item}Fields/{{field_code}}/options"
        added = check("POST", options, f"/{item}Fields/{chosen}/options", [{"label": "b"}])
        check("PATCH", options, f"/{item}Fields/{chosen}/options", [{"id": added[0]["id"], "label": "c"}])
        check("DELETE", options, f"/{item}Fields/{chosen}/options", [{"id": added[0]["id"]}])
    check("GET", "/organizations/search", "/organizations/search", term="4711", exact_match="true")
    check("DELETE", "/persons/{id}", f"/persons/{person}")
    check("DELETE", "/organizations/{id}", f"/organizations/{organization}")
    for path, values, code in (
        ("/deals", {"title": "D", "status": "lost"}, 200),
        ("/activities", {"due_date": "2026-09-01", "location": {"value": "x"}}, 200),
        ("/products", {"name": "P", "prices": [{"currency": "EUR", "price": 1}]}, 201),
        ("/pipelines", {"name": "P"}, 200),
        ("/stages", {"name": "S", "pipeline_id": 1}, 200),
    ):
        number = check("POST", path, path, values, code)["id"]
        check("GET", path, path, limit=1)
        check("GET", f"{path}/{{id}}", f"{path}/{number}")
    assert not problems, "\n".join(problems)
