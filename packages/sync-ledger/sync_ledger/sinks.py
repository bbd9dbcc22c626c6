"""Sinks: from RECORD messages to the engine's source rows."""

from __future__ import annotations

import abc
import time
import typing as t
from dataclasses import replace

from singer_sdk.sinks import BatchSink

from sync_ledger.batching import LARGEST, BatchSize
from sync_ledger.damaged import damaged_property, escaped, mended
from sync_ledger.errors import ConfigError
from sync_ledger.observing.tracing import span
from sync_ledger.records import external_id_of, is_field, unmapped
from sync_ledger.rows import Outcome, Reason, Settled, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.ledger_target import LedgerTarget
    from sync_ledger.target import UpsertTarget


class LedgerSink(BatchSink):
    """What our sinks share: the engine checks rows, so the SDK's own checks, which end a run, are off."""

    @property
    def gathers(self) -> bool:
        """Whether rows wait here for a bulk write, so that no time drives them out."""
        return False

    @property
    def ledger_target(self) -> LedgerTarget[t.Any]:
        """The target this sink belongs to."""
        return t.cast("LedgerTarget[t.Any]", self._target)

    def __init__(self, target: t.Any, stream_name: str, schema: dict[str, t.Any], key_properties: t.Any) -> None:
        self._target = target
        super().__init__(target, stream_name, schema, key_properties)

    def open(self) -> None:
        """Get ready for rows. Not the SDK's `setup`, around which singer-sdk 0.54.9 logs an error line of its own."""

    @abc.abstractmethod
    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Give each record of a batch its outcome; the records are the sink's own."""

    def process_batch(self, context: dict[str, t.Any]) -> None:
        """Settle a batch, then let a STATE pass that waited for it only."""
        if records := context.get("records"):
            self.settle(records)
        self.ledger_target.settled(self)

    def get_validator(self) -> None:
        """Return None: the engine checks against the service's metadata and holds what does not fit."""
        return

    def _validate_and_parse(self, record: dict[str, t.Any]) -> dict[str, t.Any]:
        # singer-sdk 0.54.9 parses dates here and ends the run on a bad one; the engine holds the row instead.
        return record

    def _singer_validate_message(self, record: dict[str, t.Any]) -> None:
        """Do nothing: a row without its key is held (singer-sdk 0.54.9 would end the run)."""


