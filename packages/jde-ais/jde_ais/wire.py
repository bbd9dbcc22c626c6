"""Requests of the data service as JSON bodies (AIS fact sheet, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from jde_ais.query import AllOf, AnyOf, Condition
from jde_ais.values import literal

if TYPE_CHECKING:
    from jde_ais.query import BrowseRequest, Where

_VALUE_COUNTS = {"BETWEEN": 2, "STR_BLANK": 0, "STR_NOT_BLANK": 0}


def qualified(table: str, alias: str) -> str:
    """Names a column the way requests do: `F0101.AN8`; what has a table already stays as it is."""
    return alias if "." in alias else f"{table}.{alias}"


def browse_body(request: BrowseRequest, device_name: str, pattern: str) -> bytes:
    """Writes the request for one page.

    Args:
        request: What to read.
        device_name: Name the token is bound to.
        pattern: The user's `simpleDateFormat`.
    """
    body = _common(request.table, request.target_type, device_name)
    body["dataServiceType"] = "BROWSE"
    # The server wants the number as text; without it a page has 100 rows.
    body["maxPageSize"] = str(request.page_size)
    if request.columns:
        body["returnControlIDs"] = "|".join(qualified(request.table, alias) for alias in request.columns)
    if request.result_set:
        body["enableNextPageProcessing"] = True
        # Up to a second switches the server's own prefetching off: a page is fetched when it is asked for.
        body["nextPageTimeInterval"] = "1000"
    if request.where is not None:
        body["query"] = _query(request.where, request.table, pattern) | {"autoFind": True}
    if request.order:
        body["aggregation"] = {
            "orderBy": [
                {"column": qualified(request.table, one.column), "direction": "DESC" if one.descending else "ASC"}
                for one in request.order
            ]
        }
    return msgspec.json.encode(body)


def count_body(table: str, target_type: str, where: Where | None, device_name: str, pattern: str) -> bytes:
    """Writes the request that counts rows: the aggregation COUNT of `*`.

    The `COUNT` service type exists too, but the shape of its answer is not documented.
    """
    body = _common(table, target_type, device_name)
    body["dataServiceType"] = "AGGREGATION"
    body["aggregation"] = {"aggregations": [{"column": "*", "aggregation": "COUNT"}]}
    if where is not None:
        body["query"] = _query(where, table, pattern) | {"autoFind": True}
    return msgspec.json.encode(body)


def discovery_body(table: str, target_type: str, device_name: str) -> bytes:
    """Writes the request for a table's columns: one made-up row, no data."""
    body = _common(table, target_type, device_name)
    body["dataServiceType"] = "BROWSE"
    body["maxPageSize"] = "1"
    body["formServiceDemo"] = "TRUE"
    return msgspec.json.encode(body)


def _common(table: str, target_type: str, device_name: str) -> dict[str, Any]:
    return {
        "deviceName": device_name,
        "targetName": table,
        "targetType": target_type,
        # Without it some servers answer an unfiltered request with no rows.
        "findOnEntry": "TRUE",
        "outputType": "GRID_DATA",
        "aliasNaming": True,
    }


def _query(where: Where, table: str, pattern: str) -> dict[str, Any]:
    if isinstance(where, Condition):
        return {"matchType": "MATCH_ALL", "condition": [_condition(where, table, pattern)]}
    if not where.parts:
        msg = f"{type(where).__name__}() needs at least one part"
        raise ValueError(msg)
    if isinstance(where, AnyOf) and not all(isinstance(part, Condition) for part in where.parts):
        # How a nested query's andOr binds to plain conditions beside it is not documented: nest them all.
        return {"matchType": "MATCH_ANY", "condition": [], "complexQuery": _nested(where.parts, "OR", table, pattern)}
    plain = [part for part in where.parts if isinstance(part, Condition)]
    groups = tuple(part for part in where.parts if isinstance(part, (AllOf, AnyOf)))
    query: dict[str, Any] = {
        "matchType": "MATCH_ANY" if isinstance(where, AnyOf) else "MATCH_ALL",
        "condition": [_condition(part, table, pattern) for part in plain],
    }
    if groups:
        query["complexQuery"] = _nested(groups, "AND", table, pattern)
    return query


def _nested(parts: tuple[Where, ...], joined_by: str, table: str, pattern: str) -> list[dict[str, Any]]:
    # andOr says how an element joins what precedes it; the first one has nothing to join.
    return [
        {"andOr": joined_by if index else "AND", "query": _query(part, table, pattern)}
        for index, part in enumerate(parts)
    ]


def _condition(condition: Condition, table: str, pattern: str) -> dict[str, Any]:
    given, wanted = len(condition.values), _VALUE_COUNTS.get(condition.op, 1)
    if given != wanted and not (condition.op == "LIST" and given):
        msg = f"{condition.op} of {condition.column} takes {wanted} value(s), got {given}"
        raise ValueError(msg)
    written: dict[str, Any] = {"controlId": qualified(table, condition.column), "operator": condition.op}
    if given:
        written["value"] = [
            {"content": literal(value, pattern), "specialValueId": "LITERAL"} for value in condition.values
        ]
    return written
