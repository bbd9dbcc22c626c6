from __future__ import annotations

import json
import typing as t
from importlib.metadata import EntryPoint

import pytest
from fake_destination import FakeDestination
from singer_sdk import typing as th
from sync_ledger.cli import app, connecting
from sync_ledger.cli.connecting import connect
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import open_engine
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UpsertTarget
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path


class TargetFound(UpsertTarget):
    """A target that is found by its name."""

    name = "target-found"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = upsert_settings(
        th.Property("token", th.StringType(min_length=8), required=True, secret=True, description="Token.")
    )

    def connect(self) -> t.Any:
        return FakeDestination()


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"target-found": f"{__name__}:TargetFound", "target-other": "json:JSONDecoder"}
    points = [EntryPoint(name, value, connecting.GROUP) for name, value in values.items()]
    monkeypatch.setattr(connecting, "entry_points", lambda group: points if group == connecting.GROUP else [])
    monkeypatch.setattr(
        EntryPoint, "load", lambda point: TargetFound if point.name == "target-found" else json.JSONDecoder
    )


def test_settings_of_files_and_environment_are_laid_over_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.config.json").write_text(json.dumps({"token": "from the first file", "full_sweep_hours": 1}))
    (tmp_path / "two.config.json").write_text(json.dumps({"token": "from the second file", "mode": "plan"}))
    files = [str(tmp_path / name) for name in ("one.config.json", "two.config.json")]
    url = f"sqlite:///{tmp_path}/ledger.db"
    target = connect("target-found", files, ledger_url=url)
    shown = {name: target.config[name] for name in ("token", "full_sweep_hours", "mode", "ledger_url")}
    assert shown == {"token": "from the second file", "full_sweep_hours": 1, "mode": "apply", "ledger_url": url}
    monkeypatch.setenv("TARGET_FOUND_TOKEN", "from the environment")
    monkeypatch.setenv("TARGET_FOUND_LEDGER_URL", "sqlite:////elsewhere.db")
    target = connect("target-found", [*files, "ENV"], ledger_url=url)
    assert (target.config["token"], target.config["ledger_url"]) == ("from the environment", url)
    engine = target.engine
    assert engine.run_id == 1
    engine.end("succeeded")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("target-lost", "{}", "target-lost is not installed beside sync-ledger .there are target-found, target-other"),
        ("target-other", "{}", "target-other is no target that keeps a ledger"),
        ("target-found", None, "cannot be read: No such file"),
        ("target-found", '"s3cret"', "does not hold a JSON object"),
        ("target-found", "s3cret", "does not hold a JSON object"),
        ("target-found", "{}", "'token' is a required property"),
        ("target-found", '{"token": "s3cret"}', "is too short"),
    ],
)
def test_what_cannot_be_connected_is_one_line_without_secrets(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        connect(name, [str(file)], ledger_url="sqlite://")
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_environment_that_holds_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_FOUND_FULL_SWEEP_HOURS", "often")
    with pytest.raises(ConfigError, match="TARGET_FOUND_FULL_SWEEP_HOURS must be a whole number"):
        connect("target-found", ["ENV"], ledger_url="sqlite://")


def test_objects_whose_keys_meltano_joined_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_FOUND_TOKEN", "long enough")
    joined = {"organizations.do": "flag", "organizations.when.JDE Status": ["Closed"], "persons": {"do": "delete"}}
    monkeypatch.setenv("TARGET_FOUND_DELETIONS", json.dumps(joined))
    monkeypatch.setenv("TARGET_FOUND_FIELD_RULES", json.dumps({"organizations": {"Tel. No": "always"}}))
    config = connect("target-found", ["ENV"], ledger_url="sqlite://").config
    assert config["deletions"] == {
        "organizations": {"do": "flag", "when": {"JDE Status": ["Closed"]}},
        "persons": {"do": "delete"},
    }
    assert config["field_rules"] == {"organizations": {"Tel. No": "always"}}


def test_rules_that_stand_where_only_meltano_reads_them_are_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("TARGET_FOUND_TOKEN", "long enough")
    monkeypatch.delenv("MELTANO_LOADER_NAME", raising=False)
    (tmp_path / "meltano.yml").write_text("settings:\n  - name: field_rules\n  # deletions: {}\n")
    assert connect("target-found", None, ledger_url="sqlite://")
    (tmp_path / "meltano.yml").write_text("config:\n  field_rules: {}\n  match_rules: {}\n")
    monkeypatch.setenv("TARGET_FOUND_MATCH_RULES", "{}")
    with pytest.raises(ConfigError, match=r"meltano.yml sets field_rules, which .* `meltano invoke target-found:apply"):
        connect("target-found", None, ledger_url="sqlite://")
    assert connect("target-found", ["ENV"], ledger_url="sqlite://")
    monkeypatch.setenv("MELTANO_LOADER_NAME", "target-found")
    assert connect("target-found", None, ledger_url="sqlite://")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plans"], "There is no plan yet"),
        (["plan"], "There is no plan yet"),
        (["plan", "3"], "There is no plan 3"),
        (["apply", "3"], "There is no plan 3"),
        (["adoption"], "There is no run in mode adopt yet"),
        (["adoption", "3"], "There is no run 3 in mode adopt"),
    ],
)
def test_a_ledger_without_plans_says_so(tmp_path: Path, arguments: list[str], words: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    open_engine(url).dispose()
    assert words in CliRunner().invoke(app, [*arguments, "--ledger-url", url]).output


def test_rules_of_another_target_in_the_project_are_none_of_this_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "target-other"
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("TARGET_FOUND_TOKEN", "long enough")
    monkeypatch.delenv("MELTANO_LOADER_NAME", raising=False)
    rules = "    config:\n      field_rules: {}\n"
    project = f"loaders:\n  - name: {other}\n\n{rules}  - name: target-found\n"
    (tmp_path / "meltano.yml").write_text(project)
    assert connect("target-found", None, ledger_url="sqlite://")
    (tmp_path / "meltano.yml").write_text(project + rules)
    with pytest.raises(ConfigError, match=r"meltano.yml sets field_rules"):
        connect("target-found", None, ledger_url="sqlite://")
