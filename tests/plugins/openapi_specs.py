"""Vendors' OpenAPI files: do requests that were sent, and answers that were given, follow them?

The files lie in the folder that `API_SPECS_DIR` names; a test that needs one is skipped without it, and says so.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

FORM = "application/x-www-form-urlencoded"
_METHODS = frozenset({"delete", "get", "patch", "post", "put"})
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("phone-number")
def _is_phone_number(value: object) -> bool:
    return re.fullmatch(r"\+[1-9]\d{6,14}", str(value)) is not None


@_FORMATS.checks("email")
def _is_address(value: object) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value)) is not None


@_FORMATS.checks("uri")
def _is_address_of_web(value: object) -> bool:
    return re.fullmatch(r"https?://[^\s/_]+(/[^\s]*)?", str(value)) is not None


def without_nulls(value: Any) -> Any:
    """Return JSON data without the members that are null."""
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return value


class Spec:
    """One OpenAPI file, whose schemas become JSON Schema.

    Args:
        name: the file, seen from the folder of specifications.
    """

    def __init__(self, name: str) -> None:
        folder = os.environ.get("API_SPECS_DIR")
        if not folder:
            pytest.skip(f"set API_SPECS_DIR to a folder that holds {name}")
        self.content: dict[str, Any] = json.loads((Path(folder) / name).read_text(encoding="utf-8"))
        self._paths = [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), path)
            for path in self.content["paths"]
        ]

    def resolve(self, node: Any) -> Any:
        """Return what a node is or refers to."""
        while isinstance(node, dict) and "$ref" in node:
            found: Any = self.content
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def schema(self, node: Any, *, strict: bool) -> Any:
        """Return a schema as JSON Schema; with `strict`, properties it does not name are wrong."""
        node = self.resolve(node)
        if isinstance(node, list):
            return [self.schema(one, strict=strict) for one in node]
        if not isinstance(node, dict):
            return node
        result = {name: self.schema(one, strict=strict) for name, one in node.items() if name != "nullable"}
        if strict and isinstance(result.get("properties"), dict) and result["properties"]:
            result.setdefault("additionalProperties", False)
        return {"anyOf": [result, {"type": "null"}]} if node.get("nullable") else result

    # -- answers -----------------------------------------------------------------------------------------------

    def check(self, method: str, path: str, response: requests.Response, *, strict: bool = True) -> None:
        """Check that an answer looks as the operation says."""
        answers = self.content["paths"][path][method.lower()]["responses"]
        content = self.resolve(answers[str(response.status_code)]).get("content", {})
        if not content:
            assert not response.content
            return
        schema = self.schema(content["application/json"]["schema"], strict=strict)
        # Lookup's and SendGrid's leave `nullable` out although their own examples hold nulls.
        value = response.json() if strict else without_nulls(response.json())
        problems = [error.message for error in Draft202012Validator(schema).iter_errors(value)]
        assert problems == []

    # -- requests ----------------------------------------------------------------------------------------------

    def operation(self, request: dict[str, Any]) -> str | None:
        """Return method and path template of a request as an emulator noted it; None if there is no such operation."""
        method = request["method"].lower()
        for pattern, path in self._paths:
            if method in _METHODS & set(self.content["paths"][path]) and pattern.fullmatch(request["path"]):
                return f"{method.upper()} {path}"
        return None

    def problems(self, request: dict[str, Any]) -> list[str]:
        """Return what the file does not allow about a request as an emulator noted it."""
        named = self.operation(request)
        if named is None:
            return [f"{request['method']} {request['path']}: no such operation"]
        path = named.split(" ", 1)[1]
        operation = self.content["paths"][path][request["method"].lower()]
        return [
            f"{named}: {text}"
            for text in (*self._parameters(request, path, operation), *self._body(request, operation))
        ]

    def _parameters(self, request: dict[str, Any], path: str, operation: dict[str, Any]) -> Iterator[str]:
        pattern = next(pattern for pattern, template in self._paths if template == path)
        matched = pattern.fullmatch(request["path"])
        query = dict(parse_qsl(request["query"], keep_blank_values=True))
        given = {"path": matched.groupdict() if matched else {}, "query": query}
        listed = [
            self.resolve(one)
            for one in (*self.content["paths"][path].get("parameters", ()), *operation.get("parameters", ()))
        ]
        for place, values in given.items():
            known = {one["name"]: one for one in listed if one["in"] == place}
            yield from (f"unknown parameter {name}" for name in sorted(values.keys() - known.keys()))
            yield from (
                f"{name} is missing" for name, one in known.items() if one.get("required") and name not in values
            )
            for name in sorted(values.keys() & known.keys()):
                schema = self.schema(known[name].get("schema", {}), strict=True)
                yield from (f"{name}: {text}" for text in _violations(schema, _typed(schema, [values[name]])))

    def _body(self, request: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        if not content or request["body"] is None:
            if content or request["body"] is not None:
                yield "a body where none belongs, or none where one does"
            return
        if FORM not in content:
            yield from _violations(self.schema(content["application/json"]["schema"], strict=True), request["body"])
            return
        schema = self.schema(content[FORM]["schema"], strict=True)
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(request["body"], keep_blank_values=True, strict_parsing=True):
            given.setdefault(name, []).append(value)
        yield from _violations(
            schema, {name: _typed(schema["properties"].get(name, {}), values) for name, values in given.items()}
        )


def _typed(schema: dict[str, Any], values: list[str]) -> Any:
    """Return texts of a form or query as values of the type they are to have; as they are where they cannot be."""
    kind = schema.get("type")
    if kind == "array":
        return values
    if len(values) > 1:
        return values
    (text,) = values
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _violations(schema: dict[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]
