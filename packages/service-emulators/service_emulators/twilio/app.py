"""The service as an ASGI application: sign-in, limits, routing, errors."""

from __future__ import annotations

import asyncio
import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from service_emulators.routing import RouteTable
from service_emulators.traffic import tally_of
from service_emulators.twilio.errors import TwilioError, not_found, unauthorized
from service_emulators.twilio.forms import Call, read_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from service_emulators.due import DueWork
    from service_emulators.twilio.identity import Identity
    from service_emulators.twilio.store import Store
    from service_emulators.twilio.switches import TwilioSwitches

_JSON = (b"content-type", b"application/json; charset=utf-8")
_FORM = "application/x-www-form-urlencoded"
_TEST_ALLOWED = frozenset({"Messages.json", "Calls.json"})


class TwilioApp:
    """ASGI application; every request is handled under the store's lock.

    Args:
        store: the data.
        switches: behaviours.
        identity: credentials.
        advance: moves everything on; called before each request is handled.
        due: told after each request that there may be work.
        routes: handlers by method and template, below `/2010-04-01/Accounts/{account}` unless they begin with `/v2`.
    """

    def __init__(
        self,
        store: Store,
        switches: TwilioSwitches,
        identity: Identity,
        advance: Callable[[], None],
        due: DueWork,
        routes: Mapping[str, Callable[[Call], tuple[int, Any]]],
    ) -> None:
        self._store = store
        self._switches = switches
        self._identity = identity
        self._advance = advance
        self._due = due
        self._running = 0
        self._routes: RouteTable[tuple[Callable[[Call], tuple[int, Any]], str]] = RouteTable()
        for key, handler in routes.items():
            method, _, path = key.partition(" ")
            whole = path if path.startswith("/v2/") else f"/2010-04-01/Accounts/{{account}}{path}"
            self._routes.add(method, whole, (handler, whole))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        message = await receive()
        limit = self._switches.concurrency
        self._running += 1
        try:
            running = self._running
            if limit and running > limit:
                error = TwilioError(429, 20429, "Too Many Requests")
                status, content = error.status, error.body
            else:
                if self._switches.latency_ms:
                    await asyncio.sleep(self._switches.latency_ms / 1000)
                with self._store.lock:
                    status, content = self._answer(scope, message.get("body", b""))
        finally:
            self._running -= 1
        self._due.wake()
        headers = [_JSON, (b"twilio-concurrent-requests", str(running).encode())]
        if status == HTTPStatus.UNAUTHORIZED:  # Basic authentication asks for credentials
            headers.append((b"www-authenticate", b'Basic realm="Twilio API"'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if content is None else msgspec.json.encode(content)})

    def _answer(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        try:
            self._advance()
            self._store.commit()
            status, content = self._handle(scope, body)
        except TwilioError as error:
            self._store.rollback()
            return error.status, error.body
        except BaseException:
            self._store.rollback()
            raise
        self._store.commit()
        return status, content

    def _handle(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        account = self._identity.account_of(*_basic(headers.get(b"authorization", "")))
        if account is None:
            raise unauthorized()
        path: str = scope["path"]
        method: str = scope["method"]
        route, args = self._routes.match(method, [_bare(part) for part in path.strip("/").split("/")])
        if route is None or (path.startswith("/2010-04-01/") and not path.endswith(".json")):
            raise not_found(path)
        handler, endpoint = route
        test = account == self._identity.test_account_sid
        self._admit(args, account, path, method)
        tally = tally_of(scope)
        tally.endpoint = endpoint
        form: dict[str, list[str]] = {}
        if method == "POST":
            if body and headers.get(b"content-type", "").partition(";")[0].strip().lower() != _FORM:
                raise TwilioError(415, 20415, "The request's Content-Type is not supported")
            form = read_form(body)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        call = Call(path, args, query, form, test)
        answer = handler(call)
        tally.writes = int(method != "GET" and not test)
        tally.cost = call.cost
        return answer

    def _admit(self, args: dict[str, str], account: str, path: str, method: str) -> None:
        named = args.get("account", account)
        if named != account:
            known = {self._identity.account_sid, self._identity.test_account_sid}
            raise unauthorized() if named in known else not_found(path)
        if self._switches.suspended:
            raise TwilioError(403, 20403, "Account is suspended")
        if account == self._identity.test_account_sid and not (
            method == "POST" and path.rpartition("/")[2] in _TEST_ALLOWED
        ):
            raise TwilioError(403, 20008, "Resource not accessible with Test Account Credentials")


def _bare(segment: str) -> str:
    return segment.removesuffix(".json")


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return username, password
