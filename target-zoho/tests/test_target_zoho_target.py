"""Runs of the target from end to end."""

from __future__ import annotations

import json
import typing as t

from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_zoho_runs import account, contact, record, schema, state
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from target_zoho_runs import Runner

    from conftest import Org


def test_accounts_are_made_once_and_then_changed(runner: Runner, org: Org) -> None:
    rows = [account(number) for number in range(1001, 1251)]
    assert runner.run(schema("Accounts"), *rows, state(1)) == 0
    assert runner.passed == [{"bookmarks": {"customers": {"position": 1}}}]
    records = org.truth("Accounts")
    assert sorted(one["JDE_Number"] for one in records) == [str(number) for number in range(1001, 1251)]
    assert {one["JDE_Status"] for one in records} == {"Active"}
    org.control.reset_counters()
    assert runner.run(schema("Accounts"), *rows, state(2)) == 0
    assert org.control.counters()["writes"] == 0
    assert runner.run(schema("Accounts"), account(1001, Billing_City="Boulder"), *rows[1:]) == 0
    assert [one["Billing_City"] for one in org.truth("Accounts")].count("Boulder") == 1
    assert len(org.truth("Accounts")) == 250


def test_a_contact_belongs_to_its_account(runner: Runner, org: Org) -> None:
    both = (schema("Accounts"), schema("Contacts"))
    assert runner.run(*both, contact(1001), account(1001), state(1)) == 0
    (company,), (person,) = org.truth("Accounts"), org.truth("Contacts")
    assert person["Account_Name"]["id"] == company["id"]
    assert person["JDE_Number"] == "1001-1"


def waiting(runner: Runner) -> dict[str, tuple[str, str]]:
    """Return external ID -> outcome and reason of the rows that wait."""
    engine = open_engine(runner.settings["ledger_url"])
    with engine.connect() as connection:
        found = connection.execute(select(open_rows).where(open_rows.c.closed_at.is_(None))).all()
    engine.dispose()
    return {row.external_id: (row.outcome, row.reason) for row in found}


def call(runner: Runner, *arguments: str) -> t.Any:
    url = str(runner.settings["ledger_url"])
    return CliRunner().invoke(app, [*arguments, "--ledger-url", url], env={"COLUMNS": "200"})


def test_a_parent_may_come_after_its_child_in_the_same_module(runner: Runner, org: Org) -> None:
    rows = [account(1, Parent_Account="2"), account(2, Parent_Account="3"), account(3)]
    for _ in range(3):
        assert runner.run(schema("Accounts"), *rows) == 0
    parents = {one["JDE_Number"]: one["Parent_Account"] for one in org.truth("Accounts")}
    ids = {one["JDE_Number"]: one["id"] for one in org.truth("Accounts")}
    assert (parents["1"]["id"], parents["2"]["id"], parents["3"]) == (ids["2"], ids["3"], None)
    assert waiting(runner) == {}


def test_a_locked_record_is_written_by_a_later_run(runner: Runner, org: Org) -> None:
    rows = [account(number) for number in range(30)]
    assert runner.run(schema("Accounts"), *rows) == 0
    locked = {"code": "RECORD_LOCKED", "details": {"api_name": "id"}, "message": "record is locked"}
    org.control.fault(kind="partial", every=1, body=locked, method="PUT", path="Accounts", times=None)
    changed = [account(number, Billing_City="Boulder") for number in range(30)]
    assert runner.run(schema("Accounts"), *changed) == 0
    assert set(waiting(runner).values()) == {("failed", "unavailable")}
    org.control.clear_faults()
    assert runner.run(schema("Accounts"), account(1, Billing_City="Boulder")) == 0
    assert {one["Billing_City"] for one in org.truth("Accounts")} == {"Boulder"}
    assert waiting(runner) == {}


def test_deleted_rows_go_to_the_recycle_bin_and_come_back(runner: Runner, org: Org, tmp_path: Path) -> None:
    config = {"deletions": {"Accounts": {"do": "delete"}}, "undo_file": str(tmp_path / "undo.jsonl")}
    rows = [account(number) for number in range(3)]
    assert runner.run(schema("Accounts"), *rows, **config) == 0
    gone = [{**row, "record": {**row["record"], "_sdc_deleted_at": "2026-03-01T00:00:00Z"}} for row in rows[:2]]
    assert runner.run(schema("Accounts"), *gone, **config) == 0
    assert [one["JDE_Number"] for one in org.truth("Accounts")] == ["2"]
    assert runner.run(schema("Accounts"), rows[0], **config) == 0
    assert sorted(one["JDE_Number"] for one in org.truth("Accounts")) == ["0", "2"]


