"""Files of cases for `alerts test`."""

from __future__ import annotations

import typing as t

import pytest
from alert_rules.errors import RulesError
from sync_ledger.alerts.cases import run_cases

if t.TYPE_CHECKING:
    from pathlib import Path

_ALERTS = """
rules:
  - {alert: Big, stream: orders, identity: [id], when: amount >= 10, annotations: {summary: "PO {{ id }}"}}
route: {receiver: buyers, group_wait: run}
receivers: [{name: buyers, sms: {to: ["+14155550100"]}}]
"""
_CASES = """
alerts: alerts.yml
cases:
  - name: told once
    clock: 2026-03-02T09:00:00Z
    steps:
      - rows: {orders: [{id: 1, amount: 10}, {id: 2, amount: 9}]}
        sent: [{to: "+14155550100", text: PO 1, purpose: alert, at: 2026-03-02T09:00:00Z}]
        decisions: [{rule: Big, key: "1", code: notified}]
      - {silence: {matchers: ['alert="Big"'], for: 2h, reason: stocktaking},
         rows: {orders: [{id: 3, amount: 10}]}, sent: [],
         decisions: [{rule: Big, key: "3", code: silenced, text: stocktaking}]}
      - {wait: 2h, sent: []}
"""


def _write(folder: Path, cases: str) -> str:
    (folder / "alerts.yml").write_text(_ALERTS)
    path = folder / "cases.yml"
    path.write_text(cases)
    return str(path)


def test_cases_that_hold_have_no_differences(tmp_path: Path) -> None:
    (result,) = run_cases(_write(tmp_path, _CASES))
    assert result.differences == []
    assert [one.text for one in result.sent] == ["PO 1"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("text: PO 1", "text: PO 7", "step 1 (2026-03-02 09:00): not sent: to +14155550100, text PO 7"),
        ("text: PO 1", "text: PO 7", "but: to +14155550100 by sms (alert): 'PO 1'"),
        ("{id: 3, amount: 10}]}, sent: []", "{id: 3, amount: 10}]}, sent: [{to: x}]", "not sent: to x"),
        ("sent: [{to", "sent: [] # [{to", "sent and not expected: to +14155550100 by sms (alert): 'PO 1'"),
        ("code: notified", "code: muted", "not decided: rule Big, code muted, key 1"),
    ],
)
def test_what_differs_is_told_with_what_came_instead(tmp_path: Path, before: str, after: str, expected: str) -> None:
    (result,) = run_cases(_write(tmp_path, _CASES.replace(before, after)))
    assert expected in "\n".join(result.differences)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("wait: 2h", "wait: soon", "'soon' is no duration"),
        ("purpose: alert", "purpos: alert", "purpos"),
        ("alerts: alerts.yml", "alerts: none.yml", "there is no alert file"),
        ("cases:", "cases: [", "cases.yml:"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_line(tmp_path: Path, before: str, after: str, expected: str) -> None:
    with pytest.raises(RulesError) as error:
        run_cases(_write(tmp_path, _CASES.replace(before, after)))
    assert expected in str(error.value)
