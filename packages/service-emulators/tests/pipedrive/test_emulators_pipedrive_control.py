"""Changes behind the API's back, data kept on disk, and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from service_emulators.client import ControlRefused, PipedriveControl
from service_emulators.testing import start_pipedrive

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Company


def test_a_user_changes_records_by_label_without_cost(company: Company) -> None:
    company.control.set_clock(now="2026-10-01T00:00:00")
    made = company.control.add_record(
        "organizations", {"name": "UI", "custom_fields": {"JDE Number": "9", "JDE Status": "On hold"}}
    )
    assert made["custom_fields"] == {"JDE Number": "9", "JDE Status": "On hold"}
    company.control.set_clock(now="2026-10-01T00:00:07")
    changed = company.control.patch_record("organizations", made["id"], {"custom_fields": {"Credit Limit": 5}})
    assert changed["update_time"] == "2026-10-01T00:00:07Z"
    assert changed["custom_fields"]["Credit Limit"] == 5
    assert company.emulator.records("organizations")[-1] == changed
    assert company.control.records("organizations")[-1] == changed
    assert len(company.control.records("organizations", limit=1)) == 1
    company.control.delete_record("organizations", made["id"])
    counters = company.control.counters()
    assert (counters["requests"], counters["writes"], counters["cost"]) == (0, 0, 0)
    assert company.call("GET", f"/organizations/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("entity", "values"),
    [
        ("leads", {"name": "x"}),
        ("organizations", {"name": "x", "custom_fields": {"No such": 1}}),
        ("organizations", {"name": "x", "custom_fields": {"JDE Status": "Sleeping"}}),
        ("organizations", {}),
    ],
)
def test_wrong_changes_are_refused(company: Company, entity: str, values: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused):
        company.control.add_record(entity, values)
    with pytest.raises(ControlRefused):
        company.control.patch_record("organizations", 987654, {"name": "x"})


def test_data_on_disk_survive_and_are_searchable_again(tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite3"
    with start_pipedrive(path=file) as emulator:
        emulator.control.add_record("organizations", {"name": "Kept", "custom_fields": {"JDE Number": "77"}})
    with start_pipedrive(path=file) as emulator:
        (kept,) = emulator.records("organizations")
        assert (kept["name"], kept["custom_fields"]) == ("Kept", {"JDE Number": "77"})
        assert len(emulator.store.query("SELECT * FROM custom_field_definitions")) == 14
        emulator.control.set_clock(offset_seconds=5)
        found = requests.get(
            emulator.url + "/api/v2/organizations/search",
            params={"term": "77", "exact_match": "true"},
            headers={"x-api-token": emulator.api_token},
            timeout=10,
        )
        assert len(found.json()["data"]["items"]) == 1


@pytest.mark.shows_secrets("the command tells credentials to those who start it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "services.json"
    command = [sys.executable, "-m", "service_emulators", "serve", "--customers", "5", "--contacts", "5"]
    command += ["--json", str(file), "--data", str(tmp_path / "data"), "--switch", "pipedrive.plan=lite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            patience = time.monotonic() + 30
            while not file.exists() and process.poll() is None and time.monotonic() < patience:
                time.sleep(0.02)
            services = json.loads(file.read_text())
            assert oct(os.stat(file).st_mode & 0o777) == "0o600"  # noqa: PTH116 - the mode is what matters
            assert list(services) == ["jde", "pipedrive", "zoho", "dynamics", "twilio", "sendgrid"]
            assert services["jde"]["counts"]["F03012"] >= 5
            assert services["pipedrive"]["plan"] == "lite"
            url, token = services["pipedrive"]["url"], services["pipedrive"]["api_token"]
            assert requests.get(url + "/api/v1/users/me", headers={"x-api-token": token}, timeout=10).ok
            assert PipedriveControl(url).counters()["requests"] == 1
            assert services["zoho"]["counts"]["Accounts"] == 0
        finally:
            process.send_signal(number)
            output, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert url in output
    files = sorted(path.stem for path in (tmp_path / "data").glob("*.sqlite3"))
    assert files == ["dynamics", "jde", "pipedrive", "sendgrid", "twilio", "zoho"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["siebel"], "no such service"),
        (["pipedrive", "--switch", "burst=0"], "SERVICE.NAME=VALUE"),
        (["pipedrive", "--switch", "pipedrive.nope=1"], "unknown field"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], reason: str) -> None:
    command = [sys.executable, "-m", "service_emulators", "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_the_date_of_an_answer_is_that_of_the_emulators_clock(company: Company) -> None:
    company.control.set_clock(now="2026-12-31T23:59:58")
    assert company.call("GET", "/organizations").headers.get("date") == "Thu, 31 Dec 2026 23:59:58 GMT"
