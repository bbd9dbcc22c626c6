from __future__ import annotations

import json
from decimal import Decimal

import jsonschema
import pytest
import yaml
from alert_rules.checking import Severity, check
from alert_rules.checking.checker import fields_of
from alert_rules.compiling import compile_files
from alert_rules.errors import BadRowError, RulesError
from alert_rules.reference import REFERENCE_FILE, reference
from alert_rules.schema import SCHEMA_FILE, schema_text

GOOD = """\
location: Europe/Berlin
region: DE
rules:
  - alert: HighValuePurchaseOrder
    stream: purchase_orders
    kind: event
    identity: [DOCO, DCTO]
    when: amount >= 50000 and status not in ['980', '999']
    steps: [50000, 250000, 1000000]
    labels: {severity: warning, team: purchasing, company: "{{ KCOO }}"}
    annotations: {summary: "PO {{ DOCO }} {{ amount | money(currency) }}"}
  - alert: PayableOverdue
    stream: payables
    kind: state
    identity: [DOC]
    when: days_overdue > 30
    resolve_when: open_amount == 0
    for: 1d
    labels: {severity: critical}
    no_data: {after: 26h, labels: {severity: warning}}
route:
  receiver: finance
  group_by: [alert, company]
  repeat_interval: never
  routes:
    - {matchers: ['severity="critical"'], receiver: oncall, continue: true, mute_time_intervals: [nights]}
    - {matchers: ['team="purchasing"'], receiver: approver, group_wait: 5m}
receivers:
  - {name: oncall, sms: {to: ["+4915123456789"]}, budget: {per_recipient: 6/1h, per_day: 200},
     escalation: [{after: 15m, receiver: finance}]}
  - {name: finance, email: {to: [ap@example.com]}, digest: {at: "07:30", days: mon-fri}}
  - {name: approver, sms: {to: ["{{ approver_phone }}"]}}
inhibit_rules:
  - {source_matchers: ['alert="PayableOverdue"'], target_matchers: ['severity="warning"'], equal: [company]}
time_intervals:
  - {name: nights, times: ["20:00-07:00"]}
silences:
  - {matchers: ['company="00200"'], until: "2026-12-31T18:00:00+01:00", reason: stock-take}
"""
ROWS = {
    "purchase_orders": [
        {
            "DOCO": 4711,
            "DCTO": "OP",
            "KCOO": "00001",
            "amount": 300000,
            "status": "220",
            "currency": "EUR",
            "approver_phone": "0151 23456789",
        }
    ],
    "payables": [{"DOC": 1, "days_overdue": 40, "open_amount": 5}],
}


@pytest.fixture
def write(tmp_path):
    def write(text, name="rules.yml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def found(write, text, **known):
    return [(one.line, one.column, one.code) for one in check(write(text), **known).findings]


def test_a_file_is_compiled_whole(write):
    compiled = compile_files(write(GOOD))
    order, payable = compiled.rules
    row = ROWS["purchase_orders"][0]
    assert order.matches(row)
    assert order.steps.reached(row) == 2
    assert order.steps.thresholds == (Decimal(50000), Decimal(250000), Decimal(1000000))
    assert order.labels_of(row) == {
        "alert": "HighValuePurchaseOrder",
        "severity": "warning",
        "team": "purchasing",
        "company": "00001",
    }
    assert order.annotations_of(row)["summary"] == "PO 4711 EUR 300,000.00"
    assert [route.receiver for route in compiled.routes_of(order.labels_of(row))] == ["approver"]
    assert compiled.receivers["approver"].channels[0].recipients(row, order.region) == ["+4915123456789"]
    critical = compiled.routes_of({"severity": "critical", "team": "purchasing"})
    assert [route.receiver for route in critical] == ["oncall", "approver"]
    assert critical[1].group_of({"alert": "A"}) == (("alert", "A"), ("company", ""))
    assert [route.receiver for route in compiled.routes_of({})] == ["finance"]
    assert payable.resolves({"days_overdue": 50, "open_amount": 0})
    assert not payable.resolves({"days_overdue": 5, "open_amount": 1})
    assert (
        payable.no_data.annotations["summary"]
        .render({"stream": "s", "since": "yesterday", "rule": "r", "hours": 1})
        .startswith("No row of s")
    )


def test_the_shipped_form_of_an_alert_file_passes_every_check(write):
    checked = check(write(GOOD), rows=ROWS)
    assert checked.findings == []
    assert checked.estimates["HighValuePurchaseOrder"].messages == {"sms": 1}
    assert checked.estimates["HighValuePurchaseOrder"].segments == 1


def test_a_meaning_changes_with_what_matches_and_not_with_words(write):
    before = compile_files(write(GOOD)).rules[0].meaning
    assert compile_files(write(GOOD.replace("PO {{", "Order {{"))).rules[0].meaning == before
    assert (
        compile_files(write(GOOD.replace(">= 50000", ">= 50001").replace("[50000", "[50001"))).rules[0].meaning
        != before
    )


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("kind: event", "kind: evnt", (6, 5, "wrong_form")),
        ("    identity: [DOC]\n", "    identiy: [DOC]\n", (15, 5, "unknown_key")),
        ("when: amount >= 50000 and", "when: amount >= 50000 adn", (8, 11, "bad_value")),
        ("when: days_overdue > 30", "when: overdue_days(x) > 30", (16, 11, "bad_value")),
        ("steps: [50000, 250000", "steps: [50000, 25000", (9, 5, "not_rising")),
        ("steps: [50000,", "steps: [40000,", (9, 5, "no_value")),
        ("| money(currency) }}", "| mony(currency) }}", (11, 29, "bad_value")),
        ("for: 1d", "for: 1 day", (18, 5, "bad_value")),
        ("receiver: oncall, continue", "receiver: oncal, continue", (26, 43, "unknown_receiver")),
        ("mute_time_intervals: [nights]", "mute_time_intervals: [night]", (26, 99, "unknown_interval")),
        ('severity="critical"', "severity critical", (26, 19, "bad_value")),
        ('"+4915123456789"', '"12"', (29, 31, "bad_recipient")),
        ("ap@example.com", "ap.example.com", (31, 34, "bad_recipient")),
        ("6/1h", "six", (29, 60, "bad_value")),
        ('at: "07:30"', 'at: "7.30"', (31, 61, "bad_value")),
        ("20:00-07:00", "20:00", (36, 5, "bad_value")),
        ("2026-12-31T18", "2026-13-31T18", (38, 37, "bad_time")),
        ("Europe/Berlin", "Europe/Berln", (1, 1, "bad_value")),
        ("region: DE", "region: Germany", (2, 1, "bad_value")),
        ("alert: PayableOverdue\n", "alert: HighValuePurchaseOrder\n", (12, 5, "twice")),
    ],
)
def test_a_mistake_is_one_finding_at_its_place(write, right, wrong, place):
    assert right in GOOD
    told = found(write, GOOD.replace(right, wrong, 1))
    errors = [one for one in told if one[2] != "unused"]
    assert [one[2] for one in errors] == [place[2]]
    assert errors == [place]


