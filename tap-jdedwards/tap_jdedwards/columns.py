"""Columns of a table: their JSON schema, and raw AIS values to JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jde_ais import iso_date, parse_time, trim

from tap_jdedwards.compiled import UNEXPECTED, compiled
from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_jdedwards.compiled import Convert

EMPTY_KEY_DATE = "1900-01-01"
"""Stands for an empty date in a key: databases refuse null there. No earlier date can be stored in JD Edwards."""

_JSON_TYPES = {
    Kind.STRING: "string",
    Kind.CHARACTER: "string",
    Kind.WHOLE: "integer",
    Kind.NUMBER: "number",
    Kind.DATE: "string",
    Kind.TIME: "string",
}
_AIS_KINDS = {Kind.WHOLE: "number", Kind.NUMBER: "number", Kind.TIME: "number", Kind.DATE: "date"}


@dataclass(frozen=True)
class TableColumn:
    """A column as the tap emits it.

    Attributes:
        alias: Data item; the property's name.
        title: What the server calls it.
        kind: What it holds.
        in_key: Whether it belongs to the primary key; then a blank text is a value and stays one, and an empty date
            becomes ``EMPTY_KEY_DATE``.
    """

    alias: str
    title: str
    kind: Kind
    in_key: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the property's JSON schema."""
        return property_schema(self.kind, description=self.title, nullable=not self.in_key)


def property_schema(kind: Kind, *, description: str = "", nullable: bool = True) -> dict[str, Any]:
    """Describe a value of a kind.

    Args:
        kind: What the property holds.
        description: Its title.
        nullable: Whether null is allowed.

    Returns:
        A JSON schema. Lengths and decimals are left out: sites change both, and a schema must not refuse what the
        source holds.
    """
    schema: dict[str, Any] = {"type": [_JSON_TYPES[kind], "null"] if nullable else [_JSON_TYPES[kind]]}
    if kind is Kind.DATE:
        schema["format"] = "date"
    if description:
        schema["description"] = f"{description} (HH:MM:SS)" if kind is Kind.TIME else description
    return schema


def ais_kind(kind: Kind) -> Any:
    """Return the AIS client's word for a kind: ``string``, ``number`` or ``date``."""
    return _AIS_KINDS.get(kind, "string")


def whole(value: Any) -> Any:
    """Read a whole number.

    Args:
        value: int, Decimal or None.

    Returns:
        An int where the value has no fraction; else the value itself, so that nothing is rounded in secret.
    """
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def text(value: Any) -> str | None:
    """Read a string: trailing blanks go, leading ones belong to the value."""
    return None if value is None else trim(str(value))


def key_text(value: Any) -> str:
    """Read a string of a primary key, where blank is a value."""
    return "" if value is None else trim(str(value))


def key_date(value: Any) -> str:
    """Read a date of a primary key, where empty is a value."""
    return iso_date(value) or EMPTY_KEY_DATE


def character(value: Any) -> str | None:
    """Read a one-character column; blank is null."""
    return None if value is None else trim(str(value)) or None


def time_text(value: Any) -> str | None:
    """Read a time column; what is no time of day (rows loaded by SQL) is null and costs no more than itself."""
    try:
        return parse_time(value)
    except ValueError:
        return None


def _number(value: Any) -> Any:
    return value


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.STRING: text,
    Kind.CHARACTER: character,
    Kind.WHOLE: whole,
    Kind.NUMBER: _number,
    Kind.DATE: iso_date,
    Kind.TIME: time_text,
}
_KEY_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.STRING: key_text,
    Kind.CHARACTER: key_text,
    Kind.DATE: key_date,
}


def reader(kind: Kind, *, in_key: bool = False) -> Callable[[Any], Any]:
    """Return the function that turns a raw AIS value of a kind into a JSON value.

    Args:
        kind: What the column holds.
        in_key: Whether it belongs to the primary key.

    Returns:
        A function of one raw value; it raises ValueError for a malformed date.
    """
    return _KEY_READERS.get(kind, _READERS[kind]) if in_key else _READERS[kind]


def to_records(rows: list[dict[str, Any]], columns: Iterable[TableColumn]) -> list[dict[str, Any]]:
    """Turn raw rows into records.

    Args:
        rows: Raw rows by alias; left as they are.
        columns: The columns to emit. One that a row lacks (column security hides it) becomes null.

    Returns:
        Records with exactly these columns.

    Raises:
        ValueError: When a date is malformed; the text names the column.
    """
    columns = tuple(columns)
    if not rows:
        return []
    try:
        return _converter(columns, frozenset(column.alias for column in columns if column.alias not in rows[0]))(rows)
    except UNEXPECTED:
        return plain_records(rows, columns)


def plain_records(rows: list[dict[str, Any]], columns: Iterable[TableColumn]) -> list[dict[str, Any]]:
    """Do what :func:`to_records` does the plain way: for rows that are not quite as expected, and to test it by."""
    records: list[dict[str, Any]] = [{} for _ in rows]
    for column in columns:
        alias, read = column.alias, reader(column.kind, in_key=column.in_key)
        try:
            for row, record in zip(rows, records, strict=True):
                record[alias] = read(row.get(alias))
        except ValueError as error:
            raise ValueError(f"column {alias}: {error}") from error
    return records


@lru_cache(maxsize=256)
def _converter(columns: tuple[TableColumn, ...], lacking: frozenset[str]) -> Convert:
    return compiled(((column.alias, column.kind, column.in_key) for column in columns), lacking, reader)


def position(row: Mapping[str, Any], key: Iterable[str], kinds: Mapping[str, Kind]) -> tuple[Any, ...]:
    """Write a row's key for the state file, in the form that the AIS client takes as ``after``.

    Args:
        row: A raw row.
        key: The columns of the walk.
        kinds: Their kinds.

    Returns:
        JSON values: dates in ISO form, fractions as text, everything else as sent.
    """
    values = []
    for alias in key:
        value = row.get(alias)
        if kinds[alias] is Kind.DATE:
            value = iso_date(value)
        elif isinstance(value, Decimal):
            value = whole(value)
        values.append(str(value) if isinstance(value, Decimal) else value)
    return tuple(values)
