"""`target-pipedrive describe`: the account's fields as a snapshot, from the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator


@pytest.fixture
def config(settings: dict[str, t.Any], tmp_path: Path) -> Path:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings), "utf-8")
    return file


def describe(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "target_pipedrive", "describe", *map(str, arguments)]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}  # the SDK warns of an old Python
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False, env=env)


def test_it_prints_every_entity_as_the_account_has_it(
    config: Path, tmp_path: Path, pipedrive: PipedriveEmulator, settings: dict[str, t.Any]
) -> None:
    done = describe("--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["format"], found["target"]) == (1, "target-pipedrive")
    assert found["destination"] == f"pipedrive:{pipedrive.company_domain}"
    entities = found["entities"]
    assert list(entities)[:3] == ["organizations", "persons", "pipelines"]
    organizations = {field["name"]: field for field in entities["organizations"]["fields"]}
    assert entities["organizations"]["external_id_field"] == organizations["JDE Number"]
    assert entities["activities"]["external_id_field"] is None
    assert (organizations["name"]["required"], organizations["name"]["max_length"]) == (True, 255)
    status = organizations["JDE Status"]
    assert status["type"] == "option"
    assert [option["label"] for option in status["options"]] == ["Active", "On hold", "Closed"]
    assert len(status["key"]) == 40
    assert not organizations["update_time"]["updatable"]
    assert "postal_code" in organizations["address"]["attributes"]
    persons = {field["name"]: field for field in entities["persons"]["fields"]}
    assert persons["org_id"]["relation"] == "organizations"
    assert persons["emails"]["items"] == ["label", "primary", "value"]
    deals = {field["name"]: field for field in entities["deals"]["fields"]}
    assert deals["stage_id"]["within"] == "pipeline_id"
    assert deals["stage_id"]["options"]
    assert pipedrive.control.counters()["writes"] == 0
    assert not (tmp_path / "ledger.db").exists()
    assert settings["api_token"] not in done.stdout + done.stderr


def test_nobody_is_named(config: Path, tmp_path: Path, pipedrive: PipedriveEmulator) -> None:
    done = describe("--config", config, cwd=tmp_path)
    assert "@" not in done.stdout
    fields = json.loads(done.stdout)["entities"]["deals"]["fields"]
    (owner,) = [field for field in fields if field["name"] == "owner_id"]
    assert (owner["type"], owner["people"], owner["options"]) == ("option", True, None)
    assert not [one for one in pipedrive.control.requests(limit=100) if one["path"] == "/v1/users"], "nor asked for"


def test_only_the_entities_named(config: Path, tmp_path: Path) -> None:
    done = describe("--config", config, "--entity", "persons", "--entity", "notes", "--json", cwd=tmp_path)
    assert set(json.loads(done.stdout)["entities"]) == {"persons", "notes"}


@pytest.mark.parametrize(
    ("changed", "arguments", "words"),
    [
        ({}, ["--entity", "leads"], "knows no entity leads; there are organizations, persons, pipelines"),
        ({"api_token": "0" * 40}, [], "401"),
        ({"api_token": None}, [], "set api_token, or client_id"),
        ({"company_domain": "somebody-else"}, [], "somebody-else"),
        ({"external_id_field": "Number"}, ["--entity", "deals"], "deals has no such custom field"),
    ],
)
def test_what_stands_in_the_way_is_one_line(
    settings: dict[str, t.Any],
    config: Path,
    tmp_path: Path,
    changed: dict[str, t.Any],
    arguments: list[str],
    words: str,
) -> None:
    settings = {name: value for name, value in {**settings, **changed}.items() if value is not None}
    config.write_text(json.dumps(settings), "utf-8")
    done = describe("--config", config, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert words in line


def test_entities_the_account_is_not_ready_for_are_left_out_and_told(
    settings: dict[str, t.Any], config: Path, tmp_path: Path
) -> None:
    config.write_text(json.dumps({**settings, "external_id_field": "Number"}), "utf-8")
    done = describe("--config", config, cwd=tmp_path)
    assert set(json.loads(done.stdout)["entities"]) == {"pipelines", "stages", "activities", "notes"}
    told = [line for line in done.stderr.splitlines() if line.startswith("Left out: ")]
    assert len(told) == 4
