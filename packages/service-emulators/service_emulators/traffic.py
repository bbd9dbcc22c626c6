"""Everything that passes through an emulator: counted, logged with secrets masked, and hit by faults."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from service_emulators.clock import EmulatorClock
from service_emulators.serving import drop_connection

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import datetime

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service_emulators.faults import Fault, FaultPlan

CONTROL_PREFIX = "/_emulator"
LOG_LENGTH = 5000
_TALLY = "emulator.tally"
_PARTIAL = "emulator.partial"
_MASK = "********"
_ID_SEGMENT = re.compile(r"/(?:\d+|[0-9a-f]{40})(?=/|$)")
_FORM = re.compile(r"[\w.~+%*-]+=[^&\s]*(?:&[\w.~+%*-]+=[^&\s]*)*")
_SECRET_NAME = re.compile(r"token|password|secret|assertion|authorization|api[-_]?key", re.IGNORECASE)


@dataclass
class Tally:
    """What a service says about one request it handled.

    Attributes:
        writes: mutations that took effect.
        cost: what the service charges for the request, in its own unit (API tokens).
        endpoint: template of the path for the counters; None lets the path be generalised.
    """

    writes: int = 0
    cost: int = 0
    endpoint: str | None = None


def tally_of(scope: MutableMapping[str, Any]) -> Tally:
    """Returns the tally of the request being handled, for the service to fill."""
    tally = scope.setdefault(_TALLY, Tally())
    assert isinstance(tally, Tally)  # noqa: S101 - the key is ours alone
    return tally


def partial_fault(scope: MutableMapping[str, Any]) -> Fault | None:
    """Returns the fault that makes the request being handled fail in part, for the service to carry out."""
    fault: Fault | None = scope.get(_PARTIAL)
    return fault


@dataclass(frozen=True)
class Exchange:
    """One request as it came in, and the status it was answered with (None: no answer was given)."""

    method: str
    path: str
    query: str
    body: bytes
    status: int | None

    def public(self) -> dict[str, Any]:
        """Returns it as JSON data with secrets masked; a JSON body is parsed, another one is text."""
        query = _mask_pairs(self.query)
        body: Any = None
        if self.body:
            try:
                body = mask(msgspec.json.decode(self.body))
            except msgspec.DecodeError:
                body = self.body.decode("utf-8", "replace")
                if _FORM.fullmatch(body):
                    body = _mask_pairs(body)
        return {"method": self.method, "path": self.path, "query": query, "body": body, "status": self.status}


def _mask_pairs(text: str) -> str:
    """Returns a query string or form with the values under secret-sounding names replaced."""
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(name, _MASK if _SECRET_NAME.search(name) else value) for name, value in pairs], safe=",*")


def mask(value: Any) -> Any:
    """Returns JSON data with the strings under secret-sounding names replaced, at any depth."""
    if isinstance(value, dict):
        return {
            name: _MASK if isinstance(item, str) and _SECRET_NAME.search(str(name)) else mask(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [mask(item) for item in value]
    return value


class Recorder:
    """Counters since the last reset and the log of the last requests. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: deque[Exchange] = deque(maxlen=LOG_LENGTH)
        self.reset()

    def reset(self) -> None:
        """Sets all counters to zero and empties the log."""
        with self._lock:
            self._requests = self._writes = self._cost = self._rejected = 0
            self._by_endpoint: Counter[str] = Counter()
            self._by_status: Counter[str] = Counter()
            self._log.clear()

    def record(self, exchange: Exchange, tally: Tally) -> None:
        """Counts one request; `rejected` are those answered with a status of 400 or more."""
        endpoint = tally.endpoint or _ID_SEGMENT.sub("/{id}", exchange.path)
        with self._lock:
            self._requests += 1
            self._writes += tally.writes
            self._cost += tally.cost
            self._rejected += exchange.status is not None and exchange.status >= 400  # noqa: PLR2004 - HTTP's own line
            self._by_endpoint[f"{exchange.method} {endpoint}"] += 1
            self._by_status["none" if exchange.status is None else str(exchange.status)] += 1
            self._log.append(exchange)

    def counters(self) -> dict[str, Any]:
        """Returns the counters as JSON data; requests that got no answer count under the status `none`."""
        with self._lock:
            return {
                "requests": self._requests,
                "writes": self._writes,
                "cost": self._cost,
                "rejected": self._rejected,
                "by_endpoint": dict(sorted(self._by_endpoint.items())),
                "by_status": dict(sorted(self._by_status.items())),
            }

    def exchanges(self, limit: int) -> list[dict[str, Any]]:
        """Returns the last `limit` requests, oldest first, secrets masked."""
        with self._lock:
            chosen = list(self._log)[-limit:] if limit > 0 else []
        return [exchange.public() for exchange in chosen]


