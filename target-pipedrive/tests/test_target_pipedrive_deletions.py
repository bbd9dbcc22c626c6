from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import links, open_rows, run_counts, runs
from target_pipedrive_runs import organization, person, record, schema, state

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BOTH = [schema("organizations"), schema("persons")]
DELETE = {"organizations": {"do": "delete"}, "persons": {"do": "delete"}}
FLAG = {"organizations": {"do": "flag", "field": "JDE Status", "value": "Closed"}}


def gone(stream: str, external_id: str) -> dict[str, t.Any]:
    """Return what a tap tells of a row that was deleted."""
    return record(stream, external_id, _sdc_deleted_at="2026-11-20T08:00:00Z")


def rows(runner: Runner, table: t.Any) -> list[t.Any]:
    engine = open_engine(runner.settings["ledger_url"])
    with engine.connect() as connection:
        found = list(connection.execute(select(table)).all())
    engine.dispose()
    return found


def counts(runner: Runner) -> dict[tuple[str, str], int]:
    """Return outcome and reason -> rows of the last run, whose sum equals the rows it took."""
    run = rows(runner, runs)[-1]
    found: dict[tuple[str, str], int] = {}
    for item in rows(runner, run_counts):
        if item.run_id == run.id:
            key = (item.outcome, item.reason)
            found[key] = found.get(key, 0) + item.rows
    assert sum(found.values()) == run.rows + run.replayed
    return found


def names(pipedrive: PipedriveEmulator, entity: str = "organizations") -> list[str]:
    return sorted(found["name"] for found in pipedrive.control.records(entity))


def writes(pipedrive: PipedriveEmulator) -> list[str]:
    return [entry["method"] for entry in pipedrive.control.requests(500) if entry["method"] != "GET"]


