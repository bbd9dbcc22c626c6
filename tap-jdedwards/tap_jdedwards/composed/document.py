"""Makes documents from the rows of a group. Pure: rows in, documents out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jde_ais import parse_date

from tap_jdedwards.composed.conditions import matcher, meets
from tap_jdedwards.composed.loading import STAMP_PROPERTIES
from tap_jdedwards.composed.making import Makers, no_text
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import latest, mark_of, mark_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from tap_jdedwards.composed.definition import Definition, Source
    from tap_jdedwards.composed.making import TextOf
    from tap_jdedwards.composed.merging import Row


@dataclass(frozen=True)
class Bundle:
    """The raw rows one document is made of.

    Attributes:
        key: Values of the document's key, in the form in which keys are compared.
        rows: Rows by source; the root has one.
    """

    key: tuple[Any, ...]
    rows: dict[str, list[Row]]


class Assembler:
    """Makes the documents of one stream."""

    def __init__(
        self,
        definition: Definition,
        selected: Iterable[str] | None = None,
        *,
        hidden: Collection[str] = (),
        text_of: TextOf = no_text,
    ) -> None:
        """Prepare for a stream.

        Args:
            definition: The stream.
            selected: Properties to emit; None for all. The key always is.
            hidden: Columns that this server does not show, as ``SOURCE.ALIAS``.
            text_of: Gives the description of a code.
        """
        self._definition = definition
        self._key = tuple((alias, matcher(alias, definition.kinds[alias])) for alias in definition.key.values())
        wanted = None if selected is None else {*selected, *definition.key}
        makers = Makers(definition, hidden, text_of)
        self._makers: list[tuple[str, Callable[[Bundle, date], Any]]] = [
            (name, makers.maker(entry))
            for name, entry in definition.properties.items()
            if wanted is None or name in wanted
        ]
        self._stamps = [name for name in STAMP_PROPERTIES if wanted is None or name in wanted]
        self._takes = {
            name: meets(source.take, definition.kinds) for name, source in definition.sources.items() if source.take
        }
        self._required = {name for name, source in definition.sources.items() if source.required}
        self._alternatives = [name for name, source in definition.sources.items() if source.alternative]
        self._watched = [(name, source.time) for name, source in definition.sources.items() if source.emits]

    def bundles(self, root_rows: Iterable[Row], others: Mapping[str, list[Row]]) -> Iterator[Bundle]:
        """Sort the rows of a group to the documents they belong to.

        Args:
            root_rows: Rows of the root with one first key value.
            others: Rows of the other joined tables with the same value.

        Yields:
            Bundles in the order of their keys, with no rows of looked-up tables yet; those that lack a row they need
            are left out.
        """
        joined = {name: self._definition.sources[name] for name in others}
        required = [name for name in others if name in self._required]
        by_key = {name: self._by_key(joined[name], rows) for name, rows in others.items()}
        keyed = [(tuple(read(row.get(alias)) for alias, read in self._key), row) for row in root_rows]
        for key, row in sorted(keyed, key=_sortable) if len(keyed) > 1 else keyed:
            rows = {self._definition.root: [row]}
            for name, index in by_key.items():
                rows[name] = index.get(key[: len(joined[name].on)], [])
            if self._is_whole(rows, required):
                yield Bundle(key, rows)

    def complete(self, bundle: Bundle, today: date) -> Bundle | None:
        """Keep the rows that count.

        Args:
            bundle: All rows of a document.
            today: The server's day.

        Returns:
            The rows the document takes; None when it lacks one that it needs.
        """
        for name, takes in self._takes.items():
            bundle.rows[name] = [row for row in bundle.rows[name] if takes(row, today)]
        return bundle if self._is_whole(bundle.rows, self._required) else None

    def build(self, bundle: Bundle, today: date) -> dict[str, Any]:
        """Make a document.

        Args:
            bundle: Its rows.
            today: The server's day, by which dated rows are effective.

        Returns:
            The record.
        """
        record = {name: make(bundle, today) for name, make in self._makers}
        if self._stamps:
            stamp = mark_to_json(self.mark(bundle)) or {}
            for name in self._stamps:
                record[name] = stamp.get(name)
        return record

    def mark(self, bundle: Bundle) -> datetime | None:
        """Find the latest stamp among a document's rows whose changes emit it.

        Args:
            bundle: Its rows.

        Returns:
            The mark, None when no row has a date.
        """
        return latest(
            *(
                mark_of(parse_date(row.get(DATE_COLUMN)), row.get(time) if time else None)
                for name, time in self._watched
                for row in bundle.rows.get(name, ())
            )
        )

    def _is_whole(self, rows: Mapping[str, list[Row]], required: Iterable[str]) -> bool:
        if not all(rows[name] for name in required):
            return False
        return not self._alternatives or any(rows[name] for name in self._alternatives)

    def _by_key(self, source: Source, rows: Iterable[Row]) -> dict[tuple[Any, ...], list[Row]]:
        columns = tuple((alias, matcher(alias, self._definition.kinds[alias])) for alias in source.on)
        index: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            index.setdefault(tuple(read(row.get(alias)) for alias, read in columns), []).append(row)
        return index


def _sortable(entry: tuple[tuple[Any, ...], Row]) -> tuple[tuple[bool, Any], ...]:
    """Empty dates sort first."""
    return tuple((part is not None, part) for part in entry[0])
