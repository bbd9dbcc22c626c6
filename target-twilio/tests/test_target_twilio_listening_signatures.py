"""`alerts listen`: whom it believes."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from service_emulators.twilio.signing import signature
from starlette.datastructures import ImmutableMultiDict
from target_twilio.listening.bodies import form_of
from target_twilio.listening.signatures import SendGridSignature, TwilioSignature
from target_twilio_commands import statuses
from target_twilio_listeners import (
    events,
    free_port,
    inbound,
    listening,
    message,
    post,
    post_events,
    status_of,
    wrong,
)
from target_twilio_runs import ORDERS, PAYABLES, order, payable, run

TOKEN = "0123456789abcdef0123456789abcdef"
SID = "SM00000000000000000000000000000001"
VECTOR = {
    "AccountSid": "AC00000000000000000000000000000001",
    "ApiVersion": "2010-04-01",
    "From": "+15005550006",
    "MessageSid": SID,
    "SmsSid": SID,
    "MessageStatus": "delivered",
    "SmsStatus": "delivered",
    "To": "+15005550010",
}
MAIL_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYR4WuK1si5eSw2u4fZwCjT/LeYq3D6/XZRRshl/lA9L/x4/zuV8UU1w9M/5N6mEm7yhCkQpAaFUaLaXT"
    "hZ7nBg=="
)
MAIL_TIME = 1767945600
MAIL_BODY = b'[{"email":"a@example.com","event":"delivered","sg_event_id":"ev1","timestamp":1767945600}]'
MAIL_SIGNATURE = "MEQCIDAOF9A6ye0WnuufPGjexoNgzQBf9Gpa6zbpyT3YSrG9AiAvE4iyRrOvlslbz2UPClZ59uMIo9rwaJx4Ft1w28xz9Q=="


def test_the_documented_signature_of_a_form_is_taken(heard):
    documented = {**heard, "auth_token": TOKEN, "status_callback_url": "https://hook.example.com"}
    with listening(documented, port=free_port()) as server:
        query, mark = "?alert_id=A-17", "laIxIQ0hrENcl4rI7yTwdexj+lE="
        assert post(documented, server, "/twilio/status", VECTOR, query=query, signed=mark).status_code == 204
        for changed in ({**VECTOR, "MessageStatus": "sent"}, {**VECTOR, "More": ""}):
            assert post(documented, server, "/twilio/status", changed, query=query, signed=mark).status_code == 403
        assert (
            post(documented, server, "/twilio/status", VECTOR, query="?alert_id=A-18", signed=mark).status_code == 403
        )


def test_the_documented_signature_of_a_json_body_is_taken():
    signed = TwilioSignature(TOKEN, "https://hook.example.com")
    query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    mark = "bdKTzdgUl1bRYILfafrTpwjr53Y="
    assert signed.fits("/json", query, '{"a":1}', mark)
    assert not signed.fits("/json", query, '{"a":2}', mark)


def test_the_documented_signature_of_events_is_taken():
    key = SendGridSignature(MAIL_KEY, clock=lambda: MAIL_TIME + 60.0)
    assert key.refusal(str(MAIL_TIME), MAIL_SIGNATURE, MAIL_BODY) is None
    for changed in ((str(MAIL_TIME + 1), MAIL_BODY), (str(MAIL_TIME), MAIL_BODY + b"\r\n")):
        assert key.refusal(changed[0], MAIL_SIGNATURE, changed[1]) == "wrong signature"


def test_events_with_an_old_time_are_refused(heard):
    day = 24 * 3600
    key = SendGridSignature(MAIL_KEY, clock=lambda: float(MAIL_TIME + day))
    assert key.refusal(str(MAIL_TIME), MAIL_SIGNATURE, MAIL_BODY) is None
    later = SendGridSignature(MAIL_KEY, clock=lambda: float(MAIL_TIME + day + 601))
    assert later.refusal(str(MAIL_TIME), MAIL_SIGNATURE, MAIL_BODY) == "too old"
    documented = {**heard, "sendgrid_event_public_key": MAIL_KEY}
    with listening(documented) as server:
        answer = post_events(server, None, [], body=MAIL_BODY, timestamp=str(MAIL_TIME), signed=MAIL_SIGNATURE)
    assert (answer.status_code, answer.text) == (403, "too old\n")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/twilio/status", status_of(SID, "delivered")),
        ("/twilio/call", {"CallSid": "CA1", "CallStatus": "completed"}),
        ("/twilio/inbound", inbound(SID, "STOP")),
    ],
)
def test_what_twilio_did_not_sign_is_refused_and_changes_nothing(heard, twilio, path, form, listener_log):
    run(heard, ORDERS, order(1, 60000))
    ((key, before, sid),) = message(heard, "key", "status", "remote_id")
    named = {name: sid if value in {SID, "CA1"} else value for name, value in form.items()}
    query = f"?message={key}"
    good = signature(heard["auth_token"], f"{heard['status_callback_url']}{path}{query}", named.items())
    with listening(heard) as server:
        for mark in ("", "x", "é", wrong(good), signature("f" * 32, f"{heard['status_callback_url']}{path}{query}")):
            answer = post(heard, server, path, named, query=query, signed=mark.encode().decode("latin-1"))
            assert answer.status_code == 403
        assert post(heard, server, path, {**named, "Extra": "1"}, query=query, signed=good).status_code == 403
        assert post(heard, server, path, named, query=f"{query}&x=1", signed=good).status_code == 403
    assert statuses(heard) == [before]
    assert events(heard, "id", source="callback") == events(heard, "id", source="person") == []
    refused = [line for line in listener_log() if "event=refused" in line]
    assert len(refused) == 2, refused  # one line a minute for each reason, not one for each request


def test_an_api_key_signs_nothing(heard, twilio):
    with listening(heard) as server:
        mark = signature(
            twilio.describe()["api_key_secret"], f"{heard['status_callback_url']}/twilio/status", VECTOR.items()
        )
        assert post(heard, server, "/twilio/status", VECTOR, signed=mark).status_code == 403


def test_what_sendgrid_did_not_sign_is_refused(heard, sendgrid):
    run(heard, PAYABLES, payable(1, 40))
    ((key, sid),) = message(heard, "key", "remote_id")
    told = [{"email": "ap@example.com", "event": "bounce", "sg_message_id": f"{sid}.x", "message_key": key}]
    now = str(int(time.time()))
    with listening(heard) as server:
        for mark in ("", "no base64", wrong(sendgrid._key.sign(now, b"[]"))):
            assert post_events(server, sendgrid, told, timestamp=now, signed=mark).status_code == 403
        unsigned = requests.post(f"{server.url}/sendgrid/events", json=told, timeout=30)
        assert (unsigned.status_code, unsigned.text) == (403, "no signature\n")
        assert post_events(server, sendgrid, told).status_code == 204
    assert statuses(heard) == ["undelivered"]


@pytest.mark.parametrize("prefix", ["", "/hooks/alerts"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_proxy_may_strip_the_path_before_or_leave_it(heard, prefix, slash):
    """Twilio calls the public address; what reaches the listener has another host, scheme and maybe path."""
    public = f"https://hooks.example.com{prefix}"
    behind = {**heard, "status_callback_url": public + slash}
    with listening(behind, port=free_port()) as server:
        for path in {"/twilio/status", f"{prefix}/twilio/status"}:
            address = f"{public}/twilio/status"
            more = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere.example.com", "Host": "inner:80"}
            answer = post(behind, server, path, VECTOR, query="?message=a%20b%2Bc", public=address, **more)
            assert answer.status_code == 204
        assert post(behind, server, "/twilio/status", VECTOR, public=f"{server.url}/twilio/status").status_code == 403


def test_a_parameter_that_comes_several_times_counts_as_signed(heard):
    pairs = [*VECTOR.items(), ("Tag", "b"), ("Tag", "a"), ("Tag", "b")]
    mark = signature(heard["auth_token"], f"{heard['status_callback_url']}/twilio/status", pairs)
    with listening(heard) as server:
        answer = requests.post(
            f"{server.url}/twilio/status",
            data=urlencode(pairs),
            headers={"X-Twilio-Signature": mark, "Content-Type": "application/x-www-form-urlencoded"},
            timeout=30,
        )
    assert answer.status_code == 204


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=8))
def test_whatever_a_form_holds_its_signature_is_right_and_no_other(form):
    read = form_of(urlencode(form).encode())
    mark = signature(TOKEN, "https://a.example.com/x?y=1", form.items())
    signed = TwilioSignature(TOKEN, "https://a.example.com")
    assert signed.fits("/x", "y=1", read, mark)
    assert not signed.fits("/x", "y=1", ImmutableMultiDict([*read.multi_items(), ("More", "1")]), mark)


def test_a_json_body_is_taken_when_its_hash_is_signed(heard, sendgrid):
    body = b'{"MessageSid": "SM1", "MessageStatus": "sent"}'
    query = f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
    mark = signature(heard["auth_token"], f"{heard['status_callback_url']}/twilio/status{query}")
    headers = {"X-Twilio-Signature": mark, "Content-Type": "application/json"}
    with listening(heard) as server:
        address = f"{server.url}/twilio/status{query}"
        assert requests.post(address, data=body, headers=headers, timeout=30).status_code == 204
        assert requests.post(address, data=body + b" ", headers=headers, timeout=30).status_code == 403
