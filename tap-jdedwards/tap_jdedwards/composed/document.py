"""Makes documents from the rows of a group. Pure: rows in, documents out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from jde_ais import parse_date

from tap_jdedwards.columns import property_schema, reader
from tap_jdedwards.composed.definition import Cell, Codes, Exists, First, Object
from tap_jdedwards.composed.loading import STAMP_PROPERTIES
from tap_jdedwards.dictionary import DATE_COLUMN, Kind
from tap_jdedwards.marks import latest, mark_of, mark_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from tap_jdedwards.composed.definition import Definition, Part, Property, Rows, Source
    from tap_jdedwards.composed.merging import Row


@dataclass(frozen=True)
class Bundle:
    """The raw rows one document is made of.

    Attributes:
        key: Values of the document's key.
        rows: Rows by table; the root has one.
    """

    key: tuple[Any, ...]
    rows: Mapping[str, list[Row]]


def document_schema(definition: Definition) -> dict[str, Any]:
    """Describe the documents of a stream.

    Args:
        definition: The stream.

    Returns:
        Its JSON schema.
    """
    properties = {name: _schema_of(definition, entry) for name, entry in definition.properties.items()}
    for name in definition.key:
        properties[name]["type"] = [properties[name]["type"][0]]
    day, at = STAMP_PROPERTIES
    properties[day] = property_schema(Kind.DATE, description="Day of the latest change in any of its tables")
    properties[at] = property_schema(Kind.TIME, description="Time of that change")
    return {"type": "object", "properties": properties}


def _schema_of(definition: Definition, entry: Property) -> dict[str, Any]:
    kinds = definition.kinds
    if isinstance(entry, Cell):
        return property_schema(kinds[entry.alias], description=f"{entry.table}.{entry.alias}")
    if isinstance(entry, First):
        names = " or ".join(f"{cell.table}.{cell.alias}" for cell in entry.cells)
        return property_schema(kinds[entry.cells[0].alias], description=names)
    if isinstance(entry, Exists):
        return {"type": ["boolean", "null"], "description": f"Whether {entry.table} has a row"}
    if isinstance(entry, Codes):
        codes = {alias: property_schema(Kind.STRING) for alias in entry.aliases}
        return {"type": ["object", "null"], "properties": codes, "description": f"Codes of {entry.table}"}
    parts = {name: _part_schema(definition, part) for name, part in entry.properties.items()}
    inner = {"type": ["object", "null"], "properties": parts}
    if isinstance(entry, Object):
        return {**inner, "description": f"Current row of {entry.table}"}
    return {
        "type": ["array", "null"],
        "items": {"type": "object", "properties": parts},
        "description": f"Rows of {entry.table}",
    }


def _part_schema(definition: Definition, part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return property_schema(definition.kinds[part])
    return {"type": ["array", "null"], "items": property_schema(Kind.STRING, nullable=False)}


class Assembler:
    """Makes the documents of one stream."""

    def __init__(self, definition: Definition, selected: Iterable[str] | None = None) -> None:
        """Prepare for a stream.

        Args:
            definition: The stream.
            selected: Properties to emit; None for all. The key always is.
        """
        self._definition = definition
        wanted = None if selected is None else {*selected, *definition.key}
        self._readers = {
            alias: reader(kind, in_key=alias in definition.key.values()) for alias, kind in definition.kinds.items()
        }
        self._makers: list[tuple[str, Callable[[Bundle, date], Any]]] = [
            (name, self._maker(entry))
            for name, entry in definition.properties.items()
            if wanted is None or name in wanted
        ]
        self._stamps = [name for name in STAMP_PROPERTIES if wanted is None or name in wanted]

    def bundles(self, root_rows: Iterable[Row], others: Mapping[str, list[Row]]) -> Iterator[Bundle]:
        """Sort the rows of a group to the documents they belong to.

        Args:
            root_rows: Rows of the root with one first key value.
            others: Rows of the other tables with the same value.

        Yields:
            Bundles in the order of their keys; without those that lack a row they need.
        """
        sources = self._definition.sources
        by_key = {name: self._by_key(sources[name], rows) for name, rows in others.items()}
        columns = tuple(self._definition.key.values())
        for key, row in sorted(((self._values(row, columns), row) for row in root_rows), key=_by_first):
            rows = {self._definition.root: [row]}
            for name, index in by_key.items():
                rows[name] = index.get(key[: len(sources[name].on)], [])
            if all(rows[name] or not source.required for name, source in sources.items()):
                yield Bundle(key, rows)

    def build(self, bundle: Bundle, today: date) -> dict[str, Any]:
        """Make a document.

        Args:
            bundle: Its rows.
            today: The server's day, by which dated rows are effective.

        Returns:
            The record.
        """
        record = {name: make(bundle, today) for name, make in self._makers}
        stamp = mark_to_json(self.mark(bundle)) or {}
        for name in self._stamps:
            record[name] = stamp.get(name)
        return record

    def mark(self, bundle: Bundle) -> datetime | None:
        """Find the latest stamp among a document's rows.

        Args:
            bundle: Its rows.

        Returns:
            The mark, None when no row has a date.
        """
        return latest(
            *(
                mark_of(parse_date(row.get(DATE_COLUMN)), row.get(self._definition.sources[name].time))
                for name, rows in bundle.rows.items()
                for row in rows
            )
        )

    def _by_key(self, source: Source, rows: Iterable[Row]) -> dict[tuple[Any, ...], list[Row]]:
        index: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            index.setdefault(self._values(row, source.on), []).append(row)
        return index

    def _values(self, row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
        return tuple(self._readers[alias](row.get(alias)) for alias in columns)

    def _maker(self, entry: Property) -> Callable[[Bundle, date], Any]:
        if isinstance(entry, Cell):
            return self._cell(entry)
        if isinstance(entry, First):
            cells = [self._cell(cell) for cell in entry.cells]
            return lambda bundle, today: next((value for cell in cells if (value := cell(bundle, today))), None)
        if isinstance(entry, Exists):
            return lambda bundle, _: bool(bundle.rows[entry.table])
        if isinstance(entry, Codes):
            return self._codes(entry)
        if isinstance(entry, Object):
            return self._object(entry)
        return self._rows(entry)

    def _cell(self, cell: Cell) -> Callable[[Bundle, date], Any]:
        read, source = self._readers[cell.alias], self._definition.sources[cell.table]

        def value(bundle: Bundle, today: date) -> Any:
            row = current(source, bundle.rows[cell.table], today)
            return None if row is None else read(row.get(cell.alias))

        return value

    def _codes(self, codes: Codes) -> Callable[[Bundle, date], Any]:
        source = self._definition.sources[codes.table]

        def value(bundle: Bundle, today: date) -> dict[str, Any] | None:
            row = current(source, bundle.rows[codes.table], today)
            if row is None:
                return None
            return {alias: code for alias in codes.aliases if (code := self._readers[alias](row.get(alias)))}

        return value

    def _object(self, entry: Object) -> Callable[[Bundle, date], Any]:
        source = self._definition.sources[entry.table]

        def value(bundle: Bundle, today: date) -> dict[str, Any] | None:
            row = current(source, bundle.rows[entry.table], today)
            return None if row is None else self._parts(entry.properties, row)

        return value

    def _rows(self, entry: Rows) -> Callable[[Bundle, date], Any]:
        def wanted(row: Row) -> bool:
            if entry.needs is not None and not self._readers[entry.needs](row.get(entry.needs)):
                return False
            return all((self._readers[alias](row.get(alias)) or "") in values for alias, values in entry.where.items())

        return lambda bundle, _: [self._parts(entry.properties, row) for row in bundle.rows[entry.table] if wanted(row)]

    def _parts(self, parts: Mapping[str, Part], row: Row) -> dict[str, Any]:
        return {name: self._part(part, row) for name, part in parts.items()}

    def _part(self, part: Part, row: Row) -> Any:
        if isinstance(part, str):
            return self._readers[part](row.get(part))
        return [value for alias in part if (value := self._readers[alias](row.get(alias)))]


def current(source: Source, rows: list[Row], today: date) -> Row | None:
    """Pick the row that counts.

    Args:
        source: The table.
        rows: Its rows for one document.
        today: The server's day.

    Returns:
        For dated rows the latest one that is not in the future, else the earliest; otherwise the first row.
    """
    if source.effective is None or not rows:
        return rows[0] if rows else None
    dated = [(parse_date(row.get(source.effective)) or date.min, row) for row in rows]
    past = [entry for entry in dated if entry[0] <= today]
    return max(past, key=_by_first)[1] if past else min(dated, key=_by_first)[1]


def _by_first(entry: tuple[Any, Any]) -> Any:
    return entry[0]
