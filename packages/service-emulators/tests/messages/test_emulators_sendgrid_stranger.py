"""SendGrid's own Python library, unmodified but for the address, against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from message_strangers import sendgrid_library
from python_http_client.exceptions import BadRequestsError, ForbiddenError, TooManyRequestsError, UnauthorizedError
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from sendgrid.helpers.mail import CustomArg, Mail

if TYPE_CHECKING:
    from message_strangers import Receiver
    from service_emulators.testing import SendGridEmulator

PERSON = "ann@example.com"


def written(sender: str = "alerts@example.com", subject: str = "Order 4711 on hold") -> Mail:
    mail = Mail(sender, PERSON, subject, "plain Käse", "<p>html</p>")
    mail.add_custom_arg(CustomArg("alert_id", "A-17"))
    return mail


def test_mail_is_sent_bounces_and_is_listed(mail: SendGridEmulator) -> None:
    client = sendgrid_library(mail)
    answer = client.send(written())
    assert answer.status_code == 202
    mail.control.advance(60)
    (arrived,) = mail.control.mailbox(PERSON)
    assert (arrived["text"], arrived["html"]) == ("plain Käse", "<p>html</p>")
    assert arrived["message_id"] == answer.headers["X-Message-Id"]
    mail.control.switch(activity=True)
    listed = client.client.messages.get(query_params={"limit": 10, "query": f'to_email="{PERSON}"'})
    assert [one["subject"] for one in listed.to_dict["messages"]] == ["Order 4711 on hold"]
    mail.control.set_mailbox(PERSON, "bounce")
    client.send(written())
    mail.control.advance(60)
    assert [one["email"] for one in client.client.suppression.bounces.get().to_dict] == [PERSON]
    assert client.client.suppression.bounces._(PERSON).delete().status_code == 204


def test_refusals_are_told_apart(mail: SendGridEmulator) -> None:
    client = sendgrid_library(mail)
    with pytest.raises(BadRequestsError) as refused:
        client.send(written(subject=""))
    assert "subject" in refused.value.to_dict["errors"][0]["field"]
    with pytest.raises(ForbiddenError):
        client.send(written("alerts@elsewhere.example"))
    with pytest.raises(UnauthorizedError):
        sendgrid_library(mail, "SG.wrong").send(written())
    mail.control.switch(rate_limit=1)
    mail.control.advance(120)
    assert client.send(written()).status_code == 202
    with pytest.raises(TooManyRequestsError):
        client.send(written())


def test_events_have_signatures_it_accepts(mail: SendGridEmulator, receiver: Receiver) -> None:
    client = sendgrid_library(mail)
    settings = client.client.user.webhooks.event.settings
    webhook = settings.post({"url": receiver.url, "processed": True, "delivered": True}).to_dict
    signed = settings.signed._(webhook["id"]).patch({"enabled": True}).to_dict
    client.send(written())
    mail.control.advance(60)
    verifier = EventWebhook(signed["public_key"])
    assert receiver.received
    events = []
    for _path, headers, body in receiver.received:
        signature, timestamp = (
            headers[name.lower()] for name in (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)
        )
        assert verifier.verify_signature(body.decode(), signature, timestamp)
        assert not verifier.verify_signature(body.decode() + " ", signature, timestamp)
        events += json.loads(body)
    assert {(one["event"], one["alert_id"]) for one in events} == {("processed", "A-17"), ("delivered", "A-17")}
