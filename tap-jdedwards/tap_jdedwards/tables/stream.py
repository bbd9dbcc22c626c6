"""The stream of one table or view: what it is called and has, and which way it is read."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from jde_ais import ge

from tap_jdedwards.bookmark import TableBookmark
from tap_jdedwards.deletes import DELETED_AT, DELETED_AT_SCHEMA, open_sweep, wants_sweep
from tap_jdedwards.dictionary import DATE_COLUMN
from tap_jdedwards.full_table import replaced
from tap_jdedwards.reading import TableReader
from tap_jdedwards.shards import Part
from tap_jdedwards.stream import JdeStream
from tap_jdedwards.tables.changes import changes
from tap_jdedwards.tables.first_load import everything, first_load
from tap_jdedwards.tables.names import target_type
from tap_jdedwards.tables.run import TableRun
from tap_jdedwards.tables.stamps import Stamp, StampError
from tap_jdedwards.tables.sweeping import swept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from jde_ais import Where
    from singer_sdk.singerlib import Catalog

    from tap_jdedwards.columns import TableColumn
    from tap_jdedwards.deletes import Sweep
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tap import TapJDEdwards

INCREMENTAL, FULL_TABLE = "INCREMENTAL", "FULL_TABLE"


class TableStream(JdeStream):
    """One JDE table or view: properties are its aliases, the bookmark is the stamp of the last change."""

    def __init__(
        self,
        tap: TapJDEdwards,
        *,
        name: str,
        key: Iterable[str],
        columns: Mapping[str, TableColumn],
        stamp: Stamp | None,
    ) -> None:
        """Describe a table as a stream.

        Args:
            tap: The tap.
            name: The table or view.
            key: Properties of its primary key.
            columns: Its columns by property.
            stamp: By what changes are found; None to read it whole each time.
        """
        self._columns = dict(columns)
        properties = {name: column.schema() for name, column in self._columns.items()}
        if stamp is not None and wants_sweep(tap.settings, name):
            properties[DELETED_AT] = dict(DELETED_AT_SCHEMA)
        super().__init__(tap, name=name, schema={"type": "object", "properties": properties}, key=key)
        self._key = tuple(key)
        self._refused: StampError | None = None
        self._use(stamp)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take selection, replication key and method from a catalog.

        A replication key other than UPMJ is a user's choice and goes before the setting ``replication_columns``.

        Args:
            catalog: The catalog.
        """
        own = self._stamp
        super().apply_catalog(catalog)
        given = self.replication_key
        self._use(own)
        if catalog.get_stream(self.name) is None:
            return
        if given and not (given == DATE_COLUMN and self.name in self.jde.settings.replication_columns):
            try:
                self._use(Stamp.named(given, {name: column.kind for name, column in self._columns.items()}))
            except StampError as error:
                self._refused = StampError(f"the replication key {given} of the catalog cannot be used: {error}")
        if self._stamp is None:
            self.forced_replication_method = FULL_TABLE

    def read(self) -> Iterator[Batch]:
        """Read the whole table once, from then on what has changed.

        Yields:
            Batches of records.
        """
        if self._refused is not None:
            raise self._refused
        key = {self._columns[name].alias: self._columns[name].kind for name in self._key}
        part = Part.of(self.jde.settings.shard, key, key)
        if part.is_nothing:
            self.logger.info("%s has no whole number in its key to divide it by: shard 0 reads all of it", self.name)
            return
        part.check(self.name, self.stream_state)
        incremental = self._stamp is not None and self.replication_method == INCREMENTAL
        with self._sweeping(incremental=incremental) as sweep:
            run = self._run(part, sweep)
            if not incremental:
                yield from replaced(self, everything(run), part)
                return
            bookmark = self._bookmark()
            if bookmark.mark is None or bookmark.first_load is not None:
                yield from first_load(run, bookmark)
                return
            clock = run.reader.highest()[1]
            if self.warned_ahead(bookmark.mark, clock):
                yield from first_load(run, self._no_bookmark())
                return
            yield from changes(run, bookmark, clock)
            yield from swept(run)

    def _use(self, stamp: Stamp | None) -> None:
        self._stamp = stamp
        self.replication_key = None if stamp is None else stamp.date

    def _sweeping(self, *, incremental: bool) -> AbstractContextManager[Sweep | None]:
        testing = self.ABORT_AT_RECORD_COUNT is not None
        if not incremental or testing or not self.looks_for_deletions():
            return nullcontext()
        return (
            open_sweep(
                self.jde.settings,
                self.name,
                key=self._key,
                properties=[name for name in self.schema["properties"] if name in self.selected_columns],
                state=self.stream_state,
                logger=self.logger,
            )
            or nullcontext()
        )

    def _run(self, part: Part, sweep: Sweep | None) -> TableRun:
        selected = self.selected_columns
        emitted = {name: column for name, column in self._columns.items() if name in selected or column.in_key}
        stamp, settings = self._stamp, self.jde.settings
        reader = TableReader(
            client=self.jde.client,
            table=self.name,
            columns=tuple(column.alias for column in emitted.values()),
            key=tuple(self._columns[name].alias for name in self._key),
            time=None if stamp is None or stamp.time is None else self._columns[stamp.time].alias,
            kinds={column.alias: column.kind for column in self._columns.values()},
            page_size=settings.page_size,
            dated=stamp is not None,
            target_type=target_type(self.name),
            date=DATE_COLUMN if stamp is None else self._columns[stamp.date].alias,
        )
        return TableRun(self, reader, emitted, part, sweep, self._due())

    def _due(self) -> Where | None:
        """Return the condition of ``start_date``; it holds for whole loads as well, where there is a date to go by."""
        start = self.jde.settings.start_date
        stamp = self._stamp or Stamp.usual({name: column.kind for name, column in self._columns.items()})
        if start is not None and stamp is None:
            self.logger.info("%s has no date of the last change: start_date leaves out no row of it", self.name)
        return None if start is None or stamp is None else ge(self._columns[stamp.date].alias, start)

    def _no_bookmark(self) -> TableBookmark:
        stamp = self._stamp
        return TableBookmark() if stamp is None else TableBookmark(date_key=stamp.date, time_key=stamp.time_key)

    def _bookmark(self) -> TableBookmark:
        empty, state = self._no_bookmark(), self.stream_state
        written = state.get("replication_key", empty.date_key)
        if written != empty.date_key and ("replication_key_value" in state or "first_load" in state):
            self.logger.warning(
                "The state of %s was written by the replication key %s, the stream is now read by %s: everything is "
                "read again, so that no change is missed",
                self.name,
                written,
                empty.date_key,
            )
            return empty
        return TableBookmark.from_state(state, empty.date_key, empty.time_key)
