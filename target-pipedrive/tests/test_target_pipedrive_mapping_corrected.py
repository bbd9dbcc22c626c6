"""Rows that could not be mapped are sent by a replay once the mapping is corrected: mapper, target and ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
import typing as t
from pathlib import Path

import pytest
from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import links, open_rows, outcomes, run_counts, runs
from target_pipedrive_runs import organization, schema, state
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BIN = Path(sysconfig.get_path("scripts"))
SOURCE = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {
        "properties": {
            "number": {"type": "integer"},
            "name": {"type": ["string", "null"]},
            "limit": {"type": ["string", "null"]},
            "status": {"type": ["string", "null"]},
            "_sdc_deleted_at": {"type": ["string", "null"]},
        }
    },
    "key_properties": ["number"],
}
MAPPING = """
stream_maps:
  organizations:
    __source__: customers
    __key_properties__: [external_id]
    __else__: null
    external_id: {key}
    name: name
    Credit Limit: {limit}
    JDE Status: status
    _sdc_deleted_at: _sdc_deleted_at
    {more}
  __else__: null
"""
BROKEN = "float(limit)"
CORRECTED = "float(limit.replace(',', '')) if limit else None"


def mapping(limit: str = CORRECTED, key: str = "str(number)", more: str = "") -> str:
    return MAPPING.format(limit=limit, key=key, more=more)


def customer(number: int, limit: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    """Return a row of the source; limits with a comma are what the mapping at first cannot take."""
    row = {"number": number, "name": f"Company {number}", "limit": limit or f"{number}.5", "status": "Active"}
    return {"type": "RECORD", "stream": "customers", "record": {**row, "_sdc_deleted_at": None, **more}}


def unmapped(number: int, limit: str = "1,000", **more: t.Any) -> dict[str, t.Any]:
    """Return what sync-mapper makes of a row it cannot map."""
    row = {**customer(number, limit)["record"], **more.pop("record", {})}
    told = {
        "stream": "organizations",
        "key": f'{{"number":{number}}}',
        "source_stream": "customers",
        "mapped_key": f'{{"external_id":"{number}"}}',
        "record": row,
        "missing": [],
        "map": "organizations",
        "field": "Credit Limit",
        "reason": f"ValueError: could not convert string to float: '{limit}'",
        **more,
    }
    return {"type": "RECORD", "stream": "_unmapped", "record": told}


UNMAPPED = {"type": "SCHEMA", "stream": "_unmapped", "schema": {"properties": {}}, "key_properties": ["stream", "key"]}


class Desk:
    """Runs of mapper and target, and the commands a person gives between them."""

    def __init__(self, runner: Runner, pipedrive: PipedriveEmulator, home: Path) -> None:
        self.runner = runner
        self.control = pipedrive.control
        self.home = home
        self.config = home / "config.json"
        self.config.write_text(json.dumps(runner.settings), "utf-8")
        self.mapping = home / "mapping.yml"
        self.correct()

    def correct(self, **parts: str) -> None:
        self.mapping.write_text(mapping(**parts), "utf-8")

    def load(self, *messages: dict[str, t.Any]) -> None:
        """Pipe messages through sync-mapper into the target, both as processes."""
        (self.home / "mapper.json").write_text(json.dumps({"mapping_file": str(self.mapping)}))
        given = self.home / "input"
        given.write_text("".join(json.dumps(message) + "\n" for message in messages), "utf-8")
        with (
            given.open("rb") as rows,
            (self.home / "log").open("wb") as log,
            subprocess.Popen(
                [str(BIN / "sync-mapper"), "--config", str(self.home / "mapper.json")],
                stdin=rows,
                stdout=subprocess.PIPE,
                stderr=log,
            ) as mapper,
        ):
            command = [str(BIN / "target-pipedrive"), "--config", str(self.config)]
            done = subprocess.run(command, stdin=mapper.stdout, stdout=subprocess.PIPE, stderr=log, check=False)
        assert (mapper.returncode, done.returncode) == (0, 0), (self.home / "log").read_text()[-3000:]

    def hold(self, *rows: dict[str, t.Any], **changed: t.Any) -> None:
        """Let the target take what a mapper could not map."""
        assert self.runner.run(UNMAPPED, *rows, state(1), **changed) == 0

    def command(self, *arguments: str, code: int = 0, **changed: t.Any) -> t.Any:
        """Give a command and return what it printed as JSON, or its error line."""
        self.config.write_text(json.dumps({**self.runner.settings, **changed}), "utf-8")
        live = ["--config", str(self.config)] if arguments[0] == "replay" else []
        url = str(self.runner.settings["ledger_url"])
        ended = CliRunner().invoke(app, [*arguments, *live, "--ledger-url", url, "--json"])
        assert ended.exit_code == code, ended.output
        return json.loads(ended.stdout) if ended.stdout else ended.stderr

    def replay(self, *arguments: str, code: int = 0, **changed: t.Any) -> t.Any:
        """Replay with the mapping as it is now; return the outcomes, or the error line."""
        found = self.command("replay", *arguments, "--mapping", str(self.mapping), code=code, **changed)
        return found if code else found[0]["outcomes"]

    def rows(self, table: t.Any = open_rows) -> list[t.Any]:
        engine = open_engine(self.runner.settings["ledger_url"])
        with engine.connect() as connection:
            found = list(connection.execute(select(table)).all())
        engine.dispose()
        return found

    def check_sums(self) -> None:
        """Check that every run's outcomes add up to its rows."""
        counts = self.rows(run_counts)
        for run in self.rows(runs):
            assert sum(item.rows for item in counts if item.run_id == run.id) == run.rows + run.replayed

    def limits(self) -> dict[str, float]:
        """Return external ID -> credit limit as the account has it."""
        records = self.control.records("organizations")
        found = {one["custom_fields"]["JDE Number"]: one["custom_fields"]["Credit Limit"] for one in records}
        assert len(found) == len(records), "each once"
        return found


