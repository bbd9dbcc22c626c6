"""Runs of the target on Singer messages against an emulated environment, for the tests of this folder."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout
from dataclasses import dataclass, field

from target_dynamics.target import TargetDynamics

TEXT = {"type": ["string", "null"]}
NUMBER = {"type": ["number", "null"]}
KEY = {"external_id": {"type": "string"}}
PROPERTIES: dict[str, dict[str, t.Any]] = {
    "accounts": {
        **KEY,
        "name": TEXT,
        "accountnumber": TEXT,
        "address1_city": TEXT,
        "creditlimit": NUMBER,
        "paymenttermscode": TEXT,
        "parentaccountid": TEXT,
        "statecode": TEXT,
    },
    "contacts": {
        **KEY,
        "firstname": TEXT,
        "lastname": TEXT,
        "emailaddress1": TEXT,
        "parentcustomerid_account": TEXT,
    },
}
CUSTOM_FIELDS: dict[str, dict[str, t.Any]] = {
    "accounts": {
        "VAT ID": "text",
        "JDE Status": {"type": "choice", "options": ["Active", "On hold", "Closed"]},
        "Regions": {"type": "choices", "options": ["EMEA", "US", "APAC"]},
        "Since": "date",
        "Checked At": "datetime",
        "Open Balance": "money",
        "Rate": "decimal",
        "Notes": "memo",
        "Blocked": "boolean",
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
    common = {
        "name": f"Company {number}",
        "address1_city": "Denver",
        "creditlimit": number * 10.5,
        "paymenttermscode": "Net 30",
    }
    return record("accounts", str(number), **{**common, **values})


def contact(number: int, line: int = 1, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of a contact of account `number`."""
    common = {
        "firstname": "Ana",
        "lastname": f"Ruiz {line}",
        "emailaddress1": f"ana{line}@c{number}.example",
        "parentcustomerid_account": str(number),
    }
    return record("contacts", f"{number}-{line}", **{**common, **values})


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
        target = TargetDynamics(config={**self.settings, **changed}, validate_config=True)
        out = io.StringIO()
        with redirect_stdout(out):
            code = target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        self.passed = [json.loads(line) for line in out.getvalue().splitlines()]
        return code

    def accounts(self, *messages: dict[str, t.Any], **changed: t.Any) -> int:
        """Feed accounts to one run and return its exit code."""
        return self.run(schema("accounts"), *messages, **changed)
