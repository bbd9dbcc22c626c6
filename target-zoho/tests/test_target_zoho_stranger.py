"""A stranger's eyes on what the target wrote: Zoho's own Python SDK reads the organisation."""

from __future__ import annotations

import typing as t

import pytest
from target_zoho_runs import account, contact, schema
from zoho_sdk import read_with_sdk

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.zoho.emulator import ZohoEmulator
    from target_zoho_runs import Runner

    from conftest import Org

FIELDS = {
    "Accounts": ["JDE_Number", "Account_Name", "Billing_City", "Credit_Limit", "JDE_Status"],
    "Contacts": ["JDE_Number", "Last_Name", "Email", "Account_Name"],
    "Vendors": ["JDE_Number", "Vendor_Name"],
}


@pytest.mark.slow
def test_zohos_own_sdk_reads_what_the_target_wrote(
    runner: Runner, org: Org, zoho: ZohoEmulator, tmp_path: Path
) -> None:
    numbers = range(1001, 1251)
    rows = [account(number, Account_Name=f"Käse & Söhne {number}") for number in numbers]
    assert runner.run(schema("Accounts"), schema("Contacts"), *rows, contact(1001), contact(1250)) == 0

    folder = tmp_path / "sdk"
    folder.mkdir()
    found = read_with_sdk(zoho.describe(), FIELDS, folder)

    accounts = {row["JDE_Number"]: row for row in found["Accounts"]}
    assert len(found["Accounts"]) == len(accounts) == len(numbers)
    for number in numbers:
        row = accounts[str(number)]
        assert row["Account_Name"] == f"Käse & Söhne {number}"
        assert row["Billing_City"] == "Denver"
        assert float(row["Credit_Limit"]) == number * 10.5
        assert row["JDE_Status"] == "Active"
    people = {row["JDE_Number"]: row for row in found["Contacts"]}
    assert sorted(people) == ["1001-1", "1250-1"]
    assert people["1250-1"]["Account_Name"] == accounts["1250"]["id"]
    assert people["1250-1"]["Email"] == "ana1@c1250.example"
    assert found["Vendors"] == []
