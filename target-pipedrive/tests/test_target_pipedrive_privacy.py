from __future__ import annotations

import json
import sqlite3
import typing as t
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import links, open_rows, outcomes, plan_rows, runs
from sync_ledger.privacy import MASK
from target_pipedrive_runs import organization, person, schema
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    import pytest
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

BOTH = [schema("organizations"), schema("persons")]
MASKED = {"persons": ["phones", "emails"]}
PHONE, MAIL = "1-1001", "ana1@c1001.example"


def command(settings: dict[str, t.Any], *arguments: str) -> t.Any:
    return CliRunner().invoke(app, [*arguments, "--ledger-url", settings["ledger_url"]], env={"COLUMNS": "200"})


def live(settings: dict[str, t.Any], folder: Path, *arguments: str, **changed: t.Any) -> t.Any:
    file = folder / "config.json"
    file.write_text(json.dumps({**settings, **changed}))
    return command(settings, *arguments, "--config", str(file))


def stored(settings: dict[str, t.Any]) -> bytes:
    """Everything the ledger's files hold."""
    path = settings["ledger_url"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(file.read_bytes() for file in sorted(Path(path).parent.glob("ledger.db*")))


def rows(settings: dict[str, t.Any], table: t.Any) -> list[t.Any]:
    engine = open_engine(settings["ledger_url"])
    with engine.connect() as connection:
        found = connection.execute(select(table)).all()
    engine.dispose()
    return list(found)


def age(settings: dict[str, t.Any], days: int) -> None:
    """Let all that is in the ledger be so old."""
    engine = open_engine(settings["ledger_url"])
    then = now() - timedelta(days=days)
    with engine.begin() as connection:
        connection.execute(update(runs).values(ended_at=then))
        connection.execute(update(links).values(written_at=then))
        connection.execute(update(outcomes).values(at=then))
        connection.execute(update(open_rows).values(opened_at=then))
    engine.dispose()


def test_masked_fields_reach_the_service_and_not_the_ledger(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator, tmp_path: Path
) -> None:
    settings["masked_fields"] = MASKED
    assert runner.run(*BOTH, organization(1001), person(1001)) == 0
    (there,) = pipedrive.control.records("persons")
    assert there["phones"][0]["value"] == PHONE
    kept = stored(settings)
    assert PHONE.encode() not in kept
    assert MAIL.encode() not in kept
    assert b"Company 1001" in kept
    # Unchanged costs nothing; a change of another field sends that field alone.
    pipedrive.control.reset_counters()
    runner.run(*BOTH, organization(1001), person(1001))
    assert pipedrive.control.counters()["writes"] == 0
    pipedrive.control.patch_record("persons", there["id"], {"phones": [{"value": "by hand", "primary": True}]})
    runner.run(*BOTH, organization(1001), person(1001, name="Renamed"))
    (there,) = pipedrive.control.records("persons")
    assert (there["name"], there["phones"][0]["value"]) == ("Renamed", "by hand")
    # A hand-made change of a masked field is found by the hash, and named without its value.
    differs = live(settings, tmp_path, "verify", "--json")
    (found,) = [item for one in json.loads(differs.stdout)["entities"] for item in one["findings"]]
    assert found["fields"] == [{"field": "emails, phones", "ledger": MASK, "there": MASK}]
    # A change of a masked field is written.
    runner.run(*BOTH, organization(1001), person(1001, name="Renamed", emails=[{"value": "new@x.example"}]))
    (there,) = pipedrive.control.records("persons")
    assert there["emails"][0]["value"] == "new@x.example"
    assert b"new@x.example" not in stored(settings)


def test_a_masked_row_that_fails_is_sent_by_the_next_run_and_then_masked(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator
) -> None:
    settings["masked_fields"] = MASKED
    runner.run(schema("persons"), person(1001))  # its organization is not there yet
    (waiting,) = json.loads(command(settings, "held", "--json").stdout)
    assert waiting["payload"]["phones"][0]["value"] == MASK
    assert waiting["payload"]["name"] == "Ana 1"
    runner.run(schema("organizations"), organization(1001))
    (there,) = pipedrive.control.records("persons")
    assert there["phones"][0]["value"] == PHONE
    (row,) = rows(settings, open_rows)
    assert (row.closed_as, row.payload["phones"][0]["value"], row.masked) == ("written", MASK, None)


def test_a_plan_keeps_masked_values_only_as_long_as_it_needs_them(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator, tmp_path: Path
) -> None:
    settings["masked_fields"] = MASKED
    runner.run(*BOTH, organization(1001), person(1001), person(1002, org_id="1001"))
    new = {"emails": [{"value": "new@x.example", "primary": True}]}
    runner.run(*BOTH, person(1001, **new), person(1002, org_id="1001", **new), mode="plan")
    plan = json.loads(command(settings, "plan", "--json").stdout)
    assert {row["external_id"] for row in plan["rows"]} == {"1001-1", "1002-1"}
    assert "new@x.example" not in json.dumps(plan)
    assert MASK in command(settings, "plan", "--diff").stdout
    # A masked field that somebody has changed since is noticed as any other is.
    by_hand = next(
        one for one in pipedrive.control.records("persons") if one["custom_fields"]["JDE Number"] == "1002-1"
    )
    pipedrive.control.patch_record("persons", by_hand["id"], {"emails": [{"value": "hand@x.example", "primary": True}]})
    assert live(settings, tmp_path, "apply", str(plan["id"]), "--json").exit_code == 0
    there = {
        one["custom_fields"]["JDE Number"]: one["emails"][0]["value"] for one in pipedrive.control.records("persons")
    }
    assert there == {"1001-1": "new@x.example", "1002-1": "hand@x.example"}
    assert {row.status for row in rows(settings, plan_rows)} == {"applied", "refused"}
    for row in rows(settings, plan_rows):
        assert "new@x.example" not in json.dumps([row.payload, row.changes])


def test_texts_do_not_repeat_masked_values(runner: Runner, settings: dict[str, t.Any]) -> None:
    settings["masked_fields"] = MASKED
    runner.run(*BOTH, organization(1001), person(1001, emails="secret@x.example"))
    (row,) = json.loads(command(settings, "held", "--json").stdout)
    assert (row["reason"], row["field"]) == ("wrong_type", "emails")
    assert "secret@x" not in json.dumps(row)


def test_a_masked_field_that_does_not_exist_ends_the_run(
    runner: Runner, settings: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    settings["masked_fields"] = {"persons": ["phnoes"]}
    assert runner.run(*BOTH, organization(1001), person(1001)) == 1
    assert "masked_fields: persons has no field 'phnoes'" in caplog.text


def test_values_older_than_the_retention_are_erased_and_nothing_is_written_twice(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator, tmp_path: Path
) -> None:
    runner.run(*BOTH, organization(1001), person(1001), organization(1002, name="x" * 300))
    age(settings, 31)
    pipedrive.control.reset_counters()
    assert runner.run(schema("organizations"), organization(1003), payload_retention_days=30) == 0
    links_now = {row.external_id: row.payload for row in rows(settings, links)}
    assert links_now["1001"]["name"] == MASK
    assert links_now["1003"]["name"] == "Company 1003"
    (waiting,) = json.loads(command(settings, "held", "--json").stdout)
    assert (waiting["reason"], waiting["payload"]["name"]) == ("payload_erased", MASK)
    assert "from the source" in waiting["remedy"]
    runner.run(*BOTH, organization(1001), person(1001))
    assert pipedrive.control.counters()["writes"] == 1  # 1003 alone
    assert live(settings, tmp_path, "verify").exit_code == 0
    one = next(item for item in pipedrive.control.records("organizations") if item["name"] == "Company 1001")
    pipedrive.control.patch_record("organizations", one["id"], {"name": "By hand"})
    differs = json.loads(live(settings, tmp_path, "verify", "--json").stdout)["entities"][0]["findings"]
    assert [item["external_id"] for item in differs] == ["1001"]
    assert "name" in differs[0]["fields"][0]["field"]
    runner.run(schema("organizations"), organization(1001, name="Renamed"), organization(1002, name="Short"))
    assert {item["name"] for item in pipedrive.control.records("organizations")} == {
        "Renamed",
        "Company 1003",
        "Short",
    }
    assert json.loads(command(settings, "held", "--json").stdout) == []


def test_a_person_is_purged_and_stays_linked(
    runner: Runner, settings: dict[str, t.Any], pipedrive: PipedriveEmulator
) -> None:
    runner.run(*BOTH, organization(1001), person(1001), person(1001, 2))
    counted = command(settings, "purge", "--person", "1001-1", "--stream", "persons", "--dry-run", "--json")
    assert json.loads(counted.stdout)["erased"] == {
        "outcomes": 1,
        "links": 1,
        "open_rows": 0,
        "plan_rows": 0,
        "match_index": 0,
        "intents": 0,
        "alert_collected": 0,
        "alert_groups": 0,
        "alert_instances": 0,
        "alert_decisions": 0,
        "alert_silences": 0,
        "messages": 0,
        "message_events": 0,
        "undo_file": 0,
    }
    assert MAIL.encode() in stored(settings)
    done = command(settings, "purge", "--person", "1001-1", "--json")
    assert json.loads(done.stdout) == {**json.loads(counted.stdout), "dry_run": False}
    kept = stored(settings)
    assert MAIL.encode() not in kept
    assert b"ana2@c1001.example" in kept
    assert command(settings, "purge", "--person", "1001-1", "--json").stdout.count(": 0") == 14
    pipedrive.control.reset_counters()
    runner.run(*BOTH, organization(1001), person(1001), person(1001, 2))
    assert pipedrive.control.counters()["writes"] == 0


def test_old_values_are_purged_by_age(runner: Runner, settings: dict[str, t.Any]) -> None:
    runner.run(*BOTH, organization(1001), person(1001))
    assert command(settings, "purge", "--older-than", "1d").exit_code == 0
    assert MAIL.encode() in stored(settings)
    age(settings, 2)
    assert "links: values of 2 rows erased" in command(settings, "purge", "--older-than", "24h").stdout
    assert MAIL.encode() not in stored(settings)
    assert command(settings, "purge").exit_code == 1
    assert command(settings, "purge", "--older-than", "soon").exit_code == 1


def test_unchanged_rows_are_counted_and_not_stored(runner: Runner, settings: dict[str, t.Any]) -> None:
    runner.run(*BOTH, organization(1001), person(1001))
    before = len(rows(settings, outcomes))
    runner.run(*BOTH, organization(1001), person(1001))
    assert len(rows(settings, outcomes)) == before
    (_, second) = json.loads(command(settings, "runs", "--json").stdout)
    assert second["outcomes"] == {"unchanged": 2}
