"""JSON Schema of alert files, so that editors complete and underline them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import msgspec

from alert_rules.model import AlertFile

SCHEMA_FILE: t.Final = Path(__file__).with_name("alert-file.schema.json")
"""The schema as it is shipped."""


def schema() -> dict[str, t.Any]:
    """Return the schema of the model, with the first line of each part's docstring as its description."""
    made = msgspec.json.schema(AlertFile)
    for part in made.get("$defs", {}).values():
        if "description" in part:
            _describe(part)
    # A file of a folder may hold rules alone, or receivers alone.
    made["$defs"]["AlertFile"].pop("required")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Alert file", **made}


def _describe(part: dict[str, t.Any]) -> None:
    """Give the fields of a part the words that its docstring has for them."""
    text: str = part["description"]
    part["description"] = text.split("\n", 1)[0]
    if "Attributes:" not in text:
        return
    for line in text.split("Attributes:", 1)[1].splitlines():
        name, _, said = line.strip().partition(": ")
        field = name.rstrip("_")
        if said and field in part.get("properties", {}):
            part["properties"][field] = {"description": said, **part["properties"][field]}


def schema_text() -> str:
    """Return the schema as the shipped file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
