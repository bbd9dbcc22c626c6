"""`alerts listen`: what its settings must have, and what it says in its log."""

from __future__ import annotations

import socket

import pytest
import requests
from sync_ledger.errors import ConfigError
from target_twilio.listening import serving
from target_twilio.listening.telling import Telling
from target_twilio_listeners import free_port, inbound, listening, post, post_events, status_of
from target_twilio_runs import PHONE


def test_a_service_without_its_settings_is_refused_with_the_reason(heard, sendgrid, listener_log):
    """503 and not 403: once the setting is there, SendGrid says again what it said within a day."""
    mail_only = {**heard, "auth_token": None, "status_callback_url": None}
    with listening(mail_only, port=free_port()) as server:
        answer = requests.post(f"{server.url}/twilio/status", data={"MessageSid": "SM1"}, timeout=30)
        assert answer.status_code == 503
        assert answer.text == "setting auth_token and status_callback_url are missing\n"
        assert post_events(server, sendgrid, []).status_code == 204
    texts_only = {**heard, "sendgrid_event_public_key": None}
    with listening(texts_only) as server:
        answer = post_events(server, sendgrid, [])
        assert (answer.status_code, answer.text) == (503, "setting sendgrid_event_public_key is missing\n")
        assert post(heard, server, "/twilio/status", status_of("SM1", "sent")).status_code == 204
    starts = [line for line in listener_log() if "event=listening" in line]
    assert 'twilio_off="setting auth_token and status_callback_url are missing"' in starts[0]
    assert 'sendgrid_off="setting sendgrid_event_public_key is missing"' in starts[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"auth_token": None}, "Setting auth_token is missing"),
        ({"account_sid": None}, "Setting account_sid is missing"),
        ({"status_callback_url": None, "sendgrid_event_public_key": None}, "nothing to listen to"),
        ({"status_callback_url": "hooks.example.com"}, "status_callback_url must be"),
        ({"status_callback_url": "https://a.example.com/?x=1"}, "status_callback_url must be"),
        ({"status_callback_url": "https://a.example.com/#rc=1"}, "status_callback_url must be"),
        ({"status_callback_url": "https://our_erp.example.com"}, "underscore in its host name our_erp.example.com"),
        ({"sendgrid_event_public_key": "x"}, "sendgrid_event_public_key is no public key"),
        ({"sendgrid_event_public_key": "AAAA"}, "sendgrid_event_public_key is no public key"),
        ({"ledger_url": "nonsense"}, "ledger_url"),
    ],
)
def test_settings_that_are_wrong_are_told_at_the_start(heard, changed, said):
    with pytest.raises(Exception, match=said) as error:
        serving.Server({**heard, **changed}, "127.0.0.1", 0)
    assert isinstance(error.value, ConfigError) or "ledger_url" in changed
    assert "\n" not in str(error.value)


def test_a_port_that_is_taken_is_told(heard):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Cannot listen on 127.0.0.1, port {port}: .*--port"):
            serving.Server(heard, "127.0.0.1", port)
    with pytest.raises(ConfigError, match=r"Cannot listen on no\.such\.host\.invalid"):
        serving.Server(heard, "no.such.host.invalid", 0)


def test_the_log_has_no_number_in_full_and_no_line_of_somebody_else(heard, listener_log, sendgrid):
    with listening(heard) as server:
        post(heard, server, "/twilio/inbound", inbound("SM1", "STOP"))
        post(heard, server, "/twilio/inbound", inbound("SM2", "hello"))
        post(heard, server, "/twilio/status", status_of("SM3", "sent"), query="?message=a%0Alevel%3Dinfo%20event=fake")
        told = {"event": "spamreport", "email": "somebody@example.com"}
        post_events(server, sendgrid, [told])
        requests.post(f"{server.url}/twilio/status", data={"From": PHONE}, timeout=30)
    lines = listener_log()
    assert any("recipient=...0123" in line for line in lines)
    assert any("recipient=s...@example.com" in line for line in lines)
    everything = "\n".join(lines)
    assert PHONE not in everything
    assert "somebody" not in everything
    assert [line for line in everything.splitlines() if not line.startswith("time=")] == []
    assert "event=stopped" in lines[-1]


def test_a_trouble_that_goes_on_is_told_once_a_minute(caplog):
    moment = [0.0]
    telling = Telling(lambda: moment[0])
    for second in (0, 1, 59, 60, 61, 125):
        moment[0] = float(second)
        telling.warn("refused", why="wrong signature")
    lines = [one.getMessage().split(" ", 1)[1] for one in caplog.records]
    first = 'level=warning event=refused why="wrong signature"'
    assert lines == [first, f"{first} again=2", f"{first} again=1"]
