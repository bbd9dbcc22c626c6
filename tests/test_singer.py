"""The target on its own, beside a tap that is not ours."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suite import Suite


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
