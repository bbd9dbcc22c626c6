"""An account that was in use before the first run: organizations of the users' own, some of them ours by tax number."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_pipedrive_runs import TEXT, record, schema
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator
    from sqlalchemy import Table
    from target_pipedrive_runs import Runner

BEFORE = "2024-05-01T08:00:00Z"
"""When the users' own records were made."""

RULES = {
    "organizations": [
        {"on": "Tax ID", "as": "tax_id"},
        {"on": "E-mail", "as": "domain"},
        {"on": ["name", "Phone"], "as": ["name", "phone:49"]},
    ]
}
PROPERTIES = {
    "external_id": {"type": "string"},
    **dict.fromkeys(("name", "Tax ID", "E-mail", "Phone", "Payment Terms"), TEXT),
}
SCHEMA = schema("organizations", PROPERTIES)


def customer(number: int, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD of a customer as the source has it."""
    return record(
        "organizations",
        str(number),
        **{
            "name": f"Customer {number} GmbH",
            "Tax ID": f"DE{100_000_000 + number}",
            "E-mail": None,
            "Phone": None,
            "Payment Terms": "N30",
            **values,
        },
    )


@dataclass
class Crm:
    """The account, and runs and commands on it.

    Attributes:
        added: Key a test gave a record -> its id.
    """

    emulator: PipedriveEmulator
    runner: Runner
    added: dict[t.Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.control = self.emulator.control

    def add(self, key: t.Any, name: str, **custom: t.Any) -> int:
        """Add a record of the users' own, made long ago."""
        self.control.set_clock(now=BEFORE)
        made = self.control.add_record("organizations", {"name": name, "custom_fields": custom})
        self.control.set_clock(now=None)
        self.added[key] = int(made["id"])
        return self.added[key]

    def records(self) -> dict[int, dict[str, t.Any]]:
        """Return id -> record as the emulator holds it."""
        return {int(one["id"]): one for one in self.control.records("organizations")}

    def keys(self) -> dict[int, str | None]:
        """Return id -> external ID."""
        return {number: one["custom_fields"].get("JDE Number") for number, one in self.records().items()}

    def spent(self) -> int:
        """Return the tokens the emulator has counted since the last call."""
        counted = int(self.control.counters()["cost"])
        self.control.reset_counters()
        return counted

    def writes(self) -> int:
        """Return the writes the emulator has counted since its counters were reset."""
        return int(self.control.counters()["writes"])

    def run(self, *messages: dict[str, t.Any], **changed: t.Any) -> int:
        """Run the target on organizations with the match rules."""
        return self.runner.run(SCHEMA, *messages, **{"match_rules": RULES, **changed})

    def call(self, *arguments: str) -> t.Any:
        """Call `sync-ledger` on the ledger of the runs."""
        url = str(self.runner.settings["ledger_url"])
        return CliRunner().invoke(app, [*arguments, "--ledger-url", url], env={"COLUMNS": "200"})

    def plan(self, *arguments: str) -> dict[str, t.Any]:
        """Return a plan, the newest without a number."""
        shown: dict[str, t.Any] = json.loads(self.call("plan", *arguments, "--json").stdout)
        return shown

    def actions(self) -> dict[str, str]:
        """Return external ID -> what the newest plan would do, or why not."""
        rows = self.plan("--limit", "100000")["rows"]
        return {row["external_id"]: row["action"] if row["action"] != "hold" else row["reason"] for row in rows}

    def apply(self, plan_id: int, tmp_path: t.Any, **changed: t.Any) -> t.Any:
        """Apply a plan with the settings of the runs."""
        config = tmp_path / "config.json"
        config.write_text(json.dumps({**self.runner.settings, "match_rules": RULES, **changed}))
        return self.call("apply", str(plan_id), "--config", str(config), "--json")

    def waiting(self) -> dict[str, tuple[str, list[str] | None]]:
        """Return external ID -> reason and candidates of the rows that wait."""
        found = self.read(open_rows)
        return {row.external_id: (row.reason, row.candidates) for row in found if row.closed_at is None}

    def read(self, table: Table) -> list[t.Any]:
        """Return the lines of a table of the ledger."""
        engine = open_engine(self.runner.settings["ledger_url"])
        with engine.connect() as connection:
            found = list(connection.execute(select(table)))
        engine.dispose()
        return found
