"""Tables from CSV files a user exported: one file per table, its name the table's, its header the columns."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import sqlalchemy as sa

from service_emulators.jde.dictionary import tables
from service_emulators.jde.values import to_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.store import Store
    from service_emulators.jde.values import Stored

_CHUNK = 2000
_DELIMITERS = ",;\t|"


class CsvFolderError(ValueError):
    """A file that cannot be loaded; the message names file, line and column."""


def load_folder(store: Store, folder: Path) -> dict[str, int]:
    """Load all ``*.csv`` of a folder.

    A header with database column names (``ABAN8``) means values as the database holds them: dates CYYDDD, amounts
    without their decimal point. A header with aliases (``AN8``) means values as people see them: dates ``YYYY-MM-DD``
    or ``YYYYMMDD``, amounts with decimals. Columns may be left out; the delimiter is a comma, semicolon, tab or bar.

    Returns:
        Rows loaded by table.

    Raises:
        CsvFolderError: No files, an unknown table or column, a value that does not fit, a key twice.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() == ".csv")
    if not files:
        raise CsvFolderError(f"there are no CSV files in {folder}")
    loaded: dict[str, int] = {}
    with store.loading() as connection:
        for file in files:
            name = file.stem.upper()
            if name not in tables():
                raise CsvFolderError(f"{file.name}: there is no table {name}; there are {', '.join(sorted(tables()))}")
            try:
                loaded[name] = loaded.get(name, 0) + _load(store, connection, file, tables()[name])
            except UnicodeDecodeError as error:
                raise CsvFolderError(f"{file.name} is not written in UTF-8 ({error.reason}); save it so") from None
    return loaded


def _load(store: Store, connection: sa.Connection, file: Path, table: Table) -> int:
    count = 0
    with file.open(encoding="utf-8-sig", newline="") as text:
        sample = text.readline()
        text.seek(0)
        delimiter = max(_DELIMITERS, key=sample.count)
        reader = csv.reader(text, delimiter=delimiter)
        try:
            header = next(reader, [])
            columns = _columns(header, file.name, table)
            aliases = [column.alias for column, _ in columns]
            rows: list[tuple[Stored, ...]] = []
            for line, row in _rows(reader, file.name, columns):
                rows.append(row)
                if len(rows) >= _CHUNK:
                    _insert(store, connection, table, aliases, rows, f"{file.name}, up to line {line}")
                    count += len(rows)
                    rows.clear()
            _insert(store, connection, table, aliases, rows, file.name)
        except csv.Error as error:
            raise CsvFolderError(f"{file.name}, line {reader.line_num}: {error}") from None
    return count + len(rows)


_Reader = tuple["Column", "Callable[[Column, str], Stored]"]


def _columns(header: list[str], name: str, table: Table) -> list[_Reader]:
    columns: list[_Reader] = []
    for title in header:
        column = table.by_any_name(title)
        if not column:
            raise CsvFolderError(f"{name}: {table.name} has no column {title!r}")
        columns.append((column, _as_stored if title.strip().upper() == column.name else to_stored))
    found = [column.alias for column, _ in columns]
    missing = [alias for alias in table.key if alias not in found]
    twice = sorted({alias for alias in found if found.count(alias) > 1})
    if missing or twice:
        raise CsvFolderError(
            f"{name}: the header lacks {missing}" if missing else f"{name}: the header names {twice} twice"
        )
    return columns


def _rows(reader: Iterator[list[str]], name: str, columns: list[_Reader]) -> Iterator[tuple[int, tuple[Stored, ...]]]:
    for line, row in enumerate(reader, start=2):
        if not row:
            continue
        if len(row) != len(columns):
            raise CsvFolderError(f"{name}, line {line}: {len(row)} values under {len(columns)} columns")
        try:
            yield line, tuple(read(column, value) for (column, read), value in zip(columns, row, strict=True))
        except ValueError as error:
            raise CsvFolderError(f"{name}, line {line}: {error}") from None


def _as_stored(column: Column, text: str) -> Stored:
    """Read a value as an export of the database writes it."""
    if column.is_text:
        return to_stored(column, text)
    if not text.strip():
        return None
    # Exports of NUMBER columns come as 125181 or 125181.0.
    found = re.fullmatch(r"(-?\d+)(\.0*)?", text.strip(), re.ASCII)
    if not found:
        raise ValueError(f"{column.name}: {text!r} is no whole number, as the database holds it")
    return int(found[1])


def _insert(
    store: Store,
    connection: sa.Connection,
    table: Table,
    aliases: list[str],
    rows: list[tuple[Stored, ...]],
    where: str,
) -> None:
    try:
        store.load(connection, table.name, aliases, rows)
    except sa.exc.IntegrityError as error:
        raise CsvFolderError(f"{where}: a key occurs twice or is missing ({error.orig})") from None
