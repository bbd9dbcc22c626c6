"""The service as an ASGI application: tokens, scopes, limits, routing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from service_emulators.routing import RouteTable
from service_emulators.traffic import partial_fault, tally_of
from service_emulators.zoho.accounts import TOKEN_PATH
from service_emulators.zoho.calls import Call
from service_emulators.zoho.errors import (
    ApiError,
    invalid_token,
    no_authentication,
    no_such_path,
    wrong_method,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from service_emulators.zoho.accounts import AccountsServer
    from service_emulators.zoho.calls import Reply, Route
    from service_emulators.zoho.catalog import Catalog
    from service_emulators.zoho.changes import Changes
    from service_emulators.zoho.limits import Concurrency, Credits
    from service_emulators.zoho.store import Store
    from service_emulators.zoho.switches import ZohoSwitches

Headers = list[tuple[bytes, bytes]]
_JSON = (b"content-type", b"application/json;charset=UTF-8")
_PREFIX = "zoho-oauthtoken "
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class ZohoApp:
    """ASGI application; each request is handled under the store's lock.

    Args:
        store: the data.
        catalog: modules and fields.
        changes: what records were changed.
        switches: the emulator's switches.
        accounts: the accounts server.
        credits: the credits of a day.
        concurrency: simultaneous calls.
        user_id: user all tokens act as.
        routes: routes by `METHOD path`.
    """

    def __init__(
        self,
        *,
        store: Store,
        catalog: Catalog,
        changes: Changes,
        switches: ZohoSwitches,
        accounts: AccountsServer,
        credits_: Credits,
        concurrency: Concurrency,
        user_id: int,
        routes: Mapping[str, Route],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._changes = changes
        self._switches = switches
        self._accounts = accounts
        self._credits = credits_
        self._concurrency = concurrency
        self._user_id = user_id
        self._routes: RouteTable[tuple[str, Route]] = RouteTable()
        for key, route in routes.items():
            method, _, path = key.partition(" ")
            self._routes.add(method, path, (path, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        message = await receive()
        body: bytes = message.get("body", b"")
        if scope["path"] == TOKEN_PATH and scope["method"] == "POST":
            status, headers, content = self._token(scope, body)
        else:
            status, headers, content = await self._answer(scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _token(self, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        headers = _headers(scope)
        query = scope["query_string"].decode("latin-1")
        with self._store.lock:
            status, answer = self._accounts.answer(
                query, headers.get("content-type", ""), body, _origin(scope, headers)
            )
        return status, [_JSON], msgspec.json.encode(answer)

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        try:
            route, call = self._admit(scope, body)
            limited = route.limited if isinstance(route.limited, bool) else route.limited(call)
            self._concurrency.enter(limited=limited)
            try:
                # Others may come in meanwhile: those the loop has read already, even when there is no latency.
                await asyncio.sleep(self._switches.latency_ms / 1000)
                with self._store.lock:
                    reply = self._handle(route, call)
            finally:
                self._concurrency.leave(limited=limited)
        except ApiError as error:
            known = error.status != 401  # noqa: PLR2004 - strangers are told nothing of the org
            return error.status, [_JSON, *(self._credits.headers() if known else ())], msgspec.json.encode(error.body)
        headers = [*reply.headers, *self._credits.headers()]
        if reply.body is None:
            return reply.status, headers, b""
        headers.append((b"content-type", reply.content_type.encode()))
        content = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        return reply.status, headers, content

    def _admit(self, scope: Scope, body: bytes) -> tuple[Route, Call]:
        headers = _headers(scope)
        given = headers.get("authorization", "")
        if not given:
            raise no_authentication()
        scopes = self._accounts.scopes_of(given[len(_PREFIX) :].strip()) if given.lower().startswith(_PREFIX) else None
        if scopes is None:
            raise invalid_token()
        method: str = scope["method"]
        segments = scope["path"].strip("/").split("/")
        found, args = self._routes.match(method, segments)
        if found is None:
            if any(self._routes.match(other, segments)[0] for other in _METHODS if other != method):
                raise wrong_method()
            raise no_such_path()
        template, route = found
        tally = tally_of(scope)
        tally.endpoint = template.replace("{module}", args.get("module", ""))
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        origin = _origin(scope, headers)
        call = Call(args, query, headers, body, self._user_id, scopes, origin, tally, partial_fault(scope))
        for needed in route.scopes:
            call.need(needed.replace("{module}", args.get("module", "")))
        return route, call

    def _handle(self, route: Route, call: Call) -> Reply:
        cost = route.cost if isinstance(route.cost, int) else route.cost(call)
        self._credits.spend(cost)
        call.tally.cost = cost
        try:
            reply = route.handler(call)
        except BaseException:
            self._store.rollback()
            self._catalog.forget()
            self._changes.drop()
            call.tally.writes = 0
            raise
        self._store.commit()
        self._changes.deliver()
        return reply


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _origin(scope: Scope, headers: dict[str, Any]) -> str:
    return f"{scope['scheme']}://{headers.get('host', '')}"
