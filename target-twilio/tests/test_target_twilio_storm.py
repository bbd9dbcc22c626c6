"""Thousands of rows that match in one run: one summary a rule, no more than the budget allows, a word on each row."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
from sync_ledger.ledger.alert_tables import alert_collected
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.tables import run_counts
from target_twilio_commands import ago, alerts, column, later, received
from target_twilio_runs import ORDERS, PAYABLES, order, payable, run, state

MANY = 5000
EVEN = 2500
HUGE = 40
FEW = 20
LATE = 60

RULES = """\
region: US
rules:
  - {alert: Big, stream: purchase_orders, kind: event, identity: [DOCO, DCTO], when: amount >= 50000,
     annotations: {summary: "PO {{ DOCO }}"}}
  - {alert: Even, stream: purchase_orders, kind: event, identity: [DOCO, DCTO], when: DOCO % 2 == 0,
     annotations: {summary: "even {{ DOCO }}"}}
  - {alert: Huge, stream: purchase_orders, kind: event, identity: [DOCO, DCTO], when: amount >= 1000000,
     annotations: {summary: "huge {{ DOCO }}"}}
  - {alert: Late, stream: payables, kind: state, identity: [DOC], when: days_overdue > 30,
     annotations: {summary: "Invoice {{ DOC }}"}}
route:
  receiver: finance
  group_by: ['...']
  group_interval: 0s
  routes:
    - {matchers: ['alert=~"Big|Even|Huge"'], receiver: buyer}
receivers:
  - {name: finance, email: {to: [ap@example.com]}}
  - {name: buyer, sms: {to: ["+12125550123"]}, budget: {per_recipient: 2/1h, on_exceed: digest}}
"""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("wide")]


def rows():
    """Return orders that match one, two or three rules, orders and vouchers that match none, and vouchers that do."""
    big = [order(number, 60000 if number >= HUGE else 2000000) for number in range(MANY)]
    small = [order(number, 10) for number in range(MANY + 1, MANY + 1 + 2 * FEW, 2)]
    return [*big, *small, *[payable(number, 31 if number < LATE else 1) for number in range(LATE + FEW)]]


def explained(file, stream, *key):
    return alerts("explain", stream, *key, "--limit", 100000, "--config", file, "--json").json


def test_many_rows_make_one_summary_a_rule_keep_the_budget_and_are_all_explained(config, file, twilio, sendgrid):
    Path(config["rules"]).write_text(RULES)
    twilio.control.switch(segments_per_second=0)
    assert run(config, ORDERS, PAYABLES, *rows(), state(1)).code == 0
    assert column(config, run_counts, "entity", "outcome", "rows") == [
        ("payables", "created", LATE),
        ("payables", "unchanged", FEW),
        ("purchase_orders", "created", MANY),
        ("purchase_orders", "unchanged", FEW),
    ]

    # Three rules, and two texts an hour: the third summary waits.
    texts = received(twilio)
    assert len(texts) == 2
    sendgrid.control.advance(60)
    (mail,) = sendgrid.received()["ap@example.com"]
    assert f"{LATE} new alerts Late" in mail["subject"] + mail["text"]
    assert len(column(config, alert_collected, "due_at")) == HUGE

    decided = explained(file, "purchase_orders")["decisions"] + explained(file, "payables")["decisions"]
    found = defaultdict(lambda: defaultdict(set))
    for decision in (one["decision"] for one in decided):
        assert decision["text"], decision
        key = json.loads(decision["source_key"])
        found[decision["stream"], key.get("DOCO", key.get("DOC"))][decision["rule"]].add(decision["code"])
    wanted = {("purchase_orders", number): {"Big": {"fired", "storm"}} for number in range(MANY)}
    for number in range(0, MANY, 2):
        wanted["purchase_orders", number]["Even"] = {"fired", "storm"}
    for number in range(HUGE):
        wanted["purchase_orders", number]["Huge"] = {"fired", "over_budget"}
    wanted |= {("payables", number): {"Late": {"fired", "storm"}} for number in range(LATE)}
    assert {row: dict(rules) for row, rules in found.items()} == wanted

    # What a person asks: one row, and which message told of it.
    for number in [*random.Random(1).sample(range(HUGE, MANY), 6), 0, 1]:
        row = explained(file, "purchase_orders", json.dumps({"DOCO": number, "DCTO": "OP"}))
        rules = {one["decision"]["rule"] for one in row["decisions"]}
        assert rules == set(wanted["purchase_orders", number])
        assert sorted(one["text"] for one in row["messages"]) == sorted(
            text for text in texts for rule in rules if f"new alerts {rule}:" in text
        )
    nothing = alerts("explain", "purchase_orders", str(MANY + 1), "--config", file)
    assert "no rule matched it" in nothing.out

    # An hour later there is room: what waited comes in one text.
    later(config, messages, put_at=ago(hours=2), claimed_at=ago(hours=2), sent_at=ago(hours=2))
    later(config, alert_collected, due_at=ago(seconds=1))
    assert alerts("tick", "--config", file).code == 0
    (digest,) = [text for text in received(twilio) if text not in texts]
    assert digest.startswith(f"Digest ({HUGE}):\nhuge ")
    assert column(config, alert_collected, "due_at") == []
