"""Plans: shown before, applied as they were shown, refused where the account is no longer as planned."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t

import pytest
from sync_ledger.ledger.tables import claims, links, open_rows, plan_rows, runs
from target_pipedrive_crm import RULES, SCHEMA, Crm, customer
from target_pipedrive_runs import organization, person, record, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner


@pytest.fixture
def crm(pipedrive: PipedriveEmulator, runner: Runner) -> Crm:
    return Crm(pipedrive, runner)


def test_a_plan_writes_nothing_and_is_applied_as_shown(crm: Crm, tmp_path: Path) -> None:
    ours = crm.add("1", "Customer One", **{"Tax ID": "DE 100 000 001", "Payment Terms": "N10"})
    crm.spent()
    assert crm.run(customer(1), customer(2), customer(3, **{"Payment Terms": "x" * 300}), state(1), mode="plan") == 0
    assert crm.writes() == 0
    assert crm.runner.passed == []
    plan = crm.plan()
    assert {row["external_id"]: row["action"] for row in plan["rows"]} == {"1": "adopt", "2": "create", "3": "hold"}
    (adopted,) = [row for row in plan["rows"] if row["action"] == "adopt"]
    assert adopted["changes"]["Payment Terms"] == ["N10", "N30"]
    assert adopted["matched_by"] == "Tax ID as tax_id"
    assert adopted["remote_id"] == str(ours)
    assert '"N10" → "N30"' in crm.call("plan", "--diff").stdout.replace("N10 → N30", '"N10" → "N30"')
    assert "Tax ID as tax_id" in crm.call("plan").stdout
    assert "1 adopt" in crm.call("plans").stdout
    crm.spent()
    done = crm.apply(plan["id"], tmp_path)
    assert done.exit_code == 0, done.output
    assert crm.spent() == plan["cost"]
    assert crm.keys() == {ours: "1", ours + 1: "2"}
    assert crm.records()[ours]["name"] == "Customer 1 GmbH"
    assert {row["status"] for row in crm.plan()["rows"]} == {"applied", "held"}
    assert crm.plan()["status"] == "applied"
    assert "has been applied already" in crm.apply(plan["id"], tmp_path).output


def test_deletions_are_planned_and_carried_out_by_apply(crm: Crm, tmp_path: Path) -> None:
    crm.run(customer(1), customer(2))
    gone = record("organizations", "2", _sdc_deleted_at="2026-11-20T08:00:00Z")
    crm.spent()
    options = {"deletions": {"organizations": {"do": "delete"}}}
    assert crm.run(customer(1, **{"Payment Terms": "N60"}), gone, mode="plan", **options) == 0
    assert crm.writes() == 0
    assert crm.actions() == {"1": "update", "2": "delete"}
    done = crm.apply(crm.plan()["id"], tmp_path, **options)
    assert done.exit_code == 0, done.output
    assert set(crm.keys().values()) == {"1"}
    assert {row["status"] for row in crm.plan()["rows"]} == {"applied"}


def test_a_plan_of_too_many_deletions_is_held_by_the_guard(crm: Crm, tmp_path: Path) -> None:
    crm.run(*[customer(number) for number in range(1, 5)])
    gone = [record("organizations", str(number), _sdc_deleted_at="2026-11-20T08:00:00Z") for number in range(1, 4)]
    options = {"deletions": {"organizations": {"do": "delete"}}, "delete_guard_rows": 2}
    crm.run(*gone, mode="plan", **options)
    done = crm.apply(crm.plan()["id"], tmp_path, **options)
    assert done.exit_code == 1
    assert "delete_guard_rows" in done.output
    assert len(crm.keys()) == 4
    assert {reason for reason, _ in crm.waiting().values()} == {"delete_guard"}


def test_a_plan_shows_options_by_their_labels(crm: Crm) -> None:
    crm.run(customer(1, **{"JDE Status": "Active"}), mode="plan")
    shown = crm.call("plan", "--diff").stdout
    assert re.search(r"JDE Status +.*Active", shown)
    assert crm.plan()["rows"][0]["changes"]["JDE Status"][1] not in {"Active", None}


def test_a_plan_leaves_no_trace_in_the_ledger_but_itself(crm: Crm) -> None:
    crm.add("1", "Customer One", **{"Tax ID": "DE100000001"})
    for number in "ab":
        crm.add(number, "Twin", **{"Tax ID": "DE100000002"})
    assert crm.run(customer(1), customer(2), customer(3, name=None), mode="plan") == 0
    assert crm.actions() == {"1": "adopt", "2": "ambiguous", "3": "missing_required"}
    assert crm.read(open_rows) == crm.read(links) == crm.read(claims) == []


def test_records_changed_deleted_or_made_since_are_refused_and_left_alone(crm: Crm, tmp_path: Path) -> None:
    crm.run(*[customer(number) for number in range(1, 7)])
    changed = [customer(number, **{"Payment Terms": "N60"}) for number in range(1, 7)]
    crm.run(*changed, customer(8), customer(9), mode="plan")
    plan = crm.plan()
    ours = {key: number for number, key in crm.keys().items()}
    crm.control.patch_record("organizations", ours["2"], {"custom_fields": {"Payment Terms": "by hand"}})
    crm.control.patch_record("organizations", ours["3"], {"custom_fields": {"Payment Terms": "N60"}})
    crm.control.delete_record("organizations", ours["4"])
    crm.control.patch_record("organizations", ours["5"], {"custom_fields": {"Customer Group": "no field of ours"}})
    theirs = crm.control.add_record("organizations", {"name": "new", "custom_fields": {"JDE Number": "8"}})
    assert crm.apply(plan["id"], tmp_path).exit_code == 0
    terms = {crm.keys()[one]: record["custom_fields"].get("Payment Terms") for one, record in crm.records().items()}
    assert terms == {"1": "N60", "2": "by hand", "3": "N60", "5": "N60", "6": "N60", "8": None, "9": "N30"}
    assert crm.records()[theirs["id"]]["name"] == "new"
    waiting = {key: reason for key, (reason, _) in crm.waiting().items()}
    assert waiting == {"2": "plan_changed", "4": "record_deleted", "8": "plan_changed"}
    status = {row["external_id"]: row["status"] for row in crm.plan()["rows"]}
    assert status == {
        **dict.fromkeys("13569", "applied"),
        **dict.fromkeys("248", "refused"),
    }


def test_the_newest_row_wins_over_an_older_plan(crm: Crm, tmp_path: Path) -> None:
    crm.run(customer(1), customer(2))
    crm.run(customer(1, **{"Payment Terms": "A"}), customer(2, **{"Payment Terms": "A"}), customer(3), mode="plan")
    old = crm.plan()["id"]
    crm.run(customer(1), customer(2, **{"Payment Terms": "B"}))  # 1 is back to what it was: nothing to write
    assert crm.apply(old, tmp_path).exit_code == 0
    terms = {key: crm.records()[one]["custom_fields"]["Payment Terms"] for one, key in crm.keys().items()}
    assert terms == {"1": "N30", "2": "B", "3": "N30"}
    assert [row["status"] for row in crm.plan(str(old))["rows"]] == ["superseded", "superseded", "applied"]


def test_a_plan_made_twice_is_written_once(crm: Crm, tmp_path: Path) -> None:
    rows = [customer(number) for number in range(5)]
    for _ in range(2):
        crm.run(*rows, mode="plan")
    assert crm.apply(1, tmp_path).exit_code == 0
    assert crm.keys() == {}
    assert crm.apply(2, tmp_path).exit_code == 0
    assert sorted(key or "" for key in crm.keys().values()) == list("01234")
    assert "2 " in crm.call("plans").stdout


def test_two_rows_of_one_external_id_in_a_plan_the_last_is_written(crm: Crm, tmp_path: Path) -> None:
    crm.run(customer(1, name="old"), customer(2), customer(1, name="new"), mode="plan", batch_size_rows=1)
    assert crm.apply(1, tmp_path).exit_code == 0
    assert sorted(one["name"] for one in crm.records().values()) == ["Customer 2 GmbH", "new"]


def test_children_of_parents_that_are_only_planned(crm: Crm, tmp_path: Path) -> None:
    both = (schema("organizations"), schema("persons"))
    rows = (organization(1), person(1), person(2, 7))
    assert crm.runner.run(*both, *rows, mode="plan") == 0
    notes = {row["external_id"]: row["text"] for row in crm.plan()["rows"]}
    assert notes == {"1": None, "1-1": "waits for organizations 1", "2-7": "waits for organizations 2"}
    assert crm.apply(1, tmp_path).exit_code == 0
    (made,) = crm.control.records("persons")
    assert made["org_id"] == next(iter(crm.keys()))
    left = crm.plan()
    assert (left["status"], [row["status"] for row in left["rows"]]) == ("ready", ["applied", "applied", "planned"])
    assert crm.waiting() == {}  # what a plan could not write yet stays in the plan


def test_a_budget_that_ends_leaves_the_rest_planned_for_the_next_apply(crm: Crm, tmp_path: Path) -> None:
    crm.run(*[customer(number) for number in range(10)], mode="plan")
    crm.control.fault(kind="status", status=429, method="POST", path=r"/api/v2/organizations", times=1, skip=4)
    assert crm.apply(1, tmp_path, max_concurrency=1).exit_code == 0
    assert 0 < len(crm.keys()) < 10
    assert crm.plan()["status"] == "ready"
    crm.control.clear_faults()
    assert crm.apply(1, tmp_path).exit_code == 0
    assert sorted(key or "" for key in crm.keys().values()) == list("0123456789")
    assert crm.plan()["status"] == "applied"


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "status", "status": 502}, {"kind": "truncate"}])
@pytest.mark.parametrize("when", ["before", "after"])
def test_answers_lost_while_a_plan_is_applied(crm: Crm, tmp_path: Path, fault: dict[str, t.Any], when: str) -> None:
    crm.run(customer(1), customer(2))
    crm.run(*[customer(number, **{"Payment Terms": "N60"}) for number in range(1, 5)], mode="plan")
    plan = crm.plan()
    for method in ("POST", "PATCH"):
        crm.control.fault(when=when, method=method, path="/organizations", skip=1, times=1, **fault)
    while crm.plan()["status"] != "applied":
        assert crm.apply(plan["id"], tmp_path).exit_code == 0
    assert sorted(filter(None, crm.keys().values())) == ["1", "2", "3", "4"]
    assert {one["custom_fields"]["Payment Terms"] for one in crm.records().values()} == {"N60"}


@pytest.mark.parametrize("writes", [1, 7, 16])
def test_kill_minus_nine_while_a_plan_is_applied(crm: Crm, tmp_path: Path, writes: int) -> None:
    numbers = range(1, 21)
    crm.run(*[customer(number) for number in numbers if number % 2])
    crm.run(*[customer(number, **{"Payment Terms": "N60"}) for number in numbers], mode="plan")
    plan = crm.plan()
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**crm.runner.settings, "match_rules": RULES, "max_concurrency": 2}))
    crm.control.fault(kind="slow", delay_ms=30, when="after", path="/organizations", times=1000)
    crm.control.reset_counters()
    program = [sys.executable, "-c", "from sync_ledger.cli import app; app()", "apply", str(plan["id"])]
    options = ["--config", str(config), "--ledger-url", crm.runner.settings["ledger_url"]]
    with subprocess.Popen([*program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        while crm.writes() < writes:
            assert killed.poll() is None, "it was through before it could be killed"
        killed.kill()
    crm.control.clear_faults()
    done = crm.apply(plan["id"], tmp_path)
    assert done.exit_code == 0, done.output
    assert sorted(map(int, filter(None, crm.keys().values()))) == list(numbers)
    assert {one["custom_fields"]["Payment Terms"] for one in crm.records().values()} == {"N60"}
    assert crm.plan()["status"] == "applied"
    assert crm.waiting() == {}


def test_activate_version_does_nothing_in_a_plan(crm: Crm) -> None:
    crm.run(customer(1))
    activate = {"type": "ACTIVATE_VERSION", "stream": "organizations", "version": 2}
    assert crm.run(activate, customer(2), activate, mode="plan") == 0
    assert crm.actions() == {"2": "create"}


def test_what_cannot_be_applied_is_said_in_one_line(crm: Crm, tmp_path: Path) -> None:
    assert "There is no ledger" in crm.call("apply", "1").output
    crm.run(customer(1), mode="plan")
    assert "There is no plan 7" in crm.apply(7, tmp_path).output
    assert "There is no plan 7" in crm.call("plan", "7").output
    missing = crm.call("apply", "1", "--config", str(tmp_path / "missing.json"))
    assert "cannot be read" in missing.output
    (tmp_path / "empty.json").write_text("{}")
    refused = crm.call("apply", "1", "--config", str(tmp_path / "empty.json"))
    assert refused.exit_code == 1
    assert "api_token" in refused.output
    engine_free = crm.runner.run(SCHEMA, {"type": "RECORD", "stream": "organizations"}, mode="plan")
    assert engine_free == 1
    assert "is not whole" in crm.apply(2, tmp_path).output


def test_an_apply_reads_its_settings_from_the_environment(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    crm.run(customer(1), mode="plan")
    for name in ("api_url", "api_token"):
        monkeypatch.setenv(f"TARGET_PIPEDRIVE_{name.upper()}", crm.runner.settings[name])
    monkeypatch.setenv("TARGET_PIPEDRIVE_MODE", "plan")
    monkeypatch.setenv("TARGET_PIPEDRIVE_LEDGER_URL", "sqlite:////nowhere/ledger.db")
    done = crm.call("apply", "1", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["status"], told["run_id"], told["applied_by"]) == ("applied", 2, 2)  # not the run that made the plan
    assert list(crm.keys().values()) == ["1"]
    assert [run.mode for run in crm.read(runs)] == ["plan", "apply"]
    assert [row.status for row in crm.read(plan_rows)] == ["applied"]
