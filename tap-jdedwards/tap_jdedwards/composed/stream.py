"""A composed stream: which documents are due, and the bookmark that says so."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_jdedwards.bookmark import REPLICATION_KEY
from tap_jdedwards.composed.bookmark import ComposedBookmark, gained
from tap_jdedwards.composed.codes import code_types, described
from tap_jdedwards.composed.document import Assembler
from tap_jdedwards.composed.lookups import Lookups
from tap_jdedwards.composed.passes import Run
from tap_jdedwards.composed.reading import Access, DocumentReader, server_clock
from tap_jdedwards.composed.schema import document_schema
from tap_jdedwards.deletes import DELETED_AT, DELETED_AT_SCHEMA, open_sweep, wants_sweep
from tap_jdedwards.full_table import replaced
from tap_jdedwards.marks import latest
from tap_jdedwards.shards import Part
from tap_jdedwards.stream import JdeStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.deletes import Sweep
    from tap_jdedwards.stream import Batch
    from tap_jdedwards.tap import TapJDEdwards

DOCUMENTS_PER_STATE = 400
"""At most about so many documents pass between two STATE messages; those of one first key value stay together."""


class ComposedStream(JdeStream):
    """Documents joined from several tables; a change in any of them emits the document again."""

    def __init__(self, tap: TapJDEdwards, definition: Definition) -> None:
        """Describe a composed stream.

        Args:
            tap: The tap.
            definition: What a document is made of, resolved.
        """
        if tap.settings.udc_descriptions:
            definition = described(definition)
        schema = document_schema(definition)
        if wants_sweep(tap.settings, definition.name):
            schema["properties"][DELETED_AT] = dict(DELETED_AT_SCHEMA)
        super().__init__(tap, name=definition.name, schema=schema, key=definition.key)
        self.replication_key = REPLICATION_KEY
        self._definition = definition

    def read(self) -> Iterator[Batch]:
        """Read all documents once, from then on those with a changed row.

        Yields:
            Batches of documents in the order of their key.
        """
        settings, definition = self.jde.settings, self._definition
        part = Part.of(settings.shard, definition.key.values(), definition.kinds)
        part.check(self.name, self.stream_state)
        access = Access(
            client=self.jde.client,
            pool=self.jde.pool,
            workers=settings.ais.max_concurrency,
            page_size=settings.page_size,
            columns=self.jde.column_names,
            stripes=part.stripes,
        )
        clock = server_clock(definition, access)
        today = (clock or datetime.now(timezone.utc)).date()
        reader = DocumentReader(definition, access, today)
        if reader.hidden:
            self.logger.warning("Null in every document, not on this server: %s", ", ".join(reader.hidden))
        selected = self.selected_columns
        self.jde.code_texts.load(code_types(definition, selected))
        assembler = Assembler(definition, selected, hidden=reader.hidden, text_of=self.jde.code_texts.text)
        lookups = Lookups(definition, reader.taken, access.pool, today)
        run = Run(self, reader, assembler, lookups, part=part, documents_per_state=DOCUMENTS_PER_STATE, clock=clock)
        if self.replication_method != "INCREMENTAL":
            yield from replaced(self, run.everything(), part)
            return
        bookmark = self._bookmark(clock)
        sweep = self._sweep(selected)
        if sweep is None:
            yield from run.incremental(bookmark)
            return
        with sweep:
            yield from run.swept(bookmark, sweep)

    def _sweep(self, selected: set[str]) -> Sweep | None:
        if self.ABORT_AT_RECORD_COUNT is not None or not self.looks_for_deletions():
            return None
        return open_sweep(
            self.jde.settings,
            self.name,
            key=self.primary_keys,
            properties=[name for name in self.schema["properties"] if name in selected],
            state=self.stream_state,
            logger=self.logger,
        )

    def _bookmark(self, clock: datetime | None) -> ComposedBookmark:
        sources = self._definition.sources
        new = gained(self.stream_state, sources)
        if new:
            self.logger.warning(
                "The definition of %s has gained %s since its state was written: everything is read anew",
                self.name,
                ", ".join(new),
            )
        bookmark = ComposedBookmark.from_state(self.stream_state, sources)
        planned = bookmark.under_way.tables if bookmark.under_way else {}
        marks = [watermark.mark for watermark in (*bookmark.tables.values(), *planned.values())]
        if self.warned_ahead(latest(*marks), clock):
            return ComposedBookmark()
        return bookmark

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
