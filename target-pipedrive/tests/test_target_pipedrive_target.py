from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from collections import Counter

import pytest
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import run_counts
from target_pipedrive_runs import organization, person, record, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BOTH = [schema("organizations"), schema("persons")]


def load(numbers: range) -> list[dict[str, t.Any]]:
    rows = [message for number in numbers for message in (organization(number), person(number))]
    return [*BOTH, *rows, state(numbers.stop)]


def outcomes(runner: Runner) -> list[dict[str, int]]:
    """Return outcome -> rows of every run in the ledger, in order."""
    engine = open_engine(runner.settings["ledger_url"])
    runs: dict[int, Counter[str]] = {}
    with engine.connect() as connection:
        for row in connection.execute(select(run_counts)):
            runs.setdefault(row.run_id, Counter())[row.outcome] += row.rows
    engine.dispose()
    return [dict(runs[run]) for run in sorted(runs)]


def test_rows_become_organizations_and_their_persons(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    assert runner.run(*load(range(1001, 1021))) == 0
    organizations = pipedrive.control.records("organizations")
    persons = pipedrive.control.records("persons")
    assert len(organizations) == len(persons) == 20
    assert runner.passed[-1]["bookmarks"]["customers"]["position"] == 1021
    text = json.dumps(organizations)
    assert all(word in text for word in ("Main St 1001, Denver", "10510.5", "Company 1020"))
    assert {record["org_id"] for record in persons} == {record["id"] for record in organizations}


def test_a_second_run_writes_nothing_and_a_change_writes_its_fields_only(
    runner: Runner, pipedrive: PipedriveEmulator
) -> None:
    runner.run(*load(range(1001, 1021)))
    pipedrive.control.reset_counters()
    assert runner.run(*load(range(1001, 1021))) == 0
    assert pipedrive.control.counters()["writes"] == 0
    changed = organization(1005, **{"Credit Limit": 1, "JDE Status": "On hold"})
    moved = person(1007, phones=[{"value": "9", "primary": True, "label": "work"}])
    assert runner.run(*BOTH, changed, moved, organization(1006)) == 0
    writes = [entry for entry in pipedrive.control.requests() if entry["method"] != "GET"]
    assert [entry["method"] for entry in writes] == ["PATCH", "PATCH"]
    assert [sorted(entry["body"]) for entry in writes] == [["custom_fields"], ["phones"]]
    assert outcomes(runner)[1:] == [{"unchanged": 40}, {"updated": 2, "unchanged": 1}]


def test_a_new_ledger_finds_the_records_by_their_external_id(
    runner: Runner, pipedrive: PipedriveEmulator, tmp_path: Path
) -> None:
    runner.run(*load(range(1001, 1021)))
    runner.settings["ledger_url"] = f"sqlite:///{tmp_path}/other.db"
    pipedrive.control.reset_counters()
    assert runner.run(*load(range(1001, 1021))) == 0
    assert pipedrive.control.counters()["writes"] == 0
    assert outcomes(runner) == [{"unchanged": 40}]


def test_a_create_whose_answer_was_lost_is_not_repeated(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    for number, kind in enumerate(("reset", "truncate")):
        pipedrive.control.fault(kind=kind, when="after", method="POST", skip=3 + number, times=2)
    pipedrive.control.fault(kind="status", status=500, when="after", method="POST", skip=9, times=2)
    pipedrive.control.fault(kind="status", status=500, when="before", method="POST", skip=15, times=2)
    assert runner.run(*load(range(1001, 1031))) == 0
    assert len(pipedrive.control.records("organizations")) == 30
    assert len(pipedrive.control.records("persons")) == 30
    assert outcomes(runner) == [{"created": 60}]


def test_rows_the_service_refuses_do_not_stop_the_others(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    bad_labels = [{"value": "x@y.example", "primary": True, "label": "carrier pigeon"}]
    messages = [*BOTH, organization(1001), person(1001), person(1001, 2, emails=bad_labels), person(1001, 3)]
    assert runner.run(*messages, organization(1002, **{"JDE Status": "Sleeping"}), organization(1003), state(1)) == 0
    assert outcomes(runner) == [{"created": 4, "rejected": 1, "held": 1}]
    assert len(pipedrive.control.records("persons")) == 2


def test_a_used_up_budget_keeps_the_rows_for_the_next_run(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    pipedrive.control.switch(daily_budget=2 + 2 * 20 + 5 * 8)
    runner.run(*load(range(1001, 1011)))
    assert sum(outcomes(runner)[0].values()) == 20
    assert outcomes(runner)[0]["created"] == 8
    pipedrive.control.switch(daily_budget=0)
    assert runner.run(*BOTH, state(2)) == 0
    assert len(pipedrive.control.records("organizations")) == 10
    assert len(pipedrive.control.records("persons")) == 10


def test_records_of_a_tap_that_is_not_ours(runner: Runner, pipedrive: PipedriveEmulator) -> None:
    properties = {"id": {"type": "integer"}, "name": {"type": "string"}, "updated_at": {"type": "string"}}
    messages = [
        schema("companies", properties, keys=("id",)),
        {"type": "RECORD", "stream": "companies", "record": {"id": 7, "name": "Seven", "updated_at": "2026-01-01"}},
        {"type": "RECORD", "stream": "companies", "record": {"id": 8, "name": "Eight", "updated_at": "2026-01-01"}},
        {"type": "STATE", "value": {"currently_syncing": "companies", "bookmarks": {"companies": {"version": 3}}}},
    ]
    maps = {"companies": {"__alias__": "organizations", "updated_at": "__NULL__"}}
    assert runner.run(*messages, stream_maps=maps) == 0
    found = {record["name"]: record for record in pipedrive.control.records("organizations")}
    assert set(found) == {"Seven", "Eight"}
    assert "7" in json.dumps(found["Seven"])
    assert runner.passed[-1]["currently_syncing"] == "companies"


def test_without_a_map_a_foreign_stream_is_named(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    assert runner.run(schema("suppliers", {"id": {"type": "string"}}, keys=("id",))) == 1
    assert "'suppliers'" in caplog.text
    assert "organizations, persons" in caplog.text


def test_an_unknown_field_ends_the_run_before_anything_is_written(
    runner: Runner, pipedrive: PipedriveEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    properties = {"external_id": {"type": "string"}, "name": {"type": "string"}, "Credit Limits": {"type": "number"}}
    messages = [schema("organizations", properties), record("organizations", "1", name="x", **{"Credit Limits": 1})]
    assert runner.run(*messages, state(1)) == 1
    assert "no field 'Credit Limits'" in caplog.text
    assert "'Credit Limit'" in caplog.text
    assert pipedrive.control.counters()["writes"] == 0
    assert runner.passed == []


def run_command(
    settings: dict[str, t.Any], tmp_path: Path, *messages: dict[str, t.Any]
) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings), "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "target_pipedrive.target", "--config", str(config)],
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"api_token": "0123456789abcdef0123456789abcdef01234567"}, "check setting api_token"),
        ({"api_url": "http://127.0.0.1:9"}, "cannot be reached at http://127.0.0.1:9"),
        ({"external_id_field": "Nummer"}, "setting external_id_field 'Nummer'"),
        ({"company_domain": "somebody-else"}, "setting company_domain"),
        ({"api_url": "acme.pipedrive.com"}, "setting api_url"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    settings: dict[str, t.Any], tmp_path: Path, changed: dict[str, t.Any], words: str
) -> None:
    settings = {**settings, **changed}
    ended = run_command(settings, tmp_path, schema("organizations"), organization(1), state(1))
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert settings["api_token"] not in ended.stdout + ended.stderr
    assert len(re.findall(r"\bERROR\b|\"level\": \"error\"", ended.stderr, re.IGNORECASE)) == 1, ended.stderr
    assert ended.stdout == ""


def test_a_run_from_the_command_line_prints_state_only(settings: dict[str, t.Any], tmp_path: Path) -> None:
    ended = run_command(settings, tmp_path, *load(range(1, 4)))
    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line)["bookmarks"] for line in ended.stdout.splitlines()][-1] == {"customers": {"position": 4}}
    assert settings["api_token"] not in ended.stderr
