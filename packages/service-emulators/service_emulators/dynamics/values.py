"""Checks of values in a body, by the type of their column (fact sheet sections 3 and 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import (
    ApiError,
    decimal_out_of_range,
    no_such_option,
    payload,
    too_long,
    whole_number_out_of_range,
)
from service_emulators.dynamics.times import EARLIEST, parse_date, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.schema.model import Column, Table

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INT32 = 2**31
_EDM = {
    "String": "Edm.String",
    "Memo": "Edm.String",
    "Integer": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Double": "Edm.Double",
    "Boolean": "Edm.Boolean",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "MultiSelectPicklist": "Edm.String",
    "Uniqueidentifier": "Edm.Guid",
}


def edm_type(column: Column) -> str:
    """Returns the OData type of a column."""
    if column.type == "DateTime":
        return "Edm.Date" if column.behavior == "DateOnly" else "Edm.DateTimeOffset"
    return "Edm.Guid" if column.is_lookup else _EDM.get(column.type, "Edm.String")


def stored_value(table: Table, column: Column, value: Any) -> Any:
    """Returns a value of a body as it is stored.

    Args:
        table: the table.
        column: a column that is no lookup.
        value: JSON value.

    Raises:
        ApiError: 400, the value is not of the column's type, too long, out of range, or no option.
    """
    if value is None:
        return None
    check: Callable[[Table, Column, Any], Any] = _CHECKS.get(column.type, _text)
    return check(table, column, value)


def _unfit(table: Table, column: Column, value: Any) -> ApiError:
    return payload(table.set_name, f"Cannot convert the literal '{value}' to the expected type '{edm_type(column)}'.")


def _text(table: Table, column: Column, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _unfit(table, column, value)
    if column.max_length is not None and len(value) > column.max_length:
        raise too_long(table.name, column.name, column.max_length)
    return value or None  # the service keeps an empty text as null (from memory)


def _whole(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or (column.type != "BigInt" and abs(value) > _INT32):
        raise _unfit(table, column, value)
    if not _within(column, value):
        raise whole_number_out_of_range(table.name, column.name)
    return value


def _decimal(table: Table, column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(table, column, value)
    if not _within(column, value):
        raise decimal_out_of_range(table.name, column.name)
    return round(float(value), 10 if column.precision is None else column.precision)


def _within(column: Column, value: float) -> bool:
    return (column.min_value is None or value >= column.min_value) and (
        column.max_value is None or value <= column.max_value
    )


def _boolean(table: Table, column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unfit(table, column, value)
    return value


def _choice(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unfit(table, column, value)
    if column.option(value) is None:
        raise no_such_option(table.name, column.name)
    return value


def _choices(table: Table, column: Column, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _unfit(table, column, value)
    if not value:
        return None
    numbers = value.split(",")
    if not all(re.fullmatch(r"-?\d+", number) for number in numbers):
        raise _unfit(table, column, value)
    if any(column.option(int(number)) is None for number in numbers):
        raise no_such_option(table.name, column.name)
    return ",".join(str(number) for number in sorted({int(number) for number in numbers}))


def _moment(table: Table, column: Column, value: Any) -> str:
    found = parse_date(value) if column.behavior == "DateOnly" else parse_time(value)
    if found is None:
        raise _unfit(table, column, value)
    if found < EARLIEST:
        raise ApiError(  # code from memory
            400,
            "0x80040239",
            f"DateTime is less than minumum value supported by CrmDateTime. Actual value: {value}, Minimum value "
            "supported: 01/01/1753 00:00:00",
        )
    return found


def _guid(table: Table, column: Column, value: Any) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise _unfit(table, column, value)
    return value.lower()


_CHECKS: dict[str, Callable[[Table, Column, Any], Any]] = {
    "Integer": _whole,
    "BigInt": _whole,
    "Decimal": _decimal,
    "Double": _decimal,
    "Money": _decimal,
    "Boolean": _boolean,
    "Picklist": _choice,
    "State": _choice,
    "Status": _choice,
    "MultiSelectPicklist": _choices,
    "DateTime": _moment,
    "Uniqueidentifier": _guid,
}
