"""The shipped alert files: they fit what the tap discovers, and do what their cases say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alert_rules.checking import check
from alert_rules.checking.checker import fields_of
from sync_ledger.alerts.cases import run_cases

ROOT = Path(__file__).resolve().parents[1]
CASES = sorted((ROOT / "alerts" / "tests").glob("*.yml"))


def test_the_shipped_alert_files_have_no_mistake():
    catalog = json.loads((ROOT / "mappings" / "tests" / "jde-alerts.catalog.json").read_text())
    assert check(str(ROOT / "alerts"), fields=fields_of(catalog)).findings == []


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.name)
def test_the_shipped_alert_files_do_what_their_cases_say(file):
    results = run_cases(str(file))
    assert len(results) >= 7
    assert {result.name: result.differences for result in results if result.differences} == {}
