"""What a COQL query consists of, and the errors it can be refused with.

Source: fact sheet section 7; the vendor's "Query API - Limitations" (v8) for the grouping of criteria by two, the ten
sort columns and text areas; OpenAPI of 2026, coql, for the shapes of error details.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from service_emulators.zoho.errors import ApiError

MAX_COLUMNS = 50
MAX_CRITERIA = 25
MAX_IN_VALUES = 50
MAX_ORDER_COLUMNS = 10
MAX_LIMIT = 2000
DEFAULT_LIMIT = 200
MAX_REACH = 100_000

Operator = Literal[
    "=", "!=", "<", ">", "<=", ">=", "in", "not in", "is null", "is not null",
    "like", "not like", "between", "not between",
]  # fmt: skip


def refused(code: str, message: str, details: dict[str, Any] | None = None) -> ApiError:
    """400: a query the service does not take.

    Args:
        code: SYNTAX_ERROR, INVALID_QUERY, LIMIT_EXCEEDED or DUPLICATE_DATA.
        message: its text.
        details: what it is about.
    """
    return ApiError(400, code, message, details)


def over(what: str, limit: int) -> ApiError:
    """LIMIT_EXCEEDED for more of something than the language allows."""
    return refused("LIMIT_EXCEEDED", f"{what} limit exceeded", {"limit": limit})


@dataclass(frozen=True)
class Value:
    """A value as it is written.

    Attributes:
        text: the characters, quotes and their doubling taken off.
        quoted: whether it stood in quotes.
    """

    text: str
    quoted: bool


@dataclass(frozen=True)
class Criterion:
    """One comparison.

    Attributes:
        column: field API name, or lookups and a field joined by dots.
        operator: comparison.
        values: none for the null tests, two for between, up to 50 for in, one for the others.
    """

    column: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Pair:
    """Two conditions joined by `and` or `or`."""

    operator: Literal["and", "or"]
    left: Condition
    right: Condition


Condition = Criterion | Pair


@dataclass(frozen=True)
class Query:
    """A parsed query.

    Attributes:
        columns: selected columns in their order.
        module: API name of the module.
        where: condition; the language requires one.
        order: sort columns and whether each is descending.
        limit: most rows wanted.
        offset: rows to pass over.
    """

    columns: tuple[str, ...]
    module: str
    where: Condition
    order: tuple[tuple[str, bool], ...]
    limit: int
    offset: int

    @property
    def credits(self) -> int:
        """What the call costs: 1, 2 or 3 by its limit of 200, 1,000 or 2,000."""
        return 1 if self.limit <= DEFAULT_LIMIT else 2 if self.limit <= 1000 else 3  # noqa: PLR2004 - the sheet's steps
