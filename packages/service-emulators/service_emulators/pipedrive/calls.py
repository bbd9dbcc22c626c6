"""A request as handlers see it, and the strict reading of its parameters and body."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.pipedrive.errors import invalid, invalid_v1, not_allowed, not_found

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_LIMIT = 500
DEFAULT_LIMIT = 100
_MAX_ID = 2**53


@dataclass
class Call:
    """One authenticated request.

    Attributes:
        args: values of the path's placeholders.
        query: query parameters without the token.
        body: raw body.
        content_type: media type of the body.
        user_id: user the credential belongs to.
    """

    args: dict[str, str]
    query: dict[str, str]
    body: bytes
    content_type: str
    user_id: int

    def record_id(self) -> int:
        """Returns the id of the path.

        Raises:
            ApiError: it is not a positive whole number.
        """
        raw = self.args["id"]
        if not raw.isascii() or not raw.isdigit() or not 0 < int(raw) < _MAX_ID:
            raise not_found() if raw.lstrip("-").isdigit() else invalid("id", "must be an integer")
        return int(raw)

    def allow(self, names: Collection[str]) -> None:
        """Refuses query parameters that the endpoint does not have."""
        for name in self.query:
            if name not in names:
                raise not_allowed(name)

    def json(self) -> Any:
        """Returns the decoded body."""
        if self.content_type.partition(";")[0].strip().lower() != "application/json":
            raise invalid("body", "the content type must be application/json")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise invalid("body", f"is not valid JSON: {error}") from error

    def json_object(self) -> dict[str, Any]:
        """Returns the decoded body, which must be an object."""
        value = self.json()
        if not isinstance(value, dict):
            raise invalid("body", "must be an object")
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Returns a whole-number parameter."""
        raw = self.query.get(name)
        if raw is None:
            return default
        digits = raw.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or int(digits) >= _MAX_ID:
            raise invalid(name, "must be an integer")
        return int(raw)

    def boolean(self, name: str) -> bool:
        """Returns a true/false parameter; absent is false."""
        raw = self.query.get(name, "false")
        if raw not in {"true", "false"}:
            raise invalid(name, "must be true or false")
        return raw == "true"

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """Returns a parameter that must be one of a closed list."""
        raw = self.query.get(name, default)
        if raw not in allowed:
            raise invalid(name, f"must be one of [{', '.join(allowed)}]")
        return raw

    def several(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Returns a comma-separated parameter whose items must be of a closed list."""
        items = tuple(item for item in self.query.get(name, "").split(",") if item)
        for item in items:
            if item not in allowed:
                raise invalid(name, f"must be one of [{', '.join(allowed)}]")
        return items

    def limit(self, maximum: int = MAX_LIMIT, *, cap: bool) -> int:
        """Returns the page size; above the maximum it is refused, or lowered with `cap`."""
        value = self.integer("limit", DEFAULT_LIMIT)
        if value is None or value < 1:
            raise invalid("limit", "must be at least 1")
        if value > maximum and not cap:
            raise invalid("limit", f"must be at most {maximum}")
        return min(value, maximum)

    def window_v1(self) -> tuple[int, int]:
        """Returns start and limit of a v1 list."""
        start, limit = self.integer("start", 0), self.integer("limit", DEFAULT_LIMIT)
        if start is None or limit is None or start < 0 or not 1 <= limit <= MAX_LIMIT:
            raise invalid_v1("start must be at least 0 and limit between 1 and 500")
        return start, limit


@dataclass(frozen=True)
class Reply:
    """A successful answer.

    Attributes:
        data: `data` of the envelope.
        status: HTTP status.
        extra: what else the envelope holds.
    """

    data: Any
    status: int = 200
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cursor:
    """Position in a list: the last row's sort value and id (the keyset the vendor's sample cursor decodes to)."""

    field: str
    value: Any
    direction: str
    id: int

    def encode(self) -> str:
        """Returns it as unpadded base64url."""
        content = {"field": self.field, "fieldValue": self.value, "sortDirection": self.direction, "id": self.id}
        return base64.urlsafe_b64encode(msgspec.json.encode(content)).rstrip(b"=").decode()


def read_cursor(call: Call, sort: str, direction: str) -> Cursor | None:
    """Returns the cursor of a request, which must come from a list in the same order.

    Raises:
        ApiError: not a cursor, or one of another order.
    """
    raw = call.query.get("cursor")
    if not raw:
        return None
    try:
        content = msgspec.json.decode(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        cursor = Cursor(content["field"], content["fieldValue"], content["sortDirection"], int(content["id"]))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise invalid("cursor", "is not a valid cursor") from error
    if (cursor.field, cursor.direction) != (sort, direction) or not isinstance(cursor.value, (str, int)):
        raise invalid("cursor", "belongs to a list in another order")
    return cursor
