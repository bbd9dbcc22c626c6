"""Reading rows by their exact keys."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, AnyOf, Condition, eq, in_list, is_blank, time_to_int

from tap_jdedwards.columns import EMPTY_KEY_DATE, TableColumn, to_records
from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jde_ais import Where

    from tap_jdedwards.reading import TableReader

VALUES_PER_REQUEST = 100
KEYS_PER_REQUEST = 40
"""Values of a LIST, and keys of several columns, in one condition; their limits are undocumented (AIS fact sheet
section 3.2)."""


def keys_of(reader: TableReader, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Read the keys of raw rows as records hold them.

    Args:
        reader: Reads the table.
        rows: Raw rows.

    Returns:
        A key for each row.
    """
    columns = tuple(TableColumn(alias, "", reader.kinds[alias], in_key=True) for alias in reader.key)
    return [tuple(record.values()) for record in to_records(rows, columns)]


def rows_with_keys(reader: TableReader, keys: Sequence[tuple[Any, ...]]) -> Iterator[list[dict[str, Any]]]:
    """Read the rows that have certain keys.

    Args:
        reader: Reads the table.
        keys: Keys as records hold them. A server may compare text more loosely and give other rows besides.

    Yields:
        Raw rows.
    """
    single = len(reader.key) == 1
    most = VALUES_PER_REQUEST if single else KEYS_PER_REQUEST
    for start in range(0, len(keys), most):
        some = keys[start : start + most]
        for page in reader.by_key(where=_one_of(reader, some) if single else _any_of(reader, some)):
            yield page.rows


def _one_of(reader: TableReader, keys: Sequence[tuple[Any, ...]]) -> Where:
    (column,) = reader.key
    values = [_value(key[0], reader.kinds[column]) for key in keys]
    listed = [value for value in values if value is not None and value != ""]
    parts: list[Where] = [in_list(column, listed)] if listed else []
    if len(listed) < len(values):
        parts.append(_equal(column, None, reader.kinds))
    return parts[0] if len(parts) == 1 else AnyOf(*parts)


def _any_of(reader: TableReader, keys: Sequence[tuple[Any, ...]]) -> Where:
    rows = [
        AllOf(*(_equal(column, part, reader.kinds) for column, part in zip(reader.key, key, strict=True)))
        for key in keys
    ]
    return rows[0] if len(rows) == 1 else AnyOf(*rows)


def _equal(column: str, part: Any, kinds: Mapping[str, Kind]) -> Condition:
    value = _value(part, kinds[column])
    if value is None or value == "":
        # An empty date has no literal of its own; EQUAL "" finds it (AIS fact sheet section 3.2).
        return Condition(column, "EQUAL", ("",)) if kinds[column] is Kind.DATE else is_blank(column)
    return eq(column, value)


def _value(part: Any, kind: Kind) -> Any:
    if part is None or part == "":
        return None
    if kind is Kind.DATE:
        if part == EMPTY_KEY_DATE:
            return None
        return date.fromisoformat(part)
    if kind is Kind.TIME:
        return time_to_int(part)
    return part
