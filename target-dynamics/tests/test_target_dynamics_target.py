"""Runs of the target from end to end."""

from __future__ import annotations

import json
import typing as t

import pytest
from service_emulators.dynamics.errors import ApiError
from sqlalchemy import select
from sync_ledger.cli import app
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_dynamics_runs import PROPERTIES, account, contact, record, schema, state
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from pathlib import Path

    from target_dynamics_runs import Runner

    from conftest import Crm


def waiting(runner: Runner) -> dict[str, t.Any]:
    """Return external ID -> row that waits."""
    engine = open_engine(runner.settings["ledger_url"])
    with engine.connect() as connection:
        found = connection.execute(select(open_rows).where(open_rows.c.closed_at.is_(None))).all()
    engine.dispose()
    return {row.external_id: row for row in found}


def reasons(runner: Runner) -> dict[str, tuple[str, str]]:
    """Return external ID -> outcome and reason of the rows that wait."""
    return {key: (row.outcome, row.reason) for key, row in waiting(runner).items()}


def call(runner: Runner, *arguments: str) -> t.Any:
    url = str(runner.settings["ledger_url"])
    return CliRunner().invoke(app, [*arguments, "--ledger-url", url], env={"COLUMNS": "200"})


def refuse_by_plugin(crm: Crm, name: str) -> None:
    """Let custom logic of the environment refuse rows of a name."""

    def check(*given: t.Any, **_more: t.Any) -> None:
        if any(isinstance(one, dict) and one.get("name") == name for one in given):
            raise ApiError(400, "0x80040265", "The column 'name' has a value that the plug-in does not allow")

    crm.emulator.parts.rows.checks.append(check)


def test_accounts_are_made_once_and_then_changed(runner: Runner, crm: Crm) -> None:
    rows = [account(number) for number in range(1001, 1251)]
    assert runner.accounts(*rows, state(1)) == 0
    assert runner.passed == [{"bookmarks": {"customers": {"position": 1}}}]
    assert sorted(one["jde_number"] for one in crm.truth("accounts")) == [str(number) for number in range(1001, 1251)]
    versions = {one["accountid"]: one["versionnumber"] for one in crm.truth("accounts")}
    crm.control.reset_counters()
    assert runner.accounts(*rows, state(2)) == 0
    assert crm.control.counters()["writes"] == 0
    assert runner.accounts(account(1001, address1_city="Boulder"), *rows[1:]) == 0
    found = crm.truth("accounts")
    assert [one["address1_city"] for one in found].count("Boulder") == 1
    assert sum(versions[one["accountid"]] != one["versionnumber"] for one in found) == 1


def test_a_contact_belongs_to_its_account(runner: Runner, crm: Crm) -> None:
    assert runner.run(schema("accounts"), schema("contacts"), contact(1001), account(1001), state(1)) == 0
    (company,), (person,) = crm.truth("accounts"), crm.truth("contacts")
    assert person["_parentcustomerid_value"] == company["accountid"]
    assert person["jde_number"] == "1001-1"


def test_many_contacts_come_with_their_accounts_in_one_run(runner: Runner, crm: Crm) -> None:
    rows = [row for number in range(600) for row in (account(number), contact(number))]
    assert runner.run(schema("accounts"), schema("contacts"), *rows) == 0
    assert (len(crm.truth("accounts")), len(crm.truth("contacts"))) == (600, 600)
    assert waiting(runner) == {}


def test_one_row_that_only_the_service_refuses_is_held_and_999_are_written(runner: Runner, crm: Crm) -> None:
    refuse_by_plugin(crm, "Company 650")
    begun = crm.calls()
    assert runner.accounts(*(account(number) for number in range(1000))) == 0
    assert crm.calls() - begun <= 30
    assert len(crm.truth("accounts")) == 999
    (row,) = waiting(runner).values()
    assert (row.external_id, row.outcome, row.reason, row.field) == ("650", "rejected", "refused", "name")
    assert "0x80040265" in row.text


def test_one_row_that_is_refused_here_costs_no_call(runner: Runner, crm: Crm) -> None:
    rows = [account(number) for number in range(1000)]
    rows[650] = account(650, name="x" * 161)
    begun = crm.calls()
    assert runner.accounts(*rows) == 0
    assert crm.calls() - begun <= 12
    assert len(crm.truth("accounts")) == 999
    (row,) = waiting(runner).values()
    assert (row.external_id, row.outcome, row.reason, row.field) == ("650", "held", "too_long", "name")


