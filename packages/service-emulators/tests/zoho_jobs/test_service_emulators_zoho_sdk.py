"""The vendor's own Python SDK against the emulator: it signs in with a refresh token and reads what is there.

How the SDK is pointed at it: see `tests/plugins/zoho_sdk.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from zoho_sdk import read_with_sdk

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Org

ACCOUNT_FIELDS = ["Account_Name", "JDE_Number", "Employees", "Phone", "Industry", "Modified_Time", "Owner"]


@pytest.mark.slow
def test_the_sdk_signs_in_and_reads_page_after_page(org: Org, tmp_path: Path) -> None:
    ids: list[str] = []
    for start in range(0, 250, 50):
        rows = [
            {"Account_Name": f"Ä {n}", "JDE_Number": str(n), "Employees": n, "Industry": "Service Provider"}
            for n in range(start, start + 50)
        ]
        ids += org.add("Accounts", *rows)
    (contact,) = org.add("Contacts", {"Last_Name": "Ruiz", "Account_Name": {"id": ids[0]}, "Email_Opt_Out": True})
    org.control.reset_counters()
    fields = {
        "Accounts": ACCOUNT_FIELDS,
        "Contacts": ["Last_Name", "Account_Name", "Email_Opt_Out"],
        "Vendors": ["Vendor_Name"],
    }
    found = read_with_sdk(org.emulator.describe(), fields, tmp_path)
    ours = {row["id"]: row for row in org.records("Accounts")}
    assert sorted(row["id"] for row in found["Accounts"]) == sorted(ids)
    for row in found["Accounts"]:
        mine = ours[row["id"]]
        assert [row[name] for name in ACCOUNT_FIELDS[:5]] == [mine[name] for name in ACCOUNT_FIELDS[:5]]
        assert row["Owner"] == mine["Owner"]["id"]
    assert found["Contacts"] == [{"id": contact, "Last_Name": "Ruiz", "Account_Name": ids[0], "Email_Opt_Out": True}]
    assert found["Vendors"] == []
    counters = org.control.counters()["by_endpoint"]
    assert counters["POST /oauth/v2/token"] == 1
    assert counters["GET /crm/v8/Accounts"] == 2
