"""AGGREGATION and COUNT (AIS fact sheet sections 3.4 and 3.5)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service_emulators.jde.browse import sort_columns, where_clause
from service_emulators.jde.conditions import compare, literal
from service_emulators.jde.dates import format_date
from service_emulators.jde.dictionary import Column
from service_emulators.jde.errors import bad_request
from service_emulators.jde.grid import epoch_milliseconds
from service_emulators.jde.values import scaled_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.jde.conditions import Target
    from service_emulators.jde.emulator import Emulator
    from service_emulators.jde.requests import Aggregate, Condition, DataRequest, GroupBy, Query

_FUNCTIONS: dict[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = {
    "SUM": sa.func.sum,
    "MIN": sa.func.min,
    "MAX": sa.func.max,
    "AVG": sa.func.avg,
    "COUNT": sa.func.count,
    "COUNT_DISTINCT": lambda column: sa.func.count(column.distinct()),
    "SUM_DISTINCT": lambda column: sa.func.sum(column.distinct()),
    "AVG_DISTINCT": lambda column: sa.func.avg(column.distinct()),
}
_HAVING = {"SUM", "AVG", "COUNT"}
_AVERAGE_DIGITS = 10
_COUNTED = Column("COUNT", "COUNT", "number", "Count", 15)


def count(emulator: Emulator, request: DataRequest) -> dict[str, Any]:
    """Run a COUNT; the shape of its answer is not documented, a bare number is assumed."""
    target = emulator.target(request.target_name, request.target_type)
    where = where_clause(request.query, target).expression
    statement = sa.select(sa.func.count()).select_from(target.sql).where(where, *target.visible())
    with emulator.store.engine.connect() as connection:
        return {"count": connection.execute(statement).scalar_one()}


def aggregate(emulator: Emulator, request: DataRequest) -> dict[str, Any]:
    """Run an AGGREGATION.

    Raises:
        ServiceError: The request makes no sense.
    """
    target = emulator.target(request.target_name, request.target_type)
    wanted = request.aggregation
    if not wanted.aggregations:
        raise bad_request("aggregation.aggregations is empty")
    groups = [_Group(one, target) for one in wanted.group_by]
    results = [_Result(one, target) for one in wanted.aggregations]
    where = where_clause(request.query, target).expression
    statement = sa.select(*(one.expression for one in groups), *(one.expression for one in results))
    statement = statement.select_from(target.sql).where(where, *target.visible())
    statement = statement.group_by(*(one.expression for one in groups))
    if request.having:
        statement = statement.having(_having(request.having, target))
    by_column = {one.column: one for one in groups}
    for column, direction in sort_columns(wanted.order_by, target):
        if column not in by_column:
            raise bad_request(f"orderBy column {column.alias} is not in groupBy")
        expression = by_column[column].expression
        statement = statement.order_by(expression.desc() if direction == "DESC" else expression.asc())
    with emulator.store.engine.connect() as connection:
        rows = connection.execute(statement).all()
    offset = emulator.switches.group_offset_minutes
    output: list[dict[str, Any]] = []
    for row in rows:
        keys, values = row[: len(groups)], row[len(groups) :]
        line = {one.key: one.shown(value, offset) for one, value in zip(results, values, strict=True)}
        if groups:
            shown = {one.key: one.shown(value, offset) for one, value in zip(groups, keys, strict=True)}
            line = {"groupBy": shown, **line}
        output.append(line)
    return {"output": output}


class _Group:
    """A grouping column; its key in the answer repeats the request's spelling."""

    def __init__(self, request: GroupBy, target: Target) -> None:
        self.key = request.column
        self.column = target.column(request.column)
        self.expression = target.expression(self.column)
        self._formatted = bool(request.special_handling)
        if not self._formatted:
            return
        if self.column.kind != "date":
            raise bad_request(f"specialHandling is for dates; {self.column.alias} is a {self.column.kind}")
        pattern = target.switches.date_format if request.special_handling == "User" else request.special_handling
        try:
            format_date(date(2000, 1, 1), "" if pattern == "CALQTR" else pattern or "")
        except ValueError as error:
            raise bad_request(f"specialHandling: {error}") from None
        self.expression = sa.func.jde_format_date(self.expression, pattern)

    def shown(self, value: Any, offset_minutes: int) -> Any:
        """Return the group's value: dates as epoch milliseconds unless specially handled (section 3.4)."""
        return value if self._formatted else _shown(self.column, value, offset_minutes)


class _Result:
    """A computed value."""

    def __init__(self, request: Aggregate, target: Target) -> None:
        self._name = request.aggregation
        if request.aggregation not in _FUNCTIONS:
            raise bad_request(f"Unknown aggregation {request.aggregation}")
        if request.column == "*":
            if request.aggregation != "COUNT":
                raise bad_request(f"{request.aggregation} of * makes no sense")
            self.key, self._column = "COUNT", None
            self.expression: sa.ColumnElement[Any] = sa.func.count()
            return
        self.key = f"{request.column}_{request.aggregation}"
        self._column = target.column(request.column)
        if request.aggregation.startswith(("SUM", "AVG")) and self._column.kind not in {"number", "time"}:
            raise bad_request(f"{request.aggregation} is for numbers; {self._column.alias} is a {self._column.kind}")
        self.expression = _FUNCTIONS[request.aggregation](target.expression(self._column))

    def shown(self, value: Any, offset_minutes: int) -> Any:
        """Return the value with decimals applied."""
        if value is None or self._column is None or self._name.startswith("COUNT"):
            return value
        if self._name.startswith("AVG"):
            average = round(value / 10**self._column.decimals, _AVERAGE_DIGITS)
            return int(average) if average.is_integer() else average
        return _shown(self._column, value, offset_minutes)


def _shown(column: Column, value: Any, offset_minutes: int) -> Any:
    if value is None or column.is_text:
        return value
    if column.kind == "date":
        return epoch_milliseconds(value, offset_minutes)
    return scaled_down(value, column.decimals)


def _having(query: Query, target: Target) -> sa.ColumnElement[bool]:
    parts = [_having_condition(one, target) for one in query.condition]
    if query.complex_query or query.match_type not in {"MATCH_ALL", "MATCH_ANY"}:
        raise bad_request("having takes conditions joined by MATCH_ALL or MATCH_ANY")
    if not parts:
        return sa.true()
    return sa.and_(*parts) if query.match_type == "MATCH_ALL" else sa.or_(*parts)


def _having_condition(condition: Condition, target: Target) -> sa.ColumnElement[bool]:
    name = condition.aggregation or ""
    if name not in _HAVING:
        raise bad_request(f"having knows SUM, AVG and COUNT, not {name or 'nothing'}")
    column = target.column(condition.control_id)
    expression = _FUNCTIONS[name](target.expression(column))
    if name == "COUNT":
        column = _COUNTED
    elif column.kind not in {"number", "time"}:
        raise bad_request(f"{name} is for numbers; {column.alias} is a {column.kind}")
    values = [literal(one, column, target) for one in condition.value]
    return compare(column, expression, condition.operator, values, target.switches)
