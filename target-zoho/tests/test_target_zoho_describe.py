"""`target-zoho describe`: the organisation's fields as a snapshot, from the real command."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Org


@pytest.fixture
def config(settings: dict[str, t.Any], tmp_path: Path) -> Path:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings), "utf-8")
    return file


def describe(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "target_zoho", "describe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


def test_it_prints_the_modules_a_load_is_about(
    config: Path, tmp_path: Path, org: Org, settings: dict[str, t.Any]
) -> None:
    writes = org.control.counters()["writes"]
    done = describe("--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["format"], found["target"]) == (1, "target-zoho")
    assert found["destination"] == f"zoho:{org.emulator.org.zgid}"
    assert list(found["entities"]) == ["Accounts", "Vendors", "Contacts"]
    accounts = {field["name"]: field for field in found["entities"]["Accounts"]["fields"]}
    assert found["entities"]["Accounts"]["external_id_field"] == accounts["JDE_Number"]
    assert (accounts["Account_Name"]["required"], accounts["Account_Name"]["label"]) == (True, "Account Name")
    assert [option["label"] for option in accounts["JDE_Status"]["options"]] == ["Active", "On hold", "Closed"]
    assert accounts["Parent_Account"]["relation"] == "Accounts"
    assert (accounts["Owner"]["people"], accounts["Owner"]["options"]) == (True, None)
    assert not accounts["Modified_Time"]["updatable"]
    contacts = {field["name"]: field for field in found["entities"]["Contacts"]["fields"]}
    assert contacts["Account_Name"]["relation"] == "Accounts"
    assert contacts["Reporting_To"]["relation"] == "Contacts"
    assert org.control.counters()["writes"] == writes
    assert not (tmp_path / "ledger.db").exists()
    assert settings["client_secret"] not in done.stdout + done.stderr


def test_any_other_module_is_described_by_name(config: Path, tmp_path: Path, org: Org) -> None:
    org.set_up({}, modules=("Products",))
    done = describe("--config", config, "--entity", "Products", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)["entities"]) == ["Products"]


def test_a_module_without_the_field_of_the_external_id_says_what_to_do(config: Path, tmp_path: Path, org: Org) -> None:
    done = describe("--config", config, "--entity", "Deals", cwd=tmp_path)
    assert done.returncode == 1
    assert "Deals has no such field; `target-zoho setup Deals` makes it" in done.stderr
    assert org.truth("Deals") == []
