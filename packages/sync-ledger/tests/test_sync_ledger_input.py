"""Input and settings that are wrong as a whole: one clear line, exit 1, no secret, nothing lost."""

from __future__ import annotations

import io
import json
import logging
import signal
import typing as t
from contextlib import redirect_stdout

import click
import pytest
from fake_destination import FakeDestination
from secret_references import without_secrets
from sqlalchemy import event
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows, runs
from test_sync_ledger_target import Bench, FakeTarget, record, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

ORGANIZATION = record("organizations", id="1", name="x")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def feed(bench: Bench, *lines: str, **settings: t.Any) -> tuple[int, list[t.Any]]:
    target = FakeTarget(config={"ledger_url": bench.url, **settings}, validate_config=True)
    out = io.StringIO()
    with redirect_stdout(out):
        code = target.run(io.StringIO("".join(f"{line}\n" for line in lines)))
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"type": "REC', "not JSON"),
        ("", "not JSON"),
        ('{"type":"STATE","value":{"a":"\\ud800"}}', "outside of a record"),
        ('{"type":"RECORD","stream":"\\ud800","record":{"id":"1"}}', "outside of a record"),
        ('{"type":"RECORD","stream":"organizations","record":{"id":"\udcff"}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('"\\ud800"', "outside of a record"),
        ("[1]", "no JSON object"),
        ('{"a":1}', "without type"),
        ('{"type":"FOO"}', "type that Singer does not know"),
        ('{"type":"STATE"}', "without value"),
        ('{"type":"RECORD","stream":"organizations","record":null}', "record is no object"),
        ('{"type":"RECORD","stream":"organizations","record":[1]}', "record is no object"),
        ('{"type":"RECORD","stream":"persons","record":{"id":"1"}}', "before a corresponding schema"),
        ('{"type":"SCHEMA","stream":"persons","schema":{},"key_properties":["id"]}', "without properties"),
        ('{"type":"BATCH","stream":"organizations","encoding":{"format":"jsonl"},"manifest":[]}', "BATCH messages"),
    ],
)
def test_input_that_is_not_singer_ends_the_run_with_one_line(
    bench: Bench, caplog: pytest.LogCaptureFixture, line: str, told: str
) -> None:
    code, passed = feed(bench, json.dumps(schema("organizations")), line, json.dumps(state(1)))
    assert code == 1
    assert passed == []
    (message,) = errors(caplog)
    assert told in message
    assert "\n" not in message
    assert bench.rows(runs)[0].status == "failed"


