from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from service_emulators.testing import start_pipedrive
from sync_ledger.errors import ConfigError
from target_pipedrive.connecting import connect
from target_pipedrive.setup.command import setup
from target_pipedrive.setup.making import Maker
from target_pipedrive.setup.wanted import Wanted, lacking, wanted_fields

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from service_emulators.testing import PipedriveEmulator

WANTED = {
    "organizations": {
        "Credit Limit": "monetary",
        "JDE Status": {"type": "enum", "options": ["Active", "On hold"]},
    },
    "deals": {"Branch": "varchar"},
}


@pytest.fixture
def bare() -> Iterator[PipedriveEmulator]:
    """An account that has no custom field at all."""
    with start_pipedrive(burst=0, demo_fields=False) as emulator:
        yield emulator


@pytest.fixture
def config(bare: PipedriveEmulator) -> dict[str, t.Any]:
    return {"api_url": bare.url, "api_token": bare.api_token, "custom_fields": WANTED, "request_timeout_seconds": 2}


def command(config: dict[str, t.Any], tmp_path: Path, *arguments: str, answer: str | None = None) -> Result:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), "utf-8")
    return CliRunner().invoke(setup, ["--config", str(file), *arguments], input=answer)


def labels(emulator: PipedriveEmulator, config: dict[str, t.Any], path: str = "/v2/organizationFields") -> list[str]:
    client = connect({"request_timeout_seconds": 5, **config, "api_token": emulator.api_token})
    found = [item["field_name"] for page in client.pages(path) for item in page.data or [] if item["is_custom_field"]]
    client.close()
    return sorted(found)


def test_what_is_missing_is_shown_and_made_when_the_answer_is_yes(
    bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path
) -> None:
    refused = command(config, tmp_path, answer="n\n")
    assert refused.exit_code == 1
    assert "organizations: JDE Status, enum (Active, On hold)" in refused.output
    assert bare.control.counters()["writes"] == 0
    made = command(config, tmp_path, answer="y\n")
    assert made.exit_code == 0, made.output
    assert "made deals: Branch, varchar" in made.output
    assert labels(bare, config) == ["Credit Limit", "JDE Number", "JDE Status"]
    assert labels(bare, config, "/v2/dealFields") == ["Branch", "JDE Number"]
    assert labels(bare, config, "/v2/personFields") == ["JDE Number"]


def test_a_second_set_up_changes_nothing(bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path) -> None:
    assert command(config, tmp_path, "--yes").exit_code == 0
    bare.control.reset_counters()
    again = command(config, tmp_path, "--yes")
    assert (again.exit_code, again.output.strip()) == (0, "Nothing is missing.")
    assert bare.control.counters()["writes"] == 0


def test_without_a_terminal_and_without_yes_nothing_is_made(
    bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path
) -> None:
    assert command(config, tmp_path, answer="").exit_code == 1
    assert bare.control.counters()["writes"] == 0


def test_json_tells_what_is_missing(bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path) -> None:
    told = command(config, tmp_path, "--json", "deals")
    assert told.exit_code == 1
    assert json.loads(told.output) == {
        "deals": {
            "fields": [
                {"label": "JDE Number", "type": "varchar", "options": []},
                {"label": "Branch", "type": "varchar", "options": []},
            ],
            "options": {},
            "conflicts": [],
        }
    }
    assert bare.control.counters()["writes"] == 0


def test_missing_options_are_added_and_those_there_are_kept(
    bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path
) -> None:
    assert command(config, tmp_path, "--yes", "organizations").exit_code == 0
    config["custom_fields"] = {"organizations": {"JDE Status": {"type": "enum", "options": ["Active", "Closed"]}}}
    done = command(config, tmp_path, "--yes", "organizations")
    assert "added options to organizations: JDE Status: Closed" in done.output
    client = connect({"request_timeout_seconds": 5, **config})
    (field,) = [
        item
        for page in client.pages("/v2/organizationFields")
        for item in page.data
        if item["field_name"] == "JDE Status"
    ]
    client.close()
    assert [option["label"] for option in field["options"]] == ["Active", "On hold", "Closed"]
    del bare


def test_a_field_of_another_type_stands_in_the_way_and_is_left_alone(
    bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path
) -> None:
    assert command(config, tmp_path, "--yes").exit_code == 0
    config["custom_fields"] = {"organizations": {"Credit Limit": "varchar"}}
    bare.control.reset_counters()
    done = command(config, tmp_path, "--yes")
    assert done.exit_code == 1
    assert "is of type monetary, not varchar" in done.output
    assert bare.control.counters()["writes"] == 0


def test_an_answer_that_is_lost_makes_no_second_field(
    bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path
) -> None:
    bare.control.fault(kind="reset", when="after", method="POST", path="organizationFields$")
    assert command(config, tmp_path, "--yes", "organizations").exit_code == 0
    assert labels(bare, config) == ["Credit Limit", "JDE Number", "JDE Status"]


def test_two_set_ups_at_once_leave_one_field_of_each_label(bare: PipedriveEmulator, config: dict[str, t.Any]) -> None:
    bare.control.fault(kind="slow", when="after", method="GET", path="organizationFields$", delay_ms=300, times=2)
    wanted = wanted_fields({**config, "external_id_field": "JDE Number"}, ["organizations"])

    def run(_: int) -> None:
        client = connect({"request_timeout_seconds": 5, **config})
        Maker(client, lambda _: None).make("organizations", wanted)
        client.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert labels(bare, config) == ["Credit Limit", "JDE Number", "JDE Status"]


def test_who_may_not_make_fields_is_told_so(bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path) -> None:
    config["api_token"] = bare.user_token
    done = command(config, tmp_path, "--yes")
    assert done.exit_code == 1
    assert "let an administrator" in done.output
    assert labels(bare, config) == []


def test_the_plans_limit_of_fields_is_told(bare: PipedriveEmulator, config: dict[str, t.Any], tmp_path: Path) -> None:
    bare.control.switch(plan="lite")
    config["custom_fields"] = {"organizations": {f"Field {number}": "varchar" for number in range(31)}}
    done = command(config, tmp_path, "--yes", "organizations")
    assert done.exit_code == 1
    assert "limit of custom fields" in done.output


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"notes": {"x": "varchar"}}, "'notes' is not one of"),
        ({"deals": {"x": "colour"}}, "no type Pipedrive knows"),
        ({"deals": {"x": "enum"}}, "options belong to"),
        ({"deals": {"x": {"type": "text", "options": ["a"]}}}, "options belong to"),
    ],
)
def test_fields_that_cannot_be_made_name_the_setting(fields: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigError, match="setting custom_fields") as caught:
        wanted_fields({"external_id_field": "JDE Number", "custom_fields": fields})
    assert words in str(caught.value)


def test_an_entity_without_custom_fields_is_named(config: dict[str, t.Any], tmp_path: Path) -> None:
    assert "notes has no custom fields" in command(config, tmp_path, "notes").output


def test_two_fields_of_one_label_are_a_conflict() -> None:
    twice = [
        {"field_code": code, "field_name": "JDE Number", "field_type": "varchar", "is_custom_field": True}
        for code in ("a", "b")
    ]
    found = lacking([Wanted("deals", "JDE Number", "varchar")], twice)
    assert not found
    assert "rename all but one" in found.conflicts[0]
