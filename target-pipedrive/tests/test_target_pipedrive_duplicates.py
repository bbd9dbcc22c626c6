"""Records made, deleted and edited by hand between runs, while the index only hears of changes."""

from __future__ import annotations

import typing as t

import pytest
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows, remote_index
from target_pipedrive_runs import organization, person, schema, state

if t.TYPE_CHECKING:
    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

SCHEMAS = (schema("organizations"), schema("persons"))


class Account:
    """An account in which organization 7 was written by a run; `ours` is its record."""

    def __init__(self, runner: Runner, pipedrive: PipedriveEmulator) -> None:
        self.runner = runner
        self.control = pipedrive.control
        self.load("one")
        (self.ours,) = [record["id"] for record in self.records()]

    def load(self, name: str, *others: dict[str, t.Any]) -> None:
        assert self.runner.run(*SCHEMAS, organization(7, name=name), *others, state(1)) == 0

    def add_by_hand(self) -> int:
        added = self.control.add_record("organizations", {"name": "hand", "custom_fields": {"JDE Number": "7"}})
        return int(added["id"])

    def records(self) -> list[dict[str, t.Any]]:
        return self.control.records("organizations")

    def names(self) -> dict[int, str]:
        return {record["id"]: record["name"] for record in self.records()}

    def waiting(self) -> list[tuple[str, str]]:
        table = open_rows.c
        return self._read(select(table.outcome, table.reason).where(table.closed_at.is_(None)))

    def indexed(self) -> list[str]:
        return [remote_id for (remote_id,) in self._read(select(remote_index.c.remote_id))]

    def _read(self, query: t.Any) -> list[t.Any]:
        engine = open_engine(self.runner.settings["ledger_url"])
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(query)]
        engine.dispose()
        return found


@pytest.fixture
def account(runner: Runner, pipedrive: PipedriveEmulator) -> Account:
    return Account(runner, pipedrive)


def test_two_records_of_one_external_id_are_held_until_one_is_left(account: Account) -> None:
    theirs = account.add_by_hand()
    account.load("two")
    assert account.waiting() == [("held", "ambiguous")]
    assert account.names() == {account.ours: "one", theirs: "hand"}
    account.control.delete_record("organizations", theirs)
    account.load("three")
    assert account.waiting() == []
    assert account.names() == {account.ours: "three"}


def test_when_the_record_we_made_is_the_one_deleted_the_other_takes_its_place(account: Account) -> None:
    theirs = account.add_by_hand()
    account.load("two")
    account.control.delete_record("organizations", account.ours)
    account.load("three")
    account.load("four", person(7))
    assert account.waiting() == []
    assert account.names() == {theirs: "four"}
    assert [one["org_id"] for one in account.control.records("persons")] == [theirs]


def test_clearing_the_field_on_the_record_we_made_settles_it_too(account: Account) -> None:
    theirs = account.add_by_hand()
    account.load("two")
    account.control.patch_record("organizations", account.ours, {"custom_fields": {"JDE Number": None}})
    account.load("three")
    assert account.waiting() == []
    assert account.names() == {account.ours: "one", theirs: "three"}


def test_when_all_of_them_are_deleted_the_row_is_held_and_nothing_made_anew(account: Account) -> None:
    theirs = account.add_by_hand()
    account.load("two")
    for record_id in (theirs, account.ours):
        account.control.delete_record("organizations", record_id)
    account.load("three")
    assert account.waiting() == [("held", "record_deleted")]
    assert account.names() == {}


def test_a_record_whose_field_was_emptied_by_hand_is_still_ours(account: Account) -> None:
    theirs = account.add_by_hand()
    account.load("two")
    account.control.patch_record("organizations", account.ours, {"custom_fields": {"JDE Number": None}})
    account.control.delete_record("organizations", theirs)
    account.load("three")
    assert account.names() == {account.ours: "three"}


def test_a_record_deleted_before_its_first_row_comes_does_not_haunt_the_one_made_for_it(account: Account) -> None:
    gone = account.control.add_record("organizations", {"name": "x", "custom_fields": {"JDE Number": "8"}})["id"]
    account.load("two")
    account.control.delete_record("organizations", gone)
    for name in ("eight", "eight and a half"):
        account.load("two", organization(8, name=name))
    assert account.waiting() == []
    assert sorted(account.names().values()) == ["eight and a half", "two"]
    assert str(gone) not in account.indexed()


def test_the_field_of_the_external_id_cannot_be_mapped(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    properties = {"external_id": {"type": "string"}, "JDE Number": {"type": "string"}}
    assert account.runner.run(schema("organizations", properties)) == 1
    assert "'JDE Number' holds the external ID" in caplog.text
    row = organization(7, name="two", **{"JDE Number": "9"})
    assert account.runner.run(schema("organizations"), row) == 0
    assert account.waiting() == [("held", "unknown_attribute")]


def test_a_budget_that_ends_while_records_are_read_leaves_their_rows_for_the_next_run(account: Account) -> None:
    account.add_by_hand()
    account.control.fault(kind="status", status=429, method="GET", path=r"/api/v2/organizations/\d+", times=1)
    account.load("two", organization(8))
    assert sorted(account.waiting()) == [("failed", "budget"), ("failed", "budget")]
    account.control.clear_faults()
    account.load("two")
    assert account.waiting() == [("held", "ambiguous")]
    assert len(account.names()) == 3
