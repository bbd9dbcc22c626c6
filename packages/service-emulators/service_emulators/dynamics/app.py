"""The service as an ASGI application: Entra ID, bearer tokens, protection limits, and the Web API behind them."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.dynamics.acting import bypasses
from service_emulators.dynamics.calls import JSON_TYPE, Answer, Origin
from service_emulators.dynamics.entra import CONFIGURATION_PATHS, TOKEN_PATHS
from service_emulators.dynamics.entra_errors import TokenError
from service_emulators.dynamics.errors import ApiError, not_a_member, user_disabled
from service_emulators.dynamics.urls import ROOT, relative
from service_emulators.traffic import partial_fault, tally_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from service_emulators.dynamics.entra import Entra
    from service_emulators.dynamics.limits import Protection
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.users import User
    from service_emulators.dynamics.webapi import WebApi

_BEARER = "bearer "
_UNAUTHORIZED = 401


class DynamicsApp:
    """ASGI application; each request is handled under the store's lock.

    Args:
        parts: what requests work on.
        entra: the token endpoint.
        protection: the limits of the application user.
        api: the Web API.
    """

    def __init__(self, parts: Parts, entra: Entra, protection: Protection, api: WebApi) -> None:
        self._parts = parts
        self._entra = entra
        self._protection = protection
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        message = await receive()
        body: bytes = message.get("body", b"")
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        answer = await self._web_api(scope, path, body) if ROOT.match(path) else self._sign_in(scope, path, body)
        headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})

    def _sign_in(self, scope: Scope, path: str, body: bytes) -> Answer:
        tenant, *rest = path.strip("/").split("/")
        tally_of(scope).endpoint = "/{tenant}/" + "/".join(rest)
        kind = (("Content-Type", "application/json; charset=utf-8"),)
        try:
            if scope["method"] == "GET" and tuple(rest) == CONFIGURATION_PATHS:
                found = self._entra.configuration(tenant)
            elif scope["method"] == "POST" and tuple(rest) == TOKEN_PATHS:
                found = self._entra.token(tenant, _headers(scope), body, _origin(scope) + path)
            else:
                return Answer(404, (), b"")
        except TokenError as error:
            return Answer(error.status, kind, msgspec.json.encode(error.body(self._parts.clock.now())))
        return Answer(200, (*kind, ("Cache-Control", "no-store, no-cache")), msgspec.json.encode(found))

    async def _web_api(self, scope: Scope, path: str, body: bytes) -> Answer:
        headers = _headers(scope)
        request_id = (("x-ms-service-request-id", str(uuid.uuid4())), ("REQ_ID", str(uuid.uuid4())))
        try:
            user = self._user(headers)
            entry = self._protection.enter()
        except ApiError as error:
            content = b"" if error.status == _UNAUTHORIZED else msgspec.json.encode(error.body())
            return Answer(error.status, (("Content-Type", JSON_TYPE), *request_id, *error.headers), content)
        tally = tally_of(scope)
        spent_ms: float = self._parts.switches.latency_ms
        try:
            # Others may come in meanwhile: those the loop has read already, even when there is no latency.
            await asyncio.sleep(spent_ms / 1000)
            started = time.perf_counter()  # what others of the loop took meanwhile is not its own
            with self._parts.store.lock:
                origin = Origin(_origin(scope) + "/api/data/v9.2/", user, tally, partial_fault(scope))
                query = scope["query_string"].decode("latin-1")
                answer = self._handle(scope["method"], path + (f"?{query}" if query else ""), headers, body, origin)
            spent_ms += (time.perf_counter() - started) * 1000
        finally:
            charged = 0 if bypasses(headers) else tally.writes * self._parts.switches.record_ms
            self._protection.leave(entry, spent_ms + charged)
        return Answer(answer.status, (*answer.headers, *request_id, *self._protection.headers()), answer.content)

    def _handle(self, method: str, url: str, headers: dict[str, str], body: bytes, origin: Origin) -> Answer:
        store = self._parts.store
        try:
            self._parts.indexes.advance()
            answer = self._api.run(method, relative(url), headers, body, origin)
        except BaseException:
            store.rollback()
            self._parts.catalog.undo()
            origin.tally.writes = 0
            raise
        store.commit()
        self._parts.catalog.settle()
        return answer

    def _user(self, headers: dict[str, str]) -> User:
        given = headers.get("authorization", "")
        access = self._entra.access(given[len(_BEARER) :].strip()) if given.lower().startswith(_BEARER) else None
        if access is None:
            resource = min(self._entra.resources)
            challenge = (
                f"Bearer authorization_uri={self._entra.authority}/{self._entra.tenant_id}/oauth2/authorize, "
                f"resource_id={resource}/"
            )
            raise ApiError(_UNAUTHORIZED, "", "", [("WWW-Authenticate", challenge)])
        user = self._parts.user
        if not user.present or access.client_id != user.application_id:
            raise not_a_member()
        if user.disabled:
            raise user_disabled(user.id)
        return user


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _origin(scope: Scope) -> str:
    host: Any = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope['scheme']}://{host.decode('latin-1')}"
