"""Secret settings of a target, and the command's ledger, may be references."""

from __future__ import annotations

import json
import logging
import typing as t

import pytest
from fake_destination import FakeDestination
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from sync_ledger.cli import app
from sync_ledger.errors import ConfigError
from sync_ledger.ledger.tables import runs
from sync_ledger.settings import upsert_settings
from test_sync_ledger_input import command, errors
from test_sync_ledger_target import Bench, FakeTarget, record, schema
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path


class StrictTarget(FakeTarget):
    """A target whose token must be long."""

    config_jsonschema = upsert_settings(th.Property("token", th.StringType(min_length=30), secret=True))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_target_takes_its_ledger_from_a_reference(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{bench.url}\n")
    given = {"ledger_url": f"file:{tmp_path}/secret"}
    bench.feed(schema("organizations"), record("organizations", id="1", name="x"), **given)
    assert bench.code == 0
    assert len(bench.rows(runs)) == 1
    assert FakeTarget(config=given).config["ledger_url"] == bench.url
    assert given == {"ledger_url": f"file:{tmp_path}/secret"}


def test_a_value_behind_plain_is_taken_as_it_is() -> None:
    assert StrictTarget(config={"token": "plain:env:" + "x" * 30}).config["token"] == "env:" + "x" * 30


def test_a_reference_that_leads_nowhere_ends_the_target_with_one_line(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    FakeTarget.account = FakeDestination()
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"ledger_url": "env:NO_SUCH_LEDGER"}), encoding="utf-8")
    assert command(caplog, "--config", str(file)) == 1
    (message,) = errors(caplog)
    assert message.startswith(
        "setting ledger_url: env:NO_SUCH_LEDGER: the environment variable NO_SUCH_LEDGER is not set; set it"
    )


def test_the_error_of_a_reference_has_no_traceback_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="setting token: env:NO_SUCH_TOKEN: ") as caught:
        StrictTarget(config={"token": "env:NO_SUCH_TOKEN"})
    assert caught.value.__cause__ is None


def test_what_the_check_of_a_resolved_value_says_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOO_SHORT", "open-sesame-4711")
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigValidationError) as caught:
        StrictTarget(config={"token": "env:TOO_SHORT"})
    (problem,) = caught.value.errors
    assert "token" in problem
    assert "open-sesame" not in problem + caplog.text
    assert caught.value.__suppress_context__
    told = StrictTarget(config={"token": "env:TOO_SHORT"}, validate_config=False)._validate_config(raise_errors=False)
    assert told
    assert "open-sesame" not in "".join(told)


@pytest.mark.parametrize("way", ["option", "variable"])
def test_the_command_takes_its_ledger_from_a_reference(bench: Bench, way: str) -> None:
    bench.feed(schema("organizations"), record("organizations", id="1", name="x"))
    given = ["--ledger-url", "env:THE_LEDGER"] if way == "option" else []
    environment = {"THE_LEDGER": bench.url, "SYNC_LEDGER_URL": "env:THE_LEDGER" if way == "variable" else ""}
    done = CliRunner().invoke(app, ["runs", "--json", *given], env=environment)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) == 1


def test_the_command_says_in_one_line_that_a_reference_leads_nowhere() -> None:
    done = CliRunner().invoke(app, ["runs", "--ledger-url", "file:/nowhere/secret"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: --ledger-url file:/nowhere/secret: the file cannot be read: No such file")
    assert done.stderr.count("\n") == 1
