"""What all streams of the tap have in common: batches of records to messages, bookmarks, failures."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from jde_ais import AisError, AisUnavailable
from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage

from tap_jdedwards.deletes import DELETED_AT, wants_sweep
from tap_jdedwards.marks import is_ahead
from tap_jdedwards.writer import StdoutWriter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from singer_sdk.mapper import StreamMap

    from tap_jdedwards.tap import TapJDEdwards

Batch = list[dict[str, Any]]
"""Records read together: those of one page, or of one group of documents."""


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
    def read(self) -> Iterator[Batch]:
        """Read the records that are due and keep the bookmark.

        When the reader asks for the next batch, the last one has been written; :meth:`save` then covers it.
        """

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:  # noqa: ARG002 -- no partitions here
        """Read the records that are due, one by one.

        Args:
            context: Unused, there are no partitions.

        Yields:
            Records.
        """
        for batch in self._batches():
            yield from batch

    def _sync_records(
        self,
        context: Any = None,  # noqa: ARG002 -- no partitions here
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, None]:
        """Write the records that are due, a batch at a time; the SDK would go through a dozen calls for each record."""
        counter = self.get_record_counter()
        read = 0
        with counter, self.get_sync_timer():
            for batch in self._batches():
                if self.ABORT_AT_RECORD_COUNT is not None:  # a connection test
                    batch = batch[: self.ABORT_AT_RECORD_COUNT - read]  # noqa: PLW2901 -- the rest is not wanted
                if write_messages and self.selected:
                    self._write_batch(batch)
                read += len(batch)
                counter.increment(len(batch))
                yield from batch
                if read == self.ABORT_AT_RECORD_COUNT:
                    return
        if write_messages:
            self._write_state_message()

    def _write_batch(self, batch: Batch) -> None:
        """Write a batch at once where every record goes out as it is, else record by record."""
        writer, maps = self.jde.message_writer, self.stream_maps
        if isinstance(writer, StdoutWriter) and all(_passes_all(one) for one in maps):
            for one in maps:
                writer.write_batch(
                    one.stream_alias, batch, version=self._stream_version, time_extracted=self._extracted_at
                )
            self.state_manager.is_flushed = False
        else:
            for record in batch:
                self._write_record_message(record)

    def _batches(self) -> Iterator[Batch]:
        """Read what is due; a failure is noted and ends this stream only."""
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

    @property
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from activating a version before its first record; see :mod:`tap_jdedwards.full_table`."""
        return False

    def begin_version(self, version: int | None) -> None:
        """Let the records that follow belong to a version of the stream.

        Args:
            version: Its number; None for records without one.
        """
        self._stream_version = version

    def activate_version(self, version: int) -> None:
        """Tell targets that all records of a version have been sent, so that those of others are gone.

        Args:
            version: Its number.
        """
        if self.selected:
            self._write_activate_version_message(version)

    def touch(self) -> None:
        """Note that the rows at hand have just been read; RECORD messages say so as ``time_extracted``."""
        self._extracted_at = datetime.now(timezone.utc)

    @property
    def selected_columns(self) -> set[str]:
        """The properties that the catalog has and selects.

        A catalog made before a column or a setting came lacks its property, and so does the SCHEMA message.
        """
        has = self.effective_schema.get("properties", ())
        return {name for name in self.schema["properties"] if name in has and self.mask["properties", name]}

    def looks_for_deletions(self) -> bool:
        """Tell whether deleted rows are looked for, and warn if only the catalog is in the way."""
        if not wants_sweep(self.jde.settings, self.name):
            return False
        if DELETED_AT in self.selected_columns:
            return True
        self.logger.warning(
            "No deleted rows of %s are looked for: the catalog does not have or select %s; discover it anew, or select "
            "the property",
            self.name,
            DELETED_AT,
        )
        return False

    def get_replication_key_signpost(self, context: Any = None) -> None:
        """Keep the SDK's signpost out of the state; marks are capped by the server's clock.

        Args:
            context: Unused.
        """

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


def _passes_all(stream_map: StreamMap) -> bool:
    return type(stream_map) is SameRecordTransform and not stream_map.flattening_enabled
