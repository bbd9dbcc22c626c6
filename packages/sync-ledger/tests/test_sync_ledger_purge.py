"""What is erased of one person beside the values in the ledger's larger tables."""

from __future__ import annotations

import json
import typing as t

from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.engine.undo_file import Removal, UndoFile, erase_from, read_undo_file
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import intents
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path


def removal(key: str, entity: str = "persons") -> Removal:
    return Removal("fake:account", entity, key, f"id-{key}", "delete", {"name": f"Ana {key}"}, {"n": "é"}, {})


def test_a_person_leaves_the_undo_file_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "undo.jsonl"
    file = UndoFile(path)
    file.add(1, [removal("1"), removal("2"), removal("1", "organizations")])
    size = path.stat().st_size
    assert erase_from(path, lambda one: one.external_id == "1", dry_run=True) == 2
    assert len(read_undo_file(path)) == 3
    assert erase_from(path, lambda one: one.external_id == "1") == 2
    assert path.stat().st_size == size, "lines appended meanwhile stay where they are"
    assert "Ana 1" not in path.read_text("utf-8")
    file.add(2, [removal("3")])
    assert [one.external_id for one in read_undo_file(path)] == ["2", "3"]
    assert erase_from(path, lambda one: one.external_id == "1") == 0
    assert erase_from(tmp_path / "none.jsonl", lambda _: True) == 0


def test_purge_of_a_person_takes_the_undo_file_and_the_notes_of_writes_along(ledger_url: str, tmp_path: Path) -> None:
    ledger = Ledger(ledger_url, "fake:account")
    run_id = ledger.runs.start("target-fake", "apply")
    actions = {"1": "create", "2": "create"}
    ledger.links.intend(run_id, "persons", actions, now(), {"1": {"name": "Ana 1"}, "2": {"name": "Ana 2"}})
    ledger.links.intend(run_id, "organizations", {"1": "create"}, now())
    ledger.close()
    path = tmp_path / "kept.jsonl"
    UndoFile(path).add(1, [removal("1"), removal("2")])
    chosen = ["--person", "1", "--undo-file", str(path), "--ledger-url", ledger_url]

    ended = CliRunner().invoke(app, ["purge", *chosen, "--dry-run", "--json"])
    assert {name: rows for name, rows in json.loads(ended.stdout)["erased"].items() if rows} == {
        "intents": 1,
        "undo_file": 1,
    }
    ended = CliRunner().invoke(app, ["purge", *chosen])
    assert "undo_file: values of 1 row erased" in ended.stdout
    assert [one.external_id for one in read_undo_file(path)] == ["2"]
    database = open_engine(ledger_url)
    with database.connect() as connection:
        left = {(row.entity, row.external_id) for row in connection.execute(select(intents))}
    database.dispose()
    assert left == {("persons", "2"), ("organizations", "1")}, "a note without values is still needed"
