"""What to read: conditions, their combination, order, and the request for one page.

All are frozen and hold Python values; the client writes them in the language of the data service, with dates in the
signed-on user's format. Columns are named by alias (`AN8`); for views `TABLE.ALIAS` (`F0101.AN8`) is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jde_ais.values import Value

Operator = Literal[
    "EQUAL",
    "NOT_EQUAL",
    "LESS",
    "LESS_EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "BETWEEN",
    "LIST",
    "STR_START_WITH",
    "STR_END_WITH",
    "STR_CONTAIN",
    "STR_BLANK",
    "STR_NOT_BLANK",
]


@dataclass(frozen=True)
class Condition:
    """One comparison of a column with literals.

    Attributes:
        column: Alias.
        op: Operator of the data service.
        values: Two for BETWEEN, any number (at least one) for LIST, none for STR_BLANK and STR_NOT_BLANK, else one.
    """

    column: str
    op: Operator
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, init=False)
class AllOf:
    """All parts must hold (AND)."""

    parts: tuple[Where, ...]

    def __init__(self, *parts: Where) -> None:
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True, init=False)
class AnyOf:
    """At least one part must hold (OR)."""

    parts: tuple[Where, ...]

    def __init__(self, *parts: Where) -> None:
        object.__setattr__(self, "parts", parts)


Where = Condition | AllOf | AnyOf


def eq(column: str, value: Value) -> Condition:
    """Column equals value."""
    return Condition(column, "EQUAL", (value,))


def ne(column: str, value: Value) -> Condition:
    """Column differs from value."""
    return Condition(column, "NOT_EQUAL", (value,))


def lt(column: str, value: Value) -> Condition:
    """Column is less than value."""
    return Condition(column, "LESS", (value,))


def le(column: str, value: Value) -> Condition:
    """Column is less than or equal to value."""
    return Condition(column, "LESS_EQUAL", (value,))


def gt(column: str, value: Value) -> Condition:
    """Column is greater than value."""
    return Condition(column, "GREATER", (value,))


def ge(column: str, value: Value) -> Condition:
    """Column is greater than or equal to value."""
    return Condition(column, "GREATER_EQUAL", (value,))


def between(column: str, low: Value, high: Value) -> Condition:
    """Column lies between both values, ends included."""
    return Condition(column, "BETWEEN", (low, high))


def in_list(column: str, values: Iterable[Value]) -> Condition:
    """Column is one of the values; at least one is needed, and their number has an undocumented limit."""
    listed = tuple(values)
    if not listed:
        msg = f"in_list({column!r}, …) needs at least one value"
        raise ValueError(msg)
    return Condition(column, "LIST", listed)


def starts_with(column: str, text: str) -> Condition:
    """String column starts with text."""
    return Condition(column, "STR_START_WITH", (text,))


def ends_with(column: str, text: str) -> Condition:
    """String column ends with text."""
    return Condition(column, "STR_END_WITH", (text,))


def contains(column: str, text: str) -> Condition:
    """String column contains text."""
    return Condition(column, "STR_CONTAIN", (text,))


def is_blank(column: str) -> Condition:
    """String column is blank."""
    return Condition(column, "STR_BLANK")


def not_blank(column: str) -> Condition:
    """String column is not blank."""
    return Condition(column, "STR_NOT_BLANK")


@dataclass(frozen=True)
class Order:
    """One column to sort by."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class BrowseRequest:
    """The request for one page of a table or view.

    Attributes:
        table: Table (`F0101`) or view (`V0101A`).
        columns: Aliases to return; empty for all.
        where: Which rows; None for all.
        order: Sort columns; without them the server promises no order.
        page_size: Rows wanted; the server's fetch limit (default 2000) may give fewer.
        target_type: `table` or `view`.
        result_set: Ask the server to keep the result set open for `AisClient.next_page`.
    """

    table: str
    columns: tuple[str, ...] = ()
    where: Where | None = None
    order: tuple[Order, ...] = ()
    page_size: int = 1000
    target_type: Literal["table", "view"] = "table"
    result_set: bool = False
