from __future__ import annotations

import json
import typing as t

import pytest
from click.testing import CliRunner
from target_pipedrive.doctor.command import doctor

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator


@pytest.fixture
def config(settings: dict[str, t.Any]) -> dict[str, t.Any]:
    return dict(settings)


def examined(config: dict[str, t.Any], tmp_path: Path) -> tuple[int, dict[str, dict[str, str]]]:
    """Return exit code and check -> finding."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config), "utf-8")
    done = CliRunner().invoke(doctor, ["--config", str(file), "--json"])
    return done.exit_code, {one["check"]: one for one in json.loads(done.output)["findings"]}


def test_a_good_set_up_is_told_so_and_nothing_is_written(
    config: dict[str, t.Any], tmp_path: Path, pipedrive: PipedriveEmulator
) -> None:
    pipedrive.control.switch(burst=None)
    code, found = examined(config, tmp_path)
    assert code == 0
    assert {one["status"] for one in found.values()} == {"ok"}
    assert "Ultimate" in found["limits"]["text"]
    assert "emulator-sandbox" in found["company"]["text"]
    assert pipedrive.control.counters()["writes"] == 0


def test_the_lines_for_people_end_with_a_count(config: dict[str, t.Any], tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**config, "external_id_field": "Number"}), "utf-8")
    done = CliRunner().invoke(doctor, ["--config", str(file)])
    assert "→ target-pipedrive setup makes them" in done.output
    assert "4 warning, 0 failed" in done.output
    assert config["api_token"] not in done.output


@pytest.mark.parametrize(
    ("changed", "check", "words"),
    [
        ({"api_token": None}, "settings", "set api_token, or client_id"),
        ({"max_concurrency": 0}, "settings", "max_concurrency"),
        ({"custom_fields": {"deals": {"x": "colour"}}}, "settings", "custom_fields"),
        ({"api_token": "0" * 40}, "token", "401"),
        ({"api_url": "http://127.0.0.1:9"}, "token", "cannot be reached"),
        ({"company_domain": "somebody-else"}, "company", "somebody-else"),
        ({"custom_fields": {"deals": {"Branch": "varchar"}}}, "deals fields", "deals lacks Branch"),
        ({"custom_fields": {"organizations": {"Tax ID": "double"}}}, "organizations fi", "is of type varchar"),
    ],
)
def test_what_is_wrong_fails_with_a_remedy(
    config: dict[str, t.Any], tmp_path: Path, changed: dict[str, t.Any], check: str, words: str
) -> None:
    config = {name: value for name, value in {**config, **changed}.items() if value is not None}
    code, found = examined(config, tmp_path)
    assert code == 1
    assert found[check]["status"] == "failed"
    assert words in found[check]["text"] + found[check]["remedy"]
    assert found[check]["remedy"]


def test_a_user_with_few_rights_is_warned_of(
    config: dict[str, t.Any], tmp_path: Path, pipedrive: PipedriveEmulator
) -> None:
    code, found = examined({**config, "api_token": pipedrive.user_token}, tmp_path)
    assert code == 0
    assert found["rights"]["status"] == "warning"
    assert "made twice" in found["rights"]["text"]


def test_the_budget_is_told_where_pipedrive_tells_it(
    config: dict[str, t.Any], tmp_path: Path, pipedrive: PipedriveEmulator
) -> None:
    pipedrive.control.switch(daily_headers=True, daily_budget=1000)
    code, found = examined(config, tmp_path)
    assert code == 0
    assert "958 tokens of the day are left" in found["budget"]["text"]
    pipedrive.control.switch(daily_budget=50)
    code, found = examined(config, tmp_path)
    assert code == 1


def test_by_oauth_a_revoked_app_is_told(config: dict[str, t.Any], tmp_path: Path, pipedrive: PipedriveEmulator) -> None:
    del config["api_token"]
    config.update(
        client_id=pipedrive.oauth.client_id,
        client_secret=pipedrive.oauth.client_secret,
        refresh_token=pipedrive.oauth.refresh_token,
        oauth_url=pipedrive.url,
        token_file=str(tmp_path / "tokens.json"),
    )
    code, found = examined(config, tmp_path)
    assert code == 0
    assert "OAuth" in found["settings"]["text"]
    code, found = examined({**config, "refresh_token": "1:2:3"}, tmp_path)
    assert code == 1
    assert "authorise the app anew" in found["token"]["remedy"] + found["token"]["text"]
