"""Reads the tables of a composed stream: all of them side by side, or the rows of some documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jde_ais import gt

from tap_jdedwards.composed.bookmark import Watermark
from tap_jdedwards.composed.conditions import all_of, any_of, both
from tap_jdedwards.composed.lookups import batches, rows_of
from tap_jdedwards.composed.merging import grouped, merged
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import capped
from tap_jdedwards.reading import TableReader, ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor
    from datetime import date, datetime

    from jde_ais import AisClient, Page, Stripes, Where

    from tap_jdedwards.composed.definition import Definition, Source
    from tap_jdedwards.composed.merging import Group


@dataclass(frozen=True)
class Access:
    """How a server is read.

    Attributes:
        client: The AIS client.
        pool: Where requests run while rows are worked on.
        workers: Requests to keep under way.
        page_size: Rows a request.
        columns: Tells the columns a table has on this server.
        stripes: The part of the first key column to read; None for all.
    """

    client: AisClient
    pool: Executor
    workers: int
    page_size: int
    columns: Callable[[str], set[str]]
    stripes: Stripes | None = None

    def owns(self, value: Any) -> bool:
        """Tell whether a first key value belongs to the part to read."""
        return self.stripes is None or self.stripes.owns(value)


def server_clock(definition: Definition, access: Access) -> datetime | None:
    """Ask for the server's time.

    Args:
        definition: A stream.
        access: The server.

    Returns:
        Its local time; None when it does not tell.

    Raises:
        ValueError: When the stream's root lacks a column that rows are found by.
    """
    return DocumentReader(definition, access, None).rows(definition.root).highest()[1]


class DocumentReader:
    """Reads the tables of one composed stream."""

    def __init__(self, definition: Definition, access: Access, today: date | None) -> None:
        """Prepare the readers of the tables.

        Args:
            definition: The stream.
            access: The server.
            today: The server's day; None before it is known, conditions are then left out.

        Raises:
            ValueError: When a table lacks a column that rows are found by.
        """
        self.definition = definition
        self.access = access
        self.today = today
        self.hidden: list[str] = []
        self._columns: dict[str, tuple[str, ...]] = {}
        sources = definition.sources if today else {definition.root: definition.sources[definition.root]}
        for name, source in sources.items():
            self._columns[name] = self._present(source, access.columns(source.table))

    def rows(self, name: str, *, where: Where | None = None) -> TableReader:
        """Return the reader of all rows of a source.

        Args:
            name: The source.
            where: A further condition.
        """
        source, definition = self.definition.sources[name], self.definition
        base = all_of(source.where, definition.kinds, self.today) if self.today else None
        return TableReader(
            client=self.access.client,
            table=source.table,
            columns=self._columns[name],
            key=source.walk,
            time=source.time if source.emits else None,
            kinds=definition.kinds,
            page_size=self.access.page_size,
            dated=source.emits and source.dated,
            where=both(base, where),
        )

    def taken(self, name: str) -> TableReader:
        """Return the reader of the rows of a source that documents take."""
        return self.rows(name, where=self.condition(self.definition.sources[name].take))

    def condition(self, tests: Any) -> Where | None:
        """Write comparisons of the definition as one condition; None for none."""
        return all_of(tests, self.definition.kinds, self.today) if self.today else None

    def walk(self, *, after: Sequence[Any] = (), live: bool = False, all_rows: bool = False) -> Iterator[Group]:
        """Walk all joined tables side by side.

        Args:
            after: First key value after which to begin.
            live: Whether only live documents are wanted.
            all_rows: Whether rows that no document takes are wanted as well.

        Returns:
            Groups of rows with the same first key value.
        """
        definition = self.definition
        readers = {name: self.rows(name) if all_rows else self.taken(name) for name in definition.joined}
        if live:
            root = definition.sources[definition.root]
            readers[root.name] = self.rows(root.name, where=self.condition((*root.take, *root.live)))
        return self._side_by_side(readers, after)

    def walk_keys(self) -> Iterator[Group]:
        """Walk the keys of the tables without which there is no document.

        Returns:
            Groups as of :meth:`walk`, with key columns only.
        """
        needed = {name for name, source in self.definition.joined.items() if source.required or source.alternative}
        return self._side_by_side({name: self.taken(name).keys_only() for name in needed}, ())

    def some(self, values: Sequence[int]) -> Iterator[Group]:
        """Read the rows of some first key values.

        Args:
            values: The values, in ascending order.

        Yields:
            Groups of rows with the same first key value.
        """
        for few in batches(values):
            pages: dict[str, Iterator[Page]] = {}
            for name, source in self.definition.joined.items():
                found = self.taken(name).by_key(where=any_of(source.on[0], few))
                pages[name] = _until(found, source.on[0], few[-1]) if _is_single(source) else found
            yield from self._merged({name: ahead(found, self.access.pool) for name, found in pages.items()})

    def start_marks(self) -> dict[str, Watermark]:
        """Read how far every table has changed before a walk.

        Returns:
            Watermarks that hold when the walk is through.
        """
        marks = {}
        for name, source in self.definition.sources.items():
            mark = None
            if source.emits:
                highest, clock = self.rows(name).highest()
                mark = capped(highest, clock) or clock
            marks[name] = Watermark(mark, self.today if source.effective else None)
        return marks

    def _present(self, source: Source, present: set[str]) -> tuple[str, ...]:
        """Tell which columns to read; note those that are hidden."""
        soft = tuple(alias for alias in source.columns if alias in present)
        needed = {*self.definition.aliases(source)}
        if source.emits:
            needed |= {DATE_COLUMN, *(() if source.time is None else (source.time,))}
        if needed - present:
            raise ValueError(f"{source.table} has no column {', '.join(sorted(needed - present))} on this server")
        self.hidden += [f"{source.name}.{alias}" for alias in source.columns if alias not in present]
        return tuple(dict.fromkeys((*self.definition.aliases(source), *soft)))

    def _side_by_side(self, readers: dict[str, TableReader], after: Sequence[Any]) -> Iterator[Group]:
        access, sources = self.access, self.definition.sources
        return self._merged(
            {
                name: reader.walk(
                    access.pool,
                    access.workers,
                    where=gt(sources[name].on[0], after[0]) if after else None,
                    stripes=access.stripes,
                )
                for name, reader in readers.items()
            }
        )

    def _merged(self, pages: dict[str, Iterator[Page]]) -> Iterator[Group]:
        sources = self.definition.sources
        groups = {name: grouped(rows_of(found), sources[name].on[0], name) for name, found in pages.items()}
        root = groups.pop(self.definition.root)
        return merged(root, groups)


def _is_single(source: Source) -> bool:
    """Tell whether there is at most one row for each first key value."""
    fixed = {test.column for test in source.where if test.operator == "eq"}
    return set(source.key) <= {source.on[0], *fixed}


def _until(pages: Iterable[Page], column: str, last: int) -> Iterator[Page]:
    """End a walk without asking for what cannot be there."""
    for page in pages:
        yield page
        if page.rows[-1][column] >= last:
            return
