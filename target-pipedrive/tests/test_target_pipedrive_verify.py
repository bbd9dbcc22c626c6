from __future__ import annotations

import json
import typing as t

import pytest
from sync_ledger.cli import app
from target_pipedrive_runs import organization, person, record, schema
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BOTH = [schema("organizations"), schema("persons")]


class Command:
    """`sync-ledger` on the ledger of the test, with the target's settings in a file."""

    def __init__(self, settings: dict[str, t.Any], folder: Path) -> None:
        self.url = settings["ledger_url"]
        self.file = folder / "config.json"
        self.file.write_text(json.dumps(settings))

    def __call__(self, *arguments: str) -> t.Any:
        return CliRunner().invoke(app, [*arguments, "--ledger-url", self.url], env={"COLUMNS": "200"})

    def live(self, *arguments: str) -> t.Any:
        return self(*arguments, "--config", str(self.file))


@pytest.fixture
def command(settings: dict[str, t.Any], tmp_path: Path) -> Command:
    return Command(settings, tmp_path)


@pytest.fixture
def filled(runner: Runner) -> Runner:
    """An account with 20 organizations and their persons."""
    rows = [message for number in range(1001, 1021) for message in (organization(number), person(number))]
    assert runner.run(*BOTH, *rows) == 0
    return runner


def findings(result: t.Any) -> list[tuple[str, str, str, list[str]]]:
    found = json.loads(result.stdout)
    return [
        (item["entity"], item["kind"], item["external_id"], [field["field"] for field in item["fields"]])
        for report in found["entities"]
        for item in report["findings"]
    ]


def by_name(pipedrive: PipedriveEmulator, entity: str, name: str) -> int:
    return next(one["id"] for one in pipedrive.control.records(entity) if one["name"] == name)


def test_what_was_written_is_equal_and_costs_a_list(
    filled: Runner, command: Command, pipedrive: PipedriveEmulator
) -> None:
    pipedrive.control.reset_counters()
    result = command.live("verify", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(one["entity"], one["links"], one["compared"], one["equal"]) for one in found["entities"]] == [
        ("organizations", 20, 20, 20),
        ("persons", 20, 20, 20),
    ]
    assert findings(result) == []
    counters = pipedrive.control.counters()
    assert counters["writes"] == 0
    assert counters["cost"] == found["cost"] == 2 + 2 * (10 + 10)  # who am I; fields and one list of each


def test_planted_differences_are_found_exactly(filled: Runner, command: Command, pipedrive: PipedriveEmulator) -> None:
    control = pipedrive.control
    control.patch_record("organizations", by_name(pipedrive, "organizations", "Company 1003"), {"name": "By hand"})
    control.patch_record(
        "organizations",
        by_name(pipedrive, "organizations", "Company 1004"),
        {"custom_fields": {"Credit Limit": 7}, "website": "https://users.own.example"},
    )
    control.patch_record(
        "organizations",
        by_name(pipedrive, "organizations", "Company 1005"),
        {"custom_fields": {"JDE Number": "9999"}},
    )
    control.delete_record("organizations", by_name(pipedrive, "organizations", "Company 1006"))
    control.add_record("organizations", {"name": "Foreign", "custom_fields": {"JDE Number": "foreign-1"}})
    control.add_record("organizations", {"name": "Copy", "custom_fields": {"JDE Number": "1007"}})
    control.add_record("organizations", {"name": "The users' own"})
    result = command.live("verify", "--json")
    assert result.exit_code == 1, result.output
    assert sorted(findings(result)) == [
        ("organizations", "differing", "1003", ["name"]),
        ("organizations", "differing", "1004", ["Credit Limit"]),
        ("organizations", "differing", "1005", ["JDE Number"]),
        ("organizations", "duplicate", "1007", []),
        ("organizations", "foreign", "foreign-1", []),
        ("organizations", "missing", "1006", []),
        ("persons", "differing", "1006-1", ["org_id"]),  # Pipedrive takes the person out of a deleted organization
    ]
    (fields,) = [
        item["fields"] for item in json.loads(result.stdout)["entities"][0]["findings"] if item["external_id"] == "1004"
    ]
    assert fields == [{"field": "Credit Limit", "ledger": 10542, "there": 7}]
    shown = command.live("verify", "--entity", "organizations").stdout
    assert "By hand" in shown