def undo_lines(runner: Runner) -> list[dict[str, t.Any]]:
    path = Path(runner.settings["ledger_url"].removeprefix("sqlite:///") + ".undo.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def loaded(runner: Runner, pipedrive: PipedriveEmulator) -> Runner:
    """Ten organizations with a person each, written by an earlier run."""
    messages = [message for number in range(1, 11) for message in (organization(number), person(number))]
    assert runner.run(*BOTH, *messages, state(1)) == 0
    pipedrive.control.reset_counters()
    return runner


def test_without_the_setting_deleted_rows_are_skipped_and_nothing_is_touched(
    loaded: Runner, pipedrive: PipedriveEmulator
) -> None:
    assert loaded.run(*BOTH, gone("organizations", "1"), gone("persons", "2-1"), state(2)) == 0
    assert counts(loaded) == {("skipped", "source_deleted"): 2}
    assert writes(pipedrive) == []
    assert loaded.run(*BOTH, organization(1), state(3)) == 0
    assert counts(loaded) == {("unchanged", "same_payload"): 1}


def test_deleted_rows_are_deleted_children_first_and_kept_in_the_undo_file(
    loaded: Runner, pipedrive: PipedriveEmulator
) -> None:
    messages = [gone("organizations", "1"), gone("persons", "1-1"), organization(2, name="New"), state(2)]
    assert loaded.run(*BOTH, *messages, deletions=DELETE) == 0
    assert counts(loaded) == {
        ("skipped", "deletion_waits"): 2,
        ("updated", ""): 1,
        ("updated", "deleted"): 2,
    }
    assert "Company 1" not in names(pipedrive)
    assert len(names(pipedrive)) == len(names(pipedrive, "persons")) == 9
    deletes = [entry["path"] for entry in pipedrive.control.requests(100) if entry["method"] == "DELETE"]
    assert ["persons" in path for path in deletes] == [True, False]
    lines = undo_lines(loaded)
    assert [(line["entity"], line["external_id"], line["did"]) for line in lines] == [
        ("persons", "1-1", "delete"),
        ("organizations", "1", "delete"),
    ]
    assert lines[1]["record"]["Credit Limit"] == 10.5
    assert loaded.passed[-1]["bookmarks"]["customers"]["position"] == 2


def test_the_same_deletion_again_sends_nothing(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    for _ in range(2):
        pipedrive.control.reset_counters()
        assert loaded.run(*BOTH, gone("organizations", "1"), state(2), deletions=DELETE) == 0
    assert counts(loaded) == {("unchanged", "already_deleted"): 1}
    assert writes(pipedrive) == []
    assert len(undo_lines(loaded)) == 1


def test_a_row_that_comes_again_in_the_same_run_is_not_deleted(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    messages = [gone("organizations", "1"), organization(1), state(2)]
    assert loaded.run(*BOTH, *messages, deletions=DELETE, batch_size_rows=1) == 0
    assert counts(loaded) == {("skipped", "deletion_waits"): 1, ("unchanged", "same_payload"): 1}
    assert writes(pipedrive) == []
    assert [row.closed_as for row in rows(loaded, open_rows)] == ["superseded"]


@pytest.mark.parametrize("switches", [{"deleted_get": "record"}, {"deleted_get": "404", "deleted_patch": 410}])
def test_a_deleted_row_that_comes_again_is_made_anew(
    loaded: Runner, pipedrive: PipedriveEmulator, switches: dict[str, t.Any]
) -> None:
    pipedrive.control.switch(**switches)
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2), deletions=DELETE) == 0
    assert loaded.run(*BOTH, person(1, 5), state(3), deletions=DELETE) == 0
    assert counts(loaded)["failed", "parent_missing"] >= 1, "a deleted organization is no parent"
    assert loaded.run(*BOTH, organization(1), state(4), deletions=DELETE) == 0
    assert counts(loaded) == {("created", ""): 2}
    assert names(pipedrive).count("Company 1") == 1
    assert loaded.run(*BOTH, organization(1), person(1, 5), state(5), deletions=DELETE) == 0
    assert counts(loaded) == {("unchanged", "same_payload"): 2}


def test_a_mapped_status_flags_the_record_and_its_return_takes_the_flag_off(
    loaded: Runner, pipedrive: PipedriveEmulator
) -> None:
    properties = {"external_id": {"type": "string"}, "name": {"type": "string"}, "Credit Limit": {"type": "number"}}
    plain = schema("organizations", properties)
    row = record("organizations", "1", name="Company 1", **{"Credit Limit": 0})
    rule = {"organizations": {**FLAG["organizations"], "when": {"Credit Limit": [0]}}}
    active = status(pipedrive)
    assert loaded.run(plain, row, state(2), deletions=rule) == 0
    assert counts(loaded) == {("skipped", "deletion_waits"): 1, ("updated", "flagged"): 1}
    closed = status(pipedrive)
    assert closed != active
    assert loaded.run(plain, row, state(2), deletions=rule) == 0
    assert counts(loaded) == {("unchanged", "already_deleted"): 1}
    back = record("organizations", "1", name="Company 1", **{"Credit Limit": 10.5})
    assert loaded.run(plain, back, state(3), deletions=rule) == 0
    assert counts(loaded) == {("updated", ""): 1}
    assert status(pipedrive) == active
    assert [link.deleted_as for link in rows(loaded, links) if link.external_id == "1"] == [None]


def status(pipedrive: PipedriveEmulator) -> t.Any:
    (found,) = [one for one in pipedrive.control.records("organizations") if one["name"] == "Company 1"]
    return found["custom_fields"]["JDE Status"]


def test_records_this_ledger_has_not_linked_are_left_alone(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.add_record("organizations", {"name": "Foreign", "custom_fields": {"JDE Number": "77"}})
    assert loaded.run(*BOTH, gone("organizations", "77"), gone("organizations", "88"), state(2), deletions=DELETE) == 0
    assert counts(loaded) == {("skipped", "not_linked"): 2}
    assert "Foreign" in names(pipedrive)


@pytest.mark.parametrize("number", ["999", None])
def test_a_linked_record_that_carries_another_external_id_now_is_held(
    loaded: Runner, pipedrive: PipedriveEmulator, number: str | None
) -> None:
    (mine,) = [one for one in pipedrive.control.records("organizations") if one["name"] == "Company 1"]
    pipedrive.control.patch_record("organizations", mine["id"], {"custom_fields": {"JDE Number": number}})
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2), deletions=DELETE) == 0
    assert counts(loaded)["held", "not_ours"] == 1
    assert "Company 1" in names(pipedrive)


def test_a_record_somebody_deleted_already_is_no_error(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    (mine,) = [one for one in pipedrive.control.records("organizations") if one["name"] == "Company 1"]
    pipedrive.control.delete_record("organizations", mine["id"])
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2), deletions=DELETE) == 0
    assert counts(loaded)["unchanged", "already_deleted"] == 1
    assert "DELETE" not in writes(pipedrive)


