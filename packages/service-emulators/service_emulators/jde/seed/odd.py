"""Rows with odd values in every table: what a client must carry over unchanged, or refuse by name.

Each table gets rows of every kind below; the keys are beyond those of the other sample data (numbers from 90,000,001,
as far as the column is wide enough).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.dates import to_julian
from service_emulators.jde.dictionary import tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.store import Store
    from service_emulators.jde.values import Stored

MASS = 150
"""Rows of each table that carry the same stamp."""
TEXTS = (
    "  leading blanks",
    "trailing blanks  ",
    'O\'Brien "the" \\ back',
    "tab\there",
    "line\nbreak\r\nend",
    "NUL\x00inside",
    "control\x01\x1f\x7f",
    "Ünïcödé ßłø 漢字",
    "emoji 😀👩\u200d👧",
    "עברית \u202eRTL",
    "\u2028line separator",
    "e\u0301 combining",
    "<b>&amp;</b>",
    "NULL",
    '{"json": [1]}',
    "-0012.50",
    "a;b,c|d\t",
    "\ufeffBOM",
)
"""Odd text, cut to the length of its column."""
_FIRST_NUMBER = 90_000_001
_FIRST_DATE, _LAST_DATE = 1, 999_365
"""1900-01-01 and 2899-12-31, the ends of CYYDDD."""
_BEYOND_MIDNIGHT, _NO_MINUTE, _MOST = 250_000, 126_099, 999_999
"""Times of day that are none: 25:00:00, 12:60:99, 99:99:99."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def seed_odd(store: Store, *, today: date) -> None:
    """Add odd rows to every table.

    There are rows of nulls, of blanks and zeros, of the largest and the smallest values, of odd text, with times out
    of range, with stamps null, zero or without time, with business units that are not padded, with blank key text, and
    `MASS` rows under one stamp.

    Args:
        store: The database.
        today: The server's date; stamps lie before it.
    """
    stamped = to_julian(today - timedelta(days=1))
    with store.loading() as connection:
        for table in tables().values():
            rows = _rows(table, stamped)
            aliases = list(table.columns)
            store.load(connection, table.name, aliases, [tuple(row[one] for one in aliases) for row in rows])


Row = dict[str, "Stored"]


def _rows(table: Table, stamped: int) -> list[Row]:
    """Return the odd rows of a table, all columns by alias."""
    fills: list[Callable[[Column], Stored]] = [_null, _blank, _largest, _smallest, *map(_text_of, range(len(TEXTS)))]
    rows = [{alias: fill(column) for alias, column in table.columns.items()} for fill in fills]
    for row in rows:
        # A stamp far ahead would be another matter: it would hide all later changes from who trusts it.
        row["UPMJ"] = row["UPMJ"] and stamped
    stamps: list[tuple[Stored, Stored]] = [
        (None, None), (None, 93_005), (0, 0), (0, 93_005), (stamped, None), (stamped, 0), (stamped, _BEYOND_MIDNIGHT),
        (stamped, _NO_MINUTE), (stamped, _MOST), (_FIRST_DATE, 1),
        *[(stamped, 120_000)] * MASS,
    ]  # fmt: skip
    plain = {alias: _plain(column) for alias, column in table.columns.items()}
    rows += [{**plain, "UPMJ": day, table.time: moment} for day, moment in stamps]
    units = [alias for alias, column in table.columns.items() if column.right_justified and alias not in table.key]
    rows += [{**plain, **dict.fromkeys(units, unit)} for unit in ("M30", "M30".ljust(12), " " * 10) if units]
    for index, row in enumerate(rows):
        row.update(_key(table, index))
    return [*rows, *_blank_keys(table, plain)]


def _key(table: Table, index: int) -> Row:
    """Return a key of its own: the first number carries the index, or the longest text if there is no number."""
    columns = [table.columns[alias] for alias in table.key]
    carrier = next((one for one in columns if one.kind == "number"), max(columns, key=lambda one: one.length))
    key: Row = {one.alias: _plain(one) for one in columns}
    if carrier.kind == "number":
        key[carrier.alias] = _FIRST_NUMBER + index
    else:
        width = min(carrier.length, 3)
        key[carrier.alias] = _code(index, width).rjust(carrier.length if carrier.right_justified else 0)
    return key


def _blank_keys(table: Table, plain: Row) -> list[Row]:
    """Return a row whose key text is blank and whose key dates are zero; none where the key is of numbers alone."""
    columns = [table.columns[alias] for alias in table.key]
    numbers = [one.alias for one in columns if one.kind == "number"]
    if len(numbers) == len(columns):
        return []
    key: Row = {one.alias: _blank(one) for one in columns}
    return [{**plain, **key, **dict.fromkeys(numbers[:1], _FIRST_NUMBER - 1)}]


def _code(index: int, width: int) -> str:
    """Return a number in letters and digits, beginning with Z."""
    text = ""
    for _ in range(width - 1):
        index, digit = divmod(index, len(_DIGITS))
        text = _DIGITS[digit] + text
    return f"Z{text}"


def _null(_column: Column) -> Stored:
    return None


def _blank(column: Column) -> Stored:
    return " " * column.length if column.is_text else 0


def _largest(column: Column) -> Stored:
    if column.is_text:
        return "W" * column.length
    return {"date": _LAST_DATE, "time": 235_959}.get(column.kind, int(10**column.length) - 1)


def _smallest(column: Column) -> Stored:
    if column.is_text:
        return "."
    return {"date": _FIRST_DATE, "time": 1}.get(column.kind, 1 - int(10**column.length))


def _text_of(index: int) -> Callable[[Column], Stored]:
    def fill(column: Column) -> Stored:
        return TEXTS[index][: column.length] if column.is_text else _plain(column)

    return fill


def _plain(column: Column) -> Stored:
    """Return a value nobody would notice."""
    if column.is_text:
        return "1".rjust(column.length) if column.right_justified else "1"
    return {"date": 126_001, "time": 93_005}.get(column.kind, 1)
