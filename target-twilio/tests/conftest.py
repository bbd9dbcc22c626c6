from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest
from service_emulators.testing import start_sendgrid, start_twilio

# Test helpers of this package are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))

from target_twilio_listeners import with_listener
from target_twilio_runs import RULES


@pytest.fixture
def twilio():
    with start_twilio() as emulator:
        yield emulator


@pytest.fixture
def sendgrid():
    with start_sendgrid() as emulator:
        yield emulator


@pytest.fixture
def config(tmp_path, twilio, sendgrid):
    (tmp_path / "rules.yml").write_text(RULES)
    account, mail = twilio.describe(), sendgrid.describe()
    return {
        "rules": str(tmp_path / "rules.yml"),
        "account_sid": account["account_sid"],
        "auth_token": account["auth_token"],
        "from_number": account["from_number"],
        "api_url": twilio.url,
        "sendgrid_api_key": mail["api_key"],
        "sendgrid_api_url": sendgrid.url,
        "from_email": mail["from_email"],
        "ledger_url": f"sqlite:///{tmp_path / 'ledger.db'}",
        "initial": "send",
        "delivery_seconds": 0,
    }


@pytest.fixture
def heard(config, sendgrid):
    """Settings with which everything is told to a listener (`target_twilio_listeners.listening`)."""
    return with_listener(config, sendgrid_event_public_key=sendgrid.public_key)


@pytest.fixture
def listener_log(caplog):
    """Lines of the listener's log so far."""
    caplog.set_level(logging.INFO, "target_twilio.listening")
    return lambda: [one.getMessage() for one in caplog.records if one.name == "target_twilio.listening"]


@pytest.fixture
def wide(monkeypatch, tmp_path):
    """Tables do not break lines, and what a command leaves behind lies in the test's folder."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path, config):
    """File of settings."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def rules(tmp_path):
    """An alert file without anything around it."""
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    return path