def test_a_sample_is_read_by_id(filled: Runner, command: Command, pipedrive: PipedriveEmulator) -> None:
    for one in pipedrive.control.records("organizations"):
        pipedrive.control.patch_record("organizations", one["id"], {"name": "By hand"})
    pipedrive.control.reset_counters()
    result = command.live("verify", "--sample", "3", "--entity", "organizations", "--json")
    assert result.exit_code == 1
    assert [(kind, fields) for _, kind, _, fields in findings(result)] == [("differing", ["name"])] * 3
    assert pipedrive.control.counters()["cost"] == 2 + 10 + 3
    assert json.loads(result.stdout)["entities"][0]["foreign_looked_for"] is False


def test_findings_beyond_the_limit_are_counted(filled: Runner, command: Command, pipedrive: PipedriveEmulator) -> None:
    for one in pipedrive.control.records("persons"):
        pipedrive.control.delete_record("persons", one["id"])
    result = command.live("verify", "--limit", "2", "--json")
    persons = json.loads(result.stdout)["entities"][1]
    assert (persons["missing"], len(persons["findings"])) == (20, 2)
    assert "18 more of persons" in command.live("verify", "--limit", "2").stdout


def test_what_cannot_be_found_out_ends_with_2(
    filled: Runner, command: Command, settings: dict[str, t.Any], tmp_path: Path
) -> None:
    wrong = Command({**settings, "api_token": "0" * 40}, tmp_path)
    refused = wrong.live("verify")
    assert refused.exit_code == 2
    assert "api_token" in refused.stderr
    elsewhere = Command({**settings, "company_domain": "another"}, tmp_path).live("verify", "--json")
    assert elsewhere.exit_code == 2
    assert "company_domain" in json.loads(elsewhere.stdout)["error"]
    assert command("verify", "--target", "target-none").exit_code == 2
    assert command.live("verify", "--entity", "deals").exit_code == 2
    nothing = CliRunner().invoke(app, ["verify", "--ledger-url", f"sqlite:///{tmp_path}/none.db"])
    assert nothing.exit_code == 2


def test_a_lost_ledger_that_was_rebuilt_is_equal(runner: Runner, command: Command) -> None:
    odd = record("organizations", "1", name="Ünïcode", **{"Credit Limit": 0, "address": None, "JDE Status": None})
    runner.run(schema("organizations"), odd)
    assert command.live("verify").exit_code == 0


def test_every_entity_can_be_verified(runner: Runner, command: Command) -> None:
    rows = [
        organization(1001),
        person(1001),
        schema("products"),
        record("products", "I1", name="Pump"),
        schema("pipelines"),
        record("pipelines", "P1", name="Key accounts"),
        schema("stages"),
        record("stages", "S1", name="Offer", pipeline_id="P1"),
        schema("deals"),
        record("deals", "D1", title="Deal", org_id="1001"),
        schema("activities"),
        record("activities", "A1", subject="Call", type="Call", org_id="1001"),
        schema("notes"),
        record("notes", "N1", content="Hello", org_id="1001"),
    ]
    assert runner.run(*BOTH, *rows) == 0
    result = command.live("verify", "--json")
    assert result.exit_code == 0, result.output
    found = {one["entity"]: one["equal"] for one in json.loads(result.stdout)["entities"]}
    assert found == dict.fromkeys(
        ["activities", "deals", "notes", "organizations", "persons", "pipelines", "products", "stages"], 1
    )


def test_a_value_that_a_rule_kept_is_no_difference(runner: Runner, settings: dict[str, t.Any], tmp_path: Path) -> None:
    rules = {"field_rules": {"organizations": {"JDE Status": "never_clear"}}}
    assert runner.run(*BOTH, organization(1001)) == 0
    assert runner.run(*BOTH, organization(1001, **{"JDE Status": None}), **rules) == 0
    with_rules = Command({**settings, **rules}, tmp_path)
    assert with_rules.live("verify").exit_code == 0
    assert "differs" not in with_rules.live("why", "organizations", "1001", "--live").stdout
