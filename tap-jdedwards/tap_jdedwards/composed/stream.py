"""A composed stream: which documents are due, and the bookmark that says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_jdedwards.bookmark import REPLICATION_KEY, ComposedBookmark, Pass
from tap_jdedwards.composed.document import Assembler, document_schema
from tap_jdedwards.composed.reading import DocumentReader, Lower
from tap_jdedwards.marks import Since, latest
from tap_jdedwards.progress import Progress
from tap_jdedwards.stream import JdeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from tap_jdedwards.bookmark import Watermark
    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.composed.document import Bundle
    from tap_jdedwards.composed.reading import Group
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tap import TapJDEdwards

DOCUMENTS_PER_STATE = 250
"""At most about so many documents pass between two STATE messages; those of one first key value stay together."""


class ComposedStream(JdeStream):
    """Documents joined from several tables; a change in any of them emits the document again."""

    def __init__(self, tap: TapJDEdwards, definition: Definition) -> None:
        """Describe a composed stream.

        Args:
            tap: The tap.
            definition: What a document is made of.
        """
        super().__init__(tap, name=definition.name, schema=document_schema(definition), key=definition.key)
        self.replication_key = REPLICATION_KEY
        self._definition = definition

    def read(self) -> Iterator[Batch]:
        """Read all documents once, from then on those with a changed row.

        Yields:
            Batches of documents in the order of their key.
        """
        reader = DocumentReader(
            self._definition,
            self.jde.client,
            self.jde.pool,
            page_size=self.jde.settings.page_size,
            columns=self.jde.column_names,
        )
        if reader.missing:
            self.logger.warning("Null in every document, not on this server: %s", ", ".join(reader.missing))
        clock = reader.clock()
        run = _Run(self, self._definition, reader, today=(clock or datetime.now(timezone.utc)).date())
        if self.replication_method != "INCREMENTAL":
            yield from run.everything()
            return
        bookmark = ComposedBookmark.from_state(self.stream_state, self._definition.sources)
        if self.warned_ahead(latest(*(watermark.mark for watermark in bookmark.tables.values())), clock):
            bookmark = ComposedBookmark()
        yield from run.changes(bookmark) if bookmark.tables else run.first_load(bookmark)

    def prune(self, record: dict[str, Any]) -> dict[str, Any]:
        """Drop what the catalog deselects inside of objects.

        Args:
            record: A document; changed in place.

        Returns:
            The document.
        """
        for name, parts in self._deselected_parts.items():
            inner = record.get(name)
            if isinstance(inner, dict):
                for part in parts:
                    inner.pop(part, None)
        return record

    @cached_property
    def _deselected_parts(self) -> dict[str, list[str]]:
        parts = {
            name: [
                part for part in schema.get("properties", ()) if not self.mask["properties", name, "properties", part]
            ]
            for name, schema in self.schema["properties"].items()
        }
        return {name: deselected for name, deselected in parts.items() if deselected}


class _Run:
    """One run of a composed stream."""

    def __init__(self, stream: ComposedStream, definition: Definition, reader: DocumentReader, *, today: date) -> None:
        self._stream = stream
        self._definition = definition
        self._reader = reader
        self._today = today
        self._assembler = Assembler(definition, stream.selected_columns)
        self._progress = Progress(stream.logger, stream.name)
        self._settings = stream.jde.settings

    def everything(self) -> Iterator[Batch]:
        for group in self._reader.walk():
            yield self._documents(group, self._is_late_enough)

    def first_load(self, bookmark: ComposedBookmark) -> Iterator[Batch]:
        if bookmark.under_way is None:
            bookmark = ComposedBookmark(under_way=Pass(tables=self._reader.start_marks(self._today)))
            self._stream.save(bookmark.to_state())
        groups = self._reader.walk(after=bookmark.under_way.after if bookmark.under_way else ())
        yield from self._pass(bookmark, groups, self._is_late_enough)

    def changes(self, bookmark: ComposedBookmark) -> Iterator[Batch]:
        lowers = {name: self._lower(mark) for name, mark in bookmark.tables.items()}
        changes = self._reader.changes(lowers, self._today)
        if bookmark.under_way is None:
            marks = self._reader.start_marks(self._today) if changes.keys is None else changes.marks
            bookmark = replace(bookmark, under_way=Pass(tables=marks))
        after = bookmark.under_way.after if bookmark.under_way else ()
        if changes.keys is None:
            groups = self._reader.walk(after=after)
            yield from self._pass(bookmark, groups, lambda bundle: self._reader.is_changed(bundle, lowers, self._today))
        else:
            values = sorted({key[0] for key in changes.keys if not after or key[0] > after[0]})
            yield from self._pass(bookmark, self._reader.some(values), lambda bundle: changes.concern(bundle.key))

    def _pass(
        self, bookmark: ComposedBookmark, groups: Iterator[Group], is_due: Callable[[Bundle], bool]
    ) -> Iterator[Batch]:
        unsaved = 0
        for group in groups:
            batch = self._documents(group, is_due)
            yield batch
            unsaved += len(batch)
            if unsaved >= DOCUMENTS_PER_STATE:
                bookmark = bookmark.at((group[0],))
                self._stream.save(bookmark.to_state())
                unsaved = 0
        self._stream.save(bookmark.finished().to_state())

    def _documents(self, group: Group, is_due: Callable[[Bundle], bool]) -> Batch:
        _, root_rows, others = group
        self._stream.touch()
        batch = [
            self._stream.prune(self._assembler.build(bundle, self._today))
            for bundle in self._assembler.bundles(root_rows, others)
            if is_due(bundle)
        ]
        self._progress.add(len(batch))
        return batch

    def _is_late_enough(self, bundle: Bundle) -> bool:
        start = self._settings.start_date
        if start is None:
            return True
        mark = self._assembler.mark(bundle)
        return mark is not None and mark.date() >= start

    def _lower(self, watermark: Watermark) -> Lower:
        since = Since.after(
            watermark.mark or datetime.min,  # noqa: DTZ901 -- a mark has no zone
            overlap=timedelta(minutes=self._settings.overlap_minutes),
            not_before=self._settings.start_date,
        )
        return Lower(since, watermark.effective)
