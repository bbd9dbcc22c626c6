"""Reads the tables of a composed stream: all of them side by side, some of them by key, and what has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, gt, in_list, le, parse_date

from tap_jdedwards.bookmark import Watermark
from tap_jdedwards.columns import reader
from tap_jdedwards.composed.merging import grouped, merged
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import capped, latest
from tap_jdedwards.reading import TableReader, ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import date, datetime

    from jde_ais import AisClient, Page, Where

    from tap_jdedwards.composed.definition import Definition, Source
    from tap_jdedwards.composed.document import Bundle
    from tap_jdedwards.composed.merging import Row
    from tap_jdedwards.marks import Since

KEYS_PER_REQUEST = 100
"""Values of a LIST condition; its limit is undocumented (AIS fact sheet section 3.2)."""

MOST_KEYS = 20_000
"""More changed keys than this are not fetched one by one: the tables are walked instead."""

Group = tuple[int, list["Row"], dict[str, list["Row"]]]


@dataclass
class Changes:
    """What has changed since the watermarks.

    Attributes:
        keys: First columns of the keys of documents concerned; None when they are too many to hold.
        marks: How far each table has been looked at.
    """

    keys: set[tuple[Any, ...]] | None = field(default_factory=set)
    marks: dict[str, Watermark] = field(default_factory=dict)

    def concern(self, key: tuple[Any, ...]) -> bool:
        """Tell whether the document with a key is among them."""
        return self.keys is not None and any(key[:length] in self.keys for length in range(1, len(key) + 1))


@dataclass(frozen=True)
class Lower:
    """From where on the rows of one table count as changed.

    Attributes:
        since: Lower bound of their stamps.
        effective_after: Dated rows effective after this day, up to today, have become current.
    """

    since: Since
    effective_after: date | None = None


class DocumentReader:
    """Reads the tables of one composed stream."""

    def __init__(
        self,
        definition: Definition,
        client: AisClient,
        pool: Executor,
        *,
        page_size: int,
        columns: Callable[[str], set[str]],
    ) -> None:
        """Prepare the readers of the tables.

        Args:
            definition: The stream.
            client: The AIS client.
            pool: Where requests run while rows are worked on.
            page_size: Rows a request.
            columns: Tells the columns a table has on this server.

        Raises:
            ValueError: When a table lacks a column that rows are found by.
        """
        self._definition = definition
        self._pool = pool
        self.missing: list[str] = []
        self._readers = {
            name: self._reader(source, client, page_size, columns(name)) for name, source in definition.sources.items()
        }

    def walk(self, *, after: Sequence[Any] = ()) -> Iterator[Group]:
        """Walk all tables side by side.

        Args:
            after: First key value after which to begin.

        Returns:
            Groups of rows with the same first key value.
        """
        return self._merge(gt(self._definition.first_key, after[0]) if after else None)

    def some(self, values: Sequence[int]) -> Iterator[Group]:
        """Read the rows of some first key values.

        Args:
            values: The values, in ascending order.

        Yields:
            Groups of rows with the same first key value.
        """
        for start in range(0, len(values), KEYS_PER_REQUEST):
            yield from self._merge(in_list(self._definition.first_key, values[start : start + KEYS_PER_REQUEST]))

    def clock(self) -> datetime | None:
        """Ask for the server's time; None when it does not tell."""
        return self._readers[self._definition.root].highest()[1]

    def start_marks(self, today: date) -> dict[str, Watermark]:
        """Read how far every table has changed before a walk.

        Args:
            today: The day by which dated rows are taken as effective.

        Returns:
            Watermarks that hold when the walk is through.
        """
        marks = {}
        for name, source in self._definition.sources.items():
            highest, clock = self._readers[name].highest()
            marks[name] = Watermark(capped(highest, clock) or clock, today if source.effective else None)
        return marks

    def changes(self, lowers: Mapping[str, Lower], today: date) -> Changes:
        """Collect the keys of documents with changed rows.

        Args:
            lowers: Lower bound by table.
            today: The server's day.

        Returns:
            Keys and marks; without keys when there are too many.
        """
        found = Changes()
        for name, source in self._definition.sources.items():
            bare, lower = self._readers[name].bare(), lowers[name]
            mark = None
            for page in bare.timeless(lower.since):
                self._collect(found, source, page.rows)
            for page in ahead(bare.changed(lower.since), self._pool):
                self._collect(found, source, page.rows)
                if page.rows:
                    mark = latest(mark, capped(bare.mark(page.rows[-1]), page.server_time))
                if found.keys is None:
                    return found
            for page in self._become_effective(source, bare, lower, today):
                self._collect(found, source, page.rows)
            found.marks[name] = Watermark(mark, today if source.effective else None)
        return found

    def is_changed(self, bundle: Bundle, lowers: Mapping[str, Lower], today: date) -> bool:
        """Tell from a document's own rows whether any has changed, by the rules of :meth:`changes`.

        Args:
            bundle: The rows.
            lowers: Lower bound by table.
            today: The server's day.

        Returns:
            True when the document is due.
        """
        for name, rows in bundle.rows.items():
            source, table, lower = self._definition.sources[name], self._readers[name], lowers[name]
            for row in rows:
                if lower.since.is_due(parse_date(row.get(DATE_COLUMN)), table.stamp(row)):
                    return True
                if source.effective is not None and lower.effective_after is not None:
                    day = parse_date(row.get(source.effective))
                    if day is not None and lower.effective_after < day <= today:
                        return True
        return False

    def _reader(self, source: Source, client: AisClient, page_size: int, present: set[str]) -> TableReader:
        needed = {*source.walk, DATE_COLUMN, source.time, *(part.column for part in source.where)}
        if source.effective is not None:
            needed.add(source.effective)
        if needed - present:
            raise ValueError(f"{source.table} has no column {', '.join(sorted(needed - present))} on this server")
        self.missing += [f"{source.table}.{alias}" for alias in source.columns if alias not in present]
        effective = () if source.effective is None else (source.effective,)
        return TableReader(
            client=client,
            table=source.table,
            columns=(*effective, *(alias for alias in source.columns if alias in present)),
            key=source.walk,
            time=source.time,
            kinds=self._definition.kinds,
            page_size=page_size,
            where=source.condition,
        )

    def _merge(self, where: Where | None) -> Iterator[Group]:
        column = self._definition.first_key
        groups = {
            name: grouped(_rows(ahead(table.by_key(where=where), self._pool)), column, name)
            for name, table in self._readers.items()
        }
        root = groups.pop(self._definition.root)
        return merged(root, groups)

    def _become_effective(self, source: Source, table: TableReader, lower: Lower, today: date) -> Iterator[Page]:
        if source.effective is None or lower.effective_after is None or lower.effective_after >= today:
            return
        yield from table.by_key(where=AllOf(gt(source.effective, lower.effective_after), le(source.effective, today)))

    def _collect(self, found: Changes, source: Source, rows: list[Row]) -> None:
        if found.keys is None:
            return
        read = {alias: reader(self._definition.kinds[alias], in_key=True) for alias in source.on}
        found.keys.update(tuple(read[alias](row.get(alias)) for alias in source.on) for row in rows)
        if len(found.keys) > MOST_KEYS:
            found.keys = None


def _rows(pages: Iterator[Page]) -> Iterator[Row]:
    for page in pages:
        yield from page.rows
