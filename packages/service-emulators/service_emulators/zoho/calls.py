"""A request as handlers see it, their answers, and what a route is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.zoho.errors import ApiError, invalid, over_maximum, scope_mismatch, wrong_media_type
from service_emulators.zoho.scopes import allows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from service_emulators.faults import Fault
    from service_emulators.traffic import Tally

MAX_ROWS = 100
MAX_PER_PAGE = 200
ROWS_PER_CREDIT = 10


@dataclass
class Call:
    """One authenticated request.

    Attributes:
        args: values of the path's placeholders.
        query: query parameters.
        headers: request headers, names in lower case.
        body: raw body.
        user_id: user the token acts as.
        scopes: what the token may do.
        origin: scheme and host the client called, for links in answers.
        tally: what the call counts for; a handler adds the writes.
        partial: fault that makes this call fail in part, if one hits it.
    """

    args: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    user_id: int
    scopes: tuple[str, ...]
    origin: str
    tally: Tally
    partial: Fault | None = None
    _json: Any = None

    def need(self, scope: str) -> None:
        """Refuses the call when the token lacks a scope, for example `ZohoCRM.modules.Accounts.READ`."""
        if not allows(self.scopes, scope):
            raise scope_mismatch()

    def json_object(self, allowed: Collection[str], required: Collection[str] = ()) -> dict[str, Any]:
        """Returns the JSON body.

        Args:
            allowed: top-level keys it may have; the specification refuses others.
            required: keys it must have.

        Raises:
            ApiError: no JSON object, or its keys do not fit.
        """
        value = self._decoded()
        if not isinstance(value, dict):
            raise invalid({"expected_data_type": "jsonobject"}, "body")
        for name in value:
            if name not in allowed:
                raise invalid({"api_name": name, "json_path": f"$.{name}"}, "unknown key in the request body")
        for name in required:
            if name not in value:
                raise ApiError(
                    400, "MANDATORY_NOT_FOUND", "required field not found", {"api_name": name, "json_path": f"$.{name}"}
                )
        return value

    def row_count(self) -> int:
        """Returns how many records a writing call carries, 1 if its body is not readable."""
        try:
            value = self._decoded()
        except ApiError:
            return 1
        rows = value.get("data") if isinstance(value, dict) else None
        return len(rows) if isinstance(rows, list) else 1

    def _decoded(self) -> Any:
        if self._json is None:
            if self.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise wrong_media_type()
            try:
                self._json = msgspec.json.decode(self.body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise invalid({}, f"body is not valid JSON: {error}") from error
        return self._json

    def integer(self, name: str, default: int, maximum: int | None = None) -> int:
        """Returns a parameter that must be a positive whole number."""
        raw = self.query.get(name)
        if raw is None:
            return default
        if not raw.isascii() or not raw.isdigit() or int(raw) < 1:
            raise invalid({"param_name": name, "expected_data_type": "integer"})
        if maximum is not None and int(raw) > maximum:
            raise over_maximum(maximum, name)
        return int(raw)

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """Returns a parameter that must be one of a closed list."""
        raw = self.query.get(name, default)
        if raw not in allowed:
            raise invalid({"param_name": name, "supported_values": sorted(allowed)})
        return raw

    def several(self, name: str) -> list[str]:
        """Returns the items of a comma-separated parameter."""
        return [item.strip() for item in self.query.get(name, "").split(",") if item.strip()]


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        body: JSON data; bytes are sent as they are; None means an empty body.
        status: HTTP status.
        content_type: media type of a body of bytes.
        headers: further headers.
    """

    body: Any = None
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


@dataclass(frozen=True)
class Route:
    """How one endpoint is handled and what it takes.

    Attributes:
        handler: answers a call; called under the store's lock, its changes are committed after it.
        scopes: scopes the token needs, all of them; `{module}` stands for that placeholder of the path.
        cost: credits, fixed or worked out from the call.
        limited: whether the call falls under the sub-concurrency limit, fixed or worked out from the call.
    """

    handler: Callable[[Call], Reply]
    scopes: tuple[str, ...]
    cost: int | Callable[[Call], int] = 1
    limited: bool | Callable[[Call], bool] = False


def row_cost(call: Call) -> int:
    """Returns the credits of an insert, update or upsert: one for ten records."""
    return max(1, -(-call.row_count() // ROWS_PER_CREDIT))


def many_rows(call: Call) -> bool:
    """Returns whether an insert, update or upsert falls under the sub-concurrency limit."""
    return call.row_count() > ROWS_PER_CREDIT
