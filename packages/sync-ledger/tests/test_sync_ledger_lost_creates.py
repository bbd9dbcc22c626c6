from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fake_destination import FakeDestination, FakeEntity
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sync_ledger.adapter import NewRecord, Result, WriteResult
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.lost_creates import decide
from sync_ledger.engine.validate import Invalid, check_external_id, normalise
from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.tables import intents, links, open_rows
from sync_ledger.rows import Outcome, Reason, SourceRow

if t.TYPE_CHECKING:
    from pathlib import Path

    from sync_ledger.adapter import Operation

NOTES = EntityDescription(
    "notes",
    (
        Field("content", "content", FieldType.STRING, required=True),
        Field("number", "number", FieldType.INTEGER),
        Field("parts", "parts", FieldType.LIST),
    ),
    None,
)


def note(remote_id: str, content: str, number: int | None = None, *, changed: bool = False) -> NewRecord:
    return NewRecord(remote_id, {"content": content, "number": number}, changed)


def sent(content: str, number: int = 1) -> dict[str, t.Any]:
    return {"content": content, "number": number}


def test_the_one_equal_record_is_it() -> None:
    search = decide(NOTES, {"a": sent("x")}, [note("1", "x", 1), note("2", "y", 2)])
    assert (search.found, search.undecided) == ({"a": "1"}, {})


def test_no_record_means_it_did_not_happen() -> None:
    search = decide(NOTES, {"a": sent("x")}, [note("2", "x", 2), note("3", "quite another", 1)])
    assert (search.found, search.undecided) == ({}, {})


@pytest.mark.parametrize(
    "records",
    [
        [note("1", "x", 1), note("2", "x", 1)],  # two equal ones
        [note("1", "<b>x</b>", 1)],  # the service has rewritten the text, or somebody wrote a like one
        [note("1", "something else", 7, changed=True)],  # changed since: it may have been anything
    ],
)
def test_what_cannot_be_told_is_undecided(records: list[NewRecord]) -> None:
    search = decide(NOTES, {"a": sent("x")}, records)
    assert search.found == {}
    assert search.undecided == {"a": tuple(record.remote_id for record in records)}


def test_one_record_wanted_by_two_creates_is_nobodys() -> None:
    search = decide(NOTES, {"a": sent("x"), "b": sent("x")}, [note("1", "x", 1)])
    assert search.found == {}
    assert set(search.undecided) == {"a", "b"}


_TEXT = st.sampled_from(["x", "y", "x y", "<p>x</p>", ""])


@given(
    sent=st.dictionaries(st.sampled_from("abc"), st.builds(sent, _TEXT, st.integers(0, 2)), max_size=3),
    records=st.lists(st.builds(note, st.just("?"), _TEXT, st.integers(0, 2), changed=st.booleans()), max_size=4),
)
def test_no_record_is_given_to_two_and_none_that_differs_to_any(
    sent: dict[str, dict[str, t.Any]], records: list[NewRecord]
) -> None:
    numbered = [replace(record, remote_id=str(number)) for number, record in enumerate(records)]
    by_id = {record.remote_id: record for record in numbered}
    search = decide(NOTES, sent, numbered)
    assert len(set(search.found.values())) == len(search.found)
    assert not set(search.found) & set(search.undecided)
    for key, remote_id in search.found.items():
        assert by_id[remote_id].values["number"] == sent[key]["number"]
    for key in set(sent) - set(search.found) - set(search.undecided):
        assert all(
            record.values["content"] != sent[key]["content"] or record.values["number"] != sent[key]["number"]
            for record in numbered
            if record.remote_id not in search.found.values()
        )


@pytest.fixture
def destination() -> FakeDestination:
    found = FakeDestination()
    found.adapters["notes"] = FakeEntity(NOTES)  # records that know nothing of external IDs
    return found


def open_run(destination: FakeDestination, url: str) -> UpsertEngine:
    return UpsertEngine(destination, Ledger(url, destination.name), target="t", options=Options())


