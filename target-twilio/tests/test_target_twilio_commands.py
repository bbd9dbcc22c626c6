"""What the commands of `alerts` show and do, on real ledgers and emulated services."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from sync_ledger.ledger.alert_tables import alert_collected
from sync_ledger.ledger.sending_tables import messages
from target_twilio_commands import ago, alerts, change_rules, column, fails, later, received, statuses
from target_twilio_runs import ORDERS, PAYABLES, PHONE, order, payable, run

pytestmark = pytest.mark.usefixtures("wide")

ROWS = [order(1, 60000), order(2, 10)]


def test_a_row_that_was_told_is_explained_with_its_message(config, file, twilio):
    run(config, ORDERS, *ROWS)
    found = alerts("explain", "purchase_orders", '{"DOCO": 1, "DCTO": "OP"}', "--config", file, "--json")
    assert found.code == 0
    assert {"fired", "notified"} <= {one["decision"]["code"] for one in found.json["decisions"]}
    (message,) = found.json["messages"]
    assert message["text"] == "PO 1 USD 60,000.00"
    told = alerts("explain", "purchase_orders", "1", "--config", file)
    assert "notified" in told.out
    assert "PO 1 USD 60,000.00" in told.out


@pytest.mark.parametrize("key", ['{"DOCO": 1, "DCTO": "OP"}', '{"DOCO": 1}', '"DOCO": 1,'])
def test_a_row_is_found_by_a_part_of_its_key(config, file, key):
    run(config, ORDERS, order(1, 60000), order(11, 60000))
    told = alerts("explain", "purchase_orders", key, "--config", file, "--json").json
    assert {one["decision"]["source_key"] for one in told["decisions"]} == {'{"DOCO": 1, "DCTO": "OP"}'}
    audit = alerts("messages", "--stream", "purchase_orders", "--row", key, "--config", file, "--json").json
    assert [one["source_key"] for one in audit] == ['{"DOCO": 1, "DCTO": "OP"}']
    none = alerts("messages", "--stream", "purchase_orders", "--row", '{"DOCO": 7}', "--config", file)
    assert "Nothing was sent for such a row" in none.out


def test_a_row_that_was_not_told_is_explained(config, file, twilio):
    run(config, ORDERS, order(5, 60000))
    alerts("silence", "add", "--matcher", 'order="7"', "--for", "2h", "--reason", "stocktaking", "--config", file)
    run(config, ORDERS, order(7, 60000))
    told = alerts("explain", "purchase_orders", "7", "--config", file)
    assert (told.code, "silenced" in told.out, "stocktaking" in told.out) == (0, True, True)
    assert received(twilio) == ["PO 5 USD 60,000.00"]
    nothing = alerts("explain", "purchase_orders", "12345", "--config", file)
    assert nothing.code == 0
    assert "no rule" in nothing.out.lower()
    assert alerts("explain", "--rule", "PayableOverdue", "--config", file, "--json").json["decisions"] == []


def test_what_fires_of_a_rule_that_is_gone_is_shown_as_such(config, file):
    run(config, ORDERS, order(1, 60000), PAYABLES, payable(7, 31))
    change_rules(config, "- alert: PayableOverdue", "- alert: PayableLate")
    other = "{source_matchers: ['alert=\"PayableOverdue\"'], target_matchers: ['alert=\"HighValuePurchaseOrder\"']}"
    change_rules(config, "receivers:", f"inhibit_rules: [{other}]\nreceivers:")
    found = alerts("show", "--config", file, "--json").json["alerts"]
    assert {alert["rule"]: why for alert, why in found["alerts"]} == {
        "PayableOverdue": "its rule is no longer in the file",
        "HighValuePurchaseOrder": None,
    }


def test_what_fires_is_shown_with_why_it_is_told_to_nobody(config, file):
    run(config, ORDERS, *ROWS, PAYABLES, payable(7, 31), payable(8, 32))
    alerts(
        "silence", "add", "--matcher", 'alert="PayableOverdue"', "--for", "2h", "--reason", "migration",
        "--config", file,
    )  # fmt: skip
    found = alerts("show", "--config", file, "--json").json["alerts"]
    assert found["counts"]["PayableOverdue"] == {"firing": 2}
    whys = {alert["rule"]: why for alert, why in found["alerts"]}
    assert "migration" in whys["PayableOverdue"]
    assert whys["HighValuePurchaseOrder"] is None
    told = alerts("show", "--config", file)
    assert "Invoice 7 is 31 days late" in told.out
    assert "migration" in told.out
    only = alerts("show", "--rule", "PayableOverdue", "--config", file, "--json").json["alerts"]
    assert {alert["rule"] for alert, _ in only["alerts"]} == {"PayableOverdue"}


def test_messages_are_listed_newest_first_and_chosen(config, file, twilio):
    run(config, ORDERS, order(1, 60000))
    twilio.control.set_phone("+12125550124", code=21211)
    run(config, ORDERS, order(2, 60000, phone="212 555 0124"))
    found = alerts("messages", "--config", file, "--json").json
    assert [one["text"] for one in found] == ["PO 2 USD 60,000.00", "PO 1 USD 60,000.00"]
    assert found[0]["status"] == "failed"
    failed = alerts("messages", "--status", "failed", "--config", file, "--json").json
    assert [one["key"] for one in failed] == [found[0]["key"]]
    assert len(alerts("messages", "--limit", 1, "--config", file, "--json").json) == 1
    assert "21211" in alerts("messages", "--status", "failed", "--config", file).out
    assert alerts("messages", "--status", "lost", "--config", file).code != 0


def test_the_whole_life_of_a_message_is_shown(config, file, twilio):
    run(config, ORDERS, order(1, 60000))
    twilio.control.advance(3600)
    later(config, messages, looked_at=ago(hours=1))
    assert alerts("tick", "--config", file).code == 0
    (listed,) = alerts("messages", "--config", file, "--json").json
    (life,) = alerts("messages", listed["key"], "--config", file, "--json").json
    assert life["remote_id"].startswith("SM")
    assert life["members"][0]["stream"] == "purchase_orders"
    assert json.loads(life["members"][0]["source_key"]) == {"DOCO": 1, "DCTO": "OP"}
    assert life["text_hash"]
    moved = [event["status"] for event in life["events"] if event["moved"]]
    assert (moved[0], moved[-1]) == ("waiting", "delivered")
    assert alerts("messages", life["remote_id"], "--config", file, "--json").json == [life]
    told = alerts("messages", listed["key"], "--config", file).out
    for part in (life["remote_id"], life["text_hash"][:12], "HighValuePurchaseOrder", PHONE, "delivered"):
        assert part in told
    assert "There is no message nothing" in fails("messages", "nothing", "--config", file)


def test_a_silence_is_made_listed_and_ended(config, file, twilio):
    run(config, ORDERS, order(5, 60000))
    end = (datetime.now(timezone.utc) + timedelta(hours=3)).isoformat()
    made = alerts("silence", "add", "--matcher", 'alert="HighValuePurchaseOrder"', "--until", end, "--config", file)
    assert made.code == 0
    (one,) = alerts("silence", "list", "--config", file, "--json").json
    assert one["key"] in made.out
    assert one["key"] in alerts("silence", "list", "--config", file).out
    run(config, ORDERS, order(7, 60000))
    assert len(received(twilio)) == 1
    assert alerts("silence", "end", one["key"], "--config", file, "--json").json == {"ended": one["key"]}
    assert alerts("silence", "list", "--config", file, "--json").json == []
    run(config, ORDERS, order(8, 60000))
    assert received(twilio)[-1] == "PO 8 USD 60,000.00"
    assert one["key"] in fails("silence", "end", one["key"], "--config", file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--matcher", "nonsense", "--for", "2h"], "is no matcher"),
        (["--matcher", 'a="b"'], "--for"),
        (["--matcher", 'a="b"', "--for", "2h", "--until", "2030-01-01"], "--for"),
        (["--matcher", 'a="b"', "--for", "soon"], "is no duration"),
        (["--matcher", 'a="b"', "--until", "soon"], "'soon'"),
        (["--matcher", 'a="b"', "--until", "2020-01-01"], "must end after it begins"),
    ],
)
def test_a_silence_that_cannot_be_is_one_line(config, file, arguments, said):
    assert said in fails("silence", "add", *arguments, "--config", file)
    assert alerts("silence", "list", "--config", file, "--json").json == []


@pytest.mark.parametrize("by", [["--matcher", 'alert="PayableOverdue"'], ["--to", "ap@example.com"]])
def test_alerts_are_taken_on(config, file, by):
    run(config, ORDERS, order(1, 60000), PAYABLES, payable(7, 31))
    taken = alerts("ack", *by, "--by", "Ann", "--config", file, "--json")
    assert taken.code == 0
    assert [(one["rule"], one["acknowledged_by"]) for one in taken.json] == [("PayableOverdue", "Ann")]
    assert "taken on by Ann" in alerts("explain", "payables", "--config", file).out
    assert "Ann" in alerts("show", "--rule", "PayableOverdue", "--config", file).out


def test_an_acknowledgement_says_of_what(config, file):
    assert "--matcher" in fails("ack", "--config", file)
    assert "is no matcher" in fails("ack", "--matcher", "nonsense", "--config", file)


def test_a_refused_message_is_let_go(config, file, twilio):
    twilio.control.set_phone(PHONE, code=21211)
    run(config, ORDERS, order(1, 60000))
    assert statuses(config) == ["failed"]
    ((key,),) = column(config, messages, "key")
    twilio.control.set_phone(PHONE, code=None)
    assert alerts("release", key, "--config", file, "--json").json == {"messages": [key], "collected": 0}
    assert statuses(config) == ["waiting"]
    assert alerts("tick", "--config", file).code == 0
    assert received(twilio) == ["PO 1 USD 60,000.00"]
    assert key in fails("release", key, "--config", file)
    assert "nothing" in fails("release", "nothing", "--config", file)


def test_a_message_that_is_not_wanted_any_more_is_discarded(config, file, twilio):
    twilio.control.set_phone(PHONE, code=21211)
    run(config, ORDERS, order(1, 60000))
    ((key,),) = column(config, messages, "key")
    assert alerts("discard", key, "--note", "typing error", "--config", file, "--json").json == {"messages": [key]}
    assert statuses(config) == ["discarded"]
    assert "typing error" in alerts("messages", key, "--config", file).out
    assert key in fails("release", key, "--config", file)


def test_what_a_budget_keeps_for_a_person_is_let_go(config, file, twilio):
    budget = "{name: buyer, budget: {per_recipient: 1/1h, on_exceed: hold}, "
    change_rules(config, "{name: buyer, ", budget)
    run(config, ORDERS, order(1, 60000))
    run(config, ORDERS, order(2, 60000))
    assert received(twilio) == ["PO 1 USD 60,000.00"]
    (held,) = alerts("show", "--config", file, "--json").json["alerts"]["collected"]
    assert (held["receiver"], held["due_at"]) == ("buyer", None)
    assert "over_budget" in alerts("show", "--config", file).out
    assert alerts("release", "--receiver", "buyer", "--config", file).out.startswith("1 released;")
    assert column(config, alert_collected, "due_at") != [(None,)]
    assert alerts("tick", "--config", file).code == 0
    assert len(received(twilio)) == 2


def test_an_opt_out_is_ended_alone_and_only_where_there_is_one(file):
    told = fails("release", "--wants-mail", "ap@example.com", "--config", file)
    assert "Nothing is known of ap@example.com not wanting mail" in told
    assert "alone" in fails("release", "some-key", "--wants-mail", "ap@example.com", "--config", file)
