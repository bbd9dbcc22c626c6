"""Runs of the target from end to end."""

from __future__ import annotations

import typing as t

from target_zoho_runs import account, contact, schema, state

if t.TYPE_CHECKING:
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
