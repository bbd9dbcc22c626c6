"""Queries of the data service as SQL conditions (AIS fact sheet section 3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service_emulators.jde import dates
from service_emulators.jde.dictionary import tables
from service_emulators.jde.errors import ServiceError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.requests import Condition, Query, Value
    from service_emulators.jde.switches import Switches

Expression = sa.ColumnElement[Any]
Literal = Any  # int, float or str, as the database holds the column's values; one column, one type

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_SHIFT = re.compile(r"TODAY_(PLUS|MINUS)_(DAY|MONTH|YEAR)")
_LARGEST = 2**63 - 1
_NO_VALUES = {"STR_BLANK", "STR_NOT_BLANK"}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Target:
    """What a request reads: a table or view, its SQL twin, and the circumstances its literals are read in."""

    table: Table
    sql: sa.FromClause
    owners: Mapping[str, sa.Table]
    """SQL tables the columns belong to, by name; the first one has a row for each row of the target."""
    switches: Switches
    today: date
    user: str

    def column(self, control_id: str) -> Column:
        """Find the column of a control ID, ``F0101.AN8`` or, unless it is of a view, ``AN8``.

        Raises:
            ServiceError: There is none.
        """
        column = self.table.find(control_id)
        if column is None:
            status = self.switches.unknown_object_status
            raise ServiceError(status, f"Invalid control ID {control_id} for {self.table.name}")
        return column

    def expression(self, column: Column) -> Expression:
        """Return the SQL column."""
        return self.owners[column.owner].c[column.name]

    @property
    def row_number(self) -> sa.ColumnElement[int]:
        """The database's own number of a row."""
        return sa.literal_column(f"{next(iter(self.owners))}.rowid", sa.Integer)

    def visible(self) -> list[Expression]:
        """Return the conditions of row security."""
        return [
            sa.or_(self.expression(column).is_(None), self.expression(column).not_in(hidden))
            for owner in self.owners
            for alias, hidden in self.switches.row_security.get(owner, {}).items()
            if (column := tables()[owner].columns.get(alias))
        ]


@dataclass(frozen=True)
class Clause:
    """A condition and the bounds it implies for single columns: ``{name: value}``, inclusive.

    A page by key, ``a > x OR (a = x AND b > y)``, implies ``a >= x``. Stated beside it, the bound lets the database
    walk the index from there instead of from its beginning.
    """

    expression: Expression
    low: dict[str, Literal] = field(default_factory=dict)
    high: dict[str, Literal] = field(default_factory=dict)


def compile_query(query: Query, target: Target) -> Clause:
    """Translate a query.

    Raises:
        ServiceError: Unknown column, operator, match type; wrong number of values; a literal that cannot be read.
    """
    if query.match_type not in {"MATCH_ALL", "MATCH_ANY"}:
        raise bad_request(f"Unknown matchType {query.match_type}")
    parts = [compile_condition(one, target) for one in query.condition]
    joined = (_all if query.match_type == "MATCH_ALL" else _any)(parts) if parts else None
    for nested in query.complex_query:
        if nested.and_or not in {"AND", "OR"}:
            raise bad_request(f"Unknown andOr {nested.and_or}")
        inner = compile_query(nested.query, target)
        joined = inner if joined is None else (_all if nested.and_or == "AND" else _any)([joined, inner])
    return joined or Clause(sa.true())


def _all(parts: list[Clause]) -> Clause:
    low: dict[str, Literal] = {}
    high: dict[str, Literal] = {}
    for part in parts:
        for name, value in part.low.items():
            low[name] = max(low.get(name, value), value)
        for name, value in part.high.items():
            high[name] = min(high.get(name, value), value)
    return Clause(sa.and_(*(part.expression for part in parts)), low, high)


def _any(parts: list[Clause]) -> Clause:
    return Clause(
        sa.or_(*(part.expression for part in parts)),
        _shared([part.low for part in parts], min),
        _shared([part.high for part in parts], max),
    )


def _shared(bounds: list[dict[str, Literal]], pick: Callable[[Iterable[Any]], Any]) -> dict[str, Literal]:
    names = set(bounds[0]).intersection(*bounds[1:])
    return {name: pick([one[name] for one in bounds]) for name in names}


def compile_condition(condition: Condition, target: Target) -> Clause:
    """Translate one comparison."""
    column = target.column(condition.control_id)
    values = [literal(one, column, target) for one in condition.value]
    return _compare(column, target.expression(column), condition.operator, values, target.switches)


def compare(
    column: Column, expression: Expression, operator: str, values: list[Literal], switches: Switches
) -> Expression:
    """Return the comparison of an expression of a column's type with literals.

    Raises:
        ServiceError: Unknown operator, or one that does not suit the column or the number of values.
    """
    return _compare(column, expression, operator, values, switches).expression


