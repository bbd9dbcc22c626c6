"""The places where the tap replaces methods of the SDK; read at singer-sdk 0.54.9.

Each of these fails when a release of the SDK renames the method or stops calling it.
"""

from __future__ import annotations

import inspect
import sys
from importlib.metadata import version

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from tap_jdedwards.stream import JdeStream
from tap_jdedwards.tap import TapJDEdwards
from tap_jdedwards.writer import StdoutWriter

REPLACED = [
    "_sync_records",
    "_generate_record_messages",
    "get_replication_key_signpost",
]


def test_the_version_these_seams_were_read_at():
    assert version("singer-sdk").startswith("0.54.")


@pytest.mark.parametrize("name", REPLACED)
def test_replaced_methods_exist_with_the_same_parameters(name):
    theirs, ours = inspect.signature(getattr(Stream, name)), inspect.signature(getattr(JdeStream, name))
    assert list(ours.parameters) == list(theirs.parameters)


def test_the_sdk_calls_what_is_replaced(run, monkeypatch):
    called = set()
    for name in REPLACED:
        original = getattr(JdeStream, name)

        def spy(self, *args, _name=name, _original=original, **kwargs):
            called.add(_name)
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(JdeStream, name, spy)
    run(tables=["F0101"], stream_maps={"F0101": {"ALPH": "ALPH.upper()"}})
    assert called == set(REPLACED)


def test_the_state_holds_nothing_of_the_sdk(read):
    states = read(tables=["F0101"], streams=["customers"], page_size=50).states
    allowed = {"replication_key", "replication_key_value", "replication_key_time", "first_load", "tables"}
    assert {key for state in states for bookmark in state["bookmarks"].values() for key in bookmark} == allowed


def test_the_writer_writes_what_the_sdks_writer_writes(read, capfdbinary):
    for writer in (StdoutWriter, MsgSpecWriter):
        tap = read.tap(tables=["F0101"], writer=writer())
        tap.run_sync_dry_run(3)
        tap.close()
    sys.stdout.flush()
    lines = [line.split(b'"time_extracted"')[0] for line in capfdbinary.readouterr().out.splitlines()]
    assert len(lines) > 4
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


def test_the_command_line_of_the_sdk_is_kept():
    theirs = {option.name for option in Tap.get_singer_command().params} if hasattr(Tap, "name") else set()
    ours = {option.name for option in TapJDEdwards.get_singer_command().params}
    assert ours >= theirs | {"config", "catalog", "state", "discover", "test", "about", "version"}
