"""The recipes of the documentation work as they stand there."""

from __future__ import annotations

import json
import re
import sys
import typing as t

import duckdb
import pytest
import yaml
from loads import NO_BLANK_KEY
from suite import ROOT
from tap_jdedwards.settings import CONFIG_SCHEMA

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suite import Suite

RECIPES = (ROOT / "docs" / "tap-jdedwards-recipes.md").read_text()

TARGET = """
import json, sys
for message in map(json.loads, sys.stdin):
    if message["type"] == "RECORD":
        open("records", "a").write(json.dumps(message["record"]) + "\\n")
    elif message["type"] == "STATE":
        print(json.dumps(message["value"]))
"""


def code(language: str) -> list[str]:
    """Return the pieces of code in a language."""
    return re.findall(rf"```{language}\n(.*?)```", RECIPES, re.DOTALL)


@pytest.mark.slow
def test_dlt_loads_and_loads_on(suite_of: Callable[..., Suite], tmp_path: Path) -> None:
    suite = suite_of(customers=30, contacts=20)
    (recipe,) = code("python")
    (tmp_path / "recipe.py").write_text(recipe)
    suite.settings |= {
        "TAP_JDEDWARDS_TABLES": json.dumps(["F0101", "F0005"]),
        "TAP_JDEDWARDS_STREAMS": json.dumps(["customers"]),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "warehouse.duckdb"),
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
    }

    def load() -> list[tuple[t.Any, ...]]:
        done = suite.call(sys.executable, str(tmp_path / "recipe.py"))
        assert done.returncode == 0, done.stdout + done.stderr
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute("SELECT an8, alph, upmj FROM jde.f0101").fetchall()

    first = load()
    assert len(first) == len(suite.jde.control.rows("F0101"))
    assert {type(row[2]).__name__ for row in first} <= {"date", "NoneType"}
    suite.jde.control.update_rows("F0101", {"AN8": 1003}, {"ALPH": "Renamed Ltd"})
    second = load()
    assert len(second) == len(first)
    assert {row[0]: row[1] for row in second}[1003] == "Renamed Ltd"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM jde.f0005").fetchone() == (
            len(suite.jde.control.rows("F0005")),
        )


@pytest.fixture
def pipes(suite_of: Callable[..., Suite], tmp_path: Path) -> Callable[[str], list[dict[str, t.Any]]]:
    """Runs the recipe that holds some words, with a target that appends to a file; returns all records so far."""
    suite = suite_of(customers=60, contacts=0)
    suite.settings |= {"TAP_JDEDWARDS_TABLES": '["F0101"]', "TAP_JDEDWARDS_STREAMS": "[]"}
    (tmp_path / "target.py").write_text(TARGET)

    def run(words: str) -> list[dict[str, t.Any]]:
        [recipe] = [piece for piece in code("bash") if words in piece]
        recipe = recipe.replace("target-x --config target.json", f"{sys.executable} target.py")
        done = suite.call("bash", "-c", f"set -e; cd {tmp_path}\n{recipe}")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in (tmp_path / "records").read_text().splitlines()]

    return run


def test_plain_pipes_go_on_where_the_last_run_ended(pipes: Callable[[str], list[dict[str, t.Any]]]) -> None:
    first = pipes("state.out")
    numbers = {record["AN8"] for record in first}
    assert len(numbers) == len(first) >= 60
    assert len(pipes("state.out")) < 2 * len(first)


def test_a_plain_file_goes_on_by_its_last_state(pipes: Callable[[str], list[dict[str, t.Any]]], tmp_path: Path) -> None:
    (tmp_path / "records").write_text("")
    pipes("messages.singer")
    first = (tmp_path / "messages.singer").read_text().count('"type":"RECORD"')
    assert first >= 60
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["bookmarks"]["F0101"]["replication_key_value"]
    pipes("messages.singer")
    assert (tmp_path / "messages.singer").read_text().count('"type":"RECORD"') < first
    assert json.loads((tmp_path / "state.json").read_text())["bookmarks"].keys() == {"F0101"}


def test_parts_make_the_whole(pipes: Callable[[str], list[dict[str, t.Any]]], tmp_path: Path) -> None:
    records = pipes("SHARD")
    assert len({record["AN8"] for record in records}) == len(records) >= 60
    states = [json.loads((tmp_path / f"part{index}.json").read_text()) for index in range(4)]
    assert [state["bookmarks"]["F0101"]["shard"]["index"] for state in states] == [0, 1, 2, 3]


def test_the_meltano_recipe_names_settings_that_exist() -> None:
    [project] = [yaml.safe_load(piece) for piece in code("yaml")]
    [tap] = project["plugins"]["extractors"]
    names = {setting["name"] for setting in tap["settings"]}
    assert names <= set(CONFIG_SCHEMA["properties"])
    assert set(tap["config"]) <= names
    tables = {pattern.split(".")[0] for pattern in tap["select"] if not pattern.endswith(".*")}
    assert {f"{table}._sdc_deleted_at" for table in tables} <= set(tap["select"])


def test_the_stream_map_is_the_one_that_loads() -> None:
    assert f'"stream_maps": {json.dumps(NO_BLANK_KEY)}' in RECIPES
