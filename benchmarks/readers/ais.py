"""What every reader of the ledger needs to know: the address, the columns, the body of a request."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import requests

URL = os.environ["BENCH_URL"] + "/jderest/v2"
PAGE_SIZE = 1000
COLUMNS: dict[str, str] = json.loads((Path(__file__).parent / "columns.json").read_text())
DEVICE = "benchmark"


def log_in() -> dict[str, str]:
    """Log in and return the headers of further requests."""
    body = {"username": os.environ["BENCH_USERNAME"], "password": os.environ["BENCH_PASSWORD"], "deviceName": DEVICE}
    answer = requests.post(f"{URL}/tokenrequest", json=body, timeout=30)
    answer.raise_for_status()
    return {"jde-AIS-Auth": answer.json()["userInfo"]["token"], "jde-AIS-Auth-Device": DEVICE}


def browse(**changes: t.Any) -> dict[str, t.Any]:
    """Return the body that asks for the first page of the ledger."""
    return {
        "targetName": "F0911",
        "targetType": "table",
        "dataServiceType": "BROWSE",
        "findOnEntry": "TRUE",
        "maxPageSize": str(PAGE_SIZE),
        "outputType": "GRID_DATA",
        "aliasNaming": True,
        "returnControlIDs": "|".join(f"F0911.{alias}" for alias in COLUMNS),
        "deviceName": DEVICE,
        **changes,
    }


def by_key() -> dict[str, t.Any]:
    """Return the order of the primary key."""
    key = ("DOC", "DCT", "KCO", "DGJ", "JELN", "LT", "EXTL")
    return {"orderBy": [{"column": f"F0911.{alias}", "direction": "ASC"} for alias in key]}


def between(low: int, high: int) -> dict[str, t.Any]:
    """Return the condition of a range of document numbers."""
    values = [{"content": str(number), "specialValueId": "LITERAL"} for number in (low, high)]
    return {"autoFind": True, "condition": [{"controlId": "F0911.DOC", "operator": "BETWEEN", "value": values}]}


def rows_of(page: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the rows of a page."""
    rows: list[dict[str, t.Any]] = page["fs_DATABROWSE_F0911"]["data"]["gridData"]["rowset"]
    return rows
