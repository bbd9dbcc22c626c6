"""Base of our targets that upsert: rows of one entity each, by key properties, through the engine."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.undo_file import undo_path
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import Ledger
from sync_ledger.ledger_target import UNMAPPED_STREAM, LedgerTarget
from sync_ledger.limits import AccountLimits, SharesLimits
from sync_ledger.privacy import Masks
from sync_ledger.records import external_id_of, unmapped
from sync_ledger.sinks import SkippedSink, UnmappedSink, UpsertSink

if t.TYPE_CHECKING:
    from singer_sdk.sinks import Sink

    from sync_ledger.adapter import Destination, Usage

__all__ = ["UNMAPPED_STREAM", "UpsertTarget"]


class UpsertTarget(LedgerTarget[UpsertEngine]):
    """A Singer target that upserts by key properties through the engine.

    A plug-in gives its settings and `connect`.
    """

    default_sink_class = UpsertSink

    def __init__(self, **kwargs: t.Any) -> None:
        self._destination: Destination | None = None
        super().__init__(**kwargs)

    def connect(self) -> Destination:
        """Return the account to write to; called once, at the first SCHEMA."""
        raise NotImplementedError

    @property
    def destination(self) -> Destination:
        """The account written to."""
        if self._destination is None:
            self._destination = self.connect()
        return self._destination

    def open_engine(self) -> UpsertEngine:
        """Return this run's engine."""
        ledger = Ledger(self.config["ledger_url"], self.destination.name)
        if isinstance(self.destination, SharesLimits):
            budget, reserve = self.config.get("daily_budget"), self.config["budget_reserve"]
            self.destination.share_limits(AccountLimits(ledger.database, ledger.destination, budget, reserve))
        ledger.masks = Masks(self.config.get("masked_fields"))
        options = Options(
            mode=self.config["mode"],
            full_sweep_after=timedelta(hours=self.config["full_sweep_hours"]),
            adopt=self.config["adopt"],
            match_rules=self.config.get("match_rules") or {},
            field_rules=self.config.get("field_rules") or {},
            deletions=self.config.get("deletions") or {},
            delete_guard_rows=self.config.get("delete_guard_rows"),
            delete_guard_percent=self.config.get("delete_guard_percent"),
            failure_guard_percent=self.config.get("failure_guard_percent"),
            undo_file=undo_path(self.config.get("undo_file"), self.config["ledger_url"]),
        )
        return UpsertEngine(self.destination, ledger, target=self.name, options=options)

    def usage(self) -> Usage:
        """Return what the run has used of the service."""
        return self.destination.usage()

    def let_go(self) -> None:
        """Close the account's connections."""
        if self._destination is not None:
            self._destination.close()

    def parents(self, entity: str) -> t.AbstractSet[str]:
        """Return the entities that an entity points to."""
        return self.engine.parents(entity)

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Return the sink of a stream; a stream the destination does not know is an error or skipped, as set."""
        if stream_name == UNMAPPED_STREAM:
            return UnmappedSink
        if stream_name in self.destination.entities:
            return UpsertSink
        if self.config["on_unknown_stream"] == "skip":
            return SkippedSink
        raise ConfigError(
            f"Stream {stream_name!r} is none of what {self.name} can write ({', '.join(self.destination.entities)}). "
            "Map it to one of them or to null in the mapping, or set on_unknown_stream to skip"
        )

    def drain_parents(self, entity: str) -> None:
        """Write the rows waiting for entities that `entity` points to."""
        for parent in self.engine.parents(entity):
            sink = self._sinks_active.get(parent)
            if sink is not None and sink.current_size:
                self.drain_one(sink)

    def keep_order(self, stream: str, record: t.Mapping[str, t.Any]) -> None:
        """Settle first what waits of the same external ID on the other side, mapped or not: the later row counts."""
        if stream == UNMAPPED_STREAM:
            row = unmapped(record).row
            sink = self._sinks_active.get(row.entity)
            before = isinstance(sink, UpsertSink) and sink.holds(row.external_id)
        else:
            sink, own = self._sinks_active.get(UNMAPPED_STREAM), self._sinks_active.get(stream)
            before = (
                isinstance(sink, UnmappedSink)
                and isinstance(own, UpsertSink)
                and sink.holds(stream, external_id_of(record, own.key_properties))
            )
        if sink is not None and before:
            self.drain_one(sink)
