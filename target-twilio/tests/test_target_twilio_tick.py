"""`alerts tick`, and what all commands of `alerts` have in common: settings and errors."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sync_ledger.adapter import Usage
from sync_ledger.alerts.engine import AlertEngine, SourceRow
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import Ledger
from sync_ledger.ledger.alert_tables import alert_members
from sync_ledger.ledger.tables import runs
from target_twilio import __main__ as target
from target_twilio.cli import app
from target_twilio.connecting import alert_file, destination_of
from target_twilio.ticking import tick
from target_twilio_commands import ago, alerts, change, change_rules, column, fails, later, received, statuses
from target_twilio_runs import ORDERS, order, run

pytestmark = pytest.mark.usefixtures("wide")


def lasting_run(config):
    """Begin a run that takes one order in and does not end."""
    ledger = Ledger(config["ledger_url"], destination_of(config))
    number = ledger.runs.start("target-twilio", "apply")
    later(config, runs, pid=1)  # of a process that lasts and is not this one
    lasting = AlertEngine(ledger.database, destination_of(config), alert_file(config), run=number)
    row = order(1, 60000)["record"]
    lasting.take("purchase_orders", [SourceRow('{"DOCO": 1, "DCTO": "OP"}', row)], datetime.now(timezone.utc))
    return ledger, lasting


def test_a_tick_tells_what_time_has_made_due_and_is_a_run_of_its_own(config, file, twilio, caplog):
    caplog.set_level(logging.INFO, "sync_ledger")
    change_rules(config, "  group_interval: 0s", "  group_wait: 1h\n  group_interval: 0s")
    run(config, ORDERS, order(1, 60000))
    assert "1 waiting for their group's time; `alerts explain` says until when" in caplog.messages
    assert "1 waiting for their group's time" in alerts("tick", "--config", file).out
    first = alerts("tick", "--config", file, "--json").json
    assert (first["notifications"], first["sent"]) == (0, {})
    later(config, alert_members, opened_at=ago(hours=2))
    told = alerts("tick", "--config", file)
    assert (told.code, told.err) == (0, "")
    (line,) = told.out.splitlines()
    assert line.startswith("1 new messages; 1 ")
    assert received(twilio) == ["PO 1 USD 60,000.00"]
    assert column(config, runs, "target", "status")[1:] == [("alerts-tick", "succeeded")] * 3
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert len(received(twilio)) == 1


def test_a_tick_does_not_tell_what_waits_for_the_end_of_a_run(config, file, twilio):
    change_rules(config, "  group_interval: 0s", "  group_wait: run\n  group_interval: 0s")
    run(config, ORDERS, order(9, 10))
    ledger, lasting = lasting_run(config)
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert received(twilio) == []
    assert lasting.flush(datetime.now(timezone.utc), run_ended=True).notifications == 1
    ledger.close()
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    assert received(twilio) == ["PO 1 USD 60,000.00"]


def test_what_a_run_has_left_that_is_over_is_told_by_a_tick(config, file, twilio):
    change_rules(config, "  group_interval: 0s", "  group_wait: run\n  group_interval: 0s")
    run(config, ORDERS, order(9, 10))
    ledger, _ = lasting_run(config)
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 0
    ledger.runs.end(column(config, runs, "id")[1][0], "failed", Usage(), "its tap failed")
    ledger.close()
    assert alerts("tick", "--config", file, "--json").json["notifications"] == 1
    run(config, ORDERS, order(1, 60000))
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
    for name, said in (("bad_config.json", "bad_config.json:1:36: Expecting"), ("none.json", "none.json")):
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


def test_a_tick_does_not_send_where_plans_are_made(config):
    with pytest.raises(ConfigError, match="setting mode is plan"):
        tick({**config, "mode": "plan"})
