"""Makes the values of properties from the rows of a document."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from jde_ais import iso_date, parse_date

from tap_jdedwards.columns import reader
from tap_jdedwards.composed.conditions import meets
from tap_jdedwards.composed.definition import (
    EVERY_ROW,
    Cell,
    Codes,
    CodeText,
    Count,
    Days,
    Exists,
    Extreme,
    First,
    Object,
    Rows,
    Text,
    Total,
    Value,
    columns_of,
)
from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_jdedwards.composed.definition import Chosen, Definition, Description, Part, Property, Source
    from tap_jdedwards.composed.document import Bundle
    from tap_jdedwards.composed.merging import Row

    Maker = Callable[[Bundle, date], Any]
    TextOf = Callable[[str, Any], str | None]
    """Gives the description of a code, by code type and the code as the server sent it."""


def no_text(code_type: str, code: Any) -> None:
    """Describe no code."""


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


class Makers:
    """Makes the functions that give the properties of a stream their values."""

    def __init__(self, definition: Definition, hidden: Collection[str], text_of: TextOf) -> None:
        self._definition = definition
        self._hidden = set(hidden)
        self._text_of = text_of
        self._readers = {alias: reader(kind) for alias, kind in definition.kinds.items()}

    def maker(self, entry: Property) -> Maker:
        """Return the function that makes a property of a bundle and the server's day."""
        if isinstance(entry, Exists):
            return lambda bundle, _: bool(bundle.rows[entry.table])
        if isinstance(entry, (Value, Text, Object, Rows, Total, Count, Extreme, Days)):
            return self._of_chosen(entry)
        if isinstance(entry, Cell):
            return self._cell(entry)
        if isinstance(entry, First):
            cells = [self._cell(cell) for cell in entry.cells]
            return lambda bundle, today: next((value for cell in cells if (value := cell(bundle, today))), None)
        return self._codes(entry) if isinstance(entry, Codes) else self._description(entry)

    def _cell(self, cell: Cell) -> Maker:
        definition, alias, table = self._definition, cell.alias, cell.table
        in_key = table == definition.root and alias in definition.key.values()
        read = reader(definition.kinds[alias], in_key=in_key)
        if definition.sources[table].effective is None:  # most properties of most documents

            def first(bundle: Bundle, _: date) -> Any:
                rows = bundle.rows[table]
                return read(rows[0].get(alias)) if rows else None

            return first
        row_of = self._current(table)

        def value(bundle: Bundle, today: date) -> Any:
            row = row_of(bundle, today)
            return None if row is None else read(row.get(alias))

        return value

    def _current(self, table: str) -> Callable[[Bundle, date], Row | None]:
        source = self._definition.sources[table]
        if source.effective is not None:
            return lambda bundle, today: current(source, bundle.rows[table], today)

        def first(bundle: Bundle, _: date) -> Row | None:
            rows = bundle.rows[table]
            return rows[0] if rows else None

        return first

    def _codes(self, codes: Codes) -> Maker:
        row_of, readers = self._current(codes.table), [(alias, self._readers[alias]) for alias in codes.aliases]

        def value(bundle: Bundle, today: date) -> dict[str, Any] | None:
            row = row_of(bundle, today)
            if row is None:
                return None
            return {alias: code for alias, read in readers if (code := read(row.get(alias)))}

        return value

    def _description(self, entry: Description) -> Maker:
        text_of, described = self._text_of, entry.of
        if isinstance(described, Codes):
            row_of = self._current(described.table)

            def texts(bundle: Bundle, today: date) -> dict[str, str] | None:
                row = row_of(bundle, today)
                if row is None:
                    return None
                told = ((alias, text_of(code, row.get(alias))) for alias, code in entry.code_types.items())
                return {alias: text for alias, text in told if text}

            return texts
        cells = described.cells if isinstance(described, First) else (described,)
        makers = [(self.maker(cell), entry.code_types.get(f"{cell.table}.{cell.alias}")) for cell in cells]

        def text(bundle: Bundle, today: date) -> str | None:
            for make, code_type in makers:
                code = make(bundle, today)
                if code or len(makers) == 1:
                    return text_of(code_type, code) if code_type else None
            return None

        return text

    def _of_chosen(self, entry: Value | Text | Object | Rows | Total | Count | Extreme | Days) -> Maker:
        """Make a property of the rows it chooses; what cannot be told without a hidden column is null."""
        table, source = entry.table, self._definition.sources[entry.table]
        choose, fold = self._chooser(entry.chosen), self._fold(entry, source)
        counts = isinstance(entry, (Total, Count, Extreme, Days))
        if counts and any(f"{name}.{alias}" in self._hidden for name, alias in columns_of(entry)):
            return lambda bundle, _: None  # noqa: ARG005 -- the form of a maker
        if choose is None:
            return lambda bundle, today: fold(bundle.rows[table], today)
        return lambda bundle, today: fold(choose(bundle.rows[table], today), today)

    def _chooser(self, chosen: Chosen) -> Callable[[list[Row], date], list[Row]] | None:
        if chosen == EVERY_ROW:
            return None
        fits, needs = meets(chosen.tests, self._definition.kinds), chosen.needs
        if needs is None:
            return lambda rows, today: [row for row in rows if fits(row, today)]
        read = self._readers[needs]
        return lambda rows, today: [row for row in rows if read(row.get(needs)) and fits(row, today)]

    def _fold(
        self, entry: Value | Text | Object | Rows | Total | Count | Extreme | Days, source: Source
    ) -> Callable[[list[Row], date], Any]:
        if isinstance(entry, Count):
            return lambda rows, _: len(rows)
        if isinstance(entry, Rows):
            return lambda rows, _: [self._parts(entry.properties, row) for row in rows]
        if isinstance(entry, Total):
            terms = entry.terms
            return lambda rows, _: sum(sign * (row.get(alias) or 0) for row in rows for alias, sign in terms)
        if isinstance(entry, Extreme):
            return self._extreme(entry)
        if isinstance(entry, Days):
            return lambda rows, today: _days(rows, entry, today)

        def of_current(rows: list[Row], today: date) -> Any:
            row = current(source, rows, today)
            return None if row is None else self._of_row(entry, row)

        return of_current

    def _of_row(self, entry: Value | Text | Object, row: Row) -> Any:
        if isinstance(entry, Value):
            return self._readers[entry.alias](row.get(entry.alias))
        if isinstance(entry, Object):
            return self._parts(entry.properties, row)
        values = (self._readers[alias](row.get(alias)) for alias in entry.aliases)
        return " ".join(str(value) for value in values if value not in (None, ""))

    def _extreme(self, entry: Extreme) -> Callable[[list[Row], date], Any]:
        alias, pick = entry.alias, max if entry.highest else min
        if self._definition.kinds[alias] is Kind.DATE:
            return lambda rows, _: pick((day for row in rows if (day := iso_date(row.get(alias)))), default=None)
        return lambda rows, _: pick((value for row in rows if (value := row.get(alias)) is not None), default=None)

    def _parts(self, parts: Mapping[str, Part], row: Row) -> dict[str, Any]:
        return {name: self._part(part, row) for name, part in parts.items()}

    def _part(self, part: Part, row: Row) -> Any:
        if isinstance(part, str):
            return self._readers[part](row.get(part))
        if isinstance(part, CodeText):
            return self._text_of(part.code_type, row.get(part.alias))
        return [value for alias in part if (value := self._readers[alias](row.get(alias)))]


def _days(rows: list[Row], entry: Days, today: date) -> int | None:
    earliest = min((day for row in rows if (day := parse_date(row.get(entry.alias)))), default=None)
    if earliest is None:
        return None
    days = (today - earliest).days
    return max(days, 0) if entry.after else days


def _by_first(entry: tuple[Any, Any]) -> Any:
    return entry[0]
