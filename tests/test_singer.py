"""Tap and target on their own, beside plug-ins that are not ours."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from suite import Suite

TABLES = {"F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401"}


@pytest.mark.slow
def test_the_tap_loads_into_target_jsonl(suite_of: Callable[..., Suite], tmp_path: Path) -> None:
    suite = suite_of(customers=40, contacts=60)
    suite.settings["TAP_JDEDWARDS_TABLES"] = json.dumps(sorted(TABLES))
    messages = tmp_path / "messages.singer"
    with messages.open("w") as out:
        done = suite.call("tap-jdedwards", "--config=ENV")
        out.write(done.stdout)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "jsonl"
    folder.mkdir()
    config = tmp_path / "jsonl.json"
    config.write_text(json.dumps({"destination_path": str(folder), "do_timestamp_file": False}))
    suite.settings["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    for name, value in os.environ.items():
        if name.endswith(("CA_BUNDLE", "CERT_FILE")) or name.startswith(("UV_", "PIP_")):
            suite.settings.setdefault(name, value)
    # Its own environment: target-jsonl pins a jsonschema of 2017 that nothing else can live with.
    command = ("uv", "tool", "run", "--from", "target-jsonl==0.1.4", "target-jsonl", "--config", str(config))
    with messages.open() as lines:
        loaded = suite.call(*command, stdin=lines)
    assert loaded.returncode == 0, loaded.stderr
    for table in TABLES:
        rows = (folder / f"{table}.jsonl").read_text().splitlines()
        assert len(rows) == len(suite.jde.control.rows(table)), table
    customers = [json.loads(line) for line in (folder / "customers.jsonl").read_text().splitlines()]
    assert {str(customer["address_number"]) for customer in customers} == suite.customers()


def test_the_target_takes_records_of_a_tap_that_is_not_ours(suite_of: Callable[..., Suite], tmp_path: Path) -> None:
    suite = suite_of(customers=1, contacts=0)
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": ["null", "integer"]},
            "name": {"type": ["null", "string"]},
            "Credit Limit": {"type": ["null", "number"]},
            "_sdc_extracted_at": {"type": ["null", "string"], "format": "date-time"},
        },
    }
    lines: list[dict[str, t.Any]] = [
        {"type": "SCHEMA", "stream": "organizations", "schema": schema, "key_properties": ["id"]},
        {"type": "STATE", "value": {"currently_syncing": "organizations"}},
        {"type": "RECORD", "stream": "organizations", "record": {"id": 1, "name": "O'Brien & Söhne"}, "version": 17},
        {"type": "RECORD", "stream": "organizations", "record": {"id": 2, "name": "Two", "Credit Limit": 12.5}},
        {"type": "RECORD", "stream": "organizations", "record": {"id": 2, "name": "Two, renamed", "Credit Limit": 9}},
        {"type": "ACTIVATE_VERSION", "stream": "organizations", "version": 17},
        {"type": "STATE", "value": {"bookmarks": {"organizations": {"id": 2}}}},
    ]
    file = tmp_path / "foreign.singer"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = suite.load(file)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == lines[-1]["value"]
    records = suite.pipedrive.control.records("organizations")
    # Written side by side, so in any order.
    assert {(record["name"], record["custom_fields"]["JDE Number"]) for record in records} == {
        ("O'Brien & Söhne", "1"),
        ("Two, renamed", "2"),
    }
    assert len(records) == 2
    suite.pipedrive.control.reset_counters()
    assert suite.load(file).returncode == 0
    assert suite.pipedrive.control.counters()["writes"] == 0
