"""Code tables: texts of codes, written in the mapping, in a CSV file, or read from a stream of the same run."""

from __future__ import annotations

import csv
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from sync_mapper.errors import MappingError, RowError
from sync_mapper.functions import text

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as Names

    from sync_mapper.mapping_file import Mapping

UDC_STREAM = "F0005"
"""Table of JD Edwards' user defined codes: SY product code, RT code type, KY code, DL01 description."""


FORMS: dict[str, tuple[str, ...]] = {
    "file": ("file", "code", "text"),
    "udc": ("udc",),
    "stream": ("stream", "where", "code", "text"),
}
"""Kinds of tables that are not written down in the mapping, by the key that tells, with all their keys."""


class MissingTableError(RowError):
    """There is no such code table, or none yet: no row of the stream it is read from has come."""


@dataclass
class _FromStream:
    """Where a table's rows come from."""

    stream: str
    where: dict[str, str]
    code: str
    text: str
    announced: bool = False
    came: bool = False

    @property
    def lacks(self) -> str:
        """Why a table without a row of the stream is empty, and what to do about it."""
        none = f"no row of stream {self.stream!r} has come before this one"
        if self.announced:
            return (
                f"{none}, only its SCHEMA: let the tap send its rows first, and in every run all of them (FULL_TABLE) "
                "instead of those changed since the last one"
            )
        return f"{none}, and the stream has not begun: select it in the tap, and let the tap send it first"

    def wants(self, record: Names[str, t.Any]) -> bool:
        """Return whether a row of the stream is one of the table."""
        return all(text(record.get(column)) == text(wanted) for column, wanted in self.where.items())


@dataclass
class CodeTables:
    """The code tables of a mapping, ready to be looked up in.

    Attributes:
        streams: Streams of the run whose rows fill tables.
    """

    _texts: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    _from: dict[str, _FromStream] = field(default_factory=dict)

    @classmethod
    def read(cls, mapping: Mapping) -> CodeTables:
        """Read the tables of a mapping that `definitions.check` has found in order.

        Raises:
            MappingError: The file of one cannot be read.
        """
        tables = cls()
        problems: list[str] = []
        for name, definition in mapping.code_tables.items():
            try:
                tables._add(name, definition, mapping.folder)
            except ValueError as error:
                problems.append(f"{mapping.where(name, section='code_tables')}: {error}")
        if problems:
            raise MappingError(*problems)
        return tables

    @property
    def streams(self) -> frozenset[str]:
        """Streams of the run whose rows fill tables."""
        return frozenset(source.stream for source in self._from.values())

    def __iter__(self) -> Iterator[str]:
        """Return the names of the tables."""
        return iter(self._texts)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a table of that name."""
        return name in self._texts

    def texts(self, table: str) -> list[t.Any] | None:
        """Return what a table holds; None for one that rows of the run fill, and for one that does not exist."""
        return None if table in self._from or table not in self._texts else list(self._texts[table].values())

    def lookup(self, table: str, code: t.Any, otherwise: t.Any = None) -> t.Any:
        """Return the text of a code.

        Args:
            table: Name of the table.
            code: The code; numbers stand for their digits. A blank one is looked up as such, else gives null.
            otherwise: What a code that is not in the table gives.

        Raises:
            MissingTableError: There is no such table, or no row of the stream it is read from has come.
        """
        texts = self._texts.get(table)
        if texts is None:
            raise MissingTableError(f"there is no code table {table!r}")
        source = self._from.get(table)
        if source is not None and not source.came:
            raise MissingTableError(f"code table {table!r} is empty: {source.lacks}")
        key = text(code)
        if key is None:
            return texts.get("")
        return texts.get(key, otherwise)

    def announce(self, stream: str) -> None:
        """Take note that the SCHEMA of a stream has come."""
        for source in self._from.values():
            source.announced |= source.stream == stream

    def take(self, stream: str, record: Names[str, t.Any]) -> None:
        """Take a row of a stream that fills tables."""
        for name, source in self._from.items():
            if source.stream == stream:
                source.came = True
                if source.wants(record):
                    self._texts[name][text(record.get(source.code)) or ""] = text(record.get(source.text))

    def codes_of(self, stream: str, record: Names[str, t.Any]) -> set[str]:
        """Return the codes that a row of a stream brings."""
        sources = [source for source in self._from.values() if source.stream == stream and source.wants(record)]
        return {text(record.get(source.code)) or "" for source in sources}

    def _add(self, name: str, definition: Names[str, t.Any], folder: Path | None) -> None:
        form = next((form for form in FORMS if isinstance(definition.get(form), str)), None)
        if form is None:
            self._texts[name] = {text(code) or "": value for code, value in definition.items()}
        elif form == "file":
            self._texts[name] = from_file(definition, folder)
        else:
            self._texts[name] = {}
            self._from[name] = _udc(definition["udc"]) if form == "udc" else _stream(definition)


def from_file(definition: Names[str, t.Any], folder: Path | None) -> dict[str, t.Any]:
    """Read a table from a CSV file.

    Raises:
        ValueError: It cannot be read, or lacks a column.
    """
    code, words = definition["code"], definition["text"]
    path = (folder or Path.cwd()) / str(definition["file"])
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            columns = list(rows.fieldnames or ())
            if missing := [name for name in (code, words) if name not in columns]:
                raise ValueError(f"{path} has no column {missing[0]!r}; it has {', '.join(columns)}")
            found: dict[str, t.Any] = {}
            for row in rows:
                key = text(row[code]) or ""
                if key in found:
                    raise ValueError(f"{path} line {rows.line_num}: code {key!r} stands there twice")
                found[key] = text(row[words])
            return found
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}; save it as CSV in UTF-8") from None


def _udc(name: str) -> _FromStream:
    product_code, _, code_type = name.partition("/")
    return _FromStream(UDC_STREAM, {"SY": product_code.strip(), "RT": code_type.strip()}, "KY", "DL01")


def _stream(definition: Names[str, t.Any]) -> _FromStream:
    wanted = {str(column): str(value) for column, value in (definition.get("where") or {}).items()}
    return _FromStream(definition["stream"], wanted, definition["code"], definition["text"])
