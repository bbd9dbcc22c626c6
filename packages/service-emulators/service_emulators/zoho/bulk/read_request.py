"""Reads the request for a bulk read job, refusing what does not fit.

Codes: fact sheet section 8, OpenAPI of 2025 and 2026, bulk read. Custom views (`cvid`) and calendar files are not
emulated.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, cast

import msgspec

from service_emulators.zoho.bulk.write_request import read_callback
from service_emulators.zoho.coql.columns import Columns
from service_emulators.zoho.coql.criteria import condition
from service_emulators.zoho.coql.syntax import MAX_CRITERIA, Criterion, Pair, Value
from service_emulators.zoho.errors import ApiError
from service_emulators.zoho.times import parse_time

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from service_emulators.zoho.catalog import Catalog, Module
    from service_emulators.zoho.coql.syntax import Condition, Operator

MAX_PAGE = 500
MAX_VALUES = 200
_COMPARATORS: dict[str, Operator] = {
    "equal": "=",
    "not_equal": "!=",
    "less_than": "<",
    "less_equal": "<=",
    "greater_than": ">",
    "greater_equal": ">=",
    "in": "in",
    "not_in": "not in",
    "between": "between",
    "not_between": "not between",
    "contains": "like",
    "not_contains": "not like",
    "starts_with": "like",
    "ends_with": "like",
}
_PATTERNS = {"contains": "%{}%", "not_contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
_QUERY = frozenset({"module", "cvid", "fields", "page", "criteria", "page_token"})
_EMPTY = "${EMPTY}"


class ReadRequest(msgspec.Struct, kw_only=True):
    """A bulk read job.

    Attributes:
        module: API name.
        query: as given.
        fields: columns to read.
        page: page to read, from 1.
        callback: address to tell of the end, with its method.
    """

    module: str
    query: dict[str, Any]
    fields: list[str]
    page: int
    callback: dict[str, str] | None = None


def read_request(catalog: Catalog, body: Any) -> ReadRequest:
    """Returns the job a body asks for.

    Raises:
        ApiError: it cannot be one.
    """
    if not isinstance(body, dict):
        raise _refused("INVALID_REQUEST", "the request body is not a JSON object")
    if not body:
        raise _refused("REQUEST_BODY_IS_EMPTY", "the request body is empty")
    query = body.get("query")
    if not isinstance(query, dict) or set(body) - {"query", "callback", "file_type"} or set(query) - _QUERY:
        raise _refused("REQUEST_BODY_NOT_SUPPORTED", "the request body is not supported")
    if body.get("file_type", "csv") != "csv":
        raise _refused("NOT_SUPPORTED_FEATURE", "the file type is not supported for the module")
    if query.get("cvid") is not None:
        raise _refused("CVID_NOT_SUPPORTED", "custom views are not supported")
    module = _module(catalog, query.get("module"))
    columns = Columns(catalog, module)
    names = query.get("fields")
    if names is None:
        names = [name for name, field in module.fields.items() if field.data_type != "profileimage"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _refused("FIELD_NOT_SUPPORTED", "fields must be a list of API names", {"api_name": "fields"})
    for name in names:
        _find(columns, name)
    if query.get("criteria") is not None:
        where(columns, query["criteria"])
    return ReadRequest(module=module.name, query=query, fields=names, page=_page(query), callback=read_callback(body))


def where(columns: Columns, criteria: Any) -> ColumnElement[bool]:
    """Returns criteria as SQL.

    Raises:
        ApiError: they are malformed, or do not fit their fields.
    """
    node, count = _condition(columns, criteria)
    if count > MAX_CRITERIA:
        raise _refused("CRITERIA_LIMIT_EXCEEDED", "too many criteria", {"max_limit": MAX_CRITERIA})
    return condition(node, columns, parse_time)


def page_token(page: int) -> str:
    """Returns the token of a page."""
    return base64.urlsafe_b64encode(f"page {page}".encode()).rstrip(b"=").decode()


def _condition(columns: Columns, given: Any) -> tuple[Condition, int]:
    if not isinstance(given, dict):
        raise _refused("INVALID_CRITERIA", "the criteria given seem to be invalid", {"api_name": "criteria"})
    if "group" not in given:
        return _criterion(columns, given), 1
    operator, group = given.get("group_operator"), given["group"]
    if operator not in {"and", "or"}:
        message = "the group operator is not supported"
        raise _refused("GROUP_OPERATOR_NOT_SUPPORTED", message, {"supported": ["and", "or"]})
    if not isinstance(group, list) or len(group) < 2:  # noqa: PLR2004 - one is no group
        raise _refused(
            "AMBIGUOUS_GROUP_IN_CRITERIA", "a group holds at least two criteria", {"group_operator": operator}
        )
    parts = [_condition(columns, item) for item in group]
    node = parts[0][0]
    for part, _ in parts[1:]:
        node = Pair(operator, node, part)
    return node, sum(count for _, count in parts)


def _criterion(columns: Columns, given: dict[str, Any]) -> Criterion:
    field, comparator, value = given.get("field"), given.get("comparator"), given.get("value")
    name = field.get("api_name") if isinstance(field, dict) else None
    if not isinstance(name, str) or set(given) - {"field", "comparator", "value", "type"}:
        raise _refused("INVALID_CRITERIA", "the criteria given seem to be invalid", {"api_name": str(name)})
    target = _find(columns, name, "FIELD_IN_CRITERIA_NOT_AVAILABLE")
    operator = _COMPARATORS.get(str(comparator))
    details = {"api_name": name, "comparator": str(comparator)}
    if operator is None:
        raise _refused("FIELD_COMPARATOR_IN_CRITERIA_NOT_SUPPORTED", "the comparator is not supported", details)
    if value == _EMPTY and operator in {"=", "!="}:
        return Criterion(name, "is null" if operator == "=" else "is not null", ())
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise _refused("VALUE_LIMIT_EXCEEDED_IN_CRITERIA", "too many values", {"max_limit": MAX_VALUES})
    several = 2 if "between" in operator else len(values) if operator in {"in", "not in"} else 1
    if isinstance(value, list) != (operator in {"in", "not in", "between", "not between"}) or len(values) != several:
        message = "the comparator and the value are not compatible"
        raise _refused("COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", message, details)
    pattern = _PATTERNS.get(str(comparator), "{}")
    written = tuple(Value(pattern.format(_text(item)), quoted=True) for item in values)
    found = Criterion(target.name, operator, written)
    try:
        condition(found, columns, parse_time)
    except ApiError as error:
        message = "the field and the value are not compatible"
        raise _refused("FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE", message, details) from error
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _find(columns: Columns, name: str, code: str = "FIELD_NOT_AVAILABLE") -> Any:
    try:
        return columns.find(name)
    except ApiError as error:
        # The specification closes the details of this one code.
        details = {} if code == "FIELD_NOT_AVAILABLE" else {"api_name": name}
        raise _refused(code, f"the field {name} is not available", details) from error


def _module(catalog: Catalog, given: Any) -> Module:
    name = given.get("api_name") if isinstance(given, dict) else None
    module = catalog.find(name) if isinstance(name, str) else None
    if module is None:
        details = {"api_name": "module", "module": str(name)}
        raise _refused("MODULE_NOT_AVAILABLE", "the module given is not available", details)
    return module


def _page(query: dict[str, Any]) -> int:
    page, token = query.get("page"), query.get("page_token")
    if page is not None and token is not None:
        raise _refused("INVALID_REQUEST", "page and page_token can not be given together")
    if token is not None:
        return _page_of(token)
    page = 1 if page is None else page
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise _refused("PAGE_NOT_SUPPORTED", "the page given is not supported", {"api_name": "page"})
    if page > MAX_PAGE:
        raise _refused("PAGE_RANGE_EXCEEDED", "the page range is exceeded", {"max_limit": MAX_PAGE})
    return page


def _page_of(token: Any) -> int:
    try:
        word, number = base64.urlsafe_b64decode(cast("str", token) + "==").decode().split(" ")
        if word == "page" and int(number) > 0:
            return int(number)
    except (TypeError, ValueError, binascii.Error):
        pass
    raise _refused("INVALID_DATA", "the page token given seems to be invalid", {"api_name": "page_token"})


def _refused(code: str, message: str, details: dict[str, Any] | None = None) -> ApiError:
    return ApiError(400, code, message, details)
