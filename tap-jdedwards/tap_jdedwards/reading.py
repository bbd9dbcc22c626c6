"""Reads of one table: by key, by what changed, and how far it has changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from jde_ais import AllOf, AnyOf, BrowseRequest, Order, eq, ge, gt, keyset_pages, parse_date

from tap_jdedwards.columns import ais_kind
from tap_jdedwards.dictionary import DATE_COLUMN, Kind
from tap_jdedwards.marks import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from datetime import datetime

    from jde_ais import AisClient, Page, Where

    from tap_jdedwards.marks import Since

_T = TypeVar("_T")

EARLIEST = date(1970, 1, 1)
"""Before any stamp: JD Edwards is younger, and two-digit date formats reach back no further."""


@dataclass(frozen=True)
class TableReader:
    """How one table is read.

    Attributes:
        client: The AIS client.
        table: Table name.
        columns: Aliases to fetch, besides the key and the stamp.
        key: Unique key, in the order of walks.
        time: Alias of the time beside UPMJ; None when the table has none.
        dated: Whether the table has UPMJ.
        kinds: Kinds of the key columns.
        page_size: Rows a request.
        where: A condition every row must meet.
    """

    client: AisClient
    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    time: str | None
    kinds: Mapping[str, Kind]
    page_size: int
    dated: bool = True
    where: Where | None = None
    _fetched: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        wanted = (*self.key, *self._stamp, *self.columns)
        object.__setattr__(self, "_fetched", tuple(dict.fromkeys(wanted)))

    @property
    def _stamp(self) -> tuple[str, ...]:
        if not self.dated:
            return ()
        return (DATE_COLUMN,) if self.time is None else (DATE_COLUMN, self.time)

    def mark(self, row: Mapping[str, Any]) -> datetime | None:
        """Read the mark of a raw row."""
        return mark_of(parse_date(row.get(DATE_COLUMN)), self.stamp(row))

    def stamp(self, row: Mapping[str, Any]) -> int | None:
        """Read the time column of a raw row; null stays null."""
        value = None if self.time is None else row.get(self.time)
        return None if value is None else int(value)

    def bare(self) -> TableReader:
        """Return a reader of the same rows that fetches nothing but key and stamp."""
        return replace(self, columns=())

    def by_key(self, *, after: Sequence[Any] = (), where: Where | None = None) -> Iterator[Page]:
        """Walk the table by its key.

        Args:
            after: Key to go on from.
            where: A further condition.

        Yields:
            Pages in the order of the key.
        """
        yield from self._walk(self.key, self._all(where), after)

    def changed(self, since: Since) -> Iterator[Page]:
        """Walk the rows that are due, in the order of their stamp and then of the key.

        Rows without a time of day (null) are not among them: databases sort null differently, so that paging could
        lose them. See :meth:`timeless`.

        Args:
            since: The lower bound.

        Yields:
            Pages in the order of UPMJ, time and key.
        """
        order = tuple(dict.fromkeys((*self._stamp, *self.key)))
        yield from self._walk(order, self._all(self._due(since)), ())

    def timeless(self, since: Since) -> Iterator[Page]:
        """Walk the due rows that have a date and no time of day at all, by key.

        No condition of the data service finds null numbers. Two counts tell whether there are any; only then the rows
        since that day are read once more and the others dropped.

        Args:
            since: The lower bound; such rows are due from its day on.

        Yields:
            Pages with only such rows, in the order of the key.
        """
        if self.time is None:
            return
        dated = ge(DATE_COLUMN, max(since.day, EARLIEST))
        timed = AllOf(dated, ge(self.time, 0))
        if self.client.count(self.table, self._all(dated)) == self.client.count(self.table, self._all(timed)):
            return
        for page in self._walk(self.key, self._all(dated), ()):
            page.rows[:] = [row for row in page.rows if row.get(self.time) is None]
            yield page

    def highest(self) -> tuple[datetime | None, datetime | None]:
        """Find how far the table has changed.

        Returns:
            The highest mark of the table, None when no row has a date; and the server's clock, None if unknown.
        """
        page = self.client.browse(
            BrowseRequest(
                table=self.table,
                columns=self._stamp,
                where=self._all(ge(DATE_COLUMN, EARLIEST)),
                order=tuple(Order(column, descending=True) for column in self._stamp),
                page_size=1,
            )
        )
        return (self.mark(page.rows[0]) if page.rows else None), page.server_time

    def _all(self, where: Where | None) -> Where | None:
        if self.where is None or where is None:
            return self.where or where
        return AllOf(self.where, where)

    def _due(self, since: Since) -> Where:
        day = max(since.day, EARLIEST)
        if self.time is None:
            return ge(DATE_COLUMN, day)
        return AllOf(
            ge(self.time, 0),
            AnyOf(
                gt(DATE_COLUMN, day),
                AllOf(eq(DATE_COLUMN, day), AnyOf(ge(self.time, since.stamp), eq(self.time, 0))),
            ),
        )

    def _walk(self, order: tuple[str, ...], where: Where | None, after: Sequence[Any]) -> Iterator[Page]:
        kinds = {**self.kinds, DATE_COLUMN: Kind.DATE}
        if self.time is not None:
            kinds[self.time] = Kind.TIME
        return keyset_pages(
            self.client,
            self.table,
            self._fetched,
            order,
            key_kinds={alias: ais_kind(kinds[alias]) for alias in order},
            where=where,
            after=after or None,
            page_size=self.page_size,
        )


_END: Any = object()


def ahead(items: Iterator[_T], pool: Executor) -> Iterator[_T]:
    """Fetch the next item while the current one is worked on; the first one is asked for at once.

    Args:
        items: An iterator that waits for a server; only one thread at a time advances it.
        pool: Where it is advanced.

    Returns:
        The same items in the same order.
    """
    return _drain(items, pool, pool.submit(next, items, _END))


def _drain(items: Iterator[_T], pool: Executor, coming: Future[_T]) -> Iterator[_T]:
    try:
        while (item := coming.result()) is not _END:
            coming = pool.submit(next, items, _END)
            yield item
    finally:
        coming.cancel()
