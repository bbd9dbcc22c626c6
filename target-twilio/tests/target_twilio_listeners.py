"""Real listeners (`alerts listen`) in a thread, and signed requests to them, for the tests of this folder."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
import typing as t
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import requests
from service_emulators.twilio.signing import signature
from sqlalchemy import select
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.sending_tables import message_events, messages
from target_twilio.listening.serving import Server
from target_twilio.target import TargetTwilio

if t.TYPE_CHECKING:
    from target_twilio.listening.telling import Telling

PERSON = "+12125550123"


def with_listener(config: t.Mapping[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """Return settings, defaults included, with a callback address on a port that is free."""
    given = {**config, "status_callback_url": f"http://127.0.0.1:{free_port()}", **more}
    return dict(TargetTwilio(config=given, validate_config=True).config)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def listening(
    config: t.Mapping[str, t.Any], port: int | None = None, telling: Telling | None = None
) -> t.Iterator[Server]:
    """Run the listener at the callback address of the settings."""
    server = Server(config, "127.0.0.1", port or urlsplit(config["status_callback_url"]).port or 0, telling)
    thread = threading.Thread(target=server.run, name="listener-of-a-test")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
    assert [one.name for one in threading.enumerate() if one.name.startswith("listener")] == []


def post(config, server, path, form, *, query="", signed=None, public=None, **headers) -> requests.Response:
    """Post a form as Twilio does; `public` is the address it is signed for."""
    address = public or f"{config['status_callback_url']}{path}"
    mark = signature(config["auth_token"], f"{address}{query}", form.items()) if signed is None else signed
    return requests.post(
        f"{server.url}{path}{query}",
        data=urlencode(form).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            **({"X-Twilio-Signature": mark} if mark else {}),
            **headers,
        },
        timeout=30,
    )


def status_of(sid: str, status: str, **more: str) -> dict[str, str]:
    """Return the form of a status callback."""
    return {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": PERSON, **more}


def inbound(sid: str, body: str, person: str = PERSON, **more: str) -> dict[str, str]:
    """Return the form of a text that comes in."""
    return {"MessageSid": sid, "From": person, "To": "+15005550006", "Body": body, "NumMedia": "0", **more}


def post_events(server, mail, events, *, timestamp=None, signed=None, body=None) -> requests.Response:
    """Post events as SendGrid does, signed with the key of an emulated account."""
    content = json.dumps(events).encode() + b"\r\n" if body is None else body
    moment = str(int(time.time())) if timestamp is None else timestamp
    mark = mail._key.sign(moment, content) if signed is None else signed
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
        "X-Twilio-Email-Event-Webhook-Signature": mark,
    }
    return requests.post(f"{server.url}/sendgrid/events", data=content, headers=headers, timeout=30)


def subscribe(mail, address: str) -> None:
    """Let an emulated SendGrid account post all events to an address, signed."""
    names = ("processed", "dropped", "deferred", "delivered", "bounce", "open", "click", "spam_report", "unsubscribe")
    settings = f"{mail.url}/v3/user/webhooks/event/settings"
    head = {"Authorization": f"Bearer {mail.api_key}"}
    made = requests.post(settings, json={"url": address, **dict.fromkeys(names, True)}, headers=head, timeout=30).json()
    done = requests.patch(f"{settings}/signed/{made['id']}", json={"enabled": True}, headers=head, timeout=30)
    assert done.json()["public_key"] == mail.public_key


def events(config, *names: str, **where: t.Any) -> list[tuple[t.Any, ...]]:
    """Return what was noted of messages, in its order."""
    query = select(*(message_events.c[name] for name in names)).order_by(message_events.c.id)
    for name, value in where.items():
        query = query.where(message_events.c[name] == value)
    return _rows(config, query)


def message(config, *names: str) -> list[tuple[t.Any, ...]]:
    """Return columns of all messages, oldest first."""
    return _rows(config, select(*(messages.c[name] for name in names)).order_by(messages.c.id))


def _rows(config, query) -> list[tuple[t.Any, ...]]:
    engine = open_engine(config["ledger_url"])
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]
    finally:
        engine.dispose()


def wrong(mark: str) -> str:
    """Return a signature of the same form that is not right."""
    data = bytearray(base64.b64decode(mark))
    data[-1] ^= 1
    return base64.b64encode(bytes(data)).decode()