@pytest.mark.parametrize(
    ("values", "reason", "field"),
    [
        ({"paymenttermscode": "Net 90"}, "unknown_option", "paymenttermscode"),
        ({"creditlimit": -1}, "out_of_range", "creditlimit"),
        ({"name": None}, "missing_required", "name"),
        ({"accountnumber": "x" * 21}, "too_long", "accountnumber"),
    ],
)
def test_a_row_the_service_would_refuse_is_held_with_column_and_reason(
    runner: Runner, crm: Crm, values: dict[str, t.Any], reason: str, field: str
) -> None:
    assert runner.accounts(account(1, **values), account(2)) == 0
    (row,) = waiting(runner).values()
    assert (row.outcome, row.reason, row.field) == ("held", reason, field)
    assert [one["jde_number"] for one in crm.truth("accounts")] == ["2"]


def test_an_external_id_that_keys_cannot_have_is_held_with_a_remedy(runner: Runner, crm: Crm) -> None:
    assert runner.accounts(record("accounts", "1/7", name="x"), account(2)) == 0
    (row,) = waiting(runner).values()
    assert (row.external_id, row.outcome) == ("1/7", "held")
    assert "map another key property" in row.text
    assert len(crm.truth("accounts")) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_first_load_takes_five_calls_for_a_thousand_rows(runner: Runner, crm: Crm) -> None:
    begun = crm.calls()
    assert runner.accounts(*(account(number) for number in range(10_000)), state(1)) == 0
    assert crm.calls() - begun <= 50
    assert len(crm.truth("accounts")) == 10_000


def test_a_parent_may_come_after_its_child_in_the_same_table(runner: Runner, crm: Crm) -> None:
    rows = [account(1, parentaccountid="2"), account(2, parentaccountid="3"), account(3)]
    for _ in range(3):
        assert runner.accounts(*rows) == 0
    found = {one["jde_number"]: one for one in crm.truth("accounts")}
    assert found["1"]["_parentaccountid_value"] == found["2"]["accountid"]
    assert found["2"]["_parentaccountid_value"] == found["3"]["accountid"]
    assert waiting(runner) == {}


def test_deleted_rows_are_deactivated_and_come_back(runner: Runner, crm: Crm, tmp_path: Path) -> None:
    config = {"deletions": {"accounts": {"do": "archive"}}, "undo_file": str(tmp_path / "undo.jsonl")}
    rows = [account(number) for number in range(3)]
    assert runner.accounts(*rows, **config) == 0
    gone = [{**row, "record": {**row["record"], "_sdc_deleted_at": "2026-03-01T00:00:00Z"}} for row in rows[:2]]
    assert runner.accounts(*gone, **config) == 0

    def states() -> dict[str, int]:
        return {one["jde_number"]: one["statecode"] for one in crm.truth("accounts")}

    assert states() == {"0": 1, "1": 1, "2": 0}
    assert runner.accounts(rows[0], **config) == 0
    assert states() == {"0": 0, "1": 1, "2": 0}


def test_deleted_rows_are_deleted_when_told_to(runner: Runner, crm: Crm, tmp_path: Path) -> None:
    config = {"deletions": {"accounts": {"do": "delete"}}, "undo_file": str(tmp_path / "undo.jsonl")}
    rows = [account(number) for number in range(3)]
    assert runner.accounts(*rows, **config) == 0
    gone = [{**row, "record": {**row["record"], "_sdc_deleted_at": "2026-03-01T00:00:00Z"}} for row in rows[:2]]
    assert runner.accounts(*gone, **config) == 0
    assert [one["jde_number"] for one in crm.truth("accounts")] == ["2"]


def test_a_row_is_matched_by_account_number_or_tax_id_and_takes_the_external_id(runner: Runner, wide: Crm) -> None:
    by_number = wide.add("accounts", name="One", accountnumber="A-1")
    by_tax = wide.add("accounts", name="Two", jde_vatid="DE 123.456")
    properties = {**PROPERTIES["accounts"], "VAT ID": {"type": "string"}}
    rules = {"accounts": [{"on": "accountnumber"}, {"on": "VAT ID", "as": "tax_id"}]}
    rows = [account(1, accountnumber="A-1"), account(2, **{"VAT ID": "DE123456"}), account(3, accountnumber="A-3")]
    assert runner.run(schema("accounts", properties), *rows, match_rules=rules) == 0
    found = {one["jde_number"]: one["accountid"] for one in wide.truth("accounts")}
    assert (found["1"], found["2"], len(found)) == (by_number, by_tax, 3)


