"""The service as an ASGI application: sign-in, limits, routing, errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from service_emulators.routing import RouteTable
from service_emulators.sendgrid.errors import SendGridError, simple
from service_emulators.sendgrid.requests import Call
from service_emulators.traffic import tally_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from service_emulators.clock import EmulatorClock
    from service_emulators.due import DueWork
    from service_emulators.sendgrid.requests import Reply
    from service_emulators.sendgrid.store import Store
    from service_emulators.sendgrid.switches import SendGridSwitches

_WINDOW = 60
Headers = list[tuple[bytes, bytes]]


class SendGridApp:
    """ASGI application; every request is handled under the store's lock.

    Args:
        store: the data.
        switches: behaviours.
        clock: the emulator's clock.
        api_key: the key that is let in.
        advance: moves everything on; called before each request is handled.
        due: told after each request that there may be work.
        routes: handlers by method and template.
    """

    def __init__(
        self,
        store: Store,
        switches: SendGridSwitches,
        clock: EmulatorClock,
        api_key: str,
        advance: Callable[[], None],
        due: DueWork,
        routes: Mapping[str, Callable[[Call], Reply]],
    ) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._api_key = api_key
        self._advance = advance
        self._due = due
        self._used: dict[str, tuple[int, int]] = {}
        self._routes: RouteTable[tuple[Callable[[Call], Reply], str]] = RouteTable()
        for key, handler in routes.items():
            method, _, path = key.partition(" ")
            self._routes.add(method, path, (handler, path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        message = await receive()
        headers: Headers = []
        with self._store.lock:
            status, content = self._answer(scope, message.get("body", b""), headers)
        self._due.wake()
        body = b"" if content is None else msgspec.json.encode(content)
        if body:
            headers.append((b"content-type", b"application/json"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope, body: bytes, headers: Headers) -> tuple[int, Any]:
        try:
            self._advance()
            self._store.commit()
            status, content = self._handle(scope, body, headers)
        except SendGridError as error:
            self._store.rollback()
            return error.status, error.body
        except BaseException:
            self._store.rollback()
            raise
        self._store.commit()
        return status, content

    def _handle(self, scope: Scope, body: bytes, headers: Headers) -> tuple[int, Any]:
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        kind, _, key = given.get(b"authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise simple(401, "authorization required")
        if key.strip() != self._api_key:
            raise simple(401, "The provided authorization grant is invalid, expired, or revoked")
        method: str = scope["method"]
        path: str = scope["path"]
        route, args = self._routes.match(method, path.strip("/").split("/"))
        if route is None:
            raise simple(404, "not found")
        handler, endpoint = route
        tally = tally_of(scope)
        tally.endpoint = endpoint
        self._limit(f"{method} {endpoint}", headers)
        kind = given.get(b"content-type", "").partition(";")[0].strip().lower()
        if body and kind != "application/json":
            raise simple(415, "Content-Type should be application/json.")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        status, content, more = handler(Call(args, query, body))
        headers.extend(more)
        tally.writes = int(method != "GET" and status != 200)  # noqa: PLR2004 - a mail to the sandbox changes nothing
        tally.cost = tally.writes * int(endpoint.endswith("/mail/send"))
        return status, content

    def _limit(self, endpoint: str, headers: Headers) -> None:
        limit = self._switches.rate_limit
        if not limit:
            return
        now = self._clock.seconds()
        window = math.floor(now / _WINDOW)
        started, used = self._used.get(endpoint, (window, 0))
        if started != window:
            used = 0
        self._used[endpoint] = (window, min(used + 1, limit))
        headers += [
            (b"x-ratelimit-limit", str(limit).encode()),
            (b"x-ratelimit-remaining", str(max(limit - used - 1, 0)).encode()),
            (b"x-ratelimit-reset", str((window + 1) * _WINDOW).encode()),
        ]
        if used >= limit:
            raise simple(429, "too many requests")