@pytest.mark.parametrize(
    "guard",
    [{"delete_guard_rows": 3}, {"delete_guard_percent": 30}, {"delete_guard_rows": 0, "delete_guard_percent": 0}],
)
def test_too_many_deletions_are_all_held_and_the_run_ends_with_an_error(
    loaded: Runner, pipedrive: PipedriveEmulator, guard: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    messages: Sequence[dict[str, t.Any]] = [gone("organizations", str(number)) for number in range(1, 5)]
    code = loaded.run(*BOTH, *messages, organization(9, name="New"), state(2), deletions=DELETE, **guard)
    assert code == 1
    assert counts(loaded)["held", "delete_guard"] == 4
    assert "New" in names(pipedrive), "what is no deletion is written"
    assert len(names(pipedrive)) == 10
    assert "delete_guard" in caplog.text
    assert "None of them was deleted" in caplog.text
    assert loaded.run(*BOTH, state(3), deletions=DELETE, **guard) == 0, "held ones wait for a person"
    assert len(names(pipedrive)) == 10


def test_deletions_within_the_guards_are_carried_out(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    messages = [gone("organizations", str(number)) for number in range(1, 4)]
    guard = {"delete_guard_rows": 3, "delete_guard_percent": 30}
    assert loaded.run(*BOTH, *messages, state(2), deletions=DELETE, **guard) == 0
    assert len(names(pipedrive)) == 7


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "status", "status": 503}, {"kind": "timeout"}])
def test_a_deletion_whose_answer_was_lost_is_looked_up(
    loaded: Runner, pipedrive: PipedriveEmulator, fault: dict[str, t.Any], when: str
) -> None:
    pipedrive.control.fault(**fault, when=when, method="DELETE")
    messages = [gone("organizations", "1"), gone("organizations", "2"), state(2)]
    assert loaded.run(*BOTH, *messages, deletions=DELETE, request_timeout_seconds=1) == 0
    assert counts(loaded)["updated", "deleted"] == 2
    assert len(names(pipedrive)) == 8
    assert writes(pipedrive).count("DELETE") == (3 if when == "before" else 2)


def test_a_used_up_budget_leaves_deletions_to_the_next_run(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    loaded.settings["deletions"] = DELETE
    pipedrive.control.fault(
        kind="status", status=429, headers={"x-daily-ratelimit-token-remaining": "0"}, method="DELETE"
    )
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2)) == 0
    assert counts(loaded) == {("skipped", "deletion_waits"): 1, ("failed", "budget"): 1}
    assert loaded.run(*BOTH, state(2)) == 0
    assert counts(loaded) == {("updated", "deleted"): 1}
    assert len(names(pipedrive)) == 9


@pytest.mark.parametrize(
    ("deletions", "words"),
    [
        ({"organizations": {"do": "archive"}}, "cannot archive organizations; use flag or delete"),
        ({"customers": {"do": "delete"}}, "no such entity"),
        ({"organizations": {"do": "drop"}}, "archive, flag or delete"),
        ({"organizations": {"do": "flag", "field": "JDE Status"}}, "it needs both"),
        ({"organizations": {"do": "flag", "field": "JDE Statis", "value": "x"}}, "no field 'JDE Statis'"),
        ({"organizations": {"do": "flag", "field": "id", "value": 1}}, "cannot be used as a flag"),
        ({"organizations": {"do": "flag", "field": "JDE Status", "value": "Sleeping"}}, "no option"),
        ({"organizations": {"do": "delete", "if": {}}}, "no key 'if'"),
        ({"organizations": {"do": "delete", "when": {"Statu": ["X"]}}}, "'Statu'"),
        ({"organizations": {"do": "delete", "when": {"name": []}}}, "'name'"),
        ({"organizations": {"do": "delete", "when": ["X"]}}, '"when"'),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_start_by_name(
    runner: Runner,
    pipedrive: PipedriveEmulator,
    deletions: dict[str, t.Any],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert runner.run(*BOTH, organization(1), state(1), deletions=deletions) == 1
    assert "setting deletions" in caplog.text
    assert words in caplog.text
    assert writes(pipedrive) == []


def test_nothing_is_deleted_when_the_undo_file_cannot_be_written(
    loaded: Runner, pipedrive: PipedriveEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {"deletions": DELETE, "undo_file": str(tmp_path / "none" / "undo.jsonl")}
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2), **wrong) == 1
    assert "setting undo_file" in caplog.text
    assert len(names(pipedrive)) == 10
    assert loaded.run(*BOTH, state(2), deletions=DELETE) == 0
    assert len(names(pipedrive)) == 9


def test_a_plan_tells_deletions_and_makes_none(loaded: Runner, pipedrive: PipedriveEmulator) -> None:
    assert loaded.run(*BOTH, gone("organizations", "1"), state(2), deletions=DELETE, mode="plan") == 0
    assert counts(loaded) == {("planned", "delete"): 1}
    assert writes(pipedrive) == []
    assert undo_lines(loaded) == []
