from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from target_twilio.doctor.command import doctor
from target_twilio_runs import ORDERS, order, run


@pytest.fixture
def examined(config, tmp_path):
    """Examine the settings with changes; return exit code and the findings by check."""

    def examine(**changes):
        file = tmp_path / "config.json"
        given = {**config, **changes}
        file.write_text(json.dumps({name: value for name, value in given.items() if value is not None}))
        done = CliRunner().invoke(doctor, ["--config", str(file), "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        found = json.loads(done.output)["findings"]
        return done.exit_code, {one["check"]: one for one in found}

    return examine


def test_a_good_set_up_is_told_so_and_nobody_is_told_anything(examined, twilio, sendgrid):
    code, found = examined()
    assert code == 0, found
    assert {one["status"] for one in found.values()} == {"ok"}
    assert list(found) == [
        *("settings", "ledger", "alert file", "twilio network", "twilio account", "twilio sender"),
        *("sendgrid network", "sendgrid account", "callbacks"),
    ]
    assert "2 rules on payables, purchase_orders, 2 receivers" in found["alert file"]["text"]
    assert "shows with the first text" in found["twilio sender"]["text"]
    for emulator in (twilio, sendgrid):
        assert emulator.control.counters()["writes"] == 0
    sendgrid.control.advance(3600)
    assert sendgrid.received() == {}


def test_a_sender_that_has_sent_before_is_known(examined, config):
    assert run(config, ORDERS, order(1, 60000)).code == 0
    assert "has sent texts" in examined()[1]["twilio sender"]["text"]


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"account_sid": "4711"}, "twilio account", "account_sid '4711' is no Account SID"),
        ({"auth_token": "wrong"}, "twilio account", "Twilio refuses the credentials (20003"),
        ({"account_sid": None, "auth_token": None}, "twilio", "buyer cannot be told by sms or voice"),
        ({"account_sid": None}, "settings", "account_sid is missing"),
        ({"api_key_sid": "SK1"}, "settings", "needs both settings"),
        ({"from_number": None}, "twilio sender", "no sender for buyer (sms)"),
        ({"from_number": "0212 555"}, "twilio sender", "'0212 555' is no number"),
        ({"messaging_service_sid": "MG1"}, "twilio service", "'MG1' is no SID"),
        ({"sendgrid_api_key": None}, "sendgrid", "finance cannot be told by email"),
        ({"sendgrid_api_key": "SG.no"}, "sendgrid account", "SendGrid refuses the API key"),
        ({"from_email": None}, "sendgrid sender", "no sender for finance (email)"),
        ({"from_email": "me@elsewhere.example"}, "sendgrid account", "SendGrid refuses the sender"),
        ({"ledger_url": "sqlite:////proc/nowhere/ledger.db"}, "ledger", "cannot be"),
        ({"sendgrid_event_public_key": "bm8="}, "callbacks", "is no public key"),
        ({"status_callback_url": "ftp://hooks.example.com"}, "callbacks", "must be an http or https address"),
        ({"status_callback_url": "https://our_erp.example.com"}, "callbacks", "underscore in its host name"),
        ({"daily_limit": 0}, "settings", "daily_limit"),
    ],
)
def test_what_is_wrong_is_named_with_what_helps(examined, changes, check, says):
    code, found = examined(**changes)
    assert code == 1
    assert found[check]["status"] == "failed"
    assert says in found[check]["text"]
    assert found[check]["remedy"]


def test_mistakes_of_the_alert_file_are_named_with_their_place(examined, tmp_path):
    (tmp_path / "rules.yml").write_text("rules: [\n")
    code, found = examined()
    assert code == 1
    assert "rules.yml:" in found["alert file"]["text"]
    assert found["twilio account"]["status"] == "ok"  # the rest is looked at all the same


def test_a_suspended_account_is_named(examined, twilio):
    twilio.control.switch(suspended=True)
    code, found = examined()
    assert code == 1
    assert "20403" in found["twilio account"]["text"]


def test_a_service_that_cannot_be_reached_is_named(examined):
    code, found = examined(api_url="http://127.0.0.1:9", sendgrid_api_url="http://127.0.0.1:9")
    assert code == 1
    assert found["twilio network"]["status"] == "warning"
    assert "cannot be reached" in found["twilio account"]["text"]
    assert "cannot be reached" in found["sendgrid account"]["text"]


def test_an_unencrypted_address_of_the_listener_is_warned_of(examined):
    code, found = examined(status_callback_url="http://hooks.example.com")
    assert code == 0
    assert found["callbacks"]["status"] == "warning"
    assert "not encrypted" in found["callbacks"]["text"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "status", "status": 429}, "429"),
        ({"kind": "status", "status": 500, "when": "after"}, "500"),
        ({"kind": "reset", "when": "after"}, "does not answer"),
    ],
)
def test_a_service_that_gives_no_answer_now_is_no_fault_of_the_settings(examined, twilio, sendgrid, fault, says):
    kind = fault["kind"]
    rule = {name: value for name, value in fault.items() if name != "kind"}
    twilio.control.fault(kind, method="GET", path="/Messages", times=2, **rule)
    sendgrid.control.fault(kind, method="POST", path="/v3/mail/send", **rule)
    code, found = examined()
    assert code == 1
    assert found["sendgrid account"]["status"] == found["twilio account"]["status"] == "failed"
    assert says in found["sendgrid account"]["text"]
    sendgrid.control.advance(3600)
    assert sendgrid.received() == {}
