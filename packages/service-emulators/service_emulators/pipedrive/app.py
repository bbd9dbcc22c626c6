"""The service as an ASGI application: credentials, limits, routing, envelopes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from service_emulators.pipedrive.api_v1 import GONE
from service_emulators.pipedrive.calls import Call
from service_emulators.pipedrive.costs import V1_COSTS, V2_COSTS
from service_emulators.pipedrive.errors import ApiError, gone, no_such_path, unauthorized
from service_emulators.pipedrive.limits import OverLimitError
from service_emulators.routing import RouteTable
from service_emulators.traffic import tally_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from service_emulators.pipedrive.calls import Reply
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.limits import Headers, Limits
    from service_emulators.pipedrive.oauth import OAuthServer
    from service_emulators.pipedrive.store import Store
    from service_emulators.pipedrive.switches import PipedriveSwitches
    from service_emulators.traffic import Tally

_JSON = (b"content-type", b"application/json; charset=utf-8")
_HTML = (b"content-type", b"text/html; charset=UTF-8")


@dataclass(frozen=True)
class Credential:
    """Who a secret belongs to.

    Attributes:
        user_id: user.
        kind: `token` for an API token, `oauth` for an access token.
    """

    user_id: int
    kind: str


@dataclass(frozen=True)
class _Route:
    handler: Callable[[Call], Reply]
    cost: int
    endpoint: str
    search: bool


class PipedriveApp:
    """ASGI application; every request is handled under the store's lock."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        switches: PipedriveSwitches,
        limits: Limits,
        credentials: Mapping[str, Credential],
        oauth: OAuthServer,
        v2: Mapping[str, Callable[[Call], Reply]],
        v1: Mapping[str, Callable[[Call], Reply]],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._switches = switches
        self._limits = limits
        self._credentials = credentials
        self._oauth = oauth
        self._routes = {"v2": RouteTable[_Route](), "v1": RouteTable[_Route]()}
        self._numbers = itertools.count(1)
        self._add("v2", v2, V2_COSTS, "/api/v2")
        self._add("v1", v1, V1_COSTS, "/api/v1")

    def _add(
        self, version: str, handlers: Mapping[str, Callable[[Call], Reply]], costs: dict[str, int], prefix: str
    ) -> None:
        for key, handler in handlers.items():
            method, _, path = key.partition(" ")
            route = _Route(handler, costs[key], prefix + path, "earch" in path)
            self._routes[version].add(method, path, route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        message = await receive()
        with self._store.lock:
            status, headers, content = self._handle(scope, message.get("body", b""))
        headers.append((b"x-correlation-id", f"emulator-{next(self._numbers):08d}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _handle(self, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        headers: Headers = [_JSON]
        if scope["method"] == "POST" and scope["path"] in _OAUTH_PATHS:
            status, answer = self._token(scope, body)
            return status, headers, msgspec.json.encode(answer)
        try:
            reply = self._reply(scope, body, headers)
        except ApiError as error:
            self._store.rollback()
            self._catalog.forget()
            if isinstance(error, OverLimitError):
                headers.extend(error.headers)
            if isinstance(error.body, str):
                return error.status, [_HTML], error.body.encode()
            if error.status == 401:  # noqa: PLR2004 - the gateway marks its own answer
                headers.append((b"x-401-by-gw", b"true"))
            return error.status, headers, msgspec.json.encode(error.body)
        except BaseException:
            self._store.rollback()
            self._catalog.forget()
            raise
        envelope = {"success": True, "data": reply.data, **reply.extra}
        return reply.status, headers, msgspec.json.encode(envelope)

    def _token(self, scope: Scope, body: bytes) -> tuple[int, dict[str, Any]]:
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        return self._oauth.answer(scope["path"], given.get(b"content-type", ""), given.get(b"authorization", ""), body)

    def _credential(self, secret: str) -> Credential | None:
        user_id = self._oauth.user_of(secret)
        return self._credentials.get(secret) if user_id is None else Credential(user_id, "oauth")

    def _reply(self, scope: Scope, body: bytes, headers: Headers) -> Reply:
        tally = tally_of(scope)
        self._limits.check_edge()
        given = {name: value for name, value in scope["headers"] if name in _WANTED_HEADERS}
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        secret = _secret(given, query)
        credential = self._credential(secret)
        if credential is None:
            raise unauthorized()
        method: str = scope["method"]
        version, segments = _split(scope["path"])
        routes = self._routes.get(version)
        route, args = routes.match(method, segments) if routes else (None, {})
        cost = route.cost if route else 0
        headers.extend(self._limits.admit(secret, credential.kind, cost, search=route.search if route else False))
        if version == "v1" and (self._switches.v1 == "gone" or (segments and segments[0] in GONE)):
            raise gone()
        if route is None:
            raise no_such_path()
        tally.cost = cost
        tally.endpoint = route.endpoint
        content_type = given.get(b"content-type", b"").decode("latin-1")
        reply = route.handler(Call(args, query, body, content_type, credential.user_id))
        if method != "GET":
            self._settle(tally)
        return reply

    def _settle(self, tally: Tally) -> None:
        self._store.commit()
        tally.writes = 1


_OAUTH_PATHS = frozenset({"/oauth/token", "/oauth/revoke"})
_WANTED_HEADERS = frozenset({b"x-api-token", b"authorization", b"content-type"})


def _secret(headers: dict[bytes, bytes], query: dict[str, str]) -> str:
    in_query = query.pop("api_token", "")
    if b"x-api-token" in headers:
        return headers[b"x-api-token"].decode("latin-1")
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    if bearer.lower().startswith("bearer "):
        return bearer[len("bearer ") :].strip()
    return in_query


def _split(path: str) -> tuple[str, list[str]]:
    """Returns version and segments; the company host has /api/v1, the shared one /v1."""
    parts = path.strip("/").split("/")
    if parts[:2] in (["api", "v2"], ["api", "v1"]):
        return parts[1], parts[2:]
    if parts[0] == "v1":
        return "v1", parts[1:]
    return "", parts
