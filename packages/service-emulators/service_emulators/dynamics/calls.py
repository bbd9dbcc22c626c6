"""A request as handlers see it, their answers, and what a route is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.dynamics.errors import payload

if TYPE_CHECKING:
    from service_emulators.dynamics.urls import Predicate
    from service_emulators.dynamics.users import User
    from service_emulators.dynamics.webapi import WebApi
    from service_emulators.faults import Fault
    from service_emulators.traffic import Tally

JSON_TYPE = "application/json; odata.metadata=minimal"
_PREFERENCE = re.compile(r"([\w.-]+)(?:\s*=\s*(?:\"([^\"]*)\"|([^,;\"]*)))?")


@dataclass(frozen=True)
class Origin:
    """Where a request came in, and for whom.

    Attributes:
        root: absolute address of the root of the Web API, with a slash at the end.
        user: user the token acts as.
        tally: what the request as a whole counts for; handlers add the writes.
        partial: fault that makes the request fail in part, if one hits it.
        depth: 0 for a request of its own, 1 for one inside a batch.
        references: paths of rows (`accounts(GUID)`) by reference (`$1`), inside a change set.
    """

    root: str
    user: User
    tally: Tally
    partial: Fault | None = None
    depth: int = 0
    references: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request.

    Attributes:
        method: HTTP method.
        args: values of the placeholders of the route's path.
        predicates: what brackets in the path held, in order.
        query: query options, decoded; the last of several equal names.
        raw_query: query string as it was sent.
        headers: request headers, names in lower case.
        body: raw body.
        origin: where it came in.
        api: runs further requests, for those inside a batch.
        path: path below the root as it was sent, for links in answers.
    """

    method: str
    args: dict[str, str]
    predicates: tuple[Predicate, ...]
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]
    body: bytes
    origin: Origin
    api: WebApi
    path: str

    @property
    def user(self) -> User:
        """User the token acts as."""
        return self.origin.user

    @property
    def root(self) -> str:
        """Absolute address of the root of the Web API, with a slash at the end."""
        return self.origin.root

    @cached_property
    def preferences(self) -> dict[str, str]:
        """The preferences of the header `Prefer`, names in lower case; empty text for those without a value."""
        return {
            name.lower(): quoted or plain.strip()
            for name, quoted, plain in _PREFERENCE.findall(self.headers.get("prefer", ""))
        }

    @property
    def representation(self) -> bool:
        """Whether `Prefer: return=representation` asks for the row."""
        return self.preferences.get("return") == "representation"

    @property
    def annotations(self) -> str:
        """Which annotations are asked for: `*`, a pattern, or empty."""
        return self.preferences.get("odata.include-annotations", "")

    @property
    def select(self) -> list[str] | None:
        """Names of `$select`, or None without it."""
        raw = self.query.get("$select")
        if raw is None:
            return None
        return [name.strip() for name in raw.split(",") if name.strip()]

    def json_object(self, set_name: str = "") -> dict[str, Any]:
        """Returns the JSON body.

        Args:
            set_name: entity set the body is about, for the error.

        Raises:
            ApiError: 400, no JSON object.
        """
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise payload(set_name, f"Invalid JSON. {error}") from error
        if not isinstance(value, dict):
            raise payload(set_name, "A JSON object was expected.")
        return value


@dataclass(frozen=True)
class Reply:
    """An answer of a handler.

    Attributes:
        body: JSON data; bytes are sent as they are; None means an empty body.
        status: HTTP status.
        content_type: media type of a body.
        headers: further headers.
    """

    body: Any = None
    status: int = 200
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """An answer as it goes out.

    Attributes:
        status: HTTP status.
        headers: headers, without the length.
        content: body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
