"""What settings, keys and commands that seldom meet do to each other."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest
from fake_destination import KEY, FakeDestination, FakeEntity
from sqlalchemy import select
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.normalisers import phone, tax_id
from sync_ledger.engine.undo_file import Removal, UndoFile, read_undo_file
from sync_ledger.errors import InputError
from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.desk import Desk, Selection
from sync_ledger.ledger.linked import LinkedRecords
from sync_ledger.ledger.tables import links, open_rows
from sync_ledger.privacy import Masks
from sync_ledger.privacy.erasing import Selection as Erasing
from sync_ledger.rows import Outcome, Reason, Settled, SourceRow
from sync_ledger.sinks import external_id_of
from sync_ledger.verification import Verifier

if t.TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table
    from sync_ledger.adapter import Operation, WriteResult

NOTES = EntityDescription("notes", (Field("content", "content", FieldType.STRING, required=True),), None)
GONE = SourceRow("organizations", "1", {}, deleted=True)


class Bench:
    """One account and one ledger, run after run."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        self.account = FakeDestination()
        self.account.entities = ("organizations", "persons", "notes")  # type: ignore[assignment]
        self.account.adapters["notes"] = FakeEntity(NOTES)
        self.organizations = self.account.adapters["organizations"]
        self.records = self.organizations.records

    def start(self, masked: dict[str, list[str]] | None = None, **options: t.Any) -> UpsertEngine:
        ledger = Ledger(self.url, self.account.name)
        ledger.masks = Masks(masked)
        chosen = Options(undo_file=self.home / "undo.jsonl", **options)
        return UpsertEngine(self.account, ledger, target="target-fake", options=chosen)

    def run(self, *rows: SourceRow, **options: t.Any) -> dict[str, int]:
        engine = self.start(**options)
        for entity in self.account.entities:
            if batch := [row for row in rows if row.entity == entity]:
                engine.process(entity, batch)
        engine.finish()
        engine.end("succeeded")
        return engine.tally.by_outcome()

    def rows(self, table: Table) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(select(table)).all())
        engine.dispose()
        return found


@pytest.fixture
def bench(tmp_path: Path, ledger_url: str) -> Bench:
    return Bench(tmp_path, ledger_url)


def organization(number: int = 1, **payload: t.Any) -> SourceRow:
    return SourceRow("organizations", str(number), {"name": f"Customer {number}", **payload})


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (Decimal("7.00"), "7"),
        (7.0, "7"),
        (Decimal("1E+2"), "100"),
        (Decimal("7.5"), "7.5"),
        (Decimal("7.50"), "7.5"),
        (1e50, "1" + 50 * "0"),
        (float("nan"), None),
        (Decimal("Infinity"), None),
        (Decimal("1E+100000"), None),
    ],
)
def test_a_number_is_one_key_however_it_is_written(value: t.Any, key: str | None) -> None:
    assert external_id_of({"id": value}, ["id"]) == key


def test_a_relation_is_read_as_keys_are(bench: Bench) -> None:
    bench.run(SourceRow("organizations", "A1", {"name": "A"}), organization(7))
    parents = {"1": "A1 ", "2": Decimal("7.0"), "3": " "}
    people = [SourceRow("persons", key, {"name": "Ana", "org_id": parent}) for key, parent in parents.items()]
    assert bench.run(*people) == {"created": 3}
    found = bench.account.adapters["persons"].records.values()
    assert [person.get("org_id") for person in found] == ["1", "2", None]


@pytest.mark.parametrize("text", ["UNKNOWN", "n/a n/a", "99999 9999"])
def test_what_only_fills_a_tax_number_matches_nothing(text: str) -> None:
    assert tax_id(text) is None


def test_what_only_fills_a_phone_number_matches_nothing() -> None:
    assert phone()("111-111-111") is None


def test_only_if_empty_is_judged_by_the_record(bench: Bench) -> None:
    rules = {"organizations": {"Tax ID": "only_if_empty"}}
    bench.records["9"] = {KEY.name: "1", "name": "Customer 1", "Tax ID": "theirs"}
    bench.run(organization(**{"Tax ID": "first"}), field_rules=rules)
    assert bench.records["9"]["Tax ID"] == "theirs"
    bench.records["9"]["Tax ID"] = None
    assert bench.run(organization(**{"Tax ID": "second"}), field_rules=rules) == {"updated": 1}
    assert bench.records["9"]["Tax ID"] == "second"


def test_a_flag_is_taken_back_whatever_the_field_rules_say(bench: Bench) -> None:
    settings: dict[str, t.Any] = {
        "deletions": {"organizations": {"do": "flag", "field": "Tax ID", "value": "GONE"}},
        "field_rules": {"organizations": {"*": "never_clear"}},
    }
    bench.run(organization(), **settings)
    bench.run(GONE, **settings)
    assert bench.records["1"]["Tax ID"] == "GONE"
    assert bench.run(organization(), **settings) == {"updated": 1}
    assert bench.records["1"]["Tax ID"] is None


def test_mode_adopt_leaves_archived_records_in_the_archive(bench: Bench) -> None:
    settings: dict[str, t.Any] = {"deletions": {"organizations": {"do": "archive"}}}
    bench.run(organization(), **settings)
    bench.run(GONE, **settings)
    assert bench.run(organization(), mode="adopt", **settings) == {"unchanged": 1}
    assert bench.records["1"]["archived"]