def test_what_a_line_holds_is_not_repeated(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    feed(bench, '{"type":"RECORD","stream":"organizations","record":{"id":"1","name":"hunter2"')
    (message,) = errors(caplog)
    assert "hunter2" not in message
    assert "line 1" in message


def test_nan_of_a_python_tap_is_held_like_any_bad_value(bench: Bench) -> None:
    line = '{"type":"RECORD","stream":"organizations","record":{"id":"1","name":"x","Credit Limit":NaN}}'
    assert feed(bench, json.dumps(schema("organizations")), line, json.dumps(state(1)))[0] == 0
    assert [row.reason for row in bench.rows(open_rows)] == ["wrong_type"]


def test_a_number_beyond_everything_is_readable_in_the_ledger(bench: Bench) -> None:
    line = '{"type":"RECORD","stream":"organizations","record":{"id":"1","name":[1e400]}}'
    assert feed(bench, json.dumps(schema("organizations")), line)[0] == 0
    assert str(bench.rows(open_rows)[0].payload["name"][0]) == "1E+400"


def test_activate_version_deletes_nothing_and_ends_nothing(bench: Bench) -> None:
    version = {"type": "ACTIVATE_VERSION", "stream": "organizations", "version": 1}
    bench.feed(version, schema("organizations"), ORGANIZATION, version, state(1))
    assert bench.code == 0
    assert len(bench.account.adapters["organizations"].records) == 1


def test_rows_before_a_change_of_schema_are_written_before_those_after_it(bench: Bench) -> None:
    changed = schema("organizations")
    changed["schema"] = {"properties": {**changed["schema"]["properties"], "Credit Limit": {"type": "number"}}}
    others = [record("organizations", id=str(number), name="x") for number in range(2, 120)]
    bench.feed(
        schema("organizations"),
        record("organizations", id="1", name="old"),
        changed,
        record("organizations", id="1", name="new"),
        *others,
        state(1),
    )
    assert bench.account.adapters["organizations"].records["1"]["name"] == "new"


def test_repeated_schemas_cost_nothing(bench: Bench) -> None:
    bench.feed(*[schema("organizations")] * 2000, ORGANIZATION)
    assert bench.account.adapters["organizations"].calls["sweep"] == 1


def test_a_ledger_that_fails_during_the_run_is_one_line_and_passes_no_state(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: t.Any) -> t.Any:
        engine = open_engine(*arguments)

        @event.listens_for(engine, "connect")
        def limit(connection: t.Any, _: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")

        engine.dispose()
        return engine

    monkeypatch.setattr("sync_ledger.ledger.store.open_engine", full)
    rows = [record("organizations", id=str(number), name="x" * 200) for number in range(1, 200)]
    assert bench.feed(schema("organizations"), *rows, state(1)) == []
    assert bench.code == 1
    (message,) = errors(caplog)
    assert message.startswith("The ledger failed while it was written: database or disk is full")


def test_a_ledger_whose_folder_cannot_be_made_is_one_line(
    bench: Bench, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    bench.url = f"sqlite:///{tmp_path}/file/ledger.db"
    bench.feed(schema("organizations"), ORGANIZATION)
    assert bench.code == 1
    assert "cannot be made" in errors(caplog)[0]


def test_a_second_signal_does_not_disturb_the_end_of_the_run(bench: Bench) -> None:
    target = FakeTarget(config={"ledger_url": bench.url}, validate_config=True)
    target._stop_signal = signal.SIGTERM
    target._handle_termination(signal.SIGTERM, None)  # would raise, were it the first


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("batch_size_rows", 0),
        ("batch_size_rows", -5),
        ("state_interval_seconds", -1),
        ("full_sweep_hours", -1),
        ("full_sweep_hours", 10**12),
        ("mode", "dry"),
    ],
)
def test_a_setting_out_of_bounds_is_one_line(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, setting: str, value: t.Any
) -> None:
    FakeTarget.account = FakeDestination()
    file = tmp_path / "config.json"
    file.write_text(json.dumps({setting: value}), encoding="utf-8")
    assert command(caplog, "--config", str(file)) == 1
    (message,) = errors(caplog)
    assert setting in message


@pytest.mark.parametrize("text", [None, '{"ledger_url": "postgresql://u:hunter2@h/d"', "[1]", "\xff"])
def test_a_config_file_that_cannot_be_read_is_one_line(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "config.json"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    assert command(caplog, "--config", str(file)) == 1
    (message,) = errors(caplog)
    assert "--config" in message
    assert "hunter2" not in message


def test_a_number_in_the_environment_that_is_none_is_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET_FAKE_STATE_INTERVAL_SECONDS", "soon")
    assert command(caplog, "--config", "ENV") == 1
    assert errors(caplog) == ["TARGET_FAKE_STATE_INTERVAL_SECONDS must be a whole number, not 'soon'"]


@pytest.mark.parametrize("text", ['{"organizations":', "", "[]", "name"])
def test_an_object_in_the_environment_that_is_none_is_one_line(
    text: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET_FAKE_FIELD_RULES", text)
    assert command(caplog, "--config", "ENV") == 1
    assert errors(caplog) == ['TARGET_FAKE_FIELD_RULES must be a JSON object, like {"organizations": ...}']


def test_a_secret_of_the_wrong_type_is_not_repeated(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"ledger_url": 987654321}', encoding="utf-8")
    assert command(caplog, "--config", str(file)) == 1
    assert errors(caplog)
    assert "987654321" not in caplog.text
    told = {"properties": {"token": {"secret": True}}}
    assert without_secrets("['hunter2'] is no text", {"token": ["hunter2"]}, told) == "*** is no text"


def command(caplog: pytest.LogCaptureFixture, *arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    program = FakeTarget.get_singer_command()
    with caplog.at_level(logging.INFO):
        try:
            with click.Context(program, info_name="target-fake") as context:
                program.parse_args(context, list(arguments))
                program.invoke(context)
        except (SystemExit, click.exceptions.Exit) as end:
            return int(end.code if isinstance(end, SystemExit) else end.exit_code)
    return 0
