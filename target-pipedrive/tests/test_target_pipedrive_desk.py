"""Open rows and deletions in the hands of people: the commands of `sync-ledger`, on real runs of the target."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows, outcomes, run_counts, runs
from target_pipedrive_runs import TEXT, organization, person, record, schema, state
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BOTH = [schema("organizations"), schema("persons")]
DELETE = {"organizations": {"do": "delete"}, "persons": {"do": "delete"}}


class Desk:
    """Runs of the target, and the commands a person gives between them."""

    def __init__(self, runner: Runner, pipedrive: PipedriveEmulator, home: Path) -> None:
        self.run = runner.run
        self.settings = runner.settings
        self.control = pipedrive.control
        self.config = home / "config.json"
        self.active: t.Any = None
        self.undo_file = home / "ledger.db.undo.jsonl"

    def command(self, *arguments: str, code: int = 0, **changed: t.Any) -> t.Any:
        """Give a command and return what it printed as JSON, or its error line."""
        self.config.write_text(json.dumps({**self.settings, **changed}), "utf-8")
        live = ["--config", str(self.config)] if arguments[0] in {"undo", "replay"} else []
        ended = CliRunner().invoke(app, [*arguments, *live, "--ledger-url", self.settings["ledger_url"], "--json"])
        assert ended.exit_code == code, ended.output
        return json.loads(ended.stdout) if ended.stdout else ended.stderr

    def rows(self, table: t.Any) -> list[t.Any]:
        engine = open_engine(self.settings["ledger_url"])
        with engine.connect() as connection:
            found = list(connection.execute(select(table)).all())
        engine.dispose()
        return found

    def counts(self) -> dict[str, int]:
        """Return outcome -> rows of the last run, whose sum equals the rows it took."""
        run = self.rows(runs)[-1]
        found: dict[str, int] = {}
        for item in self.rows(run_counts):
            if item.run_id == run.id:
                found[item.outcome] = found.get(item.outcome, 0) + item.rows
        assert sum(found.values()) == run.rows + run.replayed
        return found

    def names(self, entity: str = "organizations") -> list[str]:
        return sorted(found["name"] for found in self.control.records(entity))


@pytest.fixture
def desk(runner: Runner, pipedrive: PipedriveEmulator, tmp_path: Path) -> Desk:
    return Desk(runner, pipedrive, tmp_path)


def a_hundred(bad: int = 50) -> list[dict[str, t.Any]]:
    """Return a hundred organizations, one of them with a status Pipedrive does not know."""
    rows = [organization(number) for number in range(1, 101)]
    rows[bad - 1] = organization(bad, **{"JDE Status": "Sleeping"})
    return rows


def test_one_bad_row_in_a_hundred_is_held_corrected_and_replayed(desk: Desk) -> None:
    assert desk.run(*BOTH, *a_hundred(), state(1)) == 0
    assert desk.counts() == {"created": 99, "held": 1}
    (row,) = desk.command("held", "--reason", "unknown_option", "--stream", "organizations", "--since", "1h")
    assert (row["external_id"], row["field"], row["attempts"]) == ("50", "JDE Status", 1)
    assert "map to one that is there" in row["remedy"]
    assert desk.command("held", "--until", "1h") == []
    number = str(row["id"])

    assert "no option 'Asleep'" in desk.command("edit", number, "--set", "JDE Status=Asleep", code=1)
    assert "no field 'JDE Statis'" in desk.command("edit", number, "--set", "JDE Statis=Active", code=1)
    assert "wants a number" in desk.command("edit", number, "--set", "Credit Limit=much", code=1)
    assert "name is required" in desk.command("edit", number, "--set", "name=null", code=1)
    assert "field=value" in desk.command("edit", number, "--set", "name", code=1)
    edited = desk.command("edit", number, "--set", "JDE Status=Closed", "--set", "name=12", "--note", "asked sales")
    assert (edited["payload"]["name"], edited["checked"]) == ("12", True), "a text field takes a number as text"
    (kept,) = desk.rows(open_rows)
    assert kept.payload_before["JDE Status"] == "Sleeping"
    assert (kept.note, kept.replay) == ("asked sales", True)

    (result,) = desk.command("replay", number)
    assert result["outcomes"] == {"created": 1}
    assert len(desk.names()) == 100
    assert "12" in desk.names()
    assert desk.command("held") == []
    (closed,) = desk.rows(open_rows)
    assert (closed.closed_as, closed.attempts) == ("written", 1)
    assert [row.open_row_id for row in desk.rows(outcomes) if row.external_id == "50"] == [None, closed.id]
    assert desk.run(*BOTH, state(2)) == 0
    assert desk.counts() == {}, "nothing is written twice"


def test_a_row_is_edited_in_an_editor_and_tried_by_the_next_run(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run(*BOTH, *a_hundred(), state(1))
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\n"
        "file.write_text(file.read_text().replace('Sleeping', 'Active'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")
    (row,) = desk.command("held")
    desk.command("edit", str(row["id"]))
    monkeypatch.setenv("EDITOR", "true")
    assert "the editor saved nothing" in desk.command("edit", str(row["id"]), code=1)
    assert desk.run(*BOTH, state(2)) == 0
    assert desk.counts() == {"created": 1}
    assert len(desk.names()) == 100


def test_names_that_only_the_account_knows_are_left_to_the_replay(desk: Desk) -> None:
    deals = schema("deals", {"external_id": TEXT, "title": TEXT, "owner_id": TEXT})
    deal = {"title": "Pumps", "owner_id": "nobody@x.example"}
    assert desk.run(deals, record("deals", "1", **deal)) == 0
    ((number, field),) = [(row.id, row.field) for row in desk.rows(open_rows)]
    assert field == "owner_id"
    desk.control.reset_counters()
    desk.command("edit", str(number), "--set", "owner_id=sam@emulator-sandbox.example")
    assert desk.control.counters()["requests"] == 0  # an edit asks nobody
    assert "255 characters" in desk.command("edit", str(number), "--set", f"title={'x' * 300}", code=1)
    desk.command("replay", str(number))
    (made,) = desk.control.records("deals")
    assert made["title"] == "Pumps"


def test_a_newer_row_of_the_source_wins_over_an_edited_one(desk: Desk) -> None:
    desk.run(*BOTH, *a_hundred(), state(1))
    (row,) = desk.command("held")
    desk.command("edit", str(row["id"]), "--set", "JDE Status=Active", "--set", "name=Edited")
    assert desk.run(*BOTH, organization(50, name="Newer"), state(2)) == 0
    assert desk.counts() == {"created": 1}
    assert "Newer" in desk.names()
    assert "Edited" not in desk.names()
    assert [row.closed_as for row in desk.rows(open_rows)] == ["superseded"]
    assert "no open row 1" in desk.command("replay", str(row["id"]), code=1)


def test_failed_rows_are_tried_by_the_next_run_once_and_answers_are_kept(desk: Desk) -> None:
    desk.control.fault(kind="status", status=503, when="before", method="POST", times=6)
    assert desk.run(*BOTH, organization(1), state(1), max_concurrency=1) == 0
    assert desk.counts() == {"failed": 2}, "once as it came, once at the end of the run"
    for outcome in desk.rows(outcomes):
        assert [answer["code"] for answer in outcome.answers] == ["503", "503", "503"]
        assert {answer["result"] for answer in outcome.answers} == {"unknown"}
    assert desk.run(*BOTH, state(2)) == 0
    assert desk.counts() == {"created": 1}
    assert desk.run(*BOTH, organization(1), state(3)) == 0
    assert desk.counts() == {"unchanged": 1}
    assert desk.names() == ["Company 1"]


def test_a_refused_row_is_replayed_only_when_asked_and_by_reason(desk: Desk) -> None:
    refusal = {"success": False, "error": "no such thing", "code": "ERR_NO"}
    desk.control.fault(kind="status", status=400, body=refusal, method="POST")
    assert desk.run(*BOTH, organization(1), state(1)) == 0
    assert desk.counts() == {"rejected": 1}
    assert desk.run(*BOTH, state(2)) == 0
    assert desk.counts() == {}
    assert desk.command("replay", "--reason", "too_long") == []
    (marked,) = desk.command("replay", "--reason", "refused", "--next-run")
    assert marked["run_id"] is None
    desk.control.fault(kind="status", status=400, body=refusal, method="POST")
    assert desk.run(*BOTH, state(3)) == 0
    assert desk.counts() == {"rejected": 1}
    assert desk.run(*BOTH, state(4)) == 0
    assert desk.counts() == {}, "a mark holds for one try"
    assert [row.attempts for row in desk.rows(open_rows)] == [2]
    (done,) = desk.command("replay", "--outcome", "rejected")
    assert done["outcomes"] == {"created": 1}
    answers = [row.answers for row in desk.rows(outcomes) if row.answers]
    assert [answer[0]["text"] for answer in answers] == ["no such thing", "no such thing"]


def test_a_replay_needs_to_know_which_rows_and_the_right_account(desk: Desk) -> None:
    desk.run(*BOTH, *a_hundred(), state(1))
    assert "Say which rows" in desk.command("replay", code=1)
    assert "Say which rows" in desk.command("discard", "--note", "x", code=1)
    assert "no open row 7" in desk.command("replay", "7", code=1)
    wrong = desk.command("replay", "--all", code=1, external_id_field="")
    assert "external_id_field" in wrong
    assert len(desk.command("held")) == 1


def test_a_discarded_row_stays_in_the_ledger_with_its_note(desk: Desk) -> None:
    desk.run(*BOTH, *a_hundred(), state(1))
    assert "--note" in desk.command("discard", "1", "--note", " ", code=1)
    assert desk.command("discard", "1", "--note", "duplicate")["discarded"] == [1]
    (row,) = desk.rows(open_rows)
    assert (row.closed_as, row.note) == ("discarded", "duplicate")
    assert desk.command("held") == []
    desk.run(*BOTH, state(2))
    assert desk.counts() == {}


def test_a_row_without_a_usable_key_is_never_written_under_another(desk: Desk) -> None:
    keyless = record("organizations", "x", name="No key")
    keyless["record"]["external_id"] = None
    assert desk.run(*BOTH, keyless, record("organizations", "k" * 300, name="Long key"), state(1)) == 0
    assert desk.counts() == {"held": 2}
    for number in ("1", "2"):
        assert "has no key" in desk.command("replay", number, code=1)
        assert "has no key" in desk.command("edit", number, "--set", "name=x", code=1)
    assert desk.names() == []


def test_a_run_in_which_too_many_rows_fail_ends_and_loses_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    bad = [organization(number, **{"JDE Status": "Sleeping"}) for number in range(1, 41)]
    good = [organization(number) for number in range(41, 201)]
    guarded = {"failure_guard_percent": 10, "state_interval_seconds": 0}
    assert desk.run(*BOTH, *bad, *good[:20], state(1), *good[20:], state(2), **guarded) == 1
    assert "failure_guard_percent allows 10 %" in caplog.text
    assert "unknown_option" in caplog.text
    counted = desk.counts()
    assert counted["held"] == 40
    assert sum(counted.values()) < 200, "the run went on"
    assert len(desk.command("held")) == 40
    fixed = [organization(number) for number in range(1, 41)]
    assert desk.run(*BOTH, *fixed, *good, state(2), **guarded) == 0
    assert len(desk.names()) == 200
    assert desk.command("held") == []


def test_a_few_failures_are_no_reason_to_end(desk: Desk) -> None:
    assert desk.run(*BOTH, *a_hundred(), state(1), failure_guard_percent=2) == 0
    few = [organization(number, **{"JDE Status": "Sleeping"}) for number in range(200, 205)]
    assert desk.run(*BOTH, *few, state(2), failure_guard_percent=1) == 0


def test_deletions_held_by_a_guard_are_let_through_by_a_person(desk: Desk) -> None:
    numbers = range(1, 6)
    desk.run(*BOTH, *(organization(number) for number in numbers), state(1))
    gone = [record("organizations", str(number), _sdc_deleted_at="2026-11-20T08:00:00Z") for number in numbers]
    guarded = {"deletions": DELETE, "delete_guard_rows": 2}
    assert desk.run(*BOTH, *gone, state(2), **guarded) == 1
    (held, *_) = desk.command("held", "--reason", "delete_guard")
    assert "replay --reason delete_guard" in held["remedy"]
    desk.command("discard", str(held["id"]), "--note", "still a customer")
    desk.command("replay", "--reason", "delete_guard", "--next-run")
    assert desk.run(*BOTH, state(3), **guarded) == 0
    assert desk.counts() == {"updated": 4}
    assert desk.names() == ["Company 1"]


def test_deleted_and_flagged_records_are_brought_back_from_the_undo_file(desk: Desk) -> None:
    desk.run(*BOTH, organization(1), organization(2), person(1), state(1))
    (mine,) = [one for one in desk.control.records("organizations") if one["name"] == "Company 1"]
    desk.control.patch_record("organizations", mine["id"], {"website": "https://one.example"})
    before = next(one for one in desk.control.records("organizations") if one["name"] == "Company 2")
    flag = {"do": "flag", "field": "JDE Status", "value": "Closed", "when": {"name": ["Company 2"]}}
    deleted = record("organizations", "1", _sdc_deleted_at="2026-11-20T08:00:00Z")
    assert desk.run(*BOTH, deleted, state(2), deletions=DELETE) == 0
    assert desk.run(*BOTH, organization(2), state(2), deletions={"organizations": flag}) == 0
    done = desk.command("undo", str(desk.undo_file))
    assert {item["external_id"]: item["outcome"] for item in done} == {"1": "created", "2": "updated"}
    back = {one["name"]: one for one in desk.control.records("organizations")}
    assert back["Company 1"]["website"] == "https://one.example", "a field of the users' own"
    assert back["Company 1"]["custom_fields"] == mine["custom_fields"]
    assert back["Company 2"]["custom_fields"] == before["custom_fields"]
    desk.control.reset_counters()
    again = desk.command("undo", str(desk.undo_file), code=1)
    assert {item["reason"] for item in again} == {"not_restored"}
    assert desk.run(*BOTH, organization(1), organization(2), state(3)) == 0
    assert desk.counts() == {"unchanged": 2}
    assert desk.control.counters()["writes"] == 0


def test_a_record_whose_making_anew_was_not_answered_is_not_made_twice(desk: Desk) -> None:
    deleted = record("organizations", "1", _sdc_deleted_at="2026-11-20T08:00:00Z")
    path = "^/api/v2/(organizations|itemSearch)"
    desk.run(*BOTH, organization(1), state(1))
    desk.run(*BOTH, deleted, state(2), deletions=DELETE)
    before = desk.control.fault("slow", method="GET", path=path, times=None)
    desk.command("undo", str(desk.undo_file))
    reads = next(fault["hits"] for fault in desk.control.faults() if fault["id"] == before["id"])
    desk.control.clear_faults()
    desk.run(*BOTH, deleted, state(3), deletions=DELETE)
    assert desk.names() == []
    desk.control.fault("reset", method="POST", path="/organizations", when="after", times=1)
    desk.control.fault("status", method="GET", path=path, status=503, skip=reads, times=None)
    desk.command("undo", str(desk.undo_file), code=1)
    desk.control.clear_faults()
    assert desk.names() == ["Company 1"]
    (again,) = desk.command("undo", str(desk.undo_file))
    assert (again["outcome"], again["reason"]) == ("unchanged", "restored")
    desk.run(*BOTH, organization(1), state(4))
    assert desk.names() == ["Company 1"]


def test_a_note_whose_making_anew_was_not_answered_is_not_made_twice(desk: Desk) -> None:
    """A note has no place for an external ID, so that only the ledger can know that it was sent."""
    rules = {"notes": {"do": "delete"}}
    note = record("notes", "N1", content="Pays late", org_id="1")
    streams = [schema("organizations"), schema("notes")]
    desk.run(*streams, organization(1), note, state(1))
    desk.run(*streams, record("notes", "N1", _sdc_deleted_at="2026-11-20T08:00:00Z"), state(2), deletions=rules)
    assert desk.control.records("notes") == []
    desk.control.fault("reset", method="POST", path="/notes$", when="after", times=1)
    desk.control.fault("status", method="GET", path="/notes", status=503, skip=1, times=None)
    desk.command("undo", str(desk.undo_file), code=1)
    desk.control.clear_faults()
    assert len(desk.control.records("notes")) == 1
    (again,) = desk.command("undo", str(desk.undo_file), code=1)
    assert "it is back" in again["text"], "found, before anything was sent"
    assert len(desk.control.records("notes")) == 1
    desk.run(*streams, organization(1), note, state(3))
    assert len(desk.control.records("notes")) == 1


def test_a_damaged_undo_file_is_named_and_one_cut_at_its_end_is_read(desk: Desk) -> None:
    desk.run(*BOTH, organization(1), state(1))
    deleted = record("organizations", "1", _sdc_deleted_at="2026-11-20T08:00:00Z")
    desk.run(*BOTH, deleted, state(2), deletions=DELETE)
    line = desk.undo_file.read_text("utf-8")
    desk.undo_file.write_text("{}\n" + line, "utf-8")
    assert "line 1" in desk.command("undo", str(desk.undo_file), code=1)
    desk.undo_file.write_text(line + line[:50], "utf-8")
    assert [item["outcome"] for item in desk.command("undo", str(desk.undo_file))] == ["created"]
    assert "cannot be read" in desk.command("undo", str(desk.undo_file.with_name("none")), code=1)


def effect(desk: Desk, do: str, when: str) -> bool:
    """Whether the five writes under way have had their effect, when they are to have one."""
    found = desk.control.records("organizations")
    if when == "before":
        return len(desk.undo_file.read_text("utf-8").splitlines()) == len(found)
    if do == "delete":
        return not found
    return all(one["custom_fields"]["JDE Status"] != desk.active for one in found)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("do", ["delete", "flag"])
def test_killed_between_undo_file_and_answer_the_next_run_goes_on(desk: Desk, do: str, when: str) -> None:
    numbers = range(1, 6)
    desk.run(*BOTH, *(organization(number) for number in numbers), state(1))
    desk.active = desk.control.records("organizations")[0]["custom_fields"]["JDE Status"]
    rule = {"do": "delete"} if do == "delete" else {"do": "flag", "field": "JDE Status", "value": "Closed"}
    settings = {**desk.settings, "deletions": {"organizations": rule}, "request_timeout_seconds": 60}
    desk.config.write_text(json.dumps(settings), "utf-8")
    method = "DELETE" if do == "delete" else "PATCH"
    desk.control.fault(kind="timeout", when=when, method=method, times=None)
    gone = [record("organizations", str(number), _sdc_deleted_at="2026-11-20T08:00:00Z") for number in numbers]
    desk.control.reset_counters()
    target = subprocess.Popen(
        [sys.executable, "-m", "target_pipedrive.target", "--config", str(desk.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert target.stdin is not None
    target.stdin.write("".join(json.dumps(message) + "\n" for message in [*BOTH, *gone, state(2)]))
    target.stdin.close()
    deadline = time.monotonic() + 120
    while not desk.undo_file.exists() or not effect(desk, do, when):
        assert target.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    target.send_signal(signal.SIGKILL)
    target.wait()
    desk.control.clear_faults()
    lines = desk.undo_file.read_text("utf-8").splitlines()
    assert [json.loads(line)["external_id"] for line in lines] == [str(number) for number in numbers]
    desk.control.reset_counters()
    assert desk.run(*BOTH, state(2), deletions={"organizations": rule}) == 0
    assert desk.counts() == ({"updated": 5} if when == "before" else {"unchanged": 5})
    assert desk.control.counters()["writes"] == (5 if when == "before" else 0)
    assert desk.command("held") == []
    done = desk.command("undo", str(desk.undo_file))
    assert len(done) == 5
    assert desk.names() == [f"Company {number}" for number in numbers]
    assert desk.run(*BOTH, *(organization(number) for number in numbers), state(3)) == 0
    assert desk.counts() == {"unchanged": 5}


def test_a_row_without_key_does_not_keep_others_from_being_chosen(desk: Desk) -> None:
    keyless = {"type": "RECORD", "stream": "organizations", "record": {"external_id": None, "name": "Nobody"}}
    assert desk.run(*BOTH, organization(1, **{"JDE Status": "Sleeping"}), keyless) == 0
    (without,) = desk.command("held", "--reason", "missing_key")
    desk.config.write_text(json.dumps(desk.settings), "utf-8")
    arguments = ["replay", "--config", str(desk.config), "--ledger-url", desk.settings["ledger_url"]]
    ended = CliRunner().invoke(app, [*arguments, "--outcome", "held", "--json"])
    assert ended.exit_code == 0, ended.output
    assert [result["outcomes"] for result in json.loads(ended.stdout)] == [{"held": 1}]
    assert f"Left out, since they have no key they could be written under: {without['id']}" in ended.stderr
    assert CliRunner().invoke(app, [*arguments, str(without["id"])]).exit_code == 1


def test_rows_that_the_options_hide_are_told_of(desk: Desk) -> None:
    assert desk.run(*BOTH, organization(1, **{"JDE Status": "Sleeping"})) == 0
    hidden = CliRunner().invoke(app, ["held", "--reason", "too_long", "--ledger-url", desk.settings["ledger_url"]])
    assert hidden.stdout.strip() == "Nothing waits."
    assert "without these options" in hidden.stderr
