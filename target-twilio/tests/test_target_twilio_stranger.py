"""Strangers' eyes on what the target sent: Twilio's and SendGrid's own Python libraries."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from message_strangers import Receiver, sendgrid_library, twilio_library
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from sync_ledger.ledger.sending_tables import messages
from target_twilio.sendgrid.mail import KEY_ARGUMENT
from target_twilio.twilio.messages import KEY_PARAMETER
from target_twilio_commands import ago, alerts, column, later
from target_twilio_runs import ORDERS, PAYABLES, RULES, order, payable, run
from twilio.request_validator import RequestValidator

PHONES = ("+12125550123", "+12125550124", "+12125550125")
CALLED = "+12125550170"

pytestmark = pytest.mark.usefixtures("wide")


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def sent(config, twilio, receiver):
    """Settings of a target that has sent texts in two alphabets, a call for each, and a mail."""
    rules = RULES.replace("receiver: buyer, group_by: ['...']}", "receiver: buyer, group_by: ['...'], continue: true}")
    caller = """    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: caller, group_by: ['...']}\n"""
    rules = rules.replace("receivers:\n", f'{caller}receivers:\n  - {{name: caller, voice: {{to: ["{CALLED}"]}}}}\n')
    Path(config["rules"]).write_text(rules.replace("PO {{ DOCO }}", "PO {{ DOCO }} Käse & Söhne {{ status }}"))
    settings = {**config, "status_callback_url": f"{receiver.url}/erp"}
    twilio.control.switch(segments_per_second=0)
    twilio.control.set_phone(PHONES[2], code=30003)
    rows = [order(number, 60000, phone=phone, status="新") for number, phone in enumerate(PHONES)]
    assert run(settings, ORDERS, *rows, PAYABLES, payable(7, 31)).code == 0
    twilio.control.advance(3600)
    later(settings, messages, looked_at=ago(hours=1))
    assert run(settings, ORDERS).code == 0
    return settings


def kept(settings, channel):
    """Return what the ledger knows of a channel's messages: remote id -> recipient, text, status."""
    names = ("remote_id", "recipient", "text", "status", "channel")
    return {row[0]: row[1:4] for row in column(settings, messages, *names) if row[4] == channel}


def test_twilios_own_library_sees_what_the_target_sent(sent, twilio):
    client = twilio_library(twilio)
    texts = kept(sent, "sms")
    assert sorted(text for _, text, _ in texts.values()) == [
        f"PO {number} Käse & Söhne 新 USD 60,000.00" for number in range(3)
    ]
    listed = [one for phone in PHONES for one in client.messages.list(to=phone, page_size=1)]
    assert {one.sid: (one.to, one.body, one.status) for one in listed} == texts
    assert sorted(one.status for one in listed) == ["delivered", "delivered", "undelivered"]
    for sid, (_, text, _) in texts.items():
        one = client.messages(sid).fetch()
        assert (one.body, one.direction, one.from_) == (text, "outbound-api", sent["from_number"])
    calls = kept(sent, "voice")
    assert len(calls) == 3
    assert {one.sid: one.to for one in client.calls.list(to=CALLED)} == {sid: to for sid, (to, _, _) in calls.items()}
    assert {status for _, _, status in calls.values()} == {"delivered"}
    assert {client.calls(sid).fetch().status for sid in calls} == {"completed"}


def test_its_validator_accepts_the_callbacks_to_the_address_the_target_gave(sent, twilio, receiver):
    validator = RequestValidator(sent["auth_token"])
    keys = {key for key, channel in column(sent, messages, "key", "channel") if channel != "email"}
    named = set()
    for path, headers, body in receiver.received:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        signature = headers["x-twilio-signature"]
        assert validator.validate(receiver.url + path, form, signature)
        assert not validator.validate(f"{receiver.url}{path}0", form, signature)
        (key,) = parse_qs(urlsplit(path).query)[KEY_PARAMETER]
        kind = "/erp/twilio/status" if "MessageSid" in form else "/erp/twilio/call"
        assert urlsplit(path).path == kind
        named.add(key)
    assert named == keys
    assert len(keys) == 6


def test_sendgrids_own_library_sees_the_mail_and_accepts_its_events(sent, sendgrid, receiver):
    client = sendgrid_library(sendgrid)
    sendgrid.control.switch(activity=True)
    settings = client.client.user.webhooks.event.settings
    webhook = settings.post({"url": f"{receiver.url}/events", "processed": True, "delivered": True}).to_dict
    public_key = settings.signed._(webhook["id"]).patch({"enabled": True}).to_dict["public_key"]
    assert run(sent, PAYABLES, payable(8, 40)).code == 0
    sendgrid.control.advance(60)
    mails = {
        row[0]: row for row in column(sent, messages, "remote_id", "key", "subject", "channel") if row[3] == "email"
    }
    assert len(mails) == 2
    query = {"limit": 10, "query": 'to_email="ap@example.com"'}
    listed = client.client.messages.get(query_params=query).to_dict["messages"]
    assert {one["msg_id"].split(".")[0]: one["subject"] for one in listed} == {
        remote_id: subject for remote_id, _, subject, _ in mails.values()
    }
    verifier = EventWebhook(public_key)
    events = []
    for path, headers, body in receiver.received:
        if path != "/events":
            continue
        given = [headers[name.lower()] for name in (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)]
        assert verifier.verify_signature(body.decode(), *given)
        events += json.loads(body)
    last = max(mails.values(), key=lambda row: row[2])
    assert ("delivered", last[1]) in {(one["event"], one[KEY_ARGUMENT]) for one in events}


def test_what_the_audit_says_was_sent_is_what_twilios_own_library_sees(sent, file, twilio):
    file.write_text(json.dumps(sent))
    audit = alerts("messages", "--stream", "purchase_orders", "--config", file, "--json").json
    texts = {one["remote_id"]: one for one in audit if one["channel"] == "sms"}
    listed = {one.sid: one for phone in PHONES for one in twilio_library(twilio).messages.list(to=phone)}
    assert {sid: one.to for sid, one in listed.items()} == {sid: one["recipient"] for sid, one in texts.items()}
