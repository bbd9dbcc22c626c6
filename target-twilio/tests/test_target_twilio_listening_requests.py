"""`alerts listen`: what it answers, and that nothing is lost by it."""

from __future__ import annotations

import itertools
import socket
import sqlite3
import time
from urllib.parse import urlsplit

import pytest
import requests
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.sending_tables import suppressions
from target_twilio.listening import app, serving
from target_twilio.listening.telling import Telling
from target_twilio_commands import column, statuses
from target_twilio_listeners import events, listening, message, post, post_events, status_of
from target_twilio_runs import ORDERS, order, run

SID = "SM00000000000000000000000000000001"


def test_a_message_that_nobody_knows_is_no_error_and_told_once(heard, listener_log, sendgrid):
    hours = itertools.count(step=3600.0)
    with listening(heard, telling=Telling(lambda: next(hours))) as server:
        for status in ("sent", "delivered", "delivered"):
            answer = post(heard, server, "/twilio/status", status_of(SID, status), query="?message=nobody")
            assert (answer.status_code, answer.content) == (204, b"")
        for moment in (1, 2):
            told = {"email": "x@example.com", "event": "delivered", "message_key": "none", "timestamp": moment}
            assert post_events(server, sendgrid, [told]).status_code == 204
    unknown = [line.split("event=")[1] for line in listener_log() if "unknown" in line]
    assert unknown == ["unknown_message message=nobody", "unknown_message message=none"]


def test_what_overtakes_the_answer_counts_when_the_answer_is_there(heard, listener_log):
    run({**heard, "auth_token": "f" * 32}, ORDERS, order(1, 60000))
    ((key,),) = message(heard, "key")
    with listening(heard) as server:
        form = status_of(SID, "sent")
        for _ in range(2):
            assert post(heard, server, "/twilio/status", form, query=f"?message={key}").status_code == 204
    assert message(heard, "status", "remote_id") == [("passed_on", SID)]
    assert not any("unknown" in line for line in listener_log())


def test_an_event_is_known_again_by_what_it_says_where_its_id_changed_or_is_missing(heard, sendgrid):
    one = {"email": "a@example.com", "event": "deferred", "sg_message_id": "m.1", "message_key": "k", "timestamp": 5}
    same = [{**one, "sg_event_id": "x"}, {**one, "sg_event_id": "y"}, one, {**one, "attempt": "2"}]
    others = [{**one, "timestamp": 6}, {**one, "email": "b@example.com"}, {**one, "sg_message_id": "m.2"}]
    by_id = {"email": "a@example.com", "event": "deferred", "message_key": "k", "sg_event_id": "z"}
    found = []
    with listening(heard) as server:
        for told in (same, same[::-1], others, [by_id, by_id], [{**by_id, "sg_event_id": "zz"}]):
            assert post_events(server, sendgrid, told).status_code == 204
            found.append(len(events(heard, "id", source="callback")))
    assert found == [1, 1, 4, 5, 6]


def test_words_that_are_not_known_are_passed_over(heard, sendgrid):
    odd = [
        7,
        None,
        {"event": "account_status_change", "type": "x"},
        {"event": ["x"], "email": {}},
        {"event": "delivered", "email": "a@example.com", "message_key": "a\0b" * 200, "timestamp": "soon"},
        {"event": "bounce", "sg_message_id": 5, "message_key": 6, "timestamp": 1e300, "reason": ["x"]},
    ]
    with listening(heard) as server:
        assert post(heard, server, "/twilio/status", status_of(SID, "teleported")).status_code == 204
        assert post_events(server, sendgrid, odd).status_code == 204
    assert events(heard, "status", source="callback") == [("delivered",), ("undelivered",)]


@pytest.mark.parametrize(
    ("path", "form", "missing"),
    [
        ("/twilio/status", {"MessageStatus": "sent"}, "MessageSid"),
        ("/twilio/status", {"MessageSid": SID}, "MessageStatus"),
        ("/twilio/call", {"CallSid": "CA1"}, "CallStatus"),
        ("/twilio/inbound", {"MessageSid": SID, "Body": "STOP"}, "From"),
    ],
)
def test_a_form_without_what_it_is_about_is_malformed(heard, path, form, missing):
    with listening(heard) as server:
        answer = post(heard, server, path, form)
    assert (answer.status_code, answer.text) == (400, f"{missing} is missing\n")


def test_bodies_that_are_not_what_they_should_be(heard, sendgrid):
    with listening(heard) as server:

        def sent(path, body, **headers):
            given = {"X-Twilio-Signature": "x", **headers}
            return requests.post(f"{server.url}{path}", data=body, headers=given, timeout=30).status_code

        assert sent("/twilio/status", b"\xff\xfe=%ff") == 400
        assert sent("/twilio/status", "&".join(f"a{n}=1" for n in range(600)).encode()) == 400
        assert sent("/twilio/status", b"[]", **{"Content-Type": "application/json"}) == 400
        assert sent("/twilio/status", b"{}", **{"Content-Type": "application/json"}) == 403
        assert sent("/twilio/status", b"") == 403
        assert post_events(server, sendgrid, [], body=b'{"event": "delivered"}').status_code == 400
        assert post_events(server, sendgrid, [], body=b"[").status_code == 400
        assert post_events(server, sendgrid, []).status_code == 204


