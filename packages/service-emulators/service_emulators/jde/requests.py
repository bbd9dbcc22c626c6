"""Bodies the service understands (AIS fact sheet sections 1, 2 and 3), decoded strictly: ``content`` is always text."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from service_emulators.jde.errors import ServiceError, bad_request


class Credentials(msgspec.Struct, rename="camel", kw_only=True):
    """The fields every service accepts."""

    token: str | None = None
    device_name: str | None = None
    username: str | None = None
    password: str | None = None
    environment: str | None = None
    role: str | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(username={self.username!r}, …)"


class TokenRequest(Credentials):
    """Body of the token services."""

    touch: bool = False


class Value(msgspec.Struct, rename="camel"):
    """A value of a condition."""

    content: str = ""
    special_value_id: str = "LITERAL"


class Condition(msgspec.Struct, rename="camel"):
    """One comparison; ``aggregation`` in HAVING only."""

    control_id: str
    operator: str
    value: list[Value] = []
    aggregation: str | None = None


class Query(msgspec.Struct, rename="camel"):
    """Conditions joined by ``matchType``, then nested queries each joined by its own AND/OR."""

    match_type: str = "MATCH_ALL"
    condition: list[Condition] = []
    complex_query: list[NestedQuery] = []
    auto_find: bool | None = None


class NestedQuery(msgspec.Struct, rename="camel"):
    """A nested query and how it joins what precedes it."""

    query: Query
    and_or: str = "AND"


class Aggregate(msgspec.Struct):
    """A column (or ``*``) and what to compute of it."""

    column: str
    aggregation: str


class GroupBy(msgspec.Struct, rename="camel"):
    """A grouping column; ``specialHandling`` for dates."""

    column: str
    special_handling: str | None = None


class OrderBy(msgspec.Struct):
    """A sort column."""

    column: str
    direction: str = "ASC"


class Aggregation(msgspec.Struct, rename="camel"):
    """The aggregation object; BROWSE uses its ``orderBy`` alone."""

    aggregations: list[Aggregate] = []
    group_by: list[GroupBy] = []
    order_by: list[OrderBy] = []


class DataRequest(Credentials):
    """Body of the data service."""

    target_name: str = ""
    target_type: str = "table"
    data_service_type: str = "BROWSE"
    return_control_ids: str | None = msgspec.field(default=None, name="returnControlIDs")
    find_on_entry: str | None = None
    max_page_size: str = "100"
    output_type: str | None = None
    alias_naming: bool = False
    enable_next_page_processing: bool | str = False
    form_service_demo: str | None = None
    query: Query | None = None
    having: Query | None = None
    aggregation: Aggregation = msgspec.field(default_factory=Aggregation)
    batch_data_request: bool = False
    data_requests: list[DataRequest] = []


Body = TypeVar("Body", bound=msgspec.Struct)


def decode(raw: bytes, kind: type[Body]) -> Body:
    """Decode a body.

    Raises:
        ServiceError: 400 for malformed JSON, 500 for JSON of another shape.
    """
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(f"Cannot deserialize the request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceError(400, f"Malformed JSON: {error}", "JsonParseException") from None