def test_an_archive_is_refused_at_the_start(runner: Runner, org: Org, caplog: pytest.LogCaptureFixture) -> None:
    assert runner.run(schema("Accounts"), account(1), deletions={"Accounts": {"do": "archive"}}) == 1
    assert "archive" in caplog.text
    assert org.truth("Accounts") == []


def test_any_module_is_written_by_its_api_name(runner: Runner, org: Org) -> None:
    org.set_up({}, modules=("Products",))
    properties = {"external_id": {"type": "string"}, "Product Name": {"type": "string"}}
    assert runner.run(schema("Products", properties), record("Products", "7", **{"Product Name": "Lathe"})) == 0
    assert [(one["JDE_Number"], one["Product_Name"]) for one in org.truth("Products")] == [("7", "Lathe")]


def test_a_module_that_is_not_there_ends_the_run_with_a_hint(
    runner: Runner, org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    org.control.hide_module("Vendors")
    assert runner.run(schema("Vendors"), record("Vendors", "1", Vendor_Name="x")) == 1
    assert "Stream 'Vendors': Zoho has no module of that API name that this user may write" in caplog.text
    caplog.clear()
    properties = {"external_id": {"type": "string"}}
    assert runner.run(schema("Acounts", properties)) == 1
    assert "did you mean 'Accounts'?" in caplog.text
    assert runner.run(schema("Vendors"), record("Vendors", "1"), on_unknown_stream="skip") == 0


def test_an_unknown_value_of_a_picklist_is_held_or_added(runner: Runner, org: Org) -> None:
    row = account(1, **{"JDE Status": "Dormant"})
    assert runner.run(schema("Accounts"), row) == 0
    assert waiting(runner) == {"1": ("held", "unknown_option")}
    assert runner.run(schema("Accounts"), row, mode="plan", picklists="add") == 0
    field = org.connect().entity("Accounts").describe().find("JDE_Status")
    assert field is not None
    assert "Dormant" not in (field.options or {}), "a plan writes nothing, no list either"
    assert runner.run(schema("Accounts"), row, picklists="add") == 0
    assert [one["JDE_Status"] for one in org.truth("Accounts")] == ["Dormant"]


def apply(runner: Runner, org: Org, config: Path) -> tuple[int, int]:
    """Apply the newest plan and return the credits it took and those it said."""
    plan = json.loads(call(runner, "plan", "--json").stdout)
    before = org.control.credits()["used"]
    config.write_text(json.dumps(runner.settings))
    applied = call(runner, "apply", str(plan["id"]), "--config", str(config), "--json")
    assert applied.exit_code == 0, applied.output
    return org.control.credits()["used"] - before, plan["cost"]


def test_applying_a_plan_costs_what_it_says_and_verify_finds_no_difference(
    runner: Runner, org: Org, tmp_path: Path
) -> None:
    assert runner.run(schema("Accounts"), *(account(number) for number in range(40))) == 0
    rows = [account(number, Billing_City="Boulder" if number < 30 else "Denver") for number in range(1240)]
    assert runner.run(schema("Accounts"), *rows, mode="plan") == 0
    used, said = apply(runner, org, tmp_path / "config.json")
    assert abs(used - said) <= 0.02 * used, (used, said)
    assert len(org.truth("Accounts")) == 1240
    assert call(runner, "verify", "--config", str(tmp_path / "config.json")).exit_code == 0


def test_a_plan_knows_what_a_bulk_write_costs(runner: Runner, org: Org, tmp_path: Path) -> None:
    org.control.switch(bulk_start_ms=0)
    runner.settings["bulk_threshold"] = 300
    assert runner.run(schema("Accounts"), *(account(number) for number in range(600)), mode="plan") == 0
    used, said = apply(runner, org, tmp_path / "config.json")
    assert used > 500
    assert abs(used - said) <= 0.02 * used, (used, said)
    assert len(org.truth("Accounts")) == 600