def test_what_is_unknown_to_the_streams_is_found(write):
    fields = {"purchase_orders": frozenset(ROWS["purchase_orders"][0]), "payables": frozenset({"DOC", "days_overdue"})}
    assert found(write, GOOD, fields=fields) == [(17, 19, "unknown_field")]
    text = (
        GOOD.replace("stream: payables", "stream: payable")
        .replace("amount >=", "amont >=", 1)
        .replace("{{ KCOO", "{{ KCO")
    )
    checked = check(write(text), fields=fields)
    assert [(one.line, one.column, one.code) for one in checked.findings] == [
        (8, 11, "unknown_field"),
        (10, 64, "unknown_field"),
        (13, 5, "unknown_stream"),
    ]
    assert checked.findings[0].remedy == "did you mean 'amount'?"


def test_sample_rows_show_what_cannot_be_made_of_them(write):
    rows = {**ROWS, "purchase_orders": [{**ROWS["purchase_orders"][0], "approver_phone": "12"}]}
    checked = check(write(GOOD), rows=rows)
    assert [(one.line, one.severity, one.code) for one in checked.findings] == [(4, Severity.WARNING, "sample_row")]
    assert "approver_phone" in checked.findings[0].message
    assert checked.estimates["HighValuePurchaseOrder"].held == 1


def test_rules_may_be_spread_over_the_files_of_a_folder(tmp_path):
    head, tail = GOOD.split("route:\n")
    (tmp_path / "a.yml").write_text(head)
    (tmp_path / "b.yml").write_text("route:\n" + tail)
    assert len(compile_files(str(tmp_path)).rules) == 2
    (tmp_path / "c.yml").write_text(
        "route: {receiver: finance}\nrules:\n  - {alert: X, stream: s, identity: [a], when: a >}\n"
    )
    with pytest.raises(RulesError) as error:
        compile_files(str(tmp_path))
    assert error.value.problems == (
        f"{tmp_path}/c.yml:1:1: `route` stands here and at {tmp_path}/b.yml:1:1; keep one of them",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [\n", "not valid YAML"),
        ("- a\n", "an alert file has the keys"),
        ("rules: []\n", "`rules` is missing or empty"),
        ("rules:\nrules:\n", "`rules` stands twice"),
        ("rulez: []\n", "did you mean `rules`?"),
    ],
)
def test_what_is_no_alert_file_is_told_with_its_place(write, text, told):
    name = write(text)
    with pytest.raises(RulesError, match=r"rules\.yml:\d+:\d+: ") as error:
        compile_files(name)
    assert told in str(error.value)


def test_a_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(RulesError, match="there is no alert file"):
        compile_files(str(tmp_path / "none.yml"))


def test_a_recipient_that_is_missing_in_a_row_is_told_with_its_field(write):
    receiver = compile_files(write(GOOD)).receivers["approver"]
    with pytest.raises(BadRowError, match="nobody to tell") as error:
        receiver.channels[0].recipients({"approver_phone": None}, "DE")
    assert error.value.field == "approver_phone"


def test_the_reference_has_every_key_function_and_filter_as_they_are():
    assert REFERENCE_FILE.read_text("utf-8") == reference()


def test_the_shipped_schema_is_that_of_the_model_and_takes_what_can_be_used(write):
    assert SCHEMA_FILE.read_text() == schema_text()
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.validate(yaml.safe_load(GOOD), schema)
    for wrong in ("rules: [{alert: A}]", "rulez: []", "receivers: [{name: x, sms: {too: [a]}}]", "storm_limit: many"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(wrong), schema)


def test_fields_of_a_catalog():
    catalog = {"streams": [{"tap_stream_id": "a", "schema": {"properties": {"x": {}, "y": {}}}}]}
    assert fields_of(catalog) == {"a": frozenset({"x", "y"})}
    with pytest.raises(RulesError, match="tap --discover"):
        fields_of([])
