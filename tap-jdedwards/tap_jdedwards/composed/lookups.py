"""Looks up rows of other tables for the documents in hand: by lists of keys, never one by one, and each key once."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from tap_jdedwards.composed.conditions import any_of, matcher
from tap_jdedwards.composed.making import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import date

    from tap_jdedwards.composed.definition import Definition, Source
    from tap_jdedwards.composed.document import Bundle
    from tap_jdedwards.composed.merging import Row
    from tap_jdedwards.reading import TableReader

    Key = tuple[Any, ...]

KEYS_PER_REQUEST = 200
"""Values of a LIST condition; its limit is undocumented (AIS fact sheet section 3.2). Databases take 1,000."""

MOST_KEPT = 20_000
"""Keys of a looked-up table that are kept; beyond it the oldest go."""

MOST_WHOLE = 5_000
"""A table with no more rows than this is read whole once that costs less than asking for its keys has."""

_BEFORE_COUNTING = 3
"""So many requests are spent before a table is counted: counting it and reading it whole take two at least."""


class Lookup:
    """The rows of one table by the values they are looked up by."""

    def __init__(self, source: Source, reader: TableReader, definition: Definition) -> None:
        """Prepare without reading.

        Args:
            source: A looked-up source.
            reader: Reads its table in the order of the columns it is found by.
            definition: The stream.

        Raises:
            ValueError: When the source is not looked up.
        """
        if source.link is None:
            raise ValueError(f"{source.name} is not looked up")
        self.source = source
        self.parent = definition.sources[source.link.parent]
        self._reader = reader
        kinds = definition.kinds
        self._own = [(alias, matcher(alias, kinds[alias])) for alias in source.link.own]
        self._theirs = [(alias, matcher(alias, kinds[alias])) for alias in source.link.theirs]
        self._rows: dict[Key, list[Row]] = {}
        self._requests = 0
        self._counted: int | None = None
        self._whole = False

    def key(self, bundle: Bundle, today: date) -> Key | None:
        """Tell what a document looks up; None when it has nothing to look up by (an empty number or date)."""
        row = current(self.parent, bundle.rows[self.parent.name], today)
        key = None if row is None else tuple(read(row.get(alias)) for alias, read in self._theirs)
        return None if key is None or None in key else key

    def rows(self, key: Key | None) -> list[Row]:
        """Return the rows of a key that has been fetched, in the order of the table's key."""
        return [] if key is None else self._rows.get(key, [])

    def fetch(self, keys: Iterable[Key | None]) -> None:
        """Read the rows of some keys, as far as they are not here.

        Args:
            keys: As of :meth:`key`.
        """
        wanted = dict.fromkeys(key for key in keys if key is not None)
        if self._whole:
            return
        missing = []
        for key in wanted:
            kept = self._rows.pop(key, None)
            if kept is None:
                missing.append(key)
            else:
                self._rows[key] = kept  # the last to go
        if not missing:
            return
        firsts = list(dict.fromkeys(key[0] for key in missing))
        cost = -(-len(firsts) // KEYS_PER_REQUEST)
        if self._requests >= _BEFORE_COUNTING and self._read_whole():
            return
        self._requests += cost
        for key in missing:
            self._rows[key] = []
        column = self._own[0][0]
        for some in batches(firsts):
            for row in rows_of(self._reader.by_key(where=any_of(column, some))):
                key = self._key(row)
                if key in self._rows:
                    self._rows[key].append(row)
        for key in list(self._rows)[: max(len(self._rows) - max(MOST_KEPT, len(wanted)), 0)]:
            del self._rows[key]

    def _read_whole(self) -> bool:
        """Read the table whole if it is small and asking for single keys has cost as much; tell whether it is here."""
        if self._counted is None:
            self._counted = self._reader.client.count(self._reader.table, self._reader.where)
        if self._counted > min(MOST_WHOLE, self._requests * self._reader.page_size):
            return False
        rows = rows_of(self._reader.by_key())
        self._rows = {key: list(found) for key, found in groupby(rows, key=self._key)}
        self._whole = True
        return True

    def _key(self, row: Mapping[str, Any]) -> Key:
        return tuple(read(row.get(alias)) for alias, read in self._own)


class Lookups:
    """The looked-up tables of one stream."""

    def __init__(
        self, definition: Definition, reader_of: Callable[[str], TableReader], pool: Executor, today: date
    ) -> None:
        """Prepare without reading.

        Args:
            definition: The stream.
            reader_of: Gives the reader of a source.
            pool: Where requests run.
            today: The server's day.
        """
        self._pool = pool
        self._today = today
        self._levels: list[list[Lookup]] = []
        depth = dict.fromkeys(definition.joined, 0)
        for name, source in definition.looked_up.items():
            lookup = Lookup(source, reader_of(name), definition)
            depth[name] = depth[lookup.parent.name] + 1
            if depth[name] > len(self._levels):
                self._levels.append([])
            self._levels[depth[name] - 1].append(lookup)

    def fill(self, bundles: Sequence[Bundle]) -> None:
        """Add the rows of the looked-up tables to documents.

        Args:
            bundles: The documents in hand; changed in place.
        """
        for level in self._levels:
            keys = [[lookup.key(bundle, self._today) for bundle in bundles] for lookup in level]
            # Each task goes from request to request on its own and waits for no other task of the pool.
            tasks = [self._pool.submit(lookup.fetch, found) for lookup, found in zip(level, keys, strict=True)]
            for lookup, found, task in zip(level, keys, tasks, strict=True):
                task.result()
                for bundle, key in zip(bundles, found, strict=True):
                    bundle.rows[lookup.source.name] = lookup.rows(key)


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut values into lists that fit into one request."""
    for start in range(0, len(values), KEYS_PER_REQUEST):
        yield values[start : start + KEYS_PER_REQUEST]


def rows_of(pages: Iterable[Any]) -> Iterator[Row]:
    """Give the rows of pages one by one."""
    for page in pages:
        yield from page.rows
