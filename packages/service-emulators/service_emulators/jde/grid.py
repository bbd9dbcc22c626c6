"""The grid of an answer: rows of the database as GRID_DATA or VERSION1 (AIS fact sheet section 3.7)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import starmap
from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.jde import dates
from service_emulators.jde.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service_emulators.jde.dictionary import Column
    from service_emulators.jde.switches import Switches

_DATA_TYPES = {"character": 1, "string": 2, "number": 9, "time": 9, "date": 11}
_OUTPUT_TYPES = {"GRID_DATA", "VERSION1"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DUMMIES: dict[str, Any] = {"date": "19700101", "number": 0, "time": 0, "string": "X", "character": "X"}


def check_output_type(requested: str | None, default: str) -> str:
    """Return the output type to use.

    Raises:
        ServiceError: A type this emulator does not write (VERSION2, ORACLE, XML, XMLSIMPLE).
    """
    chosen = requested or default
    if chosen not in _OUTPUT_TYPES:
        raise bad_request(f"outputType {chosen} is not offered here; ask for GRID_DATA")
    return chosen


def _wire_date(julian: int | None) -> str:
    day = dates.from_julian(julian)
    return f"{day:%Y%m%d}" if day else ""


class _WireDates(dict["int | None", "str | None"]):
    """CYYDDD -> YYYYMMDD; a table has few days and many rows."""

    def __init__(self, blank: str | None) -> None:
        super().__init__({None: blank, 0: blank})

    def __missing__(self, julian: int | None) -> str | None:
        self[julian] = found = _wire_date(julian)
        return found


_DATES = {False: _WireDates(""), True: _WireDates(None)}


def wire_values(column: Column, values: Sequence[Any], switches: Switches) -> Iterable[Any]:
    """Translate one column's stored values to what GRID_DATA carries."""
    if column.is_text:
        width = column.length
        return [one if one is None else one.ljust(width) for one in values] if switches.trailing_blanks else values
    if column.kind == "date":
        return map(_DATES[switches.null_dates].__getitem__, values)
    if column.decimals:
        scale = 10**column.decimals
        return [None if one is None else one / scale if one % scale else one // scale for one in values]
    return values


@lru_cache(maxsize=256)
def _row_type(keys: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return the type of rows with these keys: it is built and written faster than a dictionary."""
    fields = [f"c{index}" for index in range(len(keys))]
    return msgspec.defstruct("Row", fields, rename=dict(zip(fields, keys, strict=True)), gc=False)


def grid_rows(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], output: str, switches: Switches
) -> dict[str, Any]:
    """Return ``columns``/``titles`` and ``rowset`` for rows of stored values, in the order of ``columns``."""
    keys = [column.wire_name for column in columns]
    titles = {key: column.title for key, column in zip(keys, columns, strict=True)}
    by_column = list(zip(*rows, strict=True))
    wire = [wire_values(column, values, switches) for column, values in zip(columns, by_column, strict=False)]
    if output == "GRID_DATA":
        return {"columns": titles, "rowset": list(starmap(_row_type(tuple(keys)), zip(*wire, strict=True)))}
    cells = [
        [_cell(number, column, stored, value, switches) for stored, value in zip(values, shown, strict=True)]
        for number, (column, values, shown) in enumerate(zip(columns, by_column, wire, strict=False), start=1)
    ]
    rowset = [
        {"rowIndex": index, "MOExist": False, **dict(zip(keys, row, strict=True))}
        for index, row in enumerate(zip(*cells, strict=True))
    ]
    return {"titles": titles, "rowset": rowset}


def _cell(number: int, column: Column, stored: Any, wire: Any, switches: Switches) -> dict[str, Any]:
    internal, shown = wire, "" if wire is None else str(wire)
    if column.kind == "date":
        day = dates.from_julian(stored)
        internal = epoch_milliseconds(stored, 0)
        shown = dates.format_date(day, switches.date_format) if day else ""
    return {
        "id": number,
        "internalValue": internal,
        "title": column.title,
        "dataType": _DATA_TYPES[column.kind],
        "value": shown,
    }


def epoch_milliseconds(julian: int | None, offset_minutes: int) -> int | None:
    """Return midnight of a CYYDDD date, ``offset_minutes`` from UTC, as milliseconds since 1970; None when blank."""
    day = dates.from_julian(julian)
    if day is None:
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone(timedelta(minutes=offset_minutes)))
    return (midnight - _EPOCH) // timedelta(milliseconds=1)


def dummy_rows(columns: Sequence[Column]) -> dict[str, Any]:
    """Return the one row of ``formServiceDemo``: "X" for text, 0 for numbers, 19700101 for dates (section 3.1)."""
    keys = [column.wire_name for column in columns]
    return {
        "columns": {key: column.title for key, column in zip(keys, columns, strict=True)},
        "rowset": [{key: _DUMMIES[column.kind] for key, column in zip(keys, columns, strict=True)}],
    }
