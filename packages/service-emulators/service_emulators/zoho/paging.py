"""Pages of lists: `page` for the first 2,000 rows, `page_token` for 100,000 (fact sheet section 7)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from service_emulators.zoho.calls import MAX_PER_PAGE, MAX_ROWS
from service_emulators.zoho.errors import ApiError, invalid, over_maximum
from service_emulators.zoho.times import parse_time, stored_time
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from service_emulators.clock import EmulatorClock
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Module
    from service_emulators.zoho.org import Org
    from service_emulators.zoho.store import Row, Store
    from service_emulators.zoho.switches import ZohoSwitches

DISCRETE_ROWS = 2_000
TOKEN_ROWS = 100_000
TOKEN_SECONDS = 24 * 3600
_SORTS = ("id", "Created_Time", "Modified_Time")
_KNOWN = frozenset(
    {
        "fields",
        "ids",
        "page",
        "per_page",
        "page_token",
        "sort_by",
        "sort_order",
        "converted",
        "include_child",
        "cvid",
        "territory_id",
    }
)
_UNBOUND = frozenset({"page_token", "page"})


@dataclass(frozen=True)
class _Token:
    """Where a page ended.

    Attributes:
        bound: digest of the parameters, which must stay the same.
        position: rows given before.
        page: number of the page it leads to.
        after: sort value and id of the last row given.
        expires: seconds since 1970.
        previous: token that led to the page before, if any.
    """

    bound: str
    position: int
    page: int
    after: tuple[Any, int]
    expires: float
    previous: str | None


class Paging:
    """Cuts lists into pages.

    Args:
        store: the data.
        switches: the emulator's switches.
        clock: the emulator's clock.
        org: its time zone.
    """

    def __init__(self, store: Store, switches: ZohoSwitches, clock: EmulatorClock, org: Org) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._org = org
        self._tokens: dict[str, _Token] = {}

    def page(self, module: Module, call: Call, columns: Sequence[Any]) -> tuple[list[Row] | None, dict[str, Any]]:
        """Returns the rows of one page and its `info`; None for the rows when nothing changed since the given moment.

        Args:
            module: module.
            call: request.
            columns: columns to read.

        Raises:
            ApiError: a parameter is wrong, or the page lies beyond what pages reach.
        """
        for name in call.query:
            if name not in _KNOWN:
                raise invalid({"param_name": name}, "the parameter given seems to be invalid")
        if "cvid" in call.query or "territory_id" in call.query:
            raise invalid({"param_name": "cvid" if "cvid" in call.query else "territory_id"}, "there is none")
        sort = call.choice("sort_by", _SORTS, "id")
        order = call.choice("sort_order", ("asc", "desc"), "desc")
        per_page = call.integer("per_page", MAX_PER_PAGE, MAX_PER_PAGE)
        if "page_token" in call.query and "page" in call.query:
            raise ApiError(
                400,
                "AMBIGUITY_DURING_PROCESSING",
                "ambiguity while processing the request",
                {"ambiguity_due_to": [{"param_name": "page"}, {"param_name": "page_token"}]},
            )
        token = self._token(call, module) if "page_token" in call.query else None
        page = call.integer("page", 1) if token is None else token.page
        given = (page - 1) * per_page if token is None else token.position
        if token is None and given + per_page > DISCRETE_ROWS:
            raise ApiError(
                400,
                "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                "page parameter reaches the first 2000 records only; use page_token",
                {"param_name": "page", "limit": DISCRETE_ROWS},
            )
        if token is not None and given >= TOKEN_ROWS:
            raise ApiError(400, "PAGINATION_LIMIT_EXCEEDED", "pagination limit exceeded", {"limit": TOKEN_ROWS})
        where, since = self._where(module, call)
        column = module.table.c[sort]
        if token is not None:
            value, last_id = token.after
            beyond = column < value if order == "desc" else column > value
            later = module.table.c.id < last_id if order == "desc" else module.table.c.id > last_id
            where.append(or_(beyond, and_(column == value, later)))
        directed = [column.desc(), module.table.c.id.desc()] if order == "desc" else [column, module.table.c.id]
        named = {item.name: item for item in (*columns, column)}
        offset = given if token is None else 0  # a token goes on behind the last row, wherever that is by now
        rows = self._store.select(module.table, where, directed, per_page + 1, offset, list(named.values()))
        if not rows and since and token is None and page == 1:
            return None, {}
        more = len(rows) > per_page
        rows = rows[:per_page]
        info: dict[str, Any] = {
            "call": False,
            "per_page": per_page,
            "count": len(rows),
            "page": page,
            "sort_by": sort,
            "sort_order": order,
            "email": False,
            "more_records": more,
            "next_page_token": None,
            "previous_page_token": None if token is None else token.previous,
            "page_token_expiry": None,
        }
        if more:
            key, expires = self._give(call, module, rows[-1], sort, given + len(rows), page + 1)
            info["next_page_token"] = key
            info["page_token_expiry"] = expires
        return rows, info

    def _where(self, module: Module, call: Call) -> tuple[list[ColumnElement[bool]], bool]:
        where: list[ColumnElement[bool]] = []
        if "ids" in call.query:
            ids = call.several("ids")
            if len(ids) > MAX_ROWS:
                raise over_maximum(MAX_ROWS, "ids")
            numbers = [record_id(raw) for raw in ids]
            if not numbers or None in numbers:
                raise invalid({"param_name": "ids", "expected_data_type": "bigint"})
            where.append(module.table.c.id.in_(numbers))
        since = call.headers.get("if-modified-since")
        if since is None:
            return where, False
        moment = parse_time(since)
        if moment is None:
            raise invalid({"header": "If-Modified-Since", "expected_data_type": "datetime"})
        column = module.table.c.Modified_Time
        where.append(column >= moment if self._switches.if_modified_since == "inclusive" else column > moment)
        return where, True

    def _token(self, call: Call, module: Module) -> _Token:
        token = self._tokens.get(call.query["page_token"])
        if token is None:
            raise invalid({"param_name": "page_token"}, "the page token given seems to be invalid")
        if self._clock.seconds() >= token.expires:
            raise ApiError(400, "EXPIRED_VALUE", "the page token has expired", {"param_name": "page_token"})
        if token.bound != _bound(call, module):
            raise ApiError(
                400,
                "TOKEN_BOUND_DATA_MISMATCH",
                "the parameters differ from those the page token was given for",
                {"param_name": "page_token"},
            )
        return token

    def _give(self, call: Call, module: Module, last: Row, sort: str, position: int, page: int) -> tuple[str, str]:
        expires = self._clock.seconds() + TOKEN_SECONDS
        key = secrets.token_hex(40)
        previous = call.query.get("page_token")
        self._tokens[key] = _Token(_bound(call, module), position, page, (last[sort], last["id"]), expires, previous)
        while len(self._tokens) > TOKEN_ROWS // MAX_PER_PAGE * 10:
            self._tokens.pop(next(iter(self._tokens)))
        return key, self._org.local(stored_time(self._clock.now() + timedelta(seconds=TOKEN_SECONDS)))


def _bound(call: Call, module: Module) -> str:
    """Returns a digest of what a token is bound to: user, module, parameters and the header."""
    parts = [f"{name}={value}" for name, value in sorted(call.query.items()) if name not in _UNBOUND]
    parts += [str(call.user_id), module.name, call.headers.get("if-modified-since", "")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
