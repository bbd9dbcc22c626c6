"""A message service over HTTP that fails as real ones do, before and after it has taken a message.

`POST /TRIAL/messages` takes a message, `GET /TRIAL/messages` lists those to a recipient. It has no idea of our keys:
they are noted for the test's sake only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

if t.TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

HANG_SECONDS = 0.3
"""Longer than the client waits."""

FAULTS = {
    "none": 55,
    "busy": 8,
    "broken before": 6,
    "broken after": 9,
    "cut before": 5,
    "cut after": 9,
    "hang after": 1,
    "refused": 3,
    "killed before": 2,
    "killed after": 2,
}


@dataclass
class Trial:
    """What the service knows of one account.

    Attributes:
        rng: Decides what goes wrong.
        faults: Whether anything does.
        early: Called with id and key of a message that was taken, before the call is answered.
        took: Messages taken: id, key, recipient, text and time.
        refused: Keys that were refused.
        posts: Calls to send.
    """

    rng: random.Random
    early: Callable[[str, str], None]
    faults: bool = True
    took: list[dict[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    posts: int = 0
    lock: t.Any = field(default_factory=threading.Lock)

    def fault(self) -> str:
        with self.lock:
            self.posts += 1
            return self.rng.choices(list(FAULTS), list(FAULTS.values()))[0] if self.faults else "none"

    def take(self, message: dict[str, str]) -> str:
        with self.lock:
            remote_id = f"SM{len(self.took):032x}"
            self.took.append({**message, "id": remote_id})
        if self.faults and self.rng.random() < 0.4:
            self.early(remote_id, message["key"])
        return remote_id


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        trial = self.server.trials[urlsplit(self.path).path.split("/")[1]]
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        client = int(self.headers["X-Process"])
        before, _, when = (fault := trial.fault()).partition(" ")
        if fault == "refused":
            trial.refused.add(message["key"])
            self._answer(400, {"code": 21211, "message": "Invalid 'To' Phone Number"})
            return
        if fault == "busy":
            self._answer(429, {"code": 20429, "message": "Too Many Requests"})
            return
        remote_id = trial.take(message) if when != "before" else ""
        if before == "broken":
            self._answer(503, {"code": 20500, "message": "Internal Server Error"})
        elif before == "killed":
            os.kill(client, signal.SIGKILL)
        elif before == "hang":
            time.sleep(HANG_SECONDS)
        elif before != "cut":
            self._answer(201, {"sid": remote_id, "status": "queued"})

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        trial = self.server.trials[address.path.split("/")[1]]
        if trial.faults and trial.rng.random() < 0.2:
            self._answer(503, {"code": 20500, "message": "Internal Server Error"})
            return
        (recipient,) = parse_qs(address.query)["To"]
        shown = [{name: one[name] for name in ("id", "recipient", "text", "created_at")} for one in trial.took]
        self._answer(200, [one for one in reversed(shown) if one["recipient"] == recipient])

    def _answer(self, status: int, content: t.Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """The service, with the trials that are under way by their names."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.trials: dict[str, Trial] = {}

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that was killed cannot be answered."""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