class TrafficMiddleware:
    """ASGI layer around a service: leads `/_emulator` to the control app, everything else through faults and counters.

    The service sees the whole body in one message; its answer is collected before it is sent, because some faults
    replace it after the effect. Its `Date` is that of the service's clock.
    """

    def __init__(
        self,
        service: ASGIApp,
        control: ASGIApp,
        recorder: Recorder,
        faults: FaultPlan,
        clock: EmulatorClock | None = None,
    ) -> None:
        self._clock = clock or EmulatorClock()
        self._service = service
        self._control = control
        self._recorder = recorder
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == CONTROL_PREFIX or path.startswith(CONTROL_PREFIX + "/"):
            await self._control(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        tally = tally_of(scope)
        answer: _Answer | None = None
        try:
            fault = self._faults.take(scope["method"], path)
            if fault is None:
                answer = await self._ask(scope, body)
            else:
                answer = await self._misbehave(fault, scope, body, receive)
        finally:
            status = None if answer is None else answer.status
            # Counted before the answer leaves: who has the answer finds it in the counters.
            exchange = Exchange(scope["method"], path, scope["query_string"].decode("latin-1"), body, status)
            self._recorder.record(exchange, tally)
        if answer is not None:
            await answer.send(send, self._clock.now())
            if fault is not None and fault.kind == "truncate":
                drop_connection(scope, reset=False)
                await _gone(receive)

    async def _ask(self, scope: Scope, body: bytes) -> _Answer:
        answer = _Answer()
        delivered = False

        async def receive_body() -> Message:
            nonlocal delivered
            if delivered:
                return {"type": "http.disconnect"}
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._service(scope, receive_body, answer.collect)
        return answer

    async def _misbehave(self, fault: Fault, scope: Scope, body: bytes, receive: Receive) -> _Answer | None:
        """Returns the answer to give, or None when the connection was closed without one."""
        real: _Answer | None = None
        if fault.kind == "sign_off" and self._faults.sign_off is not None:
            self._faults.sign_off()
        if fault.kind == "partial":
            scope[_PARTIAL] = fault
        if fault.when == "after" or fault.kind == "truncate":
            real = await self._ask(scope, body)
        if fault.kind == "timeout":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_gone(receive), fault.delay_ms / 1000 if fault.delay_ms else None)
        elif fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault.kind in {"reset", "timeout"}:
            drop_connection(scope, reset=fault.kind == "reset")
            await _gone(receive)
            return None
        if fault.kind == "status":
            return _Answer(*fault.answer())
        if real is None:
            real = await self._ask(scope, body)
        real.cut = fault.kind == "truncate"
        return real


class _Answer:
    """A collected answer of the service."""

    def __init__(self, status: int = 500, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b"") -> None:
        self.status = status
        self.headers = headers or []
        self.body = body
        self.cut = False

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")

    async def send(self, send: Send, moment: datetime) -> None:
        headers = [header for header in self.headers if header[0] != b"content-length"]
        headers.append((b"date", format_datetime(moment.astimezone(timezone.utc), usegmt=True).encode()))
        headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.cut:
            await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        else:
            await send({"type": "http.response.body", "body": self.body})


async def _read(receive: Receive) -> bytes | None:
    """Returns the whole request body, or None when the client went away before it was complete."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _gone(receive: Receive) -> None:
    """Returns when the connection is closed, by whichever side."""
    while (await receive())["type"] != "http.disconnect":
        pass
