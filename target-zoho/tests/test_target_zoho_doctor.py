from __future__ import annotations

import json
import typing as t

import pytest
from click.testing import CliRunner
from service_emulators.zoho.emulator import ZohoEmulator
from target_zoho.doctor.command import doctor
from target_zoho_login import settings_of

if t.TYPE_CHECKING:
    from pathlib import Path


def examined(config: dict[str, t.Any], tmp_path: Path) -> tuple[int, dict[str, dict[str, str]]]:
    """Return exit code and check -> finding."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}), "utf-8")
    done = CliRunner().invoke(doctor, ["--config", str(file), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert str(config.get("client_secret", "-")) not in done.output
    return done.exit_code, {one["check"]: one for one in json.loads(done.output)["findings"]}


def test_a_good_set_up_is_told_so_and_nothing_is_written(
    settings: dict[str, t.Any], tmp_path: Path, zoho: ZohoEmulator
) -> None:
    zoho.control.reset_counters()
    code, found = examined(settings, tmp_path)
    assert code == 0, found
    assert {one["status"] for one in found.values()} == {"ok"}
    assert zoho.url in found["token"]["text"]
    assert zoho.org.zgid in found["org"]["text"]
    assert "20 calls at the same time, as the edition enterprise has" in found["limits"]["text"]
    assert "unique" in found["Accounts fields"]["text"]
    assert set(found) >= {"accounts", "network", "upload", "scopes", "clock", "modules", "reading", "credits"}
    assert zoho.control.counters()["writes"] == 0
    assert f"took {zoho.control.counters()['cost']}" in found["credits"]["text"]


def test_the_lines_for_people_end_with_a_count(settings: dict[str, t.Any], tmp_path: Path, zoho: ZohoEmulator) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**settings, "external_id_field": "Number"}), "utf-8")
    done = CliRunner().invoke(doctor, ["--config", str(file)])
    assert "→ target-zoho setup makes them if that is wanted" in done.output
    assert "3 warning, 0 failed" in done.output
    assert settings["client_secret"] not in done.output


@pytest.mark.parametrize(
    ("changed", "check", "words"),
    [
        ({"client_id": None}, "settings", "client_id"),
        ({"data_center": "uk"}, "settings", "data_center"),
        ({"refresh_token": None}, "settings", "set refresh_token, or soid"),
        ({"max_concurrency": 0}, "settings", "max_concurrency"),
        ({"api_url": "zohoapis.eu"}, "settings", "api_url"),
        ({"client_id": "1000.X"}, "token", "check client_id and data_center"),
        ({"refresh_token": "1000.a.b"}, "token", "set refresh_token"),
        ({"accounts_url": "http://127.0.0.1:9"}, "token", "check data_center, name servers"),
        ({"token_file": "/proc/none/tokens.json"}, "token", "folder that this user may write in"),
        ({"api_url": "http://127.0.0.1:9"}, "org", "cannot be reached"),
        ({"modules": ["Machines"]}, "modules", "no module Machines"),
        ({"custom_fields": {"Accounts": {"Branch": "text"}}}, "Accounts fields", "Accounts lacks Branch"),
        ({"custom_fields": {"Accounts": {"Tax ID": "date"}}}, "Accounts fields", "is of type text"),
        ({"external_id_field": "Tax ID"}, "Accounts fields", "is not unique"),
        ({"scopes": ["ZohoCRM.mails.ALL"]}, "scopes", "was not given ZohoCRM.mails.ALL"),
    ],
)
def test_what_is_wrong_fails_with_a_remedy(
    settings: dict[str, t.Any], tmp_path: Path, changed: dict[str, t.Any], check: str, words: str
) -> None:
    code, found = examined({**settings, **changed}, tmp_path)
    assert code == 1
    assert found[check]["status"] == "failed"
    assert words in found[check]["text"] + found[check]["remedy"]
    assert found[check]["remedy"]


def test_scopes_that_the_token_lacks_are_named(tmp_path: Path) -> None:
    emulator = ZohoEmulator(scopes=["ZohoCRM.org.READ", "ZohoCRM.settings.READ", "ZohoCRM.modules.ALL"])
    try:
        code, found = examined(command_settings(emulator, tmp_path), tmp_path)
    finally:
        emulator.stop()
    assert code == 1
    for scope in ("ZohoCRM.settings.ALL", "ZohoCRM.coql.READ", "ZohoCRM.bulk.ALL", "ZohoFiles.files.ALL"):
        assert scope in found["scopes"]["text"]
    assert "ZohoCRM.modules.ALL" not in found["scopes"]["text"]
    assert "ZohoCRM.coql.READ" in found["reading"]["text"]


def test_scopes_the_token_does_not_tell_are_found_out_by_reading(tmp_path: Path, zoho: ZohoEmulator) -> None:
    body = {"access_token": zoho.access_token, "api_domain": zoho.url, "expires_in": 3600}
    zoho.control.fault("status", path="/oauth/v2/token", status=200, body=body, times=None)
    _, found = examined(command_settings(zoho, tmp_path), tmp_path)
    assert "does not tell them" in found["scopes"]["text"]


def test_a_module_that_is_hidden_is_warned_of(settings: dict[str, t.Any], tmp_path: Path, zoho: ZohoEmulator) -> None:
    zoho.control.hide_module("Vendors")
    code, found = examined(settings, tmp_path)
    assert code == 0, found
    assert found["modules"]["status"] == "warning"
    assert "Vendors cannot be written" in found["modules"]["text"]


def test_more_writers_than_the_edition_allows_are_warned_of(
    settings: dict[str, t.Any], tmp_path: Path, zoho: ZohoEmulator
) -> None:
    zoho.control.switch(edition="free")
    code, found = examined({**settings, "max_concurrency": 8}, tmp_path)
    assert code == 0, found
    assert found["limits"]["remedy"] == "set max_concurrency to 5 or less"


def test_credits_are_told_once_zoho_tells_them(settings: dict[str, t.Any], tmp_path: Path, zoho: ZohoEmulator) -> None:
    used = zoho.control.credits()["used"]
    zoho.control.switch(credits=2 * used)
    _, found = examined(settings, tmp_path)
    assert "of 24 hours are left" in found["credits"]["text"]
    zoho.control.switch(credits=zoho.control.credits()["used"])
    code, found = examined(settings, tmp_path)
    assert code == 1
    assert "used up" in found["org"]["text"]


def command_settings(zoho: ZohoEmulator, folder: Path) -> dict[str, t.Any]:
    """Return settings as a user would give them."""
    return {**settings_of(zoho, folder, scopes=None, request_timeout_seconds=None), "upload_url": zoho.url}
