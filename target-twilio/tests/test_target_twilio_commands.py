"""The command `alerts` on real ledgers and emulated services."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import typing as t
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from alert_rules.schema import schema
from sqlalchemy import select, update
from sync_ledger.alerts.engine import AlertEngine, SourceRow
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.alert_tables import alert_collected, alert_members
from sync_ledger.ledger.sending_tables import messages
from sync_ledger.ledger.tables import runs
from target_twilio import __main__ as target
from target_twilio.cli import app, main
from target_twilio.connecting import alert_file, destination_of
from target_twilio_runs import ORDERS, PAYABLES, PHONE, RULES, order, payable, run

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


@dataclass
class Told:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> t.Any:
        return json.loads(self.out)


def alerts(*arguments: object) -> Told:
    """Run `alerts` in this process; an exception that gets out of it fails the test."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    return Told(int(end.value.code or 0), out.getvalue(), err.getvalue())


def fails(*arguments: object) -> str:
    """Run a command that has to fail, and return its only line."""
    told = alerts(*arguments)
    assert told.code == 1, told
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


@pytest.fixture(autouse=True)
def _wide(monkeypatch, tmp_path):
    """Tables do not break lines, and what a command leaves behind lies in the test's folder."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path, config):
    """File of settings."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def rules(tmp_path):
    """An alert file without anything around it."""
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    return path


def change(config, file, **values):
    """Write other settings."""
    file.write_text(json.dumps({**config, **values}))


def change_rules(config, before, after):
    """Write other rules."""
    path = Path(config["rules"])
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def received(twilio, number=PHONE):
    twilio.control.advance(3600)
    return [one["text"] for one in twilio.received(number).get(number, [])]


def column(config, table, *names):
    query = select(*(table.c[name] for name in names)).order_by(*table.primary_key.columns)
    with open_engine(config["ledger_url"]).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def statuses(config):
    return [status for (status,) in column(config, messages, "status")]


def later(config, table, **values):
    with open_engine(config["ledger_url"]).begin() as connection:
        connection.execute(update(table).values(values))


def ago(**length):
    return datetime.now(timezone.utc) - timedelta(**length)


# -- files, without settings and ledger ------------------------------------------------------------------------------


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


@pytest.mark.parametrize("line", ["{", '{"stream": "payables"}', '{"stream": 7, "record": {}}'])
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


# -- looking ---------------------------------------------------------------------------------------------------------


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
    told = alerts("messages", listed["key"], "--config", file).out
    for part in (life["remote_id"], life["text_hash"][:12], "HighValuePurchaseOrder", PHONE, "delivered"):
        assert part in told
    assert "There is no message nothing" in fails("messages", "nothing", "--config", file)


# -- acting ----------------------------------------------------------------------------------------------------------


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
    assert alerts("silence", "end", one["key"], "--config", file).code == 0
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
    assert alerts("release", key, "--config", file).code == 0
    assert statuses(config) == ["waiting"]
    assert alerts("tick", "--config", file).code == 0
    assert received(twilio) == ["PO 1 USD 60,000.00"]
    assert key in fails("release", key, "--config", file)
    assert "nothing" in fails("release", "nothing", "--config", file)


def test_a_message_that_is_not_wanted_any_more_is_discarded(config, file, twilio):
    twilio.control.set_phone(PHONE, code=21211)
    run(config, ORDERS, order(1, 60000))
    ((key,),) = column(config, messages, "key")
    assert alerts("discard", key, "--note", "typing error", "--config", file).code == 0
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
    assert alerts("release", "--receiver", "buyer", "--config", file).code == 0
    assert column(config, alert_collected, "due_at") != [(None,)]
    assert alerts("tick", "--config", file).code == 0
    assert len(received(twilio)) == 2


# -- time ------------------------------------------------------------------------------------------------------------


def test_a_tick_tells_what_time_has_made_due_and_is_a_run_of_its_own(config, file, twilio):
    change_rules(config, "  group_interval: 0s", "  group_wait: 1h\n  group_interval: 0s")
    run(config, ORDERS, order(1, 60000))
    first = alerts("tick", "--config", file, "--json").json
    assert (first["notifications"], first["sent"]) == (0, {})
    later(config, alert_members, opened_at=ago(hours=2))
    told = alerts("tick", "--config", file)
    assert (told.code, told.err) == (0, "")
    (line,) = told.out.splitlines()
    assert line.startswith("1 new messages; 1 ")
    assert received(twilio) == ["PO 1 USD 60,000.00"]
    assert column(config, runs, "target", "status")[1:] == [("alerts-tick", "succeeded")] * 2
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert len(received(twilio)) == 1


