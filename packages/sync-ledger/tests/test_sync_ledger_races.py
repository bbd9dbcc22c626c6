"""Two processes on one ledger at the same moment, and writes of which nobody knows whether they happened."""

from __future__ import annotations

import contextlib
import threading
import typing as t

import pytest
from fake_destination import KEY, FakeDestination
from sqlalchemy import select, update
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.errors import ServiceUnavailableError
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.desk import Desk
from sync_ledger.ledger.tables import intents, open_rows, runs
from sync_ledger.rows import SourceRow

if t.TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table
    from sync_ledger.adapter import Operation

GONE = SourceRow("organizations", "1", {}, deleted=True)


class Bench:
    """One account and one ledger."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.account = FakeDestination()
        self.organizations = self.account.adapters["organizations"]
        self.records = self.organizations.records
        self.undo_file = home / "undo.jsonl"

    def start(self, do: str | None = None, *, beside: bool = False) -> UpsertEngine:
        """Begin a run; one begun `beside` others lets them last, as if they were processes of their own."""
        ledger = Ledger(self.url, self.account.name)
        rule = {"do": do, **({"field": "Tax ID", "value": "GONE"} if do == "flag" else {})}
        options = Options(deletions={"organizations": rule} if do else {}, undo_file=self.undo_file)
        engine = UpsertEngine(self.account, ledger, target="target-fake", options=options)
        if beside:
            self._mark("died", "running")
        return engine

    def run(self, *rows: SourceRow, do: str | None = None) -> dict[str, int]:
        engine = self.start(do)
        if rows:
            engine.process("organizations", rows)
        engine.finish()
        engine.end("succeeded")
        return engine.tally.by_outcome()

    def dies(self, *rows: SourceRow, do: str | None = None) -> None:
        """Let a run be killed after its first write has had its effect."""

        def die(_: Operation) -> WriteResult | None:
            raise RuntimeError

        self.organizations.after = die
        engine = self.start(do)
        with contextlib.suppress(RuntimeError):
            engine.process("organizations", rows)
            engine.finish()
        self.organizations.after = lambda _: None
        self._mark("running", "died")

    def rows(self, table: Table) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(select(table).order_by(*table.primary_key.columns)).all())
        engine.dispose()
        return found

    def waiting(self) -> list[t.Any]:
        return [row for row in self.rows(open_rows) if row.closed_at is None]

    def _mark(self, before: str, after: str) -> None:
        engine = open_engine(self.url)
        with engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.status == before).values(status=after))
        engine.dispose()


@pytest.fixture
def bench(ledger_url: str, tmp_path: Path) -> Bench:
    return Bench(ledger_url, tmp_path)


def organization(number: int = 1, **payload: t.Any) -> SourceRow:
    return SourceRow("organizations", str(number), {"name": f"Customer {number}", **payload})


def test_two_runs_with_the_same_new_row_make_one_record(bench: Bench) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def slow(operation: Operation) -> WriteResult | None:
        if operation.external_id == "1":
            under_way.set()
            go_on.wait(10)
        return None

    first, second = bench.start(), bench.start(beside=True)
    bench.organizations.before = slow
    writing = threading.Thread(target=first.process, args=("organizations", [organization()]))
    writing.start()
    assert under_way.wait(10)
    second.process("organizations", [organization(**{"Tax ID": "newer"}), organization(2)])
    go_on.set()
    writing.join()
    assert second.tally.by_outcome() == {"created": 1, "failed": 1}
    assert sorted(record[KEY.name] for record in bench.records.values()) == ["1", "2"]
    assert [row.reason for row in bench.waiting()] == ["busy"]
    second.finish()
    first.finish()
    assert {record[KEY.name]: record.get("Tax ID") for record in bench.records.values()} == {"1": "newer", "2": None}
    assert bench.waiting() == []
    assert bench.rows(intents) == []


def test_a_record_made_by_another_run_since_the_link_was_looked_up_is_not_made_again(bench: Bench) -> None:
    first, second = bench.start(), bench.start(beside=True)
    intend = second._ledger.links.intend

    def late(*arguments: t.Any) -> set[str]:
        first.process("organizations", [organization()])
        return intend(*arguments)

    second._ledger.links.intend = late  # type: ignore[method-assign]
    second.process("organizations", [organization()])
    assert len(bench.records) == 1
    assert second.tally.by_outcome() == {"failed": 1}
    second._ledger.links.intend = intend  # type: ignore[method-assign]
    second.finish()
    assert second.tally.by_outcome() == {"failed": 1, "unchanged": 1}
    assert len(bench.records) == 1


def test_an_update_nobody_knows_of_is_put_right_though_the_row_is_as_the_link_says(bench: Bench) -> None:
    bench.run(organization(**{"Tax ID": "old"}))
    bench.dies(organization(**{"Tax ID": "new"}))
    assert bench.records["1"]["Tax ID"] == "new"
    assert bench.run(organization(**{"Tax ID": "old"})) == {"updated": 1}
    assert bench.records["1"]["Tax ID"] == "old"
    assert bench.rows(intents) == []
    assert bench.run(organization(**{"Tax ID": "old"})) == {"unchanged": 1}
    assert bench.organizations.calls["write"] == 3


def test_an_update_without_an_answer_is_put_right_when_the_source_takes_it_back(bench: Bench) -> None:
    bench.run(organization(**{"Tax ID": "old"}))
    read = bench.organizations.read

    def down(_: t.Any) -> t.Any:
        raise ServiceUnavailableError("down")

    bench.organizations.after = lambda _: WriteResult(Result.UNKNOWN, code="reset")
    bench.organizations.read = down  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailableError):
        bench.run(organization(**{"Tax ID": "new"}))
    bench.organizations.after, bench.organizations.read = lambda _: None, read  # type: ignore[method-assign]
    assert bench.run(organization(**{"Tax ID": "old"})) == {"updated": 1}
    assert bench.records["1"]["Tax ID"] == "old"


@pytest.mark.parametrize("do", ["archive", "flag", "delete"])
def test_a_deletion_nobody_knows_of_is_undone_when_the_row_comes_again(bench: Bench, do: str) -> None:
    bench.run(organization(**{"Credit Limit": 5}), do=do)
    bench.records["1"]["Tax ID"] = "the users' own"
    bench.dies(GONE, do=do)
    bench.run(organization(**{"Credit Limit": 5}), do=do)
    ((_, record),) = bench.records.items()
    assert (record[KEY.name], record["Credit Limit"], record.get("archived", False)) == ("1", 5, False)
    assert record.get("Tax ID") == (None if do == "delete" else "the users' own")
    assert bench.run(organization(**{"Credit Limit": 5}), do=do) == {"unchanged": 1}


def test_a_replay_never_closes_a_row_that_came_after_its_own(bench: Bench) -> None:
    bench.run(organization(**{"Credit Limit": "bad"}))
    (old,) = bench.waiting()
    command, target = bench.start(), bench.start(beside=True)
    (read,) = command._ledger.open_rows.chosen("organizations", [old.id], chunk=500)
    target.process("organizations", [organization(**{"Credit Limit": "worse"})])
    command.process("organizations", read)
    assert [row.payload["Credit Limit"] for row in bench.waiting()] == ["worse"]


def test_an_edit_made_while_the_row_is_tried_is_tried_next(bench: Bench) -> None:
    bench.run(organization(**{"JDE Status": "Dormant"}))
    (row,) = bench.waiting()
    desk = Desk(open_engine(bench.url))

    def edit(name: str) -> None:
        desk.edit(row.id, {"name": name, "JDE Status": "Active"}, None)

    edit("first")
    bench.organizations.before = lambda _: edit("second")
    assert bench.run() == {"created": 1}
    bench.organizations.before = lambda _: None
    assert bench.run() == {"updated": 1}
    assert bench.records["1"]["name"] == "second"
    assert bench.waiting() == []
