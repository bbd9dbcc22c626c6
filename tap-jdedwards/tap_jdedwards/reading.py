"""Reads of one table: by key, by what changed, and how far it has changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from jde_ais import AllOf, AnyOf, BrowseRequest, Order, eq, ge, gt, keyset_pages, parse_date, ranged_pages

from tap_jdedwards.columns import ais_kind
from tap_jdedwards.dictionary import DATE_COLUMN, Kind
from tap_jdedwards.marks import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from datetime import datetime

    from jde_ais import AisClient, Page, Stripes, Where

    from tap_jdedwards.marks import Since

_T = TypeVar("_T")

EARLIEST = dt.date(1970, 1, 1)
"""Before any stamp: JD Edwards is younger, and two-digit date formats reach back no further."""

_PROOF = 100


@dataclass(frozen=True)
class TableReader:
    """How one table or view is read.

    Attributes:
        client: The AIS client.
        table: Name of the table or view.
        columns: Aliases to fetch, besides the key and the stamp.
        key: Unique key, in the order of walks.
        time: Alias of the time beside the date of the last change; None when there is none.
        kinds: Kinds of the key columns.
        page_size: Rows a request.
        dated: Whether the table has a date of the last change.
        where: A condition every row must meet.
        date: Alias of the date of the last change.
        target_type: Whether it is a table or a view.
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
    date: str = DATE_COLUMN
    target_type: Literal["table", "view"] = "table"
    _fetched: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        wanted = (*self.key, *self._stamp, *self.columns)
        object.__setattr__(self, "_fetched", tuple(dict.fromkeys(wanted)))

    @property
    def _stamp(self) -> tuple[str, ...]:
        if not self.dated:
            return ()
        return (self.date,) if self.time is None else (self.date, self.time)

    def mark(self, row: Mapping[str, Any]) -> datetime | None:
        """Read the mark of a raw row."""
        return mark_of(self.day(row), self.stamp(row))

    def day(self, row: Mapping[str, Any]) -> dt.date | None:
        """Read the date of the last change of a raw row; None for an empty one."""
        return parse_date(row.get(self.date))

    def stamp(self, row: Mapping[str, Any]) -> int | None:
        """Read the time column of a raw row; null stays null."""
        value = None if self.time is None else row.get(self.time)
        return None if value is None else int(value)

    def bare(self) -> TableReader:
        """Return a reader of the same rows that fetches nothing but key and stamp."""
        return replace(self, columns=())

    def keys_only(self) -> TableReader:
        """Return a reader of the same rows that fetches nothing but the key."""
        return replace(self, columns=(), dated=False, time=None)

    def count(self, where: Where | None = None) -> int:
        """Count rows.

        Args:
            where: A further condition.

        Returns:
            Their number, in one request.
        """
        return self.client.count(self.table, self._all(where), self.target_type)

    def is_tidy(self) -> bool:
        """Tell, in two requests, whether every row has a date and a time of the last change.

        All rows are counted after the tidy ones, so that rows added in between look untidy and not the reverse.
        """
        dated = ge(self.date, EARLIEST)
        tidy = self.count(dated if self.time is None else AllOf(dated, ge(self.time, 0)))
        return self.count() == tidy

    def walk(
        self,
        pool: Executor,
        workers: int,
        *,
        after: Sequence[Any] = (),
        where: Where | None = None,
        stripes: Stripes | None = None,
    ) -> Iterator[Page]:
        """Walk the table by its key with several requests under way; not for use inside of a task of the pool.

        Args:
            pool: Sends the requests.
            workers: How many to keep under way.
            after: Key to go on from.
            where: A further condition.
            stripes: Part of the table to read.

        Yields:
            Pages in the order of the key.
        """
        if stripes is not None:
            # A walk through stripes asks for single rows to find the next; only a page shows whether they are sorted.
            next(replace(self.keys_only(), page_size=_PROOF).by_key(), None)
        yield from ranged_pages(
            self.client,
            self.table,
            self._fetched,
            self.key,
            key_kinds={alias: ais_kind(self.kinds[alias]) for alias in self.key},
            where=self._all(where),
            after=after or None,
            page_size=self.page_size,
            target_type=self.target_type,
            pool=pool,
            workers=workers,
            stripes=stripes,
        )

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
        """Walk the due rows that have a date and no time of day at all (null, or below 0), by key.

        No condition of the data service finds null numbers. Two counts tell whether there are any; only then the rows
        since that day are read once more and the others dropped.

        Args:
            since: The lower bound; such rows are due from its day on.

        Yields:
            Pages with only such rows, in the order of the key.
        """
        if self.time is None:
            return
        dated = ge(self.date, max(since.day, EARLIEST))
        timed = self.count(AllOf(dated, ge(self.time, 0)))
        if self.count(dated) == timed:
            return
        for page in self._walk(self.key, self._all(dated), ()):
            page.rows[:] = [row for row in page.rows if (self.stamp(row) or 0) < 0 or row.get(self.time) is None]
            yield page

    def highest(self) -> tuple[datetime | None, datetime | None]:
        """Find how far the table has changed.

        Returns:
            The highest mark of the table, None when no row has a date; and the server's clock, None if unknown.
        """
        columns, where = (self._stamp, ge(self.date, EARLIEST)) if self.dated else (self.key[:1], None)
        page = self.client.browse(
            BrowseRequest(
                table=self.table,
                columns=columns,
                where=self._all(where),
                order=tuple(Order(column, descending=True) for column in columns),
                page_size=1,
                target_type=self.target_type,
            )
        )
        return (self.mark(page.rows[0]) if self.dated and page.rows else None), page.server_time

    def _all(self, where: Where | None) -> Where | None:
        if self.where is None or where is None:
            return self.where or where
        return AllOf(self.where, where)

    def _due(self, since: Since) -> Where:
        day = max(since.day, EARLIEST)
        if self.time is None:
            return ge(self.date, day)
        return AllOf(
            ge(self.time, 0),
            AnyOf(
                gt(self.date, day),
                AllOf(eq(self.date, day), AnyOf(ge(self.time, since.stamp), eq(self.time, 0))),
            ),
        )

    def _walk(self, order: tuple[str, ...], where: Where | None, after: Sequence[Any]) -> Iterator[Page]:
        kinds = {**self.kinds, self.date: Kind.DATE}
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
            target_type=self.target_type,
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