def _compare(
    column: Column, expression: Expression, operator: str, values: list[Literal], switches: Switches
) -> Clause:
    if operator.startswith("STR_"):
        return Clause(_text_condition(column, expression, operator, values))
    if operator == "LIST":
        if not values or 0 < switches.max_list_values < len(values):
            raise bad_request(f"LIST on {column.alias} with {len(values)} values (at most {switches.max_list_values})")
        return Clause(expression.in_(values), _bound(column, min(values)), _bound(column, max(values)))
    if operator == "BETWEEN":
        first, second = _exactly(2, operator, column, values)
        return Clause(expression.between(first, second), _bound(column, first), _bound(column, second))
    if operator not in _COMPARISONS:
        raise bad_request(f"Unknown operator {operator}")
    (value,) = _exactly(1, operator, column, values)
    if operator in {"EQUAL", "NOT_EQUAL"} and _is_blank(column, value):
        blank = sa.or_(expression.is_(None), expression == value)
        return Clause(blank if operator == "EQUAL" else sa.not_(blank))
    low = _bound(column, value) if operator in {"EQUAL", "GREATER", "GREATER_EQUAL"} else {}
    high = _bound(column, value) if operator in {"EQUAL", "LESS", "LESS_EQUAL"} else {}
    return Clause(_COMPARISONS[operator](expression, value), low, high)


def _exactly(count: int, operator: str, column: Column, values: list[Literal]) -> list[Literal]:
    if len(values) != count:
        raise bad_request(f"{operator} on {column.alias} takes {count} value(s), not {len(values)}")
    return values


def _bound(column: Column, value: Literal) -> dict[str, Literal]:
    # Text is left alone: the database compares it under its collation, Python would not.
    return {} if column.is_text else {column.name: value}


def _is_blank(column: Column, value: Literal) -> bool:
    """Whether the literal asks for blanks: EQUAL "" finds blank text and blank dates, null or not (section 3.2)."""
    return column.kind == "date" and value == 0 if not column.is_text else not value.strip(" ")


def _text_condition(column: Column, expression: Expression, operator: str, values: list[Literal]) -> Expression:
    if not column.is_text:
        raise bad_request(f"{operator} is for strings; {column.alias} is a {column.kind}")
    blank = sa.or_(expression.is_(None), expression == "")
    if operator in _NO_VALUES:
        return blank if operator == "STR_BLANK" else sa.not_(blank)
    (value,) = _exactly(1, operator, column, values)
    text = str(value).strip(" ") if column.right_justified else str(value)
    content = sa.func.trim(expression) if column.right_justified else sa.func.rtrim(expression)
    # Case counts, as it does in the databases JDE runs on; LIKE would ignore it.
    if operator == "STR_CONTAIN":
        return sa.func.instr(content, text) > 0
    if operator == "STR_START_WITH":
        return sa.func.substr(content, 1, len(text)) == text if text else expression.is_not(None)
    if operator == "STR_END_WITH":
        return sa.func.substr(content, -len(text)) == text if text else expression.is_not(None)
    raise bad_request(f"Unknown operator {operator}")


def literal(value: Value, column: Column, target: Target) -> Literal:
    """Read a condition's value as the database holds it.

    Raises:
        ServiceError: It cannot be read, or the special value does not suit the column.
    """
    special = value.special_value_id
    if special == "LITERAL":
        return _plain_literal(value.content, column, target)
    if special == "LOGIN_USER" and column.is_text:
        return target.user
    if special.startswith("TODAY") and column.kind == "date":
        try:
            return dates.to_julian(_relative_day(special, value.content, target.today))
        except (ValueError, OverflowError):
            raise bad_request(f"{value.content} {special} lies beyond the calendar") from None
    raise bad_request(f"The special value {special} does not suit {column.alias}")


def _relative_day(special: str, content: str, today: date) -> date:
    if special == "TODAY":
        return today
    found = _SHIFT.fullmatch(special)
    if not found or not re.fullmatch(r"\d{1,5}", content, re.ASCII):
        raise bad_request(f"Unknown special value {special} with content {content!r}")
    count = int(content) * (1 if found[1] == "PLUS" else -1)
    if found[2] == "DAY":
        return today + timedelta(days=count)
    return dates.add_months(today, count * (12 if found[2] == "YEAR" else 1))


def _plain_literal(text: str, column: Column, target: Target) -> Literal:
    if column.is_text:
        return text.strip(" ").rjust(column.length) if column.right_justified and text.strip(" ") else text
    if column.kind == "date":
        return _date_literal(text, target)
    if not text.strip():
        return 0
    if not _NUMBER.fullmatch(text):
        raise bad_request(f"For input string: {text!r} ({column.alias} is numeric)")
    scaled = Decimal(text).scaleb(column.decimals)
    return int(scaled) if scaled == scaled.to_integral_value() and abs(scaled) <= _LARGEST else float(scaled)


def _date_literal(text: str, target: Target) -> int:
    if not text.strip():
        return 0
    pattern = target.switches.date_format
    read = dates.misread_date if target.switches.misread_dates else dates.parse_date
    try:
        return dates.to_julian(read(text, pattern, target.today))
    except ValueError as error:
        raise bad_request(str(error)) from None
