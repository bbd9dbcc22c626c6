"""Runs requests of the Web API: finds the handler, undoes what a refused request changed, writes the answer.

A request that came in by itself and one inside a batch take the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from service_emulators.dynamics.acting import acting
from service_emulators.dynamics.calls import JSON_TYPE, Answer, Call
from service_emulators.dynamics.errors import ApiError, no_such_segment, url_too_long, wrong_method
from service_emulators.dynamics.urls import parse
from service_emulators.routing import RouteTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service_emulators.dynamics.calls import Origin, Reply
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.store import Store

    Handler = Callable[[Call], Reply]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_BATCH = "$batch"
_MOST_URL = 32 * 1024
_MOST_INSIDE = 64 * 1024
"""Characters of a URL, and of one inside a batch (fact sheet section 13)."""

VERSION = ("OData-Version", "4.0")


class WebApi:
    """The requests of one environment; the store's lock must be held.

    Args:
        store: the data.
        catalog: the tables.
        routes: handlers by `METHOD path`, the path below the root; `/()` in it stands for brackets.
    """

    def __init__(self, store: Store, catalog: Catalog, routes: Mapping[str, Handler]) -> None:
        self._store = store
        self._catalog = catalog
        self._routes: RouteTable[tuple[str, Handler]] = RouteTable()
        for key, handler in routes.items():
            method, _, path = key.partition(" ")
            self._routes.add(method, path, (path, handler))

    def run(self, method: str, target: str, headers: Mapping[str, str], body: bytes, origin: Origin) -> Answer:
        """Carries out a request; what a refused one has changed is undone.

        It costs a request of the entitlement, or one for each row written (fact sheet section 13).

        Args:
            method: HTTP method.
            target: path below the root with its query string, as it was sent (see `urls.relative`).
            headers: request headers, names in lower case.
            body: raw body.
            origin: where it came in.

        Returns:
            The answer, an error's too.
        """
        path, _, query = target.partition("?")
        call = Call(
            method=method,
            args={},
            predicates=(),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            raw_query=query,
            headers=dict(headers),
            body=body,
            origin=origin,
            api=self,
            path=path,
        )
        writes = origin.tally.writes
        try:
            with self._store.savepoint():
                call.origin = acting(call.headers, origin, self._store, self._catalog)
                return _answer(self._handler(call)(call))
        except ApiError as error:
            origin.tally.writes = writes
            self._catalog.undo()
            return self._refusal(call, error)
        finally:
            if call.path != _BATCH:  # the operations in it count for themselves
                origin.tally.cost += max(1, origin.tally.writes - writes)

    def _handler(self, call: Call) -> Handler:
        length = len(call.path) + len(call.raw_query) + 1
        if length > (_MOST_INSIDE if call.origin.depth else _MOST_URL):
            raise url_too_long()
        address = parse(call.path)
        segments = list(address.segments)
        found, args = self._routes.match(call.method, segments)
        if found is None:
            raise self._astray(call.method, segments)
        template, handler = found
        call.args = args
        call.predicates = address.predicates
        if not call.origin.depth:
            call.origin.tally.endpoint = template.replace("{set}", args.get("set", ""))
        return handler

    def _astray(self, method: str, segments: list[str]) -> ApiError:
        """Returns the error for a path without a handler: others may take it, or nothing is there."""
        for other in _METHODS:
            found, args = self._routes.match(other, segments)
            if found is not None and ("set" not in args or self._catalog.by_set(args["set"]) is not None):
                return wrong_method(method)
        return no_such_segment(segments[0])

    @staticmethod
    def _refusal(call: Call, error: ApiError) -> Answer:
        content = msgspec.json.encode(error.body(annotated=call.annotations == "*"))
        headers = (("Content-Type", JSON_TYPE), VERSION, *error.headers)
        return Answer(error.status, headers, content)


def _answer(reply: Reply) -> Answer:
    if reply.body is None:
        return Answer(reply.status, (VERSION, *reply.headers), b"")
    content = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
    return Answer(reply.status, (("Content-Type", reply.content_type), VERSION, *reply.headers), content)
