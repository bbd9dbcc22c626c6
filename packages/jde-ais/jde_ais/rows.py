"""Raw rows to typed rows, a page at a time."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from jde_ais.values import blank_to_none, iso_date, parse_time, trim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jde_ais.answers import Kind


def number(value: Any) -> int | Decimal | None:
    """Reads a number: int and Decimal pass, text is converted, blank is None.

    Raises:
        ValueError: When it is no number.
    """
    if value is None or isinstance(value, (int, Decimal)):
        return value
    text = str(value).strip()
    if not text:
        return None
    try:
        return int(text) if text.lstrip("+-").isdigit() else Decimal(text)
    except InvalidOperation:
        msg = f"expected a number, got {value!r}"
        raise ValueError(msg) from None


def _text(value: Any) -> str | None:
    return None if value is None else trim(str(value))


def _character(value: Any) -> str | None:
    return None if value is None else blank_to_none(str(value))


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "character": _character,
    "number": number,
    "date": iso_date,
    "time": parse_time,
}


def to_typed(rows: list[dict[str, Any]], kinds: Mapping[str, Kind]) -> list[dict[str, Any]]:
    """Converts a page's raw rows in place and returns them.

    Dates become ISO text or None, times `HH:MM:SS` or None, strings lose their trailing blanks, blank characters
    become None; whole numbers stay int, others Decimal. Columns without a kind, and columns a row lacks (column
    security hides them), are left alone.

    Args:
        rows: Raw rows by alias, as in `Page.rows`.
        kinds: Kind per alias.

    Raises:
        ValueError: When a value does not fit its kind; the text names the column.
    """
    for alias, kind in kinds.items():
        convert = _CONVERTERS[kind]
        try:
            for row in rows:
                if alias in row:
                    row[alias] = convert(row[alias])
        except ValueError as error:
            msg = f"column {alias}: {error}"
            raise ValueError(msg) from None
    return rows
