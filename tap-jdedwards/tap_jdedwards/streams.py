"""What all streams of the tap have in common, and the table streams."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from jde_ais import AisError, AisUnavailable, ge
from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage

from tap_jdedwards.bookmark import REPLICATION_KEY, FirstLoad, TableBookmark
from tap_jdedwards.columns import position, to_records
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.marks import Since, capped, is_ahead
from tap_jdedwards.progress import Progress
from tap_jdedwards.reading import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from jde_ais import Page

    from tap_jdedwards.columns import TableColumn
    from tap_jdedwards.reading import TableReader
    from tap_jdedwards.tap import TapJDEdwards

RECORDS_PER_STATE = 500
"""At most so many records pass between two STATE messages."""


class JdeStream(Stream):
    """A stream that keeps its own bookmark and does not stop the others when it fails.

    The SDK (read at 0.54.9) would keep bookmarks as a single replication value, add its own keys to the state and run
    every record through selection and type conversion. None of that fits here: a bookmark is a date and a time, records
    are made from the selected columns only and are right by construction. The methods named ``_...`` below replace the
    SDK's of the same name; ``test_tap_jdedwards_sdk_seams.py`` fails when an SDK release stops calling them.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: TapJDEdwards, *, name: str, schema: dict[str, Any], key: Iterable[str]) -> None:
        super().__init__(tap, schema=schema, name=name)
        self.primary_keys = tuple(key)
        self.jde = tap
        self._extracted_at = datetime.now(timezone.utc)

    @abstractmethod
    def read(self) -> Iterator[dict[str, Any]]:
        """Read the records that are due and keep the bookmark."""

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:  # noqa: ARG002 -- no partitions here
        """Read the records that are due; a failure is noted and ends this stream only.

        Args:
            context: Unused, there are no partitions.

        Yields:
            Records.
        """
        if self.jde.unreachable:
            self.jde.note_not_read(self.name)
            return
        try:
            yield from self.read()
        except OSError:
            raise  # of the output that save() writes to; those of the network arrive as AisUnavailable
        except AisUnavailable as error:
            self.jde.note_failure(self.name, error, unreachable=not error.reached)
        except Exception as error:  # noqa: BLE001 -- whatever befalls one stream, the others are still read
            self.jde.note_failure(self.name, error, unexpected=not isinstance(error, (AisError, ValueError)))

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the stream's state and send it: everything written so far is covered by it.

        Args:
            state: The stream's entry under ``bookmarks``.
        """
        kept = self.stream_state
        kept.clear()
        kept.update(state)
        self.jde.state_writer.write_state(self.tap_state)

    def warned_ahead(self, mark: datetime | None, clock: datetime | None) -> bool:
        """Tell whether a bookmark lies ahead of the server's clock, and warn if it does.

        Args:
            mark: The bookmark.
            clock: The server's time.

        Returns:
            True when everything has to be read again.
        """
        ahead_of_clock = is_ahead(mark, clock, overlap=timedelta(minutes=self.jde.settings.overlap_minutes))
        if ahead_of_clock:
            self.logger.warning(
                "The bookmark of %s (%s) lies ahead of the server's clock (%s): the clock was set back or the state "
                "was edited; everything is read again, so that no change is missed",
                self.name,
                mark,
                clock,
            )
        return ahead_of_clock

    def touch(self) -> None:
        """Note that the rows at hand have just been read; RECORD messages say so as ``time_extracted``."""
        self._extracted_at = datetime.now(timezone.utc)

    @property
    def selected_columns(self) -> set[str]:
        """The properties that the catalog selects."""
        return {name for name in self.schema["properties"] if self.mask["properties", name]}

    def get_replication_key_signpost(self, context: Any = None) -> None:
        """Keep the SDK's signpost out of the state; marks are capped by the server's clock.

        Args:
            context: Unused.
        """

    def generate_child_contexts(self, record: Any, context: Any) -> Iterable[Any]:  # noqa: ARG002 -- likewise
        """Tell the SDK that there are no child streams.

        Args:
            record: Unused.
            context: Unused.

        Returns:
            Nothing.
        """
        return ()

    def _write_starting_replication_value(self, context: Any) -> None:
        pass

    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        pass

    def _generate_record_messages(self, record: dict[str, Any]) -> Generator[RecordMessage, None, None]:
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=self._extracted_at,
                )


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

    def read(self) -> Iterator[dict[str, Any]]:
        """Read the whole table once, from then on what has changed.

        Yields:
            Records.
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

    def everything(self) -> Iterator[dict[str, Any]]:
        for page in self._ahead(self._reader.by_key()):
            yield from self._records(page.rows)

    def first_load(self, bookmark: TableBookmark) -> Iterator[dict[str, Any]]:
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
                yield from self._records(rows)
                loading = FirstLoad(position(rows[-1], reader.key, reader.kinds), loading.start_mark)
                self._stream.save(TableBookmark(first_load=loading).to_state())
        self._stream.save(TableBookmark().advanced(loading.start_mark).to_state())

    def changes(self, bookmark: TableBookmark, clock: datetime | None) -> Iterator[dict[str, Any]]:
        if bookmark.mark is None:
            return
        overlap = timedelta(minutes=self._settings.overlap_minutes)
        since = Since.after(bookmark.mark, overlap=overlap, not_before=self._settings.start_date)
        # Rows without a time come first: the bookmark must not pass their day before they are written.
        for page in self._ahead(self._reader.timeless(since)):
            yield from self._records(page.rows)
        for page in self._ahead(self._reader.changed(since)):
            for rows in _slices(page.rows):
                yield from self._records(rows)
                # Not the clock of this page: rows stamped in the future may have been read long after all others.
                bookmark = bookmark.advanced(capped(self._reader.mark(rows[-1]), clock or page.server_time))
                self._stream.save(bookmark.to_state())

    def _ahead(self, pages: Iterator[Page]) -> Iterator[Page]:
        return ahead(pages, self._stream.jde.pool)

    def _records(self, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        self._stream.touch()
        yield from to_records(rows, self._columns)
        self._progress.add(len(rows))


def _slices(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), RECORDS_PER_STATE):
        yield rows[start : start + RECORDS_PER_STATE]
