"""`alerts listen` as a process: its start, its end, and a ledger that is a server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from service_emulators.twilio.signing import signature
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sync_ledger.ledger import open_engine
from target_twilio_commands import fails, statuses
from target_twilio_listeners import inbound, listening, message, post, post_events, status_of
from target_twilio_runs import ORDERS, order, run

_COMMAND = [sys.executable, "-m", "target_twilio.cli", "listen", "--port", "0"]


@pytest.fixture
def settings(heard, tmp_path):
    """File of settings with which everything is told to a listener."""
    path = tmp_path / "listen_config.json"
    path.write_text(json.dumps({name: value for name, value in heard.items() if value is not None}))
    return path


@contextmanager
def process(settings):
    """Run the command; its first line is read already."""
    command = [*_COMMAND, "--config", str(settings)]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}  # the SDK warns of an old Python
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        first = started.stderr.readline()
        assert "event=listening at=http://127.0.0.1:" in first, first + started.stderr.read()
        yield started, first.split("at=")[1].split()[0]
    finally:
        started.kill()
        started.communicate()


def test_ctrl_c_ends_it_in_good_order(settings):
    with process(settings) as (started, address):
        assert requests.get(f"{address}/healthz", timeout=30).status_code == 200
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=30)
    assert (started.returncode, out) == (0, "")
    (last,) = err.splitlines()
    assert "event=stopped" in last


def test_sigterm_ends_it_when_what_has_begun_is_answered(heard, settings):
    run(heard, ORDERS, order(1, 60000))
    ((key, sid),) = message(heard, "key", "remote_id")
    with process(settings) as (started, address), open_engine(heard["ledger_url"]).connect() as holder:
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        caller = _Caller(address, heard, status_of(sid, "delivered"), f"?message={key}")
        # Whoever came later has its answer, so the first is in the listener's hands.
        assert requests.get(f"{address}/healthz", timeout=30).status_code == 200
        started.send_signal(signal.SIGTERM)
        _wait_until_closed(address)
        holder.rollback()
        assert caller.answer().startswith(b"HTTP/1.1 204")
        _, err = started.communicate(timeout=30)
    assert started.returncode == 0
    assert "event=stopped requests=2 moved=1" in err
    assert statuses(heard) == ["delivered"]


def _wait_until_closed(address):
    parts = urlsplit(address)
    for _ in range(200):
        try:
            socket.create_connection((parts.hostname, parts.port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it still listens")


class _Caller:
    """A request whose answer is read later."""

    def __init__(self, address, config, form, query):
        made = requests.Request("POST", f"{address}/twilio/status{query}", data=form).prepare()
        public = f"{config['status_callback_url']}/twilio/status{query}"
        mark = signature(config["auth_token"], public, form.items())
        parts = urlsplit(address)
        self._connection = socket.create_connection((parts.hostname, parts.port))
        head = f"POST /twilio/status{query} HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: {mark}\r\n"
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(made.body)}\r\n\r\n"
        self._connection.sendall(head.encode() + made.body.encode())

    def answer(self) -> bytes:
        self._connection.settimeout(30)
        try:
            return self._connection.recv(4096)
        finally:
            self._connection.close()


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "twilio", "cryptography"])
def test_without_the_extra_it_says_how_to_install_it(settings, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    said = f"`alerts listen` needs {missing}; install it with: pip install 'target-twilio[listen]'"
    assert fails("listen", "--config", settings) == said


def test_the_other_commands_need_no_extra(settings):
    blocked = "for one in ('starlette', 'uvicorn', 'twilio', 'cryptography'): sys.modules[one] = None\n"
    code = f"import sys\n{blocked}from target_twilio.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "show", "--json", "--config", str(settings)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_keeps_it_from_its_work_is_one_line(heard, settings):
    def change(**values):
        given = {**heard, **values}
        settings.write_text(json.dumps({name: value for name, value in given.items() if value is not None}))

    listen = ("listen", "--config", settings)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert "give another --host or --port" in fails(*listen, "--port", port)
    change(auth_token=None)
    assert "Setting auth_token is missing" in fails(*listen)
    change(sendgrid_event_public_key="x")
    assert "sendgrid_event_public_key" in fails(*listen)
    change(ledger_url="nonsense")
    assert "ledger_url" in fails(*listen)


def test_it_listens_for_a_ledger_that_is_a_server(heard, postgresql, twilio, sendgrid):
    """Callbacks while another process holds the messages of the account are answered soon, and told again."""
    address = make_url(postgresql).set(drivername="postgresql+psycopg")
    server = create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE listening"))
    server.dispose()
    ledger = address.set(database="listening", drivername="postgresql").render_as_string(hide_password=False)
    heard["ledger_url"] = ledger
    run(heard, ORDERS, order(1, 60000))
    ((key, sid),) = message(heard, "key", "remote_id")
    with listening(heard) as listener:
        twilio.control.advance(3600)
        assert statuses(heard) == ["delivered"]
        told = {"event": "delivered", "email": "a\0@example.com", "message_key": "a\0b", "sg_event_id": "\0"}
        assert post_events(listener, sendgrid, [told, {**told, "event": "spamreport"}]).status_code == 204
        assert post(heard, listener, "/twilio/inbound", inbound("SM\0", "hello\0")).status_code == 200
        with open_engine(ledger).connect() as holder:
            holder.execute(text("LOCK TABLE messages"))
            begun = time.monotonic()
            form = status_of(sid, "delivered", Again="1")
            assert post(heard, listener, "/twilio/status", form, query=f"?message={key}").status_code == 503
            assert time.monotonic() - begun < 10
        assert post(heard, listener, "/twilio/status", form, query=f"?message={key}").status_code == 204


def test_the_readme_tells_of_its_options():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (line,) = [line for line in readme.splitlines() if line.startswith("| `alerts listen`")]
    assert all(name in line for name in ("--host", "--port", "[listen]"))
