from __future__ import annotations

import sys
import types
import typing as t

import click
import pytest
from singer_sdk import typing as th
from sync_ledger.commands import SettingsError, read_settings, run
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UpsertTarget


class TargetExample(UpsertTarget):
    name = "target-example"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = upsert_settings(
        th.Property("api_key", th.StringType(min_length=1), required=True, secret=True),
        th.Property("daily_budget", th.IntegerType(minimum=1), description="Calls of 24 hours."),
        th.Property("size", th.IntegerType(minimum=1), default=3),
    )


@click.command()
@click.argument("words", nargs=-1)
@click.pass_context
def hello(context: click.Context, words: tuple[str, ...]) -> None:
    click.echo(f"{context.info_name}: {' '.join(words)}")


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("example_of_commands")
    module.TargetExample, module.hello = TargetExample, hello
    monkeypatch.setitem(sys.modules, module.__name__, module)


def ran(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        run(
            "target-example",
            "example_of_commands:TargetExample",
            {"hello": "example_of_commands:hello"},
            list(arguments),
        )
    assert ended.value.code in {0, None}
    return capsys.readouterr().out


def test_the_first_argument_may_be_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("hello", "a", "b", capsys=capsys) == "target-example hello: a b\n"
    assert "Usage: target-example describe" in ran("describe", "--help", capsys=capsys)
    assert "Usage: target-example [OPTIONS]" in ran("--help", capsys=capsys)


def test_settings_come_with_their_defaults_and_name_what_is_wrong_without_secrets() -> None:
    config = types.SimpleNamespace(config={"api_key": "s3cret"}, parse_env=False)
    settings = read_settings(TargetExample, config)
    assert (settings["size"], settings["mode"]) == (3, "apply")
    config.config = {"api_key": "", "size": 0}
    with pytest.raises(SettingsError) as raised:
        read_settings(TargetExample, config)
    assert len(raised.value.problems) == 2
    with pytest.raises(SettingsError, match="api_key"):
        read_settings(TargetExample, None)


def test_a_setting_of_a_targets_own_outranks_the_shared_one() -> None:
    settings = TargetExample.config_jsonschema["properties"]
    assert settings["daily_budget"]["description"] == "Calls of 24 hours."
    assert list(settings).count("daily_budget") == 1