def test_a_tick_does_not_tell_what_waits_for_the_end_of_a_run(config, file, twilio):
    change_rules(config, "  group_interval: 0s", "  group_wait: run\n  group_interval: 0s")
    run(config, ORDERS, order(9, 10))
    engine, number = open_engine(config["ledger_url"]), column(config, runs, "id")[-1][0]
    lasting = AlertEngine(engine, destination_of(config), alert_file(config), run=number)
    row = order(1, 60000)["record"]
    lasting.take("purchase_orders", [SourceRow('{"DOCO": 1, "DCTO": "OP"}', row)], datetime.now(timezone.utc))
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert received(twilio) == []
    assert lasting.flush(datetime.now(timezone.utc), run_ended=True).notifications == 1
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert received(twilio) == ["PO 1 USD 60,000.00"]


def test_a_tick_that_cannot_send_is_one_line_and_loses_nothing(config, file, twilio):
    wrong = {**config, "auth_token": "f" * 32}
    run(wrong, ORDERS, order(1, 60000))
    change(config, file, auth_token="f" * 32)
    assert "check account_sid with auth_token" in fails("tick", "--config", file)
    target, status, error = column(config, runs, "target", "status", "error")[-1]
    assert (target, status) == ("alerts-tick", "failed")
    assert "auth_token" in error
    assert statuses(config) == ["waiting"]
    change(config, file)
    assert alerts("tick", "--config", file).code == 0
    assert received(twilio) == ["PO 1 USD 60,000.00"]


def test_two_ticks_at_once_deliver_nothing_twice(config, file, twilio):
    phones = [f"+121255501{number:02}" for number in range(12)]
    rows = [order(number, 60000, phone=phone) for number, phone in enumerate(phones)]
    run({**config, "auth_token": "f" * 32}, ORDERS, *rows)
    assert statuses(config) == ["waiting"] * len(phones)
    command = [sys.executable, "-m", "target_twilio.cli", "tick", "--config", str(file)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    ends = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], ends
    assert [len(received(twilio, phone)) for phone in phones] == [1] * len(phones)


# -- settings --------------------------------------------------------------------------------------------------------


def test_settings_are_those_of_the_environment_by_default(config, monkeypatch):
    run(config, ORDERS, order(1, 60000))
    for name, value in config.items():
        monkeypatch.setenv(f"TARGET_TWILIO_{name.upper()}", str(value))
    assert len(alerts("messages", "--json").json) == 1
    assert len(alerts("messages", "--config", "ENV", "--json").json) == 1


def test_several_settings_are_merged(config, file, tmp_path):
    run(config, ORDERS, order(1, 60000))
    (tmp_path / "more_config.json").write_text(json.dumps({"ledger_url": f"sqlite:///{tmp_path / 'other.db'}"}))
    both = alerts("messages", "--config", file, "--config", tmp_path / "more_config.json", "--json")
    assert both.json == []


@pytest.mark.parametrize("command", [["show"], ["messages"], ["explain"], ["tick"], ["silence", "list"]])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rules": None}, "rules"),
        ({"ledger_url": "nonsense"}, "ledger_url"),
        ({"daily_limit": 0}, "daily_limit"),
    ],
)
def test_settings_that_are_wrong_are_one_line(config, file, command, changed, said):
    given = {name: value for name, value in {**config, **changed}.items() if value is not None}
    file.write_text(json.dumps(given))
    assert said in fails(*command, "--config", file)


def test_settings_that_are_not_there_or_no_json_are_told(tmp_path, caplog):
    (tmp_path / "bad_config.json").write_text('{"auth_token": "not for the screen"')
    for name, said in (("bad_config.json", "does not hold a JSON object"), ("none.json", "none.json")):
        caplog.clear()
        told = alerts("show", "--config", tmp_path / name)
        assert (told.code, told.out) == (1, "")
        (record,) = caplog.records
        assert said in record.getMessage()
        assert record.exc_info is None
        assert "not for the screen" not in caplog.text


def test_a_damaged_ledger_is_one_line(config, file, tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)
    assert "ledger" in fails("show", "--config", file)


def test_an_alert_file_that_is_wrong_is_told_with_its_place(config, file):
    Path(config["rules"]).write_text("rules: [\n")
    told = alerts("tick", "--config", file)
    assert told.code == 1
    assert "rules.yml:2:1: not valid YAML" in told.err
    assert "Traceback" not in told.err


# -- the commands as a whole ----------------------------------------------------------------------------------------


def names():
    return {one.name or one.callback.__name__ for one in app.registered_commands}


def test_the_readme_names_every_command():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert [one for one in sorted({*names(), "silence"}) if f"`alerts {one}" not in readme] == []


def test_commands_are_commands_of_the_target_too(config, file, monkeypatch, capsys):
    assert names() == target.ALERTS
    run(config, ORDERS, order(1, 60000))
    monkeypatch.setattr(sys, "argv", ["target-twilio", "tick", f"--config={file}"])
    with pytest.raises(SystemExit) as end:
        target.main()
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("0 new messages; ")