@pytest.fixture
def desk(runner: Runner, pipedrive: PipedriveEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    return Desk(runner, pipedrive, tmp_path)


def load_with_one_percent_broken(desk: Desk, rows: int) -> None:
    numbers = range(1, rows + 1)
    source = [customer(number, f"{number},000" if number % 100 == 0 else None) for number in numbers]
    wanted = {str(number): number * 1000.0 if number % 100 == 0 else number + 0.5 for number in numbers}
    desk.correct(limit=BROKEN)
    desk.load(SOURCE, *source, state(1))
    good = {key: limit for key, limit in wanted.items() if int(key) % 100}
    assert desk.limits() == good
    held = desk.command("held", "--reason", "unmapped", "--limit", str(rows))
    assert [row["external_id"] for row in held] == [key for key in wanted if key not in good]
    assert {(row["entity"], row["outcome"], row["field"]) for row in held} == {
        ("organizations", "held", "Credit Limit")
    }
    assert "could not convert string to float: '100,000'" in held[0]["text"]
    assert "--mapping FILE" in held[0]["remedy"]

    desk.correct()
    writes = desk.control.counters()["writes"]
    assert desk.replay("--reason", "unmapped") == {"created": rows // 100}
    assert desk.control.counters()["writes"] == writes + rows // 100
    assert desk.limits() == wanted
    assert desk.command("held") == []
    assert {(row.closed_as, row.attempts) for row in desk.rows()} == {("written", 1)}
    desk.load(SOURCE, *source, state(2))
    assert desk.control.counters()["writes"] == writes + rows // 100, "all came once more, nothing was to be written"
    desk.check_sums()


def test_two_thousand_rows_with_broken_ones_end_equal_to_the_source(desk: Desk) -> None:
    load_with_one_percent_broken(desk, 2000)


MANY = int(os.environ.get("SOAK_ROWS", "5000"))
"""SOAK_ROWS=100000 makes it the long run of docs/invariants.md."""


@pytest.mark.slow
@pytest.mark.timeout(max(600, MANY // 25))
def test_many_rows_with_broken_ones_end_equal_to_the_source(desk: Desk) -> None:
    load_with_one_percent_broken(desk, MANY)


def test_a_mapping_corrected_in_part_leaves_the_others_held_with_the_new_reason(desk: Desk) -> None:
    desk.hold(unmapped(1), unmapped(2, "none"), unmapped(3, record={"status": "Asleep"}))
    assert desk.replay() == {"created": 1, "held": 2}
    assert desk.limits() == {"1": 1000.0}
    second, third = [row for row in desk.rows() if row.closed_at is None]
    assert (second.reason, second.field, second.attempts) == ("unmapped", "Credit Limit", 2)
    assert "could not convert string to float: 'none'" in second.text
    assert second.payload["limit"] == "none", "still the row as it came"
    assert (third.reason, third.field, third.attempts) == ("unknown_option", "JDE Status", 2)
    assert third.payload == {"name": "Company 3", "Credit Limit": 1000.0, "JDE Status": "Asleep"}, "what can be edited"
    assert third.payload_before["limit"] == "1,000"

    desk.command("edit", str(third.id), "--set", "JDE Status=Closed")
    desk.correct(limit="float(limit.replace(',', '')) if limit != 'none' else 0.0")
    assert desk.replay(str(second.id)) == {"created": 1}
    (result,) = desk.command("replay", str(third.id))
    assert result["outcomes"] == {"created": 1}
    assert desk.limits() == {"1": 1000.0, "2": 0, "3": 1000.0}
    assert [row.payload_before["limit"] for row in desk.rows() if row.id == third.id] == ["1,000"], "kept over the edit"
    desk.check_sums()


def test_what_was_mapped_and_held_by_the_service_can_be_mapped_once_more(desk: Desk) -> None:
    desk.hold(unmapped(1, record={"status": "Asleep"}))
    assert desk.replay() == {"held": 1}
    desk.correct(limit=BROKEN)
    assert desk.replay("--reason", "unknown_option") == {"held": 1}
    (row,) = desk.rows()
    assert (row.reason, row.payload["status"], row.payload_before) == ("unmapped", "Asleep", None)
    desk.mapping.write_text(mapping().replace("JDE Status: status", "JDE Status: \"'Closed'\""))
    assert desk.replay() == {"created": 1}
    assert [row.attempts for row in desk.rows()] == [3]


def test_a_row_that_changed_meanwhile_is_not_sent(desk: Desk) -> None:
    desk.hold(unmapped(1), unmapped(2))
    assert desk.runner.run(schema("organizations"), organization(1, **{"Credit Limit": 7}), state(2)) == 0
    assert [row.closed_as for row in desk.rows()] == ["superseded", None]
    assert desk.replay() == {"created": 1}
    assert desk.limits() == {"1": 7, "2": 1000.0}
    assert "no open row 1" in desk.replay("1", code=1)


def test_a_row_held_without_its_key_finds_it_and_is_not_sent_over_a_newer_one(desk: Desk) -> None:
    nameless: dict[str, t.Any] = {"mapped_key": None, "field": "external_id", "reason": "TypeError: no"}
    desk.hold(unmapped(1, **nameless), unmapped(2, **nameless))
    assert desk.runner.run(schema("organizations"), organization(1001, **{"Credit Limit": 7}), state(2)) == 0
    desk.correct(key="str(number + 1000)")
    assert desk.replay() == {"skipped": 1, "created": 1}
    assert desk.limits() == {"1001": 7, "1002": 1000.0}
    assert [(row.external_id, row.closed_as) for row in desk.rows()] == [("1", "superseded"), ("1002", "written")]
    for key in ("2", "1002"):
        found = desk.command("why", "organizations", key)
        assert [(one["external_id"], one["outcome"]) for one in found["outcomes"]] == [
            ("2", "held"),
            ("1002", "created"),
        ]
        assert [one["closed_as"] for one in found["open_rows"]] == ["written"]
    desk.check_sums()


def test_of_two_rows_that_turn_out_to_be_one_the_newer_is_sent(desk: Desk) -> None:
    nameless: dict[str, t.Any] = {"mapped_key": None, "field": "external_id", "reason": "TypeError: no"}
    desk.hold(unmapped(1, "1,000", **nameless), unmapped(2, "2,000", **nameless))
    desk.correct(key="'7'")
    assert desk.replay() == {"skipped": 1, "created": 1}
    assert desk.limits() == {"7": 2000.0}
    assert [row.closed_as for row in desk.rows()] == ["superseded", "written"]


def test_the_history_of_a_row_shows_how_it_was_held_and_how_it_was_sent(desk: Desk) -> None:
    desk.hold(unmapped(1))
    desk.replay()
    found = desk.command("why", "organizations", "1")
    first, second = found["outcomes"]
    assert (first["outcome"], first["reason"], first["field"]) == ("held", "unmapped", "Credit Limit")
    assert (second["outcome"], second["open_row_id"]) == ("created", found["open_rows"][0]["id"])
    assert second["changes"]["Credit Limit"] == [None, 1000]
    assert found["open_rows"][0]["payload_before"]["limit"] == "1,000"


def test_masked_values_are_sent_shown_to_nobody_and_gone_once_sent(desk: Desk) -> None:
    masked: dict[str, t.Any] = {"masked_fields": {"organizations": ["name"]}}
    desk.hold(unmapped(1, record={"name": "Secret Ltd"}, reason="ValueError: not for Secret Ltd"), **masked)
    (held,) = desk.command("held")
    assert set(held["payload"].values()) == {"*** masked ***", None}
    assert "Secret" not in json.dumps(held)
    assert desk.replay(**masked) == {"created": 1}
    assert [one["name"] for one in desk.control.records("organizations")] == ["Secret Ltd"]
    assert "Secret Ltd" not in json.dumps(desk.command("why", "organizations", "1"))
    for table in (links, open_rows, outcomes):
        assert "Secret" not in str(desk.rows(table)), table.name


def test_values_that_were_erased_meanwhile_are_told(desk: Desk) -> None:
    desk.hold(unmapped(1))
    desk.command("purge", "--person", "1")
    assert desk.replay() == {"held": 1}
    assert [row.reason for row in desk.rows()] == ["payload_erased"]


def test_a_row_the_mapping_now_leaves_out_waits_no_more(desk: Desk) -> None:
    desk.hold(unmapped(1), unmapped(2))
    desk.correct(more="__filter__: number != 1")
    assert desk.replay() == {"created": 1, "skipped": 1}
    assert [row.closed_as for row in desk.rows()] == ["left_out", "written"]
    assert desk.limits() == {"2": 1000.0}


def test_deletions_among_them_wait_for_the_guard(desk: Desk) -> None:
    deletions: dict[str, t.Any] = {"deletions": {"organizations": {"do": "delete"}}, "delete_guard_rows": 1}
    assert desk.runner.run(schema("organizations"), *(organization(number) for number in range(1, 4)), state(1)) == 0
    gone: dict[str, t.Any] = {"record": {"_sdc_deleted_at": "2026-11-20T08:00:00Z"}}
    desk.hold(unmapped(1, **gone), unmapped(2, **gone), unmapped(3), **deletions)
    assert desk.replay(**deletions) == {"skipped": 2, "held": 2, "updated": 1}
    assert [row.reason for row in desk.rows() if row.closed_at is None] == ["delete_guard", "delete_guard"]
    assert len(desk.limits()) == 3
    (result,) = desk.command("replay", "--reason", "delete_guard", **deletions)
    assert result["outcomes"] == {"updated": 2}
    assert desk.limits() == {"3": 1000.0}
    desk.check_sums()


def test_rows_to_map_are_never_sent_as_they_came(desk: Desk) -> None:
    desk.hold(unmapped(1))
    assert "--mapping FILE" in desk.command("replay", "1", code=1)
    assert "--mapping FILE" in desk.command("replay", "--reason", "unmapped", code=1)
    assert "--mapping FILE" in desk.command("edit", "1", "--set", "limit=1", code=1)
    assert desk.command("replay", "--all") == []
    assert "does not go with" in desk.replay("--next-run", code=1)
    assert desk.runner.run(schema("organizations"), state(2)) == 0
    assert desk.limits() == {}
    assert desk.command("discard", "1", "--note", "not wanted")["discarded"] == [1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("stream_maps: [", "mapping.yml:"),
        (mapping(limit="float(limit"), "not an expression"),
        (mapping().replace("organizations:", "orgs:"), "makes no organizations of customers"),
        (mapping(more="Credit Limt: '1'"), "'Credit Limit'"),
        (mapping(key="number", more="website: number").replace("[external_id]", "[]"), "no key_properties"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_told_and_nothing_is_sent(desk: Desk, text: str | None, words: str) -> None:
    desk.hold(unmapped(1))
    if text is None:
        desk.mapping.unlink()
    else:
        desk.mapping.write_text(text)
    said = desk.replay(code=1)
    assert words in said
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert [(row.reason, row.attempts) for row in desk.rows()] == [("unmapped", 1)]
    assert desk.limits() == {}


def test_without_a_mapper_on_path_nothing_is_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.hold(unmapped(1))
    monkeypatch.setenv("PATH", str(desk.home))
    assert "no sync-mapper on PATH" in desk.replay(code=1)
    assert len(desk.rows(runs)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_in_the_middle_of_a_replay_the_next_one_sends_the_rest_once(desk: Desk, when: str) -> None:
    numbers = range(1, 621)
    desk.hold(*(unmapped(number) for number in numbers))
    desk.control.fault(kind="timeout", when=when, method="POST", skip=540, times=8)
    desk.config.write_text(json.dumps({**desk.runner.settings, "request_timeout_seconds": 60}), "utf-8")
    url = str(desk.runner.settings["ledger_url"])
    files = ["--mapping", str(desk.mapping), "--config", str(desk.config)]
    arguments = ["replay", "--reason", "unmapped", *files, "--ledger-url", url]
    desk.control.reset_counters()
    with subprocess.Popen([str(BIN / "sync-ledger"), *arguments], stdout=subprocess.DEVNULL) as command:
        deadline = time.monotonic() + 120
        while sum(fault["hits"] for fault in desk.control.faults()) < 8:
            assert command.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        command.send_signal(signal.SIGKILL)
    desk.control.clear_faults()
    written = len(desk.control.records("organizations"))
    assert 500 < written < 620
    rest = desk.replay("--reason", "unmapped")
    assert desk.limits() == {str(number): 1000.0 for number in numbers}
    assert sum(rest.values()) == len(numbers) - 500, "the first batch of the replay was settled"
    assert {row.closed_as for row in desk.rows()} <= {"written", "unchanged"}
    desk.check_sums()
