"""Runs of the target on Singer messages, for the tests of this folder."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout
from dataclasses import dataclass, field

from target_pipedrive.target import TargetPipedrive

TEXT = {"type": ["string", "null"]}
PROPERTIES: dict[str, dict[str, t.Any]] = {
    "organizations": {
        "external_id": {"type": "string"},
        "name": TEXT,
        "address": {"type": ["object", "null"]},
        "Credit Limit": {"type": ["number", "null"]},
        "JDE Status": TEXT,
    },
    "persons": {
        "external_id": {"type": "string"},
        "name": TEXT,
        "org_id": TEXT,
        "emails": {"type": ["array", "null"]},
        "phones": {"type": ["array", "null"]},
        "Job Title": TEXT,
    },
    "pipelines": {"external_id": {"type": "string"}, "name": TEXT},
    "stages": {
        "external_id": {"type": "string"},
        "name": TEXT,
        "pipeline_id": TEXT,
        "deal_probability": {"type": ["integer", "null"]},
    },
    "products": {
        "external_id": {"type": "string"},
        "name": TEXT,
        "code": TEXT,
        "owner_id": TEXT,
        "category": {"type": ["integer", "null"]},
        "prices": {"type": ["array", "null"]},
    },
    "deals": {
        "external_id": {"type": "string"},
        "title": TEXT,
        "value": {"type": ["number", "null"]},
        "currency": TEXT,
        "org_id": TEXT,
        "person_id": TEXT,
        "pipeline_id": TEXT,
        "stage_id": TEXT,
        "owner_id": TEXT,
        "label_ids": {"type": ["array", "null"]},
        "expected_close_date": TEXT,
        "status": TEXT,
        "is_archived": {"type": ["boolean", "null"]},
    },
    "activities": {
        "external_id": {"type": "string"},
        "subject": TEXT,
        "type": TEXT,
        "deal_id": TEXT,
        "org_id": TEXT,
        "person_id": TEXT,
        "owner_id": TEXT,
        "due_date": TEXT,
        "due_time": TEXT,
        "done": {"type": ["boolean", "null"]},
    },
    "notes": {
        "external_id": {"type": "string"},
        "content": TEXT,
        "org_id": TEXT,
        "person_id": TEXT,
        "deal_id": TEXT,
        "add_time": TEXT,
        "pinned_to_organization_flag": {"type": ["boolean", "null"]},
    },
}


def schema(
    stream: str, properties: dict[str, t.Any] | None = None, keys: tuple[str, ...] = ("external_id",)
) -> dict[str, t.Any]:
    """Return a SCHEMA message."""
    body = {"type": "object", "properties": properties or PROPERTIES[stream]}
    return {"type": "SCHEMA", "stream": stream, "schema": body, "key_properties": list(keys)}


def record(stream: str, external_id: str, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": {"external_id": external_id, **values}}


def state(position: t.Any) -> dict[str, t.Any]:
    """Return a STATE message."""
    return {"type": "STATE", "value": {"bookmarks": {"customers": {"position": position}}}}


def organization(number: int, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of an organization as the customers mapping makes them."""
    return record(
        "organizations",
        str(number),
        **{
            "name": f"Company {number}",
            "address": {"value": f"Main St {number}, Denver", "locality": "Denver", "country": None},
            "Credit Limit": number * 10.5,
            "JDE Status": "Active",
            **values,
        },
    )


def person(number: int, line: int = 1, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of a person of organization `number`."""
    return record(
        "persons",
        f"{number}-{line}",
        **{
            "name": f"Ana {line}",
            "org_id": str(number),
            "emails": [{"value": f"ana{line}@c{number}.example", "primary": True, "label": "work"}],
            "phones": [
                {"value": f"1-{number}", "primary": True, "label": "work"},
                {"value": f"2-{number}", "primary": False, "label": "mobile"},
            ],
            "Job Title": "Buyer",
            **values,
        },
    )


@dataclass
class Runner:
    """Runs the target in this process with a set of settings.

    Attributes:
        settings: Settings of every run.
        passed: STATE values of the last run.
    """

    settings: dict[str, t.Any]
    passed: list[dict[str, t.Any]] = field(default_factory=list)

    def run(self, *messages: dict[str, t.Any], **changed: t.Any) -> int:
        """Feed messages to one run and return its exit code."""
        target = TargetPipedrive(config={**self.settings, **changed}, validate_config=True)
        out = io.StringIO()
        with redirect_stdout(out):
            code = target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        self.passed = [json.loads(line) for line in out.getvalue().splitlines()]
        return code
