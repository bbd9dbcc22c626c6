"""Cells of a CSV file as values of the record API, and back.

What a cell says that a field cannot hold stays text, so that the record API's own checks refuse it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service_emulators.zoho.times import local_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from service_emulators.zoho.catalog import Field

_LETTERS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_PARTS = re.compile(r"yyyy|yy|MM|dd|HH|mm|ss|T|[^A-Za-z]+")
_WHOLE = re.compile(r"[+-]?\d{1,30}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def is_format(shape: object) -> bool:
    """Returns whether something is a format of dates or times, such as `dd.MM.yyyy` or `yyyy-MM-dd'T'HH:mm:ss`."""
    if not isinstance(shape, str):
        return False
    plain = shape.replace("'T'", "T")
    return "".join(_PARTS.findall(plain)) == plain and all(part in plain for part in ("yy", "MM", "dd"))


def value_of(field: Field, cell: str, shape: str | None, zone: ZoneInfo, find: Callable[[Field, str], str]) -> Any:
    """Returns what the record API would be given for a cell that is not empty.

    Args:
        field: the field.
        cell: the cell.
        shape: format of dates and times; None is ISO 8601.
        zone: zone of times without an offset.
        find: returns the id a lookup's cell stands for.
    """
    kind = field.data_type
    if kind in {"lookup", "ownerlookup"}:
        return {"id": find(field, cell)}
    if kind == "integer":
        return int(cell) if _WHOLE.fullmatch(cell) else cell
    if kind in {"double", "currency", "percent"}:
        return float(cell) if _DECIMAL.fullmatch(cell) else cell
    if kind == "boolean":
        return _BOOLEANS.get(cell.lower(), cell)
    if kind == "multiselectpicklist":
        return [part.strip() for part in cell.split(";") if part.strip()]
    if kind == "tag":
        return [{"name": part.strip()} for part in cell.split(",") if part.strip()]
    if kind in {"date", "datetime"} and shape is not None:
        return _moment(kind, cell, shape, zone)
    return cell


def cell_of(data_type: str, value: Any, zone: ZoneInfo) -> str:
    """Returns a stored value as a cell."""
    if value is None:
        return ""
    if data_type == "datetime":
        return local_time(value, zone)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(item["name"] if isinstance(item, dict) else str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _moment(kind: str, cell: str, shape: str, zone: ZoneInfo) -> str:
    parts = _PARTS.findall(shape.replace("'T'", "T"))
    pattern = "".join(_LETTERS.get(part, part.replace("%", "%%")) for part in parts)
    try:
        moment = datetime.strptime(cell, pattern)  # noqa: DTZ007 - the zone is put on below
    except ValueError:
        return f"{cell}: not {shape}"  # not the cell itself: in the form of the API it would pass
    if kind == "date":
        return moment.date().isoformat()
    return moment.replace(tzinfo=zone).isoformat(timespec="seconds")
