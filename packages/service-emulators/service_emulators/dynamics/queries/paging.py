"""Where a page goes on: the cookie of a nextLink, which holds the place of the last row of the page before it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from sqlalchemy import and_, or_

from service_emulators.dynamics.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from service_emulators.dynamics.store import Row

_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([\w=-]*)" istracking="(True|False)" />')


class Cookie(msgspec.Struct):
    """The place of a row.

    Attributes:
        page: number of the page that follows.
        values: values of the columns of the order, the id last.
        tracking: the list is one of changes.
        upper: of a list of changes: version it goes up to.
    """

    page: int
    values: list[Any]
    tracking: bool = False
    upper: int = 0

    def token(self) -> str:
        """Returns it as `$skiptoken` has it."""
        packed = base64.urlsafe_b64encode(msgspec.json.encode([self.values, self.upper])).decode()
        return f'<cookie pagenumber="{self.page}" pagingcookie="{packed}" istracking="{self.tracking}" />'

    @classmethod
    def read(cls, token: str) -> Cookie:
        """Returns the cookie of a `$skiptoken`.

        Raises:
            ApiError: 400, it is none of ours, as when a client has encoded it anew.
        """
        match = _COOKIE.fullmatch(token)
        if match is None:
            raise _malformed()
        try:
            values, upper = msgspec.json.decode(base64.urlsafe_b64decode(match[2]), type=tuple[list[Any], int])
        except (binascii.Error, msgspec.MsgspecError) as error:
            raise _malformed() from error
        return cls(int(match[1]), values, match[3] == "True", upper)


def _malformed() -> Exception:
    return bad_query("Malformed XML in the Paging Cookie.")


def next_link(root: str, path: str, query: str, token: str) -> str:
    """Returns the address of the next page: the request's own, with the token in place of an earlier one."""
    kept = [part for part in query.split("&") if part and not part.startswith(("$skiptoken", "%24skiptoken"))]
    return f"{root}{path}?{'&'.join([*kept, '$skiptoken=' + quote(token, safe='')])}"


def after(order: Sequence[tuple[Any, bool]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Returns the condition for what comes after a row.

    Args:
        order: SQL columns and whether they are in descending order; nulls are the least.
        values: the row's values in them.
    """
    parts: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for (column, descending), value in zip(order, values, strict=True):
        if value is None:
            if not descending:
                parts.append(and_(*same, column.is_not(None)))
            same.append(column.is_(None))
            continue
        beyond = or_(column < value, column.is_(None)) if descending else column > value
        parts.append(and_(*same, beyond))
        same.append(column == value)
    return or_(*parts)


def values_of(order: Sequence[tuple[Any, bool]], row: Row) -> list[Any]:
    """Returns a row's values in the columns of an order."""
    return [row[column.name] for column, _ in order]
