"""An AIS emulator for this package's tests, and a stub for answers no well-behaved server gives."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from jde_ais import AisClient, AisSettings
from service_emulators.jde.testing import start_jde

TABLES = ("F0101", "F0111", "F0115", "F0116", "F03012", "F0005", "F0006")


class Jde:
    """A running emulator with empty tables."""

    def __init__(self, running):
        self.emulator, self.store, self.control, self.url = (
            running.emulator,
            running.store,
            running.control,
            running.url,
        )
        self.username, self.password = running.username, running.password
        self._defaults = self.control.switches()

    def reset(self):
        for table in TABLES:
            self.store.delete(table, {})
        self.control.clear_faults()
        self.control.switch(**self._defaults)
        self.control.set_clock()
        self.control.expire_sessions()
        self.control.reset_counters()

    def settings(self, **changes):
        return AisSettings(
            **{"url": self.url, "username": self.username, "password": self.password, "environment": "JDV920"} | changes
        )

    def client(self, *, clock=None, sleeps=None, **changes):
        options = {"sleep": (sleeps if sleeps is not None else []).append}
        if clock is not None:
            options["clock"] = clock
        return AisClient(self.settings(**changes), **options)

    def calls(self, ending):
        """How many requests went to paths with this ending."""
        by_endpoint = self.control.counters()["by_endpoint"]
        return sum(count for endpoint, count in by_endpoint.items() if endpoint.endswith(ending))


@pytest.fixture(scope="session")
def _running_jde():
    with start_jde() as running:
        yield Jde(running)


@pytest.fixture
def jde(_running_jde):
    _running_jde.reset()
    return _running_jde


class Clock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class Stub:
    """A real HTTP server whose answers a test writes: log-in and settings work, the rest is up to `answer`."""

    def __init__(self, answer):
        self.login = {
            "userInfo": {"token": "t0ken+/=", "simpleDateFormat": "MM/dd/yyyy", "username": "U"},
            "environment": "E",
            "role": "R",
        }
        self.config = {"sessionTimeout": "30", "timeToLive": "720"}
        self.answer = answer
        self.seen = []
        self.url = ""

    def respond(self, method, path, body, headers):
        self.seen.append((method, path, body, headers))
        if path.startswith("/jderest/v2/defaultconfig") and self.config is not None:
            return 200, {}, json.dumps(self.config).encode()
        if path == "/jderest/v2/tokenrequest" and self.login is not None:
            return 200, {}, json.dumps(self.login).encode()
        return self.answer(path)

    def paths(self):
        return [path for _, path, _, _ in self.seen]

    def client(self, *, sleeps=None, **changes):
        settings = AisSettings(**{"url": self.url, "username": "U", "password": "p4ss w+rd", **changes})
        return AisClient(settings, sleep=(sleeps if sleeps is not None else []).append)


@contextmanager
def _serving(stub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = stub.respond(self.command, self.path, body, dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 (names http.server looks for)

        def log_message(self, *args):
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield stub
        server.shutdown()
        thread.join()


@pytest.fixture
def stub_server():
    """Makes `with stub_server(answer) as stub`, with `answer(path) -> (status, headers, content)`."""
    return lambda answer: _serving(Stub(answer))
