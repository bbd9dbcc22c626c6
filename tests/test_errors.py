"""What goes wrong is said in one clear line, ends the run, prints no secret and loses nothing."""

from __future__ import annotations

import json
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    from suite import Suite

SECRET = "open-sesame-4711"
RUN = ("meltano", "run", "tap-jdedwards", "jde-to-pipedrive", "target-pipedrive")


def one_error(done: CompletedProcess[str], *words: str) -> None:
    """Assert that a plug-in ended with exactly one error line that says these words."""
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    errors = [line for line in output.splitlines() if any(word in line for word in ("ERROR", "CRITICAL", "Error:"))]
    assert len(errors) == 1, output
    for word in words:
        assert word in errors[0], errors[0]
    assert SECRET not in output


def test_wrong_jde_password(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    suite.settings["TAP_JDEDWARDS_PASSWORD"] = SECRET
    one_error(suite.call("tap-jdedwards", "--config=ENV"), "password")


def test_wrong_jde_password_through_meltano(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    suite.settings["TAP_JDEDWARDS_PASSWORD"] = SECRET
    done = suite.call(*RUN)
    assert done.returncode != 0
    assert SECRET not in done.stdout + done.stderr
    assert "password" in done.stderr + done.stdout
    assert suite.pipedrive.control.counters()["writes"] == 0


def test_unknown_table(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    suite.settings["TAP_JDEDWARDS_TABLES"] = '["F0101", "F9999"]'
    one_error(suite.call("tap-jdedwards", "--config=ENV"), "F9999", "tables")


def test_unreachable_jde(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of(customers=5, contacts=5)
    suite.settings["TAP_JDEDWARDS_AIS_URL"] = "http://127.0.0.1:9"
    one_error(suite.call("tap-jdedwards", "--config=ENV"), "ais_url", "127.0.0.1:9")


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    file = tmp_path / "messages.singer"
    lines = [
        {
            "type": "SCHEMA",
            "stream": "organizations",
            "schema": {"properties": {"external_id": {"type": "string"}, "name": {"type": "string"}}},
            "key_properties": ["external_id"],
        },
        {"type": "RECORD", "stream": "organizations", "record": {"external_id": "1", "name": "One"}},
        {"type": "STATE", "value": {"bookmarks": {"organizations": {"seen": 1}}}},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_wrong_pipedrive_token(suite_of: Callable[..., Suite], messages: Path) -> None:
    suite = suite_of(customers=1, contacts=0)
    suite.settings["TARGET_PIPEDRIVE_API_TOKEN"] = SECRET
    done = suite.load(messages)
    one_error(done, "api_token")
    assert done.stdout == "", "no STATE may pass"


def test_unreachable_pipedrive(suite_of: Callable[..., Suite], messages: Path) -> None:
    suite = suite_of(customers=1, contacts=0)
    suite.settings["TARGET_PIPEDRIVE_API_URL"] = "http://127.0.0.1:9"
    done = suite.load(messages)
    one_error(done, "127.0.0.1:9")
    assert done.stdout == ""


def test_unknown_pipedrive_field(suite_of: Callable[..., Suite], messages: Path) -> None:
    suite = suite_of(customers=1, contacts=0)
    messages.write_text(messages.read_text().replace('"name"', '"Credit Limits"'))
    done = suite.load(messages)
    one_error(done, "organizations", "Credit Limits", "did you mean 'Credit Limit'")
    assert done.stdout == ""
    assert suite.pipedrive.control.counters()["writes"] == 0


def test_corrupt_ledger(suite_of: Callable[..., Suite], messages: Path) -> None:
    suite = suite_of(customers=1, contacts=0)
    (suite.home / "ledger.db").write_bytes(b"this was a ledger once, now it is something else " * 99)
    done = suite.load(messages)
    one_error(done, "ledger.db", "file is not a database")
    assert done.stdout == ""
    assert suite.pipedrive.control.counters()["writes"] == 0
    (suite.home / "ledger.db").unlink()
    assert suite.load(messages).returncode == 0
    assert suite.numbers_at_pipedrive("organizations") == ["1"]