def test_bodies_that_are_too_large_are_not_read(heard, sendgrid):
    with listening(heard) as server:
        form = status_of(SID, "sent", More="x" * 70_000)
        assert post(heard, server, "/twilio/status", form).status_code == 413
        parts = (b"a=" + b"x" * 8_192 for _ in range(20))
        headers = {"X-Twilio-Signature": "x"}
        assert requests.post(f"{server.url}/twilio/status", data=parts, headers=headers, timeout=30).status_code == 413
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as caller:
            caller.settimeout(5)
            head = "POST /twilio/status HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Length: 70000\r\n\r\n"
            caller.sendall(head.encode())  # and nothing of what it announces
            assert caller.recv(100).startswith(b"HTTP/1.1 413")
        assert post_events(server, sendgrid, [], body=b"[" + b" " * 3_000_000 + b"]").status_code == 413
        assert post_events(server, sendgrid, [], body=b"[" + b" " * 900_000 + b"]").status_code == 204


def test_what_is_not_there_is_told_so(heard):
    with listening(heard) as server:
        assert requests.get(f"{server.url}/healthz", timeout=30).text == "ok"
        assert requests.get(f"{server.url}/twilio/status", timeout=30).status_code == 405
        assert requests.post(f"{server.url}/twilio", timeout=30).status_code == 404


def test_a_ledger_that_is_busy_is_a_503_and_nothing_is_lost(heard, tmp_path, monkeypatch, listener_log, sendgrid):
    monkeypatch.setattr(serving, "PATIENCE_SECONDS", 0)
    run(heard, ORDERS, order(1, 60000))
    ((key, sid),) = message(heard, "key", "remote_id")
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    with listening(heard) as server:
        holder.execute("BEGIN IMMEDIATE")
        form, query = status_of(sid, "delivered"), f"?message={key}"
        begun = time.monotonic()
        for _ in range(2):
            answer = post(heard, server, "/twilio/status", form, query=query)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert time.monotonic() - begun < 8
        told = [{"event": "delivered", "message_key": "x", "email": "x@example.com"}]
        assert post_events(server, sendgrid, told).status_code == 503
        assert requests.get(f"{server.url}/healthz", timeout=30).status_code == 200
        holder.execute("ROLLBACK")
        assert post(heard, server, "/twilio/status", form, query=query).status_code == 204
    holder.close()
    assert statuses(heard) == ["delivered"]
    assert len([line for line in listener_log() if "event=ledger_unusable" in line and "locked" in line]) == 1


def test_an_answer_does_not_wait_for_the_work_longer_than_twilio_does(heard, monkeypatch):
    monkeypatch.setattr(app, "_SECONDS", 0.2)
    run(heard, ORDERS, order(1, 60000))
    ((key, sid),) = message(heard, "key", "remote_id")
    with listening(heard) as server, open_engine(heard["ledger_url"]).connect() as holder:
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        answer = post(heard, server, "/twilio/status", status_of(sid, "delivered"), query=f"?message={key}")
        assert answer.status_code == 503
        holder.rollback()
    assert statuses(heard) == ["delivered"]  # what had begun was done all the same


def test_health_tells_when_the_ledger_cannot_be_read(heard, tmp_path):
    with listening(heard) as server:
        server._engine.dispose()
        for file in tmp_path.glob("ledger.db*"):
            file.unlink()
        (tmp_path / "ledger.db").mkdir()
        assert requests.get(f"{server.url}/healthz", timeout=30).status_code == 503


def test_reported_spam_of_others_mail_ends_ours_too_but_a_group_of_theirs_does_not(heard, sendgrid):
    def told(event, name, **more):
        return {"event": event, "email": f"{name}@example.com", "timestamp": int(time.time()), **more}

    ours = {"message_key": "k", "asm_group_id": 3}
    with listening(heard) as server:
        post_events(server, sendgrid, [told("spamreport", "a"), told("group_unsubscribe", "b", asm_group_id=3)])
        post_events(server, sendgrid, [told("group_unsubscribe", "c", **ours), told("group_resubscribe", "c", **ours)])
        post_events(server, sendgrid, [told("unsubscribe", "d"), told("group_resubscribe", "d", **ours)])
        came = [told("group_unsubscribe", "e", **ours), told("spamreport", "e"), told("group_resubscribe", "e", **ours)]
        post_events(server, sendgrid, came)
        post_events(server, sendgrid, [told("group_unsubscribe", "f", **ours), told("group_resubscribe", "f", **ours)])
        post_events(server, sendgrid, [told("spamreport", "f") | {"timestamp": int(time.time()) - 60}])
    found = column(heard, suppressions, "recipient", "lifted_at")
    assert [(name, at is None) for name, at in found] == [
        ("a@example.com", True),
        ("c@example.com", False),
        ("d@example.com", True),
        ("e@example.com", True),
        ("f@example.com", True),
    ]
