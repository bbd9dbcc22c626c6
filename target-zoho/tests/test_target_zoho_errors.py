"""What ends a run is one line that says what to do, and nothing is lost by it."""

from __future__ import annotations

import json
import logging
import typing as t

import pytest
from service_emulators.zoho.emulator import ZohoEmulator
from target_zoho_login import settings_of
from target_zoho_runs import Runner, account, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

ROWS = [schema("Accounts"), account(1), state(1)]


def one_line(caplog: pytest.LogCaptureFixture) -> str:
    """Return the one error line of a run."""
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1, errors
    assert "\n" not in errors[0]
    return errors[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"client_id": "1000.X"}, ("invalid_client", "check client_id and data_center")),
        ({"client_secret": "nonsense"}, ("invalid_client_secret", "check client_secret")),
        ({"refresh_token": "1000.a.b"}, ("invalid_code", "set refresh_token")),
        ({"accounts_url": "http://127.0.0.1:9"}, ("token endpoint does not answer",)),
        ({"modules": ["Machines"]}, ("Machines", "Accounts")),
        ({"external_id_field": "Number"}, ("Number", "Accounts")),
    ],
)
def test_what_is_wrong_in_the_settings_is_one_line(
    settings: dict[str, t.Any],
    zoho: ZohoEmulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, t.Any],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr("service_calls.oauth.MAX_TRIES", 1)
    runner = Runner({**settings, "token_file": str(tmp_path / "other-tokens.json"), **changed})
    assert runner.run(*ROWS) == 1
    line = one_line(caplog)
    for word in words:
        assert word in line
    for name in ("client_secret", "refresh_token"):
        assert settings[name] not in caplog.text
    assert zoho.control.records("Accounts") == []
    assert runner.passed == []


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        (["ZohoCRM.modules.ALL"], ("GET /settings/modules", "ZohoCRM.settings.modules.READ")),
        (["ZohoCRM.settings.READ"], ("GET /org", "ZohoCRM.org.READ")),
        (["ZohoCRM.org.READ", "ZohoCRM.settings.READ", "ZohoCRM.modules.READ"], ("ZohoCRM.coql.READ",)),
    ],
)
def test_a_scope_that_is_missing_is_named_with_the_call_that_needs_it(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    scopes: list[str],
    words: tuple[str, ...],
) -> None:
    emulator = ZohoEmulator(scopes=scopes, demo_fields=True)
    try:
        settings = {**settings_of(emulator, tmp_path), "ledger_url": f"sqlite:///{tmp_path}/ledger.db"}
        assert Runner(settings).run(*ROWS) == 1
    finally:
        emulator.stop()
    line = one_line(caplog)
    for word in words:
        assert word in line


def test_an_unknown_module_is_one_line(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    message = json.loads(json.dumps(schema("Accounts")).replace("Accounts", "Acounts"))
    assert runner.run(message) == 1
    assert "Acounts" in one_line(caplog)


def test_rows_left_over_when_the_credits_end_are_written_by_the_next_run(
    runner: Runner, zoho: ZohoEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [account(number) for number in range(1, 301)]
    zoho.control.switch(credits=zoho.control.credits()["used"] + 20)
    assert runner.run(schema("Accounts"), *rows, state(1)) == 0, caplog.text
    written = len(zoho.control.records("Accounts"))
    assert written < 300
    zoho.control.switch(credits=0)
    assert runner.run(schema("Accounts"), state(2)) == 0
    assert len(zoho.control.records("Accounts")) == 300
