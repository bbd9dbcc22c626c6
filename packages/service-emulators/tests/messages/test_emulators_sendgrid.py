"""The SendGrid emulator: refusals, mail that arrives or does not, events and their signatures."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from message_strangers import Receiver
    from service_emulators.testing import SendGridEmulator


def content(**changes: Any) -> dict[str, Any]:
    mail = {
        "personalizations": [{"to": [{"email": "ann@example.com"}], "custom_args": {"alert_id": "A-17"}}],
        "from": {"email": "alerts@example.com"},
        "subject": "Order 4711 on hold",
        "content": [{"type": "text/plain", "value": "plain"}, {"type": "text/html", "value": "<p>html</p>"}],
    }
    return {name: value for name, value in {**mail, **changes}.items() if value is not None}


def addresses(number: int, name: str = "to") -> list[dict[str, str]]:
    return [{"email": f"{name}{one}@example.com"} for one in range(number)]


def call(mail: SendGridEmulator, method: str, path: str, body: Any = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {mail.api_key}"}
    return requests.request(method, f"{mail.url}/v3{path}", json=body, headers=headers, timeout=10)


def send(mail: SendGridEmulator, **changes: Any) -> requests.Response:
    return call(mail, "POST", "/mail/send", content(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": None}, "from"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": [{"email": "a@b.example"}] * 2}]}, "personalizations.0.to.1"),
        ({"subject": None}, "personalizations.0.subject"),
        ({"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"categories": ["a", "a"]}, "categories.1"),
        ({"categories": list("abcdefghijk")}, "categories"),
        ({"headers": {"Subject": "x"}}, "headers.Subject"),
        ({"custom_args": {"a": "x" * 10_000}}, "custom_args"),
        ({"send_at": 2_000_000_000}, "send_at"),
        ({"batch_id": "unknown"}, "batch_id"),
        ({"colour": "red"}, "colour"),
        ({"personalizations": [{"to": addresses(600), "cc": addresses(401, "cc")}]}, "personalizations"),
        ({"personalizations": [{"to": [one]} for one in addresses(1001)]}, "personalizations"),
        ({"personalizations": [{"to": [one]} for one in addresses(1) * 2]}, "personalizations.1.to.0"),
    ],
)
def test_refused_mail(mail: SendGridEmulator, changes: dict[str, Any], field: str) -> None:
    response = send(mail, **changes)
    assert response.status_code == 400, response.text
    assert field in [error["field"] for error in response.json()["errors"]]
    mail.control.advance(60)
    assert mail.control.mailboxes() == {}


def test_credentials_sender_and_limit(mail: SendGridEmulator) -> None:
    assert requests.post(f"{mail.url}/v3/mail/send", json=content(), timeout=5).status_code == 401
    assert send(mail, **{"from": {"email": "alerts@elsewhere.example"}}).status_code == 403
    mail.control.switch(rate_limit=3)
    assert [send(mail).status_code for _ in range(3)] == [202, 202, 429]
    mail.control.advance(60)
    answer = send(mail)
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (202, "2")


def test_limits_that_a_mail_may_just_reach(mail: SendGridEmulator) -> None:
    sandbox = {"mail_settings": {"sandbox_mode": {"enable": True}}}
    both = {"to": addresses(600), "cc": addresses(400, "cc")}
    assert send(mail, personalizations=[both], **sandbox).status_code == 200
    assert send(mail, personalizations=[{"to": [one]} for one in addresses(1000)], **sandbox).status_code == 200
    text = [{"type": "text/plain", "value": "x" * (30 * 1024 * 1024)}]
    assert send(mail, content=text, **sandbox).status_code == 413
    text[0]["value"] = text[0]["value"][:-1024]
    answer = send(mail, content=text, **sandbox)
    assert answer.status_code == 200
    for name in ("Limit", "Remaining", "Reset"):
        assert answer.headers[f"X-RateLimit-{name}"].isdigit()


def test_mail_arrives_with_both_parts(mail: SendGridEmulator) -> None:
    answer = send(mail)
    mail.control.advance(1)
    (found,) = mail.control.mailbox("ann@example.com")
    assert (found["subject"], found["text"], found["html"]) == ("Order 4711 on hold", "plain", "<p>html</p>")
    assert found["message_id"] == answer.headers["X-Message-Id"]


def test_the_sandbox_sends_nothing(mail: SendGridEmulator) -> None:
    answer = send(mail, mail_settings={"sandbox_mode": {"enable": True}})
    mail.control.advance(60)
    assert (answer.status_code, mail.control.mailboxes(), mail.control.events()) == (200, {}, [])


def test_bounced_addresses_are_dropped_later(mail: SendGridEmulator) -> None:
    mail.control.set_mailbox("ann@example.com", "bounce")
    send(mail)
    mail.control.advance(5)
    send(mail)
    mail.control.advance(5)
    assert [event["event"] for event in mail.control.events()] == ["processed", "bounce", "dropped"]
    assert [one["email"] for one in call(mail, "GET", "/suppression/bounces").json()] == ["ann@example.com"]
    assert call(mail, "DELETE", "/suppression/bounces/ann@example.com").status_code == 204
    mail.control.set_mailbox("ann@example.com", "delivered")
    send(mail)
    mail.control.advance(5)
    assert len(mail.control.mailbox("ann@example.com")) == 1


def test_scheduled_mail_can_be_cancelled(mail: SendGridEmulator) -> None:
    batch = call(mail, "POST", "/mail/batch").json()["batch_id"]
    later = int(mail.clock.seconds()) + 3600
    send(mail, send_at=later, batch_id=batch)
    assert call(mail, "POST", "/user/scheduled_sends", {"batch_id": batch, "status": "cancel"}).status_code == 201
    send(mail, send_at=later, subject="other")
    mail.control.advance(4000)
    assert [one["subject"] for one in mail.control.mailbox("ann@example.com")] == ["other"]


def test_events_are_signed_and_repeated(mail: SendGridEmulator, receiver: Receiver) -> None:
    settings = "/user/webhooks/event/settings"
    webhook = call(mail, "POST", settings, {"url": receiver.url, "processed": True, "delivered": True}).json()
    shown = call(mail, "PATCH", f"{settings}/signed/{webhook['id']}", {"enabled": True}).json()
    assert shown["public_key"] == mail.public_key
    receiver.answers = [500]
    mail.control.switch(event_order="reversed")
    send(mail)
    mail.control.advance(1)
    mail.control.advance(60)
    mail.control.advance(600)
    bodies = [body for _path, _headers, body in receiver.received]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert [one["event"] for one in json.loads(bodies[0])] == ["delivered", "processed"]
    assert {one["alert_id"] for one in json.loads(bodies[0])} == {"A-17"}
    key = serialization.load_der_public_key(base64.b64decode(shown["public_key"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for _path, headers, body in receiver.received:
        stamp = headers["x-twilio-email-event-webhook-timestamp"].encode()
        given = base64.b64decode(headers["x-twilio-email-event-webhook-signature"])
        key.verify(given, stamp + body, ec.ECDSA(hashes.SHA256()))


def test_email_activity_is_an_add_on(mail: SendGridEmulator) -> None:
    send(mail)
    query = "/messages?limit=10&query=to_email%3D%22ann%40example.com%22"
    assert call(mail, "GET", query).status_code == 403
    mail.control.switch(activity=True)
    mail.control.advance(5)
    (found,) = call(mail, "GET", query).json()["messages"]
    assert (found["status"], found["subject"]) == ("delivered", "Order 4711 on hold")
