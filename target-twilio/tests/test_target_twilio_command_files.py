"""`alerts check`, `alerts schema` and `alerts test`."""

from __future__ import annotations

import json

import pytest
from alert_rules.schema import schema
from target_twilio_commands import alerts, fails
from target_twilio_runs import ORDERS, PAYABLES, RULES, order, payable

pytestmark = pytest.mark.usefixtures("wide")

ROWS = [order(1, 60000), order(2, 10)]
CASES = """\
alerts: rules.yml
cases:
  - name: a big order is told once
    clock: 2026-03-02T09:00:00Z
    steps:
      - rows: {purchase_orders: [{DOCO: 1, DCTO: OP, amount: 60000, status: "220", phone: "212 555 0123"}]}
        sent: [{to: "+12125550123", text: "PO 1 USD 60,000.00"}]
      - {wait: 2h, sent: []}
"""


def test_a_good_file_is_checked_without_settings_and_ledger(rules, tmp_path):
    told = alerts("check", rules)
    assert (told.code, told.err) == (0, "")
    assert "2 rules, 0 errors" in told.out
    assert {one.name for one in tmp_path.iterdir()} == {"rules.yml"}


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("when: amount >=", "when: amount >= >=", "rules.yml:7:", "no expression"),
        ("kind: event", "kind: evnt", "rules.yml:5:", "evnt"),
        ("receiver: finance", "receiver: nobody", "rules.yml:", "nobody"),
        ("region: US", "regions: US", "rules.yml:", "regions"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_line_and_column(rules, before, after, place, said):
    rules.write_text(RULES.replace(before, after, 1))
    told = alerts("check", rules)
    assert told.code == 1
    (line,) = [one for one in told.out.splitlines() if place in one and said in one]
    assert int(line.split(place)[1].split(":")[0]) > 0
    found = alerts("check", rules, "--json")
    assert (found.code, found.json["ok"]) == (1, False)
    (finding,) = [one for one in found.json["findings"] if said in one["message"]]
    assert (finding["severity"], finding["file"]) == ("error", str(rules))
    assert line.startswith(f"{rules}:{finding['line']}:{finding['column']}: ")


def test_a_catalog_tells_which_fields_there_are(rules, tmp_path):
    catalog = {"streams": [{"stream": one["stream"], "schema": one["schema"]} for one in (ORDERS, PAYABLES)]}
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog))
    assert alerts("check", rules, "--catalog", path).code == 0
    rules.write_text(RULES.replace("days_overdue > 30", "days_over > 30"))
    told = alerts("check", rules, "--catalog", path)
    assert told.code == 1
    assert "payables has no field 'days_over'" in told.out
    path.write_text("[")
    assert "catalog.json" in fails("check", rules, "--catalog", path)
    assert "none.json" in fails("check", rules, "--catalog", tmp_path / "none.json")


@pytest.mark.parametrize("singer", [True, False])
def test_sample_rows_tell_what_rules_come_to(rules, tmp_path, singer):
    given = [ORDERS, *ROWS, order(3, 70000), PAYABLES, payable(7, 31)]
    if not singer:
        given = [{"stream": one["stream"], "record": one["record"]} for one in given if one["type"] == "RECORD"]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in given))
    found = alerts("check", rules, "--rows", path, "--json")
    assert found.code == 0
    big, overdue = found.json["estimates"]["HighValuePurchaseOrder"], found.json["estimates"]["PayableOverdue"]
    assert (big["rows"], big["matching"], big["messages"], big["segments"]) == (3, 2, {"sms": 2}, 2)
    assert (overdue["matching"], overdue["messages"], overdue["segments"]) == (1, {"email": 1}, 0)
    (line,) = [one for one in alerts("check", rules, "--rows", path).out.splitlines() if "HighValue" in one]
    assert "2 sms" in line


@pytest.mark.parametrize("line", ["{", '{"stream": "payables"}', '{"stream": 7, "record": {}}', "[]", "7"])
def test_a_line_that_is_no_sample_row_is_told_with_its_place(rules, tmp_path, line):
    (tmp_path / "rows.jsonl").write_text(json.dumps(payable(7, 31)) + f"\n{line}\n")
    assert "rows.jsonl:2:" in fails("check", rules, "--rows", tmp_path / "rows.jsonl")


def test_a_file_that_is_not_there_or_no_yaml_is_one_line(rules, tmp_path):
    assert "none.yml" in fails("check", tmp_path / "none.yml")
    rules.write_text("rules: [\n")
    told = alerts("check", rules)
    assert told.code == 1
    (line,) = (told.out + told.err).splitlines()
    assert "rules.yml:2:1: not valid YAML" in line


def test_the_schema_is_printed_as_it_is():
    told = alerts("schema")
    assert told.code == 0
    assert told.json == schema()


def test_cases_that_hold_pass_without_settings_and_ledger(rules, tmp_path):
    (tmp_path / "cases.yml").write_text(CASES)
    told = alerts("test", tmp_path / "cases.yml")
    assert told.code == 0
    assert "a big order is told once" in told.out
    assert alerts("test", tmp_path / "cases.yml", "--json").json["ok"] is True
    assert {one.name for one in tmp_path.iterdir()} == {"rules.yml", "cases.yml"}


def test_cases_that_do_not_hold_show_what_came_instead(rules, tmp_path):
    (tmp_path / "cases.yml").write_text(CASES.replace("PO 1 USD", "PO 1 EUR"))
    told = alerts("test", tmp_path / "cases.yml")
    assert told.code == 1
    assert "step 1 (2026-03-02 09:00): not sent: to +12125550123, text PO 1 EUR 60,000.00" in told.out
    assert "'PO 1 USD 60,000.00'" in told.out
    found = alerts("test", tmp_path / "cases.yml", "--json")
    assert (found.code, found.json["ok"]) == (1, False)
    assert "PO 1 EUR" in found.out


def test_a_file_of_cases_that_cannot_be_used_is_one_line(rules, tmp_path):
    (tmp_path / "cases.yml").write_text(CASES.replace("wait: 2h", "wait: soon"))
    assert "'soon' is no duration" in fails("test", tmp_path / "cases.yml")
    assert "none.yml" in fails("test", tmp_path / "none.yml")
