"""Runs of the target on Singer messages against an emulated organisation, for the tests of this folder."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout
from dataclasses import dataclass, field

from target_zoho.target import TargetZoho

TEXT = {"type": ["string", "null"]}
NUMBER = {"type": ["number", "null"]}
KEY = {"external_id": {"type": "string"}}
PROPERTIES: dict[str, dict[str, t.Any]] = {
    "Accounts": {
        **KEY,
        "Account_Name": TEXT,
        "Parent_Account": TEXT,
        "Phone": TEXT,
        "Billing_City": TEXT,
        "Industry": TEXT,
        "Credit Limit": NUMBER,
        "JDE Status": TEXT,
    },
    "Vendors": {**KEY, "Vendor_Name": TEXT, "Email": TEXT, "City": TEXT},
    "Contacts": {
        **KEY,
        "First_Name": TEXT,
        "Last_Name": TEXT,
        "Account_Name": TEXT,
        "Email": TEXT,
        "Phone": TEXT,
    },
}
CUSTOM_FIELDS: dict[str, dict[str, t.Any]] = {
    "Accounts": {
        "Credit Limit": "currency",
        "JDE Status": {"type": "picklist", "options": ["Active", "On hold", "Closed"]},
        "Tax ID": "text",
        "E-mail": "email",
        "Regions": {"type": "multiselectpicklist", "options": ["EMEA", "US"]},
        "Checked At": "datetime",
        "Since": "date",
        "On Hold": "boolean",
        "Rating Points": "number",
    }
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


def account(number: int, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of an account as the customers mapping makes them."""
    return record(
        "Accounts",
        str(number),
        **{
            "Account_Name": f"Company {number}",
            "Billing_City": "Denver",
            "Credit Limit": number * 10.5,
            "JDE Status": "Active",
            **values,
        },
    )


def contact(number: int, line: int = 1, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of a contact of account `number`."""
    return record(
        "Contacts",
        f"{number}-{line}",
        **{
            "First_Name": "Ana",
            "Last_Name": f"Ruiz {line}",
            "Account_Name": str(number),
            "Email": f"ana{line}@c{number}.example",
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
        target = TargetZoho(config={**self.settings, **changed}, validate_config=True)
        out = io.StringIO()
        with redirect_stdout(out):
            code = target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        self.passed = [json.loads(line) for line in out.getvalue().splitlines()]
        return code
