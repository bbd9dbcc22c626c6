"""One call to Zoho: what is sent where, what it costs, what it needs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_zoho import costs
from target_zoho.scopes import scopes_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Params = t.Mapping[str, "str | int"]


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        method: HTTP method.
        path: Path below `/crm/v8`, or from `/crm/` on; for messages when `url` is set.
        cost: Its price in credits.
        params: Query parameters.
        body: JSON text.
        headers: Headers beside those every call has.
        file: Name and content of a file to send.
        url: Whole address, where the API's is not meant.
        heavy: Whether it counts against the sub-concurrency limit.
        safe: Whether a second effect does no harm, so that it may be sent again after a lost answer.
        query: The COQL query.
    """

    method: str
    path: str
    cost: int = 1
    params: Params | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    file: tuple[str, bytes] | None = None
    url: str | None = None
    heavy: bool = False
    safe: bool = True
    query: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes it needs."""
        return scopes_of(self.method, self.path, query=self.query)

    @property
    def module(self) -> str:
        """API name of the module it names."""
        if self.params and "module" in self.params:
            return str(self.params["module"])
        if self.query:
            return costs.module_of(self.query)
        return self.path.strip("/").partition("/")[0]


def reading(path: str, params: Params | None, headers: Mapping[str, str] | None) -> Call:
    """Return a GET."""
    cost, heavy = costs.read_credits(params), costs.heavy_read(path, params)
    return Call("GET", path, cost, params, headers=headers, heavy=heavy)


def writing(
    method: str, path: str, body: bytes | None, records: int, params: Params | None, headers: Mapping[str, str] | None
) -> Call:
    """Return a call that may change something."""
    cost, heavy = costs.write_credits(method, path, records), costs.heavy_write(path, records)
    return Call(method, path, cost, params, body, headers, heavy=heavy, safe=False)


def querying(query: str, body: bytes) -> Call:
    """Return a COQL query."""
    return Call("POST", "/coql", costs.coql_credits(query), body=body, heavy=True, query=query)