def rows(*keys: str, number: int = 1) -> list[SourceRow]:
    return [SourceRow("notes", key, {"content": f"about {key}", "number": number}) for key in keys]


def test_a_killed_runs_creates_are_linked_and_not_repeated(destination: FakeDestination, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    notes = destination.entity("notes")
    killed = open_run(destination, url)

    def die(_: Operation) -> WriteResult | None:
        raise RuntimeError

    notes.after = die
    with pytest.raises(RuntimeError):
        killed.process("notes", rows("a", "b"))
    killed.end("died")
    notes.after = lambda _: None
    made = len(notes.records)
    assert made
    again = open_run(destination, url)
    again.process("notes", rows("a", "b"))
    assert len(notes.records) == 2
    again.process("notes", rows("a", "b"))
    assert again.tally.by_outcome()["unchanged"] >= made
    again.end("succeeded")


def test_an_undecided_create_waits_for_a_person_and_a_replay_sends_it(
    destination: FakeDestination, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    notes = destination.entity("notes")
    notes.records["9"] = {"content": "about a", "number": 1}
    notes.records["8"] = {"content": "about a", "number": 1}
    notes.before = lambda _: WriteResult(Result.UNKNOWN, code="reset")
    run = open_run(destination, url)
    run.process("notes", rows("a"))
    notes.before = lambda _: None
    run.process("notes", rows("a", number=2))  # a newer row is no reason to guess
    run.end("succeeded")
    assert {(key[1], key[2]) for key in run.tally.counts} == {(Outcome.HELD, Reason.AMBIGUOUS_CREATE)}
    engine = open_engine(url)
    with engine.begin() as connection:
        assert connection.execute(select(intents.c.external_id)).scalars().all() == ["a"]
        (waiting,) = connection.execute(select(open_rows).where(open_rows.c.closed_at.is_(None)))
        assert waiting.candidates == ["9", "8"]
        connection.execute(update(open_rows).where(open_rows.c.id == waiting.id).values(replay=True))
    run = open_run(destination, url)
    run.process("notes", rows("a", number=2))
    run.end("succeeded")
    assert len(notes.records) == 3
    with engine.connect() as connection:
        assert connection.execute(select(intents.c.external_id)).scalars().all() == []
        assert connection.execute(select(links.c.external_id)).scalars().all() == ["a"]
    engine.dispose()


def test_an_external_id_that_only_the_ledger_keeps_is_checked_as_well() -> None:
    check_external_id(NOTES, "x" * 255)
    with pytest.raises(Invalid, match="255 characters"):
        check_external_id(NOTES, "x" * 256)


PLACED = EntityDescription(
    "deals",
    (
        Field(
            "stage",
            "stage",
            FieldType.OPTION,
            options={"Only here": 3},
            within="pipeline",
            options_within={1: {"Open": 1}, 2: {"Open": 2, "Only here": 3}},
        ),
        Field("pipeline", "pipeline", FieldType.OPTION, options={"A": 1, "B": 2}),
    ),
    None,
)


@pytest.mark.parametrize(
    ("payload", "stage"),
    [
        ({"stage": "Open", "pipeline": "A"}, 1),
        ({"stage": "Open", "pipeline": "B"}, 2),
        ({"stage": "Only here"}, 3),
        ({"stage": None, "pipeline": "B"}, None),
    ],
)
def test_options_may_depend_on_another_field_whatever_their_order(payload: dict[str, t.Any], stage: int | None) -> None:
    assert normalise(PLACED, payload)["stage"] == stage


@pytest.mark.parametrize("payload", [{"stage": "Open"}, {"stage": "Only here", "pipeline": "A"}])
def test_an_option_of_elsewhere_is_held(payload: dict[str, t.Any]) -> None:
    with pytest.raises(Invalid, match="stage has no option"):
        normalise(PLACED, payload)
