"""The mapper between a tap and a target that are not ours, in real pipes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

FOREIGN = Path(__file__).with_name("foreign")
BIN = Path(sys.executable).parent
MAPPING = """
stream_maps:
  companies:
    __source__: crm.clients
    __filter__: id != 3
    __else__: null
    __key_properties__: [code]
    code: f'C{id:04d}'
    title: record['display name']
    revenue: int(revenue * 2) if revenue is not None else None
    town: office['town'] if office else None
    first_seen: since
    tags: "[tag.upper() for tag in tags]"
    share: float(10 / (id - 4))
  crm.ignored: null
"""
PLAIN = [
    {
        "type": "SCHEMA",
        "stream": "crm.clients",
        "schema": {
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "display name": {"type": ["null", "string"]},
                "revenue": {"type": ["null", "number"]},
                "office": {"type": ["null", "object"], "properties": {"town": {"type": "string"}}},
                "since": {"type": ["null", "string"]},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        },
        "key_properties": ["id"],
    },
    {
        "type": "RECORD",
        "stream": "crm.clients",
        "record": {"id": 1, "display name": None, "revenue": 2, "office": None, "since": None, "tags": ["x"]},
    },
    {"type": "STATE", "value": {"currently_syncing": "crm.clients", "anything": [1]}},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with mapping and settings of all three."""
    (tmp_path / "mapping.yml").write_text(MAPPING)
    (tmp_path / "out").mkdir()
    configs = {"tap": {"rows": 20}, "mapper": {"mapping_file": "mapping.yml"}, "target": {"folder": "out"}}
    for name, config in configs.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
    return tmp_path


def pipe(folder: Path, first: str) -> dict[str, t.Any]:
    """Run a pipe from a command's output on, and return the state the target gives in the end."""
    command = (
        f"set -o pipefail; {first} | sync-mapper --config mapper.json | python sample_target.py --config target.json"
    )
    for script in FOREIGN.glob("*.py"):
        shutil.copy(script, folder)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    state: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    return state


def rows(folder: Path, stream: str) -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in (folder / "out" / f"{stream}.jsonl").read_text().splitlines()]


def test_a_foreign_tap_reaches_a_foreign_target(folder: Path) -> None:
    state = pipe(folder, "python sample_tap.py --config tap.json")
    companies = rows(folder, "companies")
    assert [row["code"] for row in companies] == [f"C{number:04d}" for number in range(1, 21) if number not in {3, 4}]
    assert companies[1] == {
        "code": "C0002",
        "title": "Client 2 · Łódź",
        "revenue": 6,
        "town": "Köln",
        "first_seen": "2020-02-29",
        "tags": ["A", "B"],
        "share": -5.0,
    }
    assert {row["revenue"] for row in companies if row["code"] in {"C0005", "C0010"}} == {None}
    (unmapped,) = rows(folder, "_unmapped")
    assert (unmapped["key"], unmapped["field"]) == ('{"id":4}', "share")
    assert not (folder / "out" / "crm.ignored.jsonl").exists()
    assert json.loads((folder / "out" / "companies.schema.json").read_text())["key_properties"] == ["code"]
    assert state["bookmarks"]["crm.clients"]["replication_key_value"] == "2026-11-20T10:00:20Z"


def test_plain_messages_without_times_reach_a_foreign_target(folder: Path) -> None:
    (folder / "plain.singer").write_text("".join(f"{json.dumps(message)}\n" for message in PLAIN))
    assert pipe(folder, "cat plain.singer") == PLAIN[-1]["value"]
    assert rows(folder, "companies") == [
        {
            "code": "C0001",
            "title": None,
            "revenue": 4,
            "town": None,
            "first_seen": None,
            "tags": ["X"],
            "share": pytest.approx(-10 / 3),
        }
    ]


@pytest.mark.slow
def test_meltano_runs_them_with_the_mapper_between(folder: Path) -> None:
    for script in FOREIGN.glob("*.py"):
        shutil.copy(script, folder)
    (folder / "meltano.yml").write_text(
        json.dumps(
            {
                "requires_meltano": ">=4.4.1,<5",
                "default_environment": "dev",
                "environments": [{"name": "dev"}],
                "send_anonymous_usage_stats": False,
                "plugins": {
                    "extractors": [
                        {"name": "sample-tap", "namespace": "sample_tap", "executable": "./sample-tap",
                         "capabilities": ["catalog", "discover", "state"],
                         "settings": [{"name": "rows", "kind": "integer", "value": 10}]}
                    ],
                    "mappers": [
                        {"name": "sync-mapper", "namespace": "sync_mapper", "executable": "sync-mapper",
                         "mappings": [{"name": "to-companies", "config": {"mapping_file": "mapping.yml"}}]}
                    ],
                    "loaders": [
                        {"name": "sample-target", "namespace": "sample_target", "executable": "./sample-target",
                         "settings": [{"name": "folder", "value": str(folder / "out")}]}
                    ],
                },
            }
        )
    )  # fmt: skip
    for name in ("tap", "target"):
        script = folder / f"sample-{name}"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/sample_{name}.py "$@"\n')
        script.chmod(0o755)
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "NO_COLOR": "1"}
    command = ["meltano", "run", "sample-tap", "to-companies", "sample-target"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rows(folder, "companies")) == 8
