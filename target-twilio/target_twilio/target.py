"""The target: streams are what rules look at."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from alert_rules.checking import Severity, check
from alert_rules.identity import key_of
from alert_rules.taking import SourceRow as AlertRow
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import Ledger
from sync_ledger.ledger_target import UNMAPPED_STREAM, LedgerTarget
from sync_ledger.privacy import Masks
from sync_ledger.records import external_id_of, is_field
from sync_ledger.rows import Outcome, Reason, Settled, SourceRow
from sync_ledger.sinks import LedgerSink, UnmappedSink

from target_twilio.connecting import alert_file, destination_of
from target_twilio.engine import AlertRun
from target_twilio.settings import alert_settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alert_rules.compiled import Compiled
    from singer_sdk.sinks import Sink
    from sync_ledger.adapter import Usage


_READ_AT: t.Final = "_sdc_extracted_at"
"""Name under which the Singer SDK has the time a row was read."""


class TargetTwilio(LedgerTarget[AlertRun]):
    """Turns rows into SMS, mail and calls by alert rules, once, and follows them until they arrive."""

    name = "target-twilio"
    config_jsonschema = alert_settings()

    def __init__(self, **kwargs: t.Any) -> None:
        self._compiled: Compiled | None = None
        super().__init__(**kwargs)

    @property
    def compiled(self) -> Compiled:
        """The alert file, read once."""
        if self._compiled is None:
            self._compiled = alert_file(self.config)
        return self._compiled

    def open_engine(self) -> AlertRun:
        """Return this run's engine."""
        compiled = self.compiled  # a file that cannot be used opens no ledger
        ledger = Ledger(self.config["ledger_url"], destination_of(self.config))
        ledger.masks = Masks(self.config.get("masked_fields"))
        return AlertRun(ledger, compiled, self.config, target=self.name)

    def usage(self) -> Usage:
        """Return what the run has used of the services."""
        return self.engine.usage

    def _process_record_message(self, message_dict: dict[str, t.Any]) -> None:
        """Let a row keep the time at which it was read: an older one that comes later ends no alert."""
        if isinstance(message_dict.get("record"), dict) and message_dict.get("time_extracted"):
            message_dict["record"][_READ_AT] = message_dict["time_extracted"]
        super()._process_record_message(message_dict)

    def process_endofpipe(self) -> None:
        """Close the run, and say so if no stream came that rules look at: silence would look like good news."""
        super().process_endofpipe()
        came = self._latest_state is not None or self._sinks_active
        if came and not any(isinstance(sink, AlertSink) for sink in self._sinks_active.values()):
            streams = ", ".join(sorted({rule.stream for rule in self.compiled.rules}))
            self.logger.warning(
                "No stream came that the alert rules look at (%s); does the tap read one, and the mapping pass it on?",
                streams,
            )

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Return the sink of a stream; one that no rule looks at is counted as skipped."""
        if stream_name == UNMAPPED_STREAM:
            return UnmappedSink
        return AlertSink if self.compiled.rules_of(stream_name) else NoRuleSink


class AlertSink(LedgerSink):
    """Rows of a stream that rules look at."""

    @property
    def _run(self) -> AlertRun:
        return t.cast("AlertRun", self.ledger_target.engine)

    def open(self) -> None:
        """Check that the stream has the fields its rules use."""
        target = t.cast("TargetTwilio", self.ledger_target)
        self._fields = [name for name in self.schema["properties"] if is_field(name, self.key_properties)]
        fields = {self.stream_name: frozenset((*self._fields, *self.key_properties))}
        used = {name for rule in target.compiled.rules_of(self.stream_name) for name in rule.fields}
        if used - fields[self.stream_name]:
            found = check(str(self.config["rules"]), fields=fields).findings
            wrong = [one for one in found if one.severity is Severity.ERROR and one.code == "unknown_field"]
            raise ConfigError("\n".join(map(str, wrong)) or f"Stream {self.stream_name!r} lacks fields of its rules")
        self._run.announce(self.stream_name)

    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Give a batch to the engine."""
        target = self.ledger_target
        rows: list[tuple[SourceRow, AlertRow]] = []
        keyless: list[Settled] = []
        for record in records:
            values = {name: record.get(name) for name in (*self._fields, *self.key_properties)}
            external_id = self._external_id(record)
            row = SourceRow(self.stream_name, external_id or "", values)
            if external_id is None:
                text = f"a key property ({', '.join(self.key_properties)}) has no text or number as its value"
                keyless.append(Settled(row, Outcome.HELD, Reason.MISSING_KEY, text=text))
            else:
                names = self.key_properties or sorted(values)
                deleted = bool(record.get("_sdc_deleted_at"))
                rows.append((row, AlertRow(key_of(values, names), values, _moment(record.get(_READ_AT)), deleted)))
        if keyless:
            target.process(lambda: self._run.settle_directly(keyless))
        if rows:
            target.process(lambda: self._run.process(self.stream_name, rows))

    def _external_id(self, record: Mapping[str, t.Any]) -> str | None:
        """Return what a row is known by; a blank part of a key, such as an order suffix, is one like any other."""
        found = external_id_of(record, self.key_properties) if self.key_properties else ""
        if found is not None:
            return found
        parts = [record.get(name) for name in self.key_properties]
        texts = [part for part in parts if isinstance(part, str)]
        others = [part for part in parts if not isinstance(part, str)]
        if not any(text.strip() for text in texts) and not others:
            return None
        blanked = {name: part if not isinstance(part, str) or part.strip() else "_" for name, part in record.items()}
        return external_id_of(blanked, self.key_properties)

    def _remove_sdc_metadata_from_record(self, record: dict[str, t.Any]) -> None:
        """Keep when the row was read and whether it was deleted; `settle` takes the stream's fields alone."""


class NoRuleSink(LedgerSink):
    """Rows of a stream that no rule looks at: counted, and nothing else."""

    def open(self) -> None:
        """Say once that no rule looks at the stream."""
        self.logger.info("No rule looks at stream %r; its rows are counted as skipped", self.stream_name)

    def settle(self, records: Sequence[dict[str, t.Any]]) -> None:
        """Settle the batch as skipped."""
        settled = [
            Settled(
                SourceRow(self.stream_name, external_id_of(record, self.key_properties) or "", {}),
                Outcome.SKIPPED,
                Reason.NO_RULE,
            )
            for record in records
        ]
        self.ledger_target.process(lambda: self.ledger_target.engine.settle_directly(settled))


def _moment(text: t.Any) -> datetime | None:
    """Return when a row was read; None for what is no time, which only makes its age unknown."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)


if __name__ == "__main__":
    TargetTwilio.cli()