def test_several_hits_are_held_with_the_candidates(runner: Runner, crm: Crm) -> None:
    twins = {crm.add("contacts", lastname=name, emailaddress1="ana@c.example") for name in ("A", "B")}
    rules = {"contacts": [{"on": "emailaddress1", "as": "email"}]}
    rows = [contact(1, emailaddress1="Ana@C.example", parentcustomerid_account=None)]
    assert runner.run(schema("contacts"), *rows, match_rules=rules) == 0
    (row,) = waiting(runner).values()
    assert (row.outcome, row.reason) == ("held", "ambiguous")
    assert all(twin in row.text for twin in twins)
    assert len(crm.truth("contacts")) == 2


@pytest.mark.parametrize(
    "fault", [{"kind": "reset", "when": "after"}, {"kind": "status", "status": 503, "when": "after"}]
)
def test_a_lost_answer_makes_no_row_twice(runner: Runner, crm: Crm, fault: dict[str, t.Any]) -> None:
    crm.control.fault(**fault, path="CreateMultiple", times=1)
    assert runner.accounts(*(account(number) for number in range(40))) == 0
    assert sorted(int(one["jde_number"]) for one in crm.truth("accounts")) == list(range(40))
    assert waiting(runner) == {}
    crm.control.fault(**fault, path="UpdateMultiple", times=1)
    assert runner.accounts(*(account(number, creditlimit=1) for number in range(40))) == 0
    assert {one["creditlimit"] for one in crm.truth("accounts")} == {1}
    assert waiting(runner) == {}


@pytest.mark.parametrize("code", ["0x80072321", "0x80072322", "0x80072326"])
def test_a_limit_is_waited_for(runner: Runner, crm: Crm, code: str) -> None:
    body = {"error": {"code": code, "message": "exceeded the limit"}}
    crm.control.fault(kind="status", status=429, body=body, headers={"Retry-After": "0"}, path="Multiple", times=2)
    assert runner.accounts(*(account(number) for number in range(40))) == 0
    assert len(crm.truth("accounts")) == 40
    assert waiting(runner) == {}


def test_an_index_that_is_not_active_keeps_the_target_from_starting(
    runner: Runner, crm: Crm, caplog: pytest.LogCaptureFixture
) -> None:
    (key,) = crm.emulator.parts.catalog.tables()["account"].keys.values()
    key.status = "Failed"
    assert runner.accounts(account(1)) == 1
    assert "`target-dynamics setup accounts` names them" in caplog.text
    assert crm.truth("accounts") == []


def test_an_unknown_column_ends_the_run_with_a_hint(runner: Runner, crm: Crm, caplog: pytest.LogCaptureFixture) -> None:
    properties = {**PROPERTIES["accounts"], "adress1_city": {"type": "string"}}
    assert runner.run(schema("accounts", properties), account(1)) == 1
    assert "has no field 'adress1_city'; did you mean 'address1_city'" in caplog.text
    assert crm.truth("accounts") == []


def test_an_entity_set_that_is_not_there_ends_the_run_with_a_hint(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    assert runner.run(schema("account", PROPERTIES["accounts"])) == 1
    assert "did you mean 'accounts'?" in caplog.text


def test_a_user_without_the_privilege_to_write_gets_one_line(
    runner: Runner, crm: Crm, caplog: pytest.LogCaptureFixture
) -> None:
    crm.control.set_user(missing=["prvCreateAccount"])
    assert runner.accounts(*(account(number) for number in range(5))) == 1
    assert "lets no row of accounts be written" in caplog.text
    assert "prvCreateAccount" in caplog.text
    crm.control.set_user()
    assert runner.accounts(*(account(number) for number in range(5))) == 0
    assert len(crm.truth("accounts")) == 5


def test_applying_a_plan_takes_the_calls_it_says_and_verify_finds_no_difference(
    runner: Runner, crm: Crm, tmp_path: Path
) -> None:
    assert runner.accounts(*(account(number) for number in range(40))) == 0
    rows = [account(number, address1_city="Boulder" if number < 30 else "Denver") for number in range(600)]
    assert runner.accounts(*rows, mode="plan") == 0
    plan = json.loads(call(runner, "plan", "--json").stdout)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(runner.settings))
    before = crm.calls()
    applied = call(runner, "apply", str(plan["id"]), "--config", str(config), "--json")
    assert applied.exit_code == 0, applied.output
    assert abs((crm.calls() - before) - plan["calls"]) <= 2
    assert len(crm.truth("accounts")) == 600
    assert call(runner, "verify", "--config", str(config)).exit_code == 0