class UpsertSink(LedgerSink):
    """Rows of one entity of the destination."""

    @property
    def upsert_target(self) -> UpsertTarget:
        """The target this sink belongs to."""
        return t.cast("UpsertTarget", self._target)

    def __init__(self, target: t.Any, stream_name: str, schema: dict[str, t.Any], key_properties: t.Any) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._batch = BatchSize(1, self.batch_size_rows)
        self._keys: set[str | None] = set()
        self._keyed = 0

    @property
    def max_size(self) -> int:
        """Rows that make a batch."""
        if self.config["mode"] == "plan":
            # A plan is made anew when it is cut short, and records are read a hundred at a time: full batches cost
            # least.
            return min(LARGEST, self.batch_size_rows or LARGEST)
        return self._batch.rows

    @property
    def is_full(self) -> bool:
        """Whether the batch is to be settled."""
        return self._batch.overfull or bool(super().is_full)

    @property
    def gathers(self) -> bool:
        """Whether rows wait here for a bulk write, so that no time drives them out."""
        return self._batch.gathering and self.current_size > 0

    def open(self) -> None:
        """Check the stream against the destination and bring the index of its entity up to date."""
        if not self.key_properties:
            raise ConfigError(
                f"Stream {self.stream_name!r} has no key_properties; the target upserts by them. "
                "Set __key_properties__ in the mapping"
            )
        engine = self.upsert_target.engine
        self._batch = BatchSize(engine.rows_per_turn(self.stream_name), self.batch_size_rows)
        properties = [name for name in self.schema["properties"] if self._is_field(name)]
        self.upsert_target.process(lambda: engine.open(self.stream_name, properties))
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Ask the engine what kind of batch is wanted next, and say so when that is a bulk write."""
        before, rows = self._batch.gathering, self.upsert_target.engine.gathers(self.stream_name)
        self._batch.gather(rows)
        if rows and not before:
            self.logger.info(
                "First load of %s: up to %d rows are gathered for a bulk write, and STATE waits for them",
                self.stream_name,
                self._batch.rows,
            )

    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:
        """Take a row into the batch."""
        self._batch.came(record)
        super().process_record(record, context)

    def holds(self, external_id: str) -> bool:
        """Whether a row of that external ID waits for the batch to be full."""
        waiting = (self._pending_batch or {}).get("records", [])
        self._keys.update(external_id_of(record, self.key_properties) for record in waiting[self._keyed :])
        self._keyed = len(waiting)
        return external_id in self._keys

    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Give a batch to the engine, its parents' rows first."""
        target = self.upsert_target
        self._keys, self._keyed = set(), 0
        target.drain_parents(self.stream_name)
        rows: list[SourceRow] = []
        keyless: list[Settled] = []
        for record in records:
            external_id = external_id_of(record, self.key_properties)
            deleted = bool(record.get("_sdc_deleted_at"))
            damaged = self._damaged(record)
            for name in [name for name in record if not self._is_field(name)]:
                del record[name]  # not copied without them: there may be many rows, and they are nobody else's
            row = SourceRow(self.stream_name, external_id or "", record, deleted=deleted)
            if damaged is not None:
                row = replace(row, external_id=escaped(row.external_id), payload=mended(record), damaged=damaged)
            if external_id is None:
                text = f"a key property ({', '.join(self.key_properties)}) has no text or number as its value"
                keyless.append(Settled(row, Outcome.HELD, Reason.MISSING_KEY, text=text))
            else:
                rows.append(row)
        begun = time.monotonic()
        if keyless:
            target.process(lambda: target.engine.settle_directly(keyless))
        if rows:
            with span("batch", parent=True, entity=self.stream_name, rows=len(rows)):
                target.process(lambda: target.engine.process(self.stream_name, rows))
        self._batch.took(len(rows), time.monotonic() - begun)
        self._look_ahead()

    def _damaged(self, record: dict[str, t.Any]) -> str | None:
        if not self.upsert_target.damage_came:
            return None
        keys = self.key_properties
        return damaged_property({name: item for name, item in record.items() if name in keys or is_field(name, keys)})

    def _remove_sdc_metadata_from_record(self, record: dict[str, t.Any]) -> None:
        """Keep `_sdc_deleted_at`, which singer-sdk 0.54.9 would drop; `settle` leaves out what is no field."""

    def _is_field(self, name: str) -> bool:
        return is_field(name, self.key_properties)


class UnmappedSink(LedgerSink):
    """Rows a mapper could not map: each is held under the entity it was meant for."""

    def __init__(self, target: t.Any, stream_name: str, schema: dict[str, t.Any], key_properties: t.Any) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._waiting: set[tuple[str, str]] = set()

    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:
        """Take a row into the batch."""
        row = unmapped(record).row
        self._waiting.add((row.entity, row.external_id))
        super().process_record(record, context)

    def holds(self, entity: str, external_id: str | None) -> bool:
        """Whether a row of that external ID waits for the batch to be full."""
        return (entity, external_id) in self._waiting

    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Settle the batch as held."""
        self._waiting.clear()
        settled = [unmapped(record) for record in records]
        self.ledger_target.process(lambda: self.ledger_target.engine.settle_directly(settled))


class SkippedSink(LedgerSink):
    """Rows of a stream the destination does not know, counted and left alone because the settings say so."""

    def open(self) -> None:
        """Say once that the stream is skipped."""
        self.logger.warning("Stream %r is skipped: the destination does not know it", self.stream_name)

    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Settle the batch as skipped."""
        settled = [
            Settled(
                SourceRow(self.stream_name, external_id_of(record, self.key_properties) or "", record),
                Outcome.SKIPPED,
                Reason.UNKNOWN_STREAM,
            )
            for record in records
        ]
        self.ledger_target.process(lambda: self.ledger_target.engine.settle_directly(settled))
