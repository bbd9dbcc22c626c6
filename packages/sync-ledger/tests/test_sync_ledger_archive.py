"""Archiving, by a service that has an archive, and the return of what was archived."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout

import pytest
from fake_destination import FakeDestination
from sqlalchemy import select
from sync_ledger.adapter import Action, Result, WriteResult
from sync_ledger.engine.undo_file import read_undo_file
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import links
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UpsertTarget

if t.TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "type": "SCHEMA",
    "stream": "organizations",
    "schema": {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
    "key_properties": ["id"],
}


class FakeTarget(UpsertTarget):
    name = "target-fake"
    config_jsonschema = upsert_settings()
    account: t.ClassVar[FakeDestination]

    def connect(self) -> FakeDestination:
        return self.account


class Bench:
    def __init__(self, home: Path) -> None:
        self.account = FakeTarget.account = FakeDestination()
        self.records = self.account.adapters["organizations"].records
        self.home = home
        self.sent: list[Action] = []
        self.account.adapters["organizations"].before = lambda operation: self.sent.append(operation.action)

    def run(self, *records: dict[str, t.Any]) -> dict[str, int]:
        """Run the target with an archive for organizations; return its outcomes."""
        self.sent.clear()
        target = self.target()
        messages = [SCHEMA, *({"type": "RECORD", "stream": "organizations", "record": record} for record in records)]
        with redirect_stdout(io.StringIO()):
            assert target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages))) == 0
        return target.engine.tally.by_outcome()

    def target(self) -> FakeTarget:
        config = {
            "ledger_url": f"sqlite:///{self.home}/ledger.db",
            "deletions": {"organizations": {"do": "archive"}},
        }
        return FakeTarget(config=config, validate_config=True)

    def deleted_as(self) -> list[str | None]:
        engine = open_engine(f"sqlite:///{self.home}/ledger.db")
        with engine.connect() as connection:
            found = list(connection.execute(select(links.c.deleted_as)).scalars())
        engine.dispose()
        return found


@pytest.fixture
def archived(tmp_path: Path) -> Bench:
    """One organization, archived since its source row has gone."""
    bench = Bench(tmp_path)
    bench.run({"id": "1", "name": "One"})
    assert bench.run({"id": "1", "_sdc_deleted_at": "2026-11-20"}) == {"skipped": 1, "updated": 1}
    assert bench.sent == [Action.ARCHIVE]
    assert bench.records["1"]["archived"]
    assert bench.deleted_as() == ["archive"]
    return bench


def test_archiving_again_sends_nothing(archived: Bench) -> None:
    assert archived.run({"id": "1", "_sdc_deleted_at": "2026-11-20"}) == {"unchanged": 1}
    assert archived.sent == []


@pytest.mark.parametrize(("name", "sent"), [("One", [Action.RESTORE]), ("New", [Action.RESTORE, Action.UPDATE])])
def test_a_row_that_comes_again_takes_its_record_out_of_the_archive(
    archived: Bench, name: str, sent: list[Action]
) -> None:
    assert archived.run({"id": "1", "name": name}) == {"updated": 1}
    assert archived.sent == sent
    assert (archived.records["1"]["archived"], archived.records["1"]["name"]) == (False, name)
    assert archived.deleted_as() == [None]
    assert archived.run({"id": "1", "name": name}) == {"unchanged": 1}


def test_a_return_that_fails_is_tried_again_by_the_next_run(archived: Bench) -> None:
    adapter = archived.account.adapters["organizations"]
    adapter.before = lambda _: WriteResult(Result.UNSENT, code="429")
    assert archived.run({"id": "1", "name": "One"}) == {"failed": 2}
    adapter.before = lambda _: None
    assert archived.run() == {"updated": 1}
    assert archived.records["1"]["archived"] is False


def test_an_archive_whose_answer_was_lost_is_sent_again(archived: Bench) -> None:
    archived.run({"id": "1", "name": "One"})
    answers = [WriteResult(Result.UNKNOWN, code="reset")]
    archived.account.adapters["organizations"].after = lambda _: answers.pop() if answers else None
    assert archived.run({"id": "1", "_sdc_deleted_at": "2026-11-20"}) == {"skipped": 1, "updated": 1}
    assert archived.sent == [Action.ARCHIVE, Action.ARCHIVE]


def test_undo_takes_the_record_out_of_the_archive(archived: Bench) -> None:
    target = archived.target()
    (done,) = target.engine.undo(read_undo_file(archived.home / "ledger.db.undo.jsonl"))
    target.engine.end("succeeded")
    assert done.outcome.value == "updated"
    assert archived.records["1"]["archived"] is False
    assert archived.run({"id": "1", "name": "One"}) == {"unchanged": 1}
