"""`target-dynamics describe`: the environment's columns as a snapshot, from the real command."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Crm


@pytest.fixture
def config(settings: dict[str, t.Any], tmp_path: Path) -> Path:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings), "utf-8")
    return file


def describe(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "target_dynamics", "describe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


def test_it_prints_the_tables_a_load_is_about(
    config: Path, tmp_path: Path, wide: Crm, settings: dict[str, t.Any]
) -> None:
    writes = wide.control.counters()["writes"]
    done = describe("--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["format"], found["target"]) == (1, "target-dynamics")
    assert list(found["entities"]) == ["accounts", "contacts"]
    accounts = {field["name"]: field for field in found["entities"]["accounts"]["fields"]}
    assert found["entities"]["accounts"]["external_id_field"] == accounts["jde_number"]
    assert (accounts["name"]["required"], accounts["name"]["max_length"]) == (True, 160)
    assert [option["label"] for option in accounts["jde_status"]["options"]] == ["Active", "On hold", "Closed"]
    assert accounts["parentaccountid"]["relation"] == "accounts"
    assert (accounts["ownerid"]["people"], accounts["ownerid"]["options"]) == (True, None)
    assert not accounts["modifiedon"]["updatable"]
    contacts = {field["name"]: field for field in found["entities"]["contacts"]["fields"]}
    assert contacts["parentcustomerid_account"]["relation"] == "accounts"
    assert contacts["parentcustomerid_contact"]["relation"] == "contacts"
    assert wide.control.counters()["writes"] == writes
    assert settings["client_secret"] not in done.stdout + done.stderr


def test_a_table_without_the_column_of_the_external_id_says_what_to_do(config: Path, tmp_path: Path, wide: Crm) -> None:
    done = describe("--config", config, "--entity", "teams", cwd=tmp_path)
    assert done.returncode == 1
    assert "teams has no such column; `target-dynamics setup teams` makes it" in done.stderr
    assert wide.truth("accounts") == []
