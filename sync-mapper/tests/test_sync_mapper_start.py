"""A run starts without the SDK, and is left to the SDK where settings or the command line need it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
import singer_sdk.logging
from singer_sdk.mapper import CustomStreamMap
from sync_mapper import logs, start
from sync_mapper.mapper import GUARD_PERCENT
from sync_mapper.plugin import SyncMapperPlugin
from sync_mapper.sdk_functions import functions

MESSAGES = [
    {"type": "SCHEMA", "stream": "a", "schema": {"properties": {"id": {"type": "integer"}}}, "key_properties": ["id"]},
    {"type": "RECORD", "stream": "a", "record": {"id": 1}},
    {"type": "RECORD", "stream": "a", "record": {"id": "x"}},
    {"type": "STATE", "value": {}},
]
MAPS = {"a": {"next": "int(id) + 1"}}
PROGRAM = """
import sys
from sync_mapper.cli import main
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def modules_of_a_run(tmp_path, settings, environment=None):
    (tmp_path / "config.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--config", str(tmp_path / "config.json")],
        input="".join(json.dumps(message) + "\n" for message in MESSAGES),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["stream"] for item in records if item["type"] == "RECORD"] == ["a", "_unmapped"]
    return done.stderr.splitlines()


def test_a_run_loads_neither_the_sdk_nor_what_it_brings(tmp_path):
    loaded = modules_of_a_run(tmp_path, {"stream_maps": MAPS})[-1].split()
    assert not {"singer_sdk", "requests", "fsspec", "jsonschema", "click", "typer", "rich", "email"} & set(loaded)


def test_nor_does_a_run_whose_log_meltano_reads(tmp_path):
    console = {"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stderr"}
    log = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"f": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {"console": console},
        "root": {"handlers": ["console"], "level": "INFO"},
    }
    (tmp_path / "log.json").write_text(json.dumps(log))
    *lines, loaded = modules_of_a_run(
        tmp_path, {"stream_maps": MAPS}, {"SINGER_SDK_LOG_CONFIG": str(tmp_path / "log.json")}
    )
    assert "singer_sdk" not in loaded.split()
    assert {json.loads(line)["level"] for line in lines} == {"info", "warning"}


@pytest.mark.parametrize(
    "entry",
    [
        {"msg": "100 %"},
        {"msg": "%s of %d", "args": ("a", 1)},
        {"msg": "with more", "finding": {"line": 1}, "stream_name": "a"},
        {"msg": "broken", "exc_info": (ValueError, ValueError("x"), None)},
    ],
)
@pytest.mark.parametrize("defaults", [None, {"app_name": "x", "more": 1}])
def test_structured_entries_are_those_of_the_sdk(entry, defaults):
    record = logging.makeLogRecord({"name": "sync-mapper", "levelname": "INFO", **entry})
    theirs = singer_sdk.logging.StructuredFormatter(defaults=defaults).format(record)
    assert json.loads(logs.StructuredFormatter(defaults=defaults).format(record)) == json.loads(theirs)


def test_readable_entries_are_those_of_the_sdk():
    record = logging.makeLogRecord({"name": "sync-mapper", "levelname": "INFO", "msg": "x"})
    handler = logs.console()
    assert handler.format(record) == singer_sdk.logging.ConsoleFormatter().format(record)


def test_the_functions_of_expressions_are_those_of_the_sdk():
    theirs = CustomStreamMap("", {}, {}, {"properties": {}}, [], {}, None).functions
    ours = functions()
    assert list(ours) == list(theirs)
    for name in ("md5", "sha256"):
        assert ours[name]("Äpfel") == theirs[name]("Äpfel")


@pytest.mark.parametrize(
    "settings",
    [
        {"flattening_enabled": True, "flattening_max_depth": 1},
        {"faker_config": {"seed": 1}},
        {"unmapped_guard_percent": 101},
        {"unmapped_guard_percent": True},
        {"mapping_file": 1},
        {"stream_maps": []},
        {"unknown": 1},
        [],
    ],
)
def test_settings_that_need_a_closer_look_are_left_to_the_sdk(tmp_path, settings):
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert start.plain_settings(["--config", str(tmp_path / "config.json")]) is None


@pytest.mark.parametrize(
    "arguments", [[], ["--about"], ["--config"], ["--config=ENV"], ["--config", "no.json"], ["--input", "x"]]
)
def test_other_command_lines_are_left_to_the_sdk(arguments):
    assert start.plain_settings(arguments) is None


def test_settings_of_several_files_are_merged_in_their_order(tmp_path):
    (tmp_path / "a.json").write_text('{"mapping_file": "a", "stream_map_config": {"rate": 1.10}}')
    (tmp_path / "b.json").write_text('{"mapping_file": "b"}')
    settings = start.plain_settings([f"--config={tmp_path}/a.json", "--config", f"{tmp_path}/b.json"])
    assert settings is not None
    assert settings["mapping_file"] == "b"
    assert str(settings["stream_map_config"]["rate"]) == "1.10"


def test_what_is_plainly_valid_is_what_the_plug_in_takes():
    properties = SyncMapperPlugin.config_jsonschema["properties"]
    assert set(start.PLAINLY_VALID) <= {*properties, "stream_map_config"}
    assert properties["unmapped_guard_percent"]["default"] == GUARD_PERCENT
