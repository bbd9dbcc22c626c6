"""The mapper: Singer messages through stream maps."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import typing as t

import msgspec

from sync_mapper import damaged, definitions, mapping_file, unmapped
from sync_mapper.checking.at_start import StartChecks
from sync_mapper.computed import ComputedStreamMap
from sync_mapper.encoding import encoder
from sync_mapper.errors import InputError, RowError
from sync_mapper.maps import StreamMaps
from sync_mapper.messages import (
    ActivateVersion,
    MappedRecord,
    MappedSchema,
    MapperReader,
    MapperWriter,
    State,
    readable,
    record_of,
)
from sync_mapper.results import ResultError, encoded
from sync_mapper.stream_map import RemovedStream, SameRecord

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from sync_mapper.messages import Message
    from sync_mapper.stream_map import StreamMap

logger = logging.getLogger("sync-mapper")

GUARD_PERCENT = 20
"""Share of unmapped rows from which on a run stops, if no setting says otherwise."""

_SIGNAL_EXIT = 128
"""Added to a signal's number, as shells do, for the exit code of a run that a signal ended."""


class SyncMapper:
    """Maps Singer messages.

    Args:
        config: Settings, with defaults filled in as `sync_mapper.plugin` declares them.
        message_writer: Where messages go, standard output if none is given.

    Raises:
        MapperError: The mapping cannot be used.
    """

    def __init__(self, config: dict[str, t.Any], message_writer: MapperWriter | None = None) -> None:
        self.config = config
        self.message_reader = MapperReader()
        self.message_writer = message_writer or MapperWriter()
        self.logger = logger
        self._busy = False
        self._stop_signal: int | None = None
        self._setup_signal_handlers()
        self._unmapped = unmapped.UnmappedRows(self.config.get("unmapped_guard_percent", GUARD_PERCENT))
        mapping, inline = self._mapping()
        self.maps = StreamMaps(mapping, self.config, self.logger)
        self.maps.checks = StartChecks(
            mapping,
            self.logger,
            file=self.config.get("mapping_file"),
            inline=inline,
            destination_snapshot=self.config.get("destination_snapshot"),
        )
        self._table_streams = self.maps.tables.streams

    def _mapping(self) -> tuple[mapping_file.Mapping, mapping_file.Mapping]:
        """Return the mapping, and what of it comes from settings."""
        file_name = self.config.get("mapping_file")
        mapping = mapping_file.read(file_name) if file_name else mapping_file.Mapping()
        given: dict[str, dict[str, t.Any]] = {key: self.config.get(key) or {} for key in mapping_file.KEYS}
        inline = mapping_file.Mapping(**given)  # type: ignore[arg-type]  # KEYS are those of its fields that are dicts
        mapping = mapping.merged(inline)
        definitions.check(mapping)
        return mapping, inline

    # -- messages ----------------------------------------------------------------------------------------------

    def map_schema_message(self, message_dict: dict[str, t.Any]) -> Iterator[Message]:
        """Map a SCHEMA; one for each stream that comes out of it, none for a stream that is left out."""
        _require(message_dict, "stream", "schema")
        schema = {"properties": {}, **message_dict["schema"]}
        self.maps.tables.announce(message_dict["stream"])
        self.maps.register_raw_stream_schema(message_dict["stream"], schema, message_dict.get("key_properties") or [])
        for stream_map in self._maps_of(message_dict):
            yield MappedSchema(
                stream_map.stream_alias,
                stream_map.transformed_schema,
                stream_map.transformed_key_properties or [],
                message_dict.get("bookmark_properties"),
            )

    def map_record_message(self, message_dict: dict[str, t.Any]) -> Iterator[Message]:
        """Map a RECORD; a row its map cannot handle becomes a record of `_unmapped`."""
        _require(message_dict, "stream", "record")
        if message_dict["stream"] in self._table_streams:
            self._take(message_dict)
        for stream_map in self._maps_of(message_dict):
            self._unmapped.rows[stream_map.stream_alias] += 1
            try:
                mapped = self._transformed(stream_map, message_dict)
            except Exception as error:  # noqa: BLE001 - an expression may raise anything; the row is kept and counted
                yield from self._unmapped_messages(stream_map, message_dict, error)
                continue
            if mapped is not None:
                yield MappedRecord(
                    stream_map.stream_alias,
                    mapped,
                    message_dict.get("time_extracted"),
                    message_dict.get("version"),
                )

    @staticmethod
    def _transformed(stream_map: StreamMap, message_dict: dict[str, t.Any]) -> msgspec.Raw | None:
        record = message_dict["record"]
        unchanged = isinstance(stream_map, SameRecord) and not stream_map.flattening_enabled
        if unchanged and isinstance(record, msgspec.Raw):
            return record
        mapped = stream_map.transform(record_of(message_dict))
        return None if mapped is None else encoded(mapped)

    def _take(self, message_dict: dict[str, t.Any]) -> None:
        """Take a row of a stream that fills code tables."""
        stream = message_dict["stream"]
        try:
            self.maps.tables.take(stream, record_of(message_dict))
        except RowError as error:
            self.logger.warning("A row of %s is missing in code tables: %s", stream, error)

    def map_state_message(self, message_dict: dict[str, t.Any]) -> Iterator[Message]:
        """Pass a STATE on as it is; its bookmarks are the tap's and keep the tap's stream names."""
        _require(message_dict, "value")
        # The row that made a stream's rows enough to judge by need not be one that failed.
        self._unmapped.check_all()
        yield State(message_dict["value"])

    def map_activate_version_message(self, message_dict: dict[str, t.Any]) -> Iterator[Message]:
        """Pass an ACTIVATE_VERSION on to each stream that comes out of its own."""
        _require(message_dict, "stream", "version")
        for stream_map in self._maps_of(message_dict):
            yield ActivateVersion(stream_map.stream_alias, message_dict["version"])

    def map_batch_message(self, message_dict: dict[str, t.Any]) -> Iterable[Message]:
        """Refuse a BATCH: its rows are in files and would pass unmapped."""
        raise InputError(
            f"The tap sends BATCH messages for stream {message_dict.get('stream')!r}; rows in files cannot be mapped. "
            "Remove the setting batch_config from the tap"
        )

    def process_endofpipe(self) -> None:
        """Say what could not be mapped and which maps were never used.

        Raises:
            TooManyUnmappedError: Too much could not be mapped.
        """
        sys.stdout.flush()
        self._unmapped.summarise(self.logger)
        if self.maps.stream_maps:
            for name in self.maps.unused:
                self.logger.warning("The map %s was not used: the tap sent no stream it is for", name)
        self._unmapped.check_all()

    def _maps_of(self, message_dict: dict[str, t.Any]) -> list[StreamMap]:
        stream = message_dict["stream"]
        maps = self.maps.stream_maps.get(stream)
        if maps is None:
            raise InputError(f"A {message_dict['type']} of stream {stream!r} came before the stream's SCHEMA")
        return [stream_map for stream_map in maps if not isinstance(stream_map, RemovedStream)]

    def _unmapped_messages(
        self, stream_map: StreamMap, message_dict: dict[str, t.Any], error: Exception
    ) -> Iterator[Message]:
        record = readable(message_dict)
        try:
            row_as_json = encoder.encode(record)
        except UnicodeEncodeError:
            record = damaged.mended(record)
            row_as_json = encoder.encode(record)
        computed = stream_map if isinstance(stream_map, ComputedStreamMap) else None
        field = computed.evaluating if computed and not isinstance(error, damaged.UnreadableRowError) else None
        field = damaged.mended(error.field) if isinstance(error, ResultError) else field
        if not self._unmapped.counts:
            yield MappedSchema(unmapped.STREAM, unmapped.SCHEMA, unmapped.KEY_PROPERTIES)
        row = self._unmapped.record(
            stream=stream_map.stream_alias,
            source_stream=message_dict["stream"],
            key=unmapped.key_of(record, stream_map.raw_key_properties),
            mapped_key=computed.mapped_key(record) if computed else None,
            record=msgspec.Raw(row_as_json),
            missing=[name for name in stream_map.raw_schema["properties"] if name not in record],
            map_name=computed.map_name if computed else message_dict["stream"],
            field=field,
            error=error,
        )
        yield MappedRecord(unmapped.STREAM, msgspec.Raw(encoder.encode(row)), message_dict.get("time_extracted"))
        self._unmapped.check(stream_map.stream_alias)

    # -- start and end -----------------------------------------------------------------------------------------

    def listen(self, lines: Iterable[str] | None = None) -> None:
        """Map all messages, from standard input if no others are given.

        Raises:
            MapperError: The run must end.
        """
        counts = self.message_reader.process_lines(
            sys.stdin if lines is None else lines,
            {
                "SCHEMA": lambda message: self._write(self.map_schema_message(message)),
                "RECORD": lambda message: self._write(self.map_record_message(message)),
                "STATE": lambda message: self._write(self.map_state_message(message)),
                "ACTIVATE_VERSION": lambda message: self._write(self.map_activate_version_message(message)),
                "BATCH": lambda message: self._write(self.map_batch_message(message)),
            },
        )
        self.logger.info(
            "Reader 'sync-mapper' completed processing %d lines of input (%d schemas, %d records, %d batch manifests, "
            "%d state messages, %d activate version messages).",
            sum(counts.values()),
            *(counts[kind] for kind in ("SCHEMA", "RECORD", "BATCH", "STATE", "ACTIVATE_VERSION")),
        )
        self.process_endofpipe()

    def _write(self, messages: Iterable[Message]) -> None:
        self._busy = True
        for message in messages:
            self.message_writer.write_message(message)
        self._busy = False
        if self._stop_signal is not None:
            raise SystemExit(_SIGNAL_EXIT + self._stop_signal)

    def _setup_signal_handlers(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handle_termination)
            signal.signal(signal.SIGTERM, self._handle_termination)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # Never cut a line in two: the target would take its beginning for a broken message.
        del frame
        self._stop_signal = signum
        if not self._busy:
            raise SystemExit(_SIGNAL_EXIT + signum)


def _require(message_dict: dict[str, t.Any], *names: str) -> None:
    missing = [name for name in names if name not in message_dict]
    if missing:
        raise InputError(f"A {message_dict['type']} message lacks {', '.join(missing)}")