def test_verify_says_nothing_of_fields_that_are_never_emptied(bench: Bench) -> None:
    rules = {"organizations": {"Tax ID": "never_clear"}}
    bench.run(organization(**{"Tax ID": "1"}), field_rules=rules)
    bench.run(organization(**{"Tax ID": None}), field_rules=rules)
    database = open_engine(bench.url)
    found = [
        Verifier(bench.account, LinkedRecords(database, bench.account.name), Masks(), rules=given).sample(
            "organizations", 9
        )
        for given in (rules, {})
    ]
    database.dispose()
    assert [report.differences for report in found] == [0, 1]


def test_a_cut_line_of_the_undo_file_spoils_no_other(tmp_path: Path) -> None:
    file = UndoFile(tmp_path / "undo.jsonl")
    removals = [Removal("d", "organizations", key, key, "delete", {}, {}, {}) for key in "ab"]
    file.add(1, removals[:1])
    with file.path.open("a") as killed:
        killed.write('{"at":"2026-11-25T17:00:00+00:00","run_id":2,"dest')
    file.add(3, removals[1:])
    assert read_undo_file(file.path) == removals


def test_a_deletion_that_waits_is_carried_out_though_its_values_were_erased(bench: Bench) -> None:
    settings: dict[str, t.Any] = {"deletions": {"organizations": {"do": "delete"}}}
    bench.run(organization(), **settings)
    engine = bench.start(**settings)
    engine.process("organizations", [SourceRow("organizations", "1", {"name": "Customer 1"}, deleted=True)])
    engine._ledger.eraser.erase(Erasing(external_id="1"))
    engine.end("stopped")
    assert "Customer" not in str(bench.rows(open_rows)[0].payload)
    assert bench.run(**settings) == {"updated": 1}
    assert bench.records == {}


def test_a_recovered_create_is_linked_without_masked_values_and_as_there(bench: Bench) -> None:
    settings: dict[str, t.Any] = {"deletions": {"notes": {"do": "delete"}}, "masked": {"notes": ["content"]}}
    notes = bench.account.adapters["notes"]
    note = SourceRow("notes", "n", {"content": "a secret"})
    bench.run(note, **settings)
    bench.run(SourceRow("notes", "n", {}, deleted=True), **settings)

    def die(_: Operation) -> WriteResult | None:
        raise RuntimeError

    notes.after = die
    engine = bench.start(**settings)
    with pytest.raises(RuntimeError):
        engine.process("notes", [note])
    notes.after = lambda _: None
    assert bench.run(note, **settings) == {"unchanged": 1}
    assert len(notes.records) == 1
    (link,) = bench.rows(links)
    assert link.deleted_as is None
    assert "secret" not in str(link.payload)


def test_rows_without_a_key_are_not_taken_for_each_other(bench: Bench) -> None:
    engine = bench.start()
    for number in (1, 2):
        row = SourceRow("organizations", "", {"name": f"Customer {number}"})
        engine.settle_directly([Settled(row, Outcome.HELD, Reason.MISSING_KEY)])
    engine.end("succeeded")
    assert [row.closed_at for row in bench.rows(open_rows)] == [None, None]


def test_rows_that_cannot_be_replayed_keep_no_others_back(bench: Bench) -> None:
    engine = bench.start()
    reasons = (Reason.MISSING_KEY, Reason.UNMAPPED, Reason.REFUSED)
    rows = [SourceRow("organizations", str(number), {"name": "x"}) for number in range(3)]
    engine.settle_directly([Settled(row, Outcome.HELD, reason) for row, reason in zip(rows, reasons, strict=True)])
    engine.end("succeeded")
    desk = Desk(open_engine(bench.url))
    (chosen,) = desk.choose(Selection(outcome="held"))
    assert chosen.ids == [3]
    with pytest.raises(InputError, match="no key"):
        desk.choose(Selection(ids=(1, 3)))
    with pytest.raises(InputError, match="could not be mapped"):
        desk.choose(Selection(ids=(2,)))


def test_a_planned_return_from_the_archive_writes_what_the_row_says_now(bench: Bench) -> None:
    settings: dict[str, t.Any] = {"deletions": {"organizations": {"do": "archive"}}}
    bench.run(organization(), **settings)
    bench.run(GONE, **settings)
    planner = bench.start(mode="plan", **settings)
    planner.process("organizations", [organization(name="New")])
    planner.finish()
    planner.end("succeeded")
    applier = bench.start(**settings)
    applier.apply_plan(planner.plan_id or 0)
    applier.end("succeeded")
    assert [one["name"] for one in bench.records.values()] == ["New"]
    assert applier.tally.by_outcome() == {"updated": 1}


def test_undo_gives_children_the_parents_that_were_made_anew(bench: Bench) -> None:
    settings: dict[str, t.Any] = {"deletions": {"organizations": {"do": "delete"}, "persons": {"do": "delete"}}}
    people = bench.account.adapters["persons"].records
    person = SourceRow("persons", "1-1", {"name": "Ana", "org_id": "1"})
    bench.run(organization(), person, **settings)
    bench.run(GONE, SourceRow("persons", "1-1", {}, deleted=True), **settings)
    assert (bench.records, people) == ({}, {})
    removals = read_undo_file(bench.home / "undo.jsonl")
    for entity in ("organizations", "persons"):
        engine = bench.start(**settings)
        (done,) = engine.undo([one for one in removals if one.entity == entity], removals)
        engine.end("succeeded")
        assert done.reason is Reason.RESTORED
    assert [one["org_id"] for one in people.values()] == list(bench.records)
    assert bench.run(organization(), person, **settings) == {"unchanged": 2}
