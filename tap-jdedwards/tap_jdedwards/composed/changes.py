"""Finds the documents that are due: those with changed rows, and those that change with time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, gt, le, parse_date

from tap_jdedwards.composed.bookmark import Watermark
from tap_jdedwards.composed.conditions import any_of, matcher, meets
from tap_jdedwards.composed.lookups import batches
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import capped, latest
from tap_jdedwards.reading import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, datetime

    from jde_ais import Page

    from tap_jdedwards.composed.definition import Source
    from tap_jdedwards.composed.document import Bundle
    from tap_jdedwards.composed.merging import Row
    from tap_jdedwards.composed.reading import DocumentReader
    from tap_jdedwards.marks import Since
    from tap_jdedwards.reading import TableReader

    Values = set[tuple[Any, ...]]

MOST_KEYS = 20_000
"""More changed keys than this are not fetched one by one: the tables are walked instead."""


class TooManyError(Exception):
    """There are more changes than are worth to be fetched by key."""


@dataclass
class Changes:
    """What has changed since the watermarks.

    Attributes:
        keys: First columns of the keys of documents concerned.
        live: The same of documents that are concerned as long as they are live.
        marks: How far each table has been looked at.
        many: Whether there are too many to hold; all documents have then to be looked at.
    """

    keys: set[tuple[Any, ...]] = field(default_factory=set)
    live: set[tuple[Any, ...]] = field(default_factory=set)
    marks: dict[str, Watermark] = field(default_factory=dict)
    many: bool = False

    def concern(self, key: tuple[Any, ...]) -> bool:
        """Tell whether the document with a key is among them."""
        return _starts(key, self.keys)

    def concern_live(self, key: tuple[Any, ...]) -> bool:
        """Tell whether the document with a key is among them if it is live."""
        return _starts(key, self.live)

    def first_values(self) -> set[Any]:
        """List the first key values of the documents concerned."""
        return {key[0] for key in (*self.keys, *self.live)}


@dataclass(frozen=True)
class Lower:
    """From where on the rows of one table count as changed.

    Attributes:
        since: Lower bound of their stamps.
        effective_after: Dated rows effective after this day, up to today, have become current.
    """

    since: Since
    effective_after: date | None = None


class ChangeFinder:
    """Finds what has changed in the tables of one stream."""

    def __init__(
        self,
        reader: DocumentReader,
        lowers: Mapping[str, Lower],
        *,
        today: date,
        new_day: bool,
        clock: datetime | None,
    ) -> None:
        """Prepare without reading.

        Args:
            reader: The tables.
            lowers: Lower bound by source.
            today: The server's day.
            new_day: Whether the documents that change with time have not been emitted today.
            clock: The server's time before the first row is read; None if it did not tell.
        """
        self._reader = reader
        self._definition = reader.definition
        self._lowers = lowers
        self._today = today
        self._new_day = new_day
        self._clock = clock
        kinds, root = self._definition.kinds, self._definition.sources[self._definition.root]
        self._is_live = meets(root.live, kinds)
        self._daily = {name: meets(one.daily, kinds) for name, one in self._definition.sources.items() if one.daily}

    def find(self) -> Changes:
        """Collect the keys of the documents that are due.

        Returns:
            Keys and marks; ``many`` when there are too many.
        """
        found = Changes()
        try:
            for name, source in self._definition.sources.items():
                mark = self._changed(source, found) if source.emits else None
                found.marks[name] = Watermark(mark, self._today if source.effective else None)
                if self._new_day and source.daily:
                    due = self._reader.condition(source.daily)
                    for page in ahead(self._bare(name).by_key(where=due), self._reader.access.pool):
                        self._note(found.keys, source, page.rows)
        except TooManyError:
            found.many = True
        return found

    def is_due(self, bundle: Bundle) -> bool:
        """Tell from a document's own rows whether it is due, by the rules of :meth:`find`.

        Args:
            bundle: All its rows.

        Returns:
            True when any has changed or changes with time.
        """
        live = self.is_live(bundle)
        for name, rows in bundle.rows.items():
            source = self._definition.sources[name]
            if source.emits and (live or source.link is None) and any(self._is_new(source, row) for row in rows):
                return True
            if self._new_day and source.daily and any(self._daily[name](row, self._today) for row in rows):
                return True
        return False

    def is_live(self, bundle: Bundle) -> bool:
        """Tell whether a document is live."""
        return self._is_live(bundle.rows[self._definition.root][0], self._today)

    def _is_new(self, source: Source, row: Row) -> bool:
        lower = self._lowers[source.name]
        stamp = row.get(source.time) if source.time else None
        if lower.since.is_due(parse_date(row.get(DATE_COLUMN)), None if stamp is None else int(stamp)):
            return True
        if source.effective is None or lower.effective_after is None:
            return False
        day = parse_date(row.get(source.effective))
        return day is not None and lower.effective_after < day <= self._today

    def _changed(self, source: Source, found: Changes) -> Any:
        """Collect the keys of one table's changed rows; return how far it has been looked at."""
        bare, lower = self._bare(source.name), self._lowers[source.name]
        values: Values = found.keys if source.link is None else set()
        mark = None
        for page in bare.timeless(lower.since):
            self._note(values, source, page.rows)
        for page in ahead(bare.changed(lower.since), self._reader.access.pool):
            self._note(values, source, page.rows)
            if page.rows:
                # Not the clock of this page: rows of the future may have been read long after all others.
                mark = latest(mark, capped(bare.mark(page.rows[-1]), self._clock or page.server_time))
        for page in self._become_effective(source, bare, lower):
            self._note(values, source, page.rows)
        if source.link is not None:
            self._trace(source, values, found)
        return mark

    def _trace(self, source: Source, values: Values, found: Changes) -> None:
        """Find the documents that use rows looked up by some values."""
        if source.link is None or not values:
            return
        parent, theirs = self._definition.sources[source.link.parent], source.link.theirs
        is_root = parent.name == self._definition.root
        live = self._reader.condition(parent.live) if is_root else None
        reader = replace(self._reader.rows(parent.name, where=live).keys_only(), columns=theirs)
        read = self._readers(theirs)
        further: Values = found.live if parent.link is None else set()
        for some in batches(sorted({value[0] for value in values})):
            where = any_of(theirs[0], some)
            for page in ahead(reader.by_key(where=where), self._reader.access.pool):
                users = [row for row in page.rows if tuple(one(row.get(alias)) for alias, one in read) in values]
                self._note(further, parent, users)
        self._trace(parent, further, found)

    def _become_effective(self, source: Source, bare: TableReader, lower: Lower) -> Iterator[Page]:
        if source.effective is None or lower.effective_after is None or lower.effective_after >= self._today:
            return
        yield from bare.by_key(
            where=AllOf(gt(source.effective, lower.effective_after), le(source.effective, self._today))
        )

    def _bare(self, name: str) -> TableReader:
        return self._reader.rows(name).bare()

    def _readers(self, columns: tuple[str, ...]) -> list[tuple[str, Callable[[Any], Any]]]:
        return [(alias, matcher(alias, self._definition.kinds[alias])) for alias in columns]

    def _note(self, values: Values, source: Source, rows: list[Row]) -> None:
        """Add what rows are found by: first columns of keys of documents, or values that documents look up."""
        read = self._readers(source.found_by)
        for row in rows:
            value = tuple(one(row.get(alias)) for alias, one in read)
            if value[0] is not None and (source.link is not None or self._reader.access.owns(value[0])):
                values.add(value)
        if len(values) > MOST_KEYS:
            raise TooManyError


def _starts(key: tuple[Any, ...], keys: Values) -> bool:
    return any(key[:length] in keys for length in range(1, len(key) + 1))
