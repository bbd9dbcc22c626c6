"""Table streams: one JDE table, its bookmark the stamp of the last change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jde_ais import ge

from tap_jdedwards.bookmark import REPLICATION_KEY, FirstLoad, TableBookmark
from tap_jdedwards.columns import position, to_records
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import Since, capped
from tap_jdedwards.progress import Progress
from tap_jdedwards.reading import ahead
from tap_jdedwards.stream import JdeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from jde_ais import Page

    from tap_jdedwards.columns import TableColumn
    from tap_jdedwards.reading import TableReader
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tap import TapJDEdwards

RECORDS_PER_STATE = 500
"""At most so many records pass between two STATE messages."""


class TableStream(JdeStream):
    """One JDE table: properties are its aliases, the bookmark is the stamp of the last change."""

    def __init__(
        self,
        tap: TapJDEdwards,
        *,
        name: str,
        key: Iterable[str],
        columns: Iterable[TableColumn],
        reader: Callable[[Iterable[str]], TableReader],
    ) -> None:
        """Describe a table as a stream.

        Args:
            tap: The tap.
            name: The table.
            key: Its primary key.
            columns: Its columns as discovered.
            reader: Makes the table's reader for the columns wanted.
        """
        self._columns = list(columns)
        properties = {column.alias: column.schema() for column in self._columns}
        super().__init__(tap, name=name, schema={"type": "object", "properties": properties}, key=key)
        if DATE_COLUMN in properties:
            self.replication_key = REPLICATION_KEY
        self._make_reader = reader

    def read(self) -> Iterator[Batch]:
        """Read the whole table once, from then on what has changed.

        Yields:
            Batches of records.
        """
        selected = self.selected_columns
        emitted = [column for column in self._columns if column.alias in selected or column.in_key]
        reader = self._make_reader(column.alias for column in emitted)
        progress = Progress(self.jde.logger, self.name)
        walk = _Walk(self, reader, emitted, progress)
        if self.replication_method != "INCREMENTAL":
            yield from walk.everything()
            return
        bookmark = TableBookmark.from_state(self.stream_state)
        if bookmark.mark is None or bookmark.first_load is not None:
            yield from walk.first_load(bookmark)
            return
        clock = reader.highest()[1]
        if self.warned_ahead(bookmark.mark, clock):
            yield from walk.first_load(TableBookmark())
        else:
            yield from walk.changes(bookmark, clock)


class _Walk:
    """One run over one table."""

    def __init__(self, stream: JdeStream, reader: TableReader, columns: list[TableColumn], progress: Progress) -> None:
        self._stream = stream
        self._reader = reader
        self._columns = columns
        self._progress = progress
        self._settings = stream.jde.settings

    def everything(self) -> Iterator[Batch]:
        for page in self._ahead(self._reader.by_key()):
            yield self._records(page.rows)

    def first_load(self, bookmark: TableBookmark) -> Iterator[Batch]:
        loading = bookmark.first_load
        if loading is None or len(loading.after) not in {0, len(self._reader.key)}:  # table_keys has changed since
            highest, clock = self._reader.highest()
            loading = FirstLoad(start_mark=capped(highest, clock) or clock)
            self._stream.save(TableBookmark(first_load=loading).to_state())
        start_date = self._settings.start_date
        where = None if start_date is None else ge(DATE_COLUMN, start_date)
        reader = self._reader
        for page in self._ahead(reader.by_key(after=loading.after, where=where)):
            for rows in _slices(page.rows):
                yield self._records(rows)
                loading = FirstLoad(position(rows[-1], reader.key, reader.kinds), loading.start_mark)
                self._stream.save(TableBookmark(first_load=loading).to_state())
        self._stream.save(TableBookmark().advanced(loading.start_mark).to_state())

    def changes(self, bookmark: TableBookmark, clock: datetime | None) -> Iterator[Batch]:
        if bookmark.mark is None:
            return
        overlap = timedelta(minutes=self._settings.overlap_minutes)
        since = Since.after(bookmark.mark, overlap=overlap, not_before=self._settings.start_date)
        # Rows without a time come first: the bookmark must not pass their day before they are written.
        for page in self._ahead(self._reader.timeless(since)):
            yield self._records(page.rows)
        for page in self._ahead(self._reader.changed(since)):
            for rows in _slices(page.rows):
                yield self._records(rows)
                # Not the clock of this page: rows stamped in the future may have been read long after all others.
                bookmark = bookmark.advanced(capped(self._reader.mark(rows[-1]), clock or page.server_time))
                self._stream.save(bookmark.to_state())

    def _ahead(self, pages: Iterator[Page]) -> Iterator[Page]:
        return ahead(pages, self._stream.jde.pool)

    def _records(self, rows: list[dict[str, Any]]) -> Batch:
        self._stream.touch()
        self._progress.add(len(rows))
        return to_records(rows, self._columns)


def _slices(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), RECORDS_PER_STATE):
        yield rows[start : start + RECORDS_PER_STATE]
