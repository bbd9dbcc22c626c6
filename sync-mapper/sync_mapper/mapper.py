"""The mapper: Singer messages through stream maps."""

from __future__ import annotations

import os
import sys
import typing as t

import msgspec
from singer_sdk import singerlib as singer
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import encoder
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.mapper_base import InlineMapper

from sync_mapper import damaged, definitions, mapping_file, unmapped
from sync_mapper.checking.at_start import StartChecks
from sync_mapper.computed import ComputedStreamMap
from sync_mapper.errors import InputError, MapperError, MappingError, RowError
from sync_mapper.maps import StreamMaps
from sync_mapper.messages import MappedRecord, MapperReader, MapperWriter, readable, record_of
from sync_mapper.results import ResultError, encoded

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from singer_sdk.mapper import StreamMap

_SIGNAL_EXIT = 128
"""Added to a signal's number, as shells do, for the exit code of a run that a signal ended."""


class SyncMapper(InlineMapper):
    """Meltano mapper with Singer stream maps that never stops a run for one bad row."""

    name = "sync-mapper"
    package_name = "sync-mapper"
    message_reader_class = MapperReader
    message_writer_class = MapperWriter
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        th.Property(
            "mapping_file",
            th.StringType,
            title="Mapping file",
            description=(
                "YAML file with `stream_maps` and, if wanted, `stream_map_config`. A relative path counts from the "
                "working directory, then from Meltano's project. A stream in the setting `stream_maps` takes the "
                "place of the file's stream of that name."
            ),
        ),
        # Declared here in place of the SDK's: its schema of the maps refuses a wrong one with a traceback instead of a
        # message (singer-sdk 0.54.9); `definitions.check` says what is wrong and where.
        th.Property(
            "stream_maps",
            th.ObjectType(additional_properties=True),
            title="Stream maps",
            description="Inline stream maps, see https://sdk.meltano.com/en/latest/stream_maps.html.",
        ),
        th.Property(
            "expressions",
            th.ObjectType(additional_properties=True),
            title="Expressions",
            description="Names with expressions that other expressions use by that name, beside those of the file.",
        ),
        th.Property(
            "code_tables",
            th.ObjectType(additional_properties=True),
            title="Code tables",
            description="Names with texts of codes, or where they are, beside those of the file.",
        ),
        th.Property(
            "destination_snapshot",
            th.StringType,
            title="Snapshot of the destination",
            description=(
                "JSON file with the destination's fields, as `TARGET describe` prints them; what goes on is checked "
                "against it at the start. A relative path counts like that of `mapping_file`."
            ),
        ),
        th.Property(
            "unmapped_guard_percent",
            th.IntegerType(minimum=0, maximum=100),
            default=20,
            title="Guard of unmapped rows",
            description=(
                "Stop when more than so many percent of the rows for a stream (of 100 or more) could not be mapped; 0 "
                "never stops."
            ),
        ),
    ).to_dict()

    def __init__(self, **kwargs: t.Any) -> None:
        super().__init__(**kwargs)
        self._busy = False
        self._stop_signal: int | None = None
        self._unmapped = unmapped.UnmappedRows(self.config["unmapped_guard_percent"])
        mapping, inline = self._mapping()
        self.maps = StreamMaps(mapping, dict(self.config), self.logger)
        self.maps.checks = StartChecks(
            mapping,
            self.logger,
            file=self.config.get("mapping_file"),
            inline=inline,
            destination_snapshot=self.config.get("destination_snapshot"),
        )
        self.mapper = self.maps
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

    def map_schema_message(self, message_dict: dict[str, t.Any]) -> Iterator[singer.Message]:
        """Map a SCHEMA; one for each stream that comes out of it, none for a stream that is left out."""
        _require(message_dict, "stream", "schema")
        schema = {"properties": {}, **message_dict["schema"]}
        self.maps.tables.announce(message_dict["stream"])
        self.maps.register_raw_stream_schema(message_dict["stream"], schema, message_dict.get("key_properties") or [])
        for stream_map in self._maps_of(message_dict):
            yield singer.SchemaMessage(
                stream_map.stream_alias,
                stream_map.transformed_schema,
                stream_map.transformed_key_properties or [],
                message_dict.get("bookmark_properties"),
            )

    def map_record_message(self, message_dict: dict[str, t.Any]) -> Iterator[singer.Message]:
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
        unchanged = isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled
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

    def map_state_message(self, message_dict: dict[str, t.Any]) -> Iterator[singer.Message]:
        """Pass a STATE on as it is; its bookmarks are the tap's and keep the tap's stream names."""
        _require(message_dict, "value")
        # The row that made a stream's rows enough to judge by need not be one that failed.
        self._unmapped.check_all()
        yield singer.StateMessage(message_dict["value"])

    def map_activate_version_message(self, message_dict: dict[str, t.Any]) -> Iterator[singer.Message]:
        """Pass an ACTIVATE_VERSION on to each stream that comes out of its own."""
        _require(message_dict, "stream", "version")
        for stream_map in self._maps_of(message_dict):
            yield singer.ActivateVersionMessage(stream_map.stream_alias, message_dict["version"])

    def map_batch_message(self, message_dict: dict[str, t.Any]) -> Iterable[singer.Message]:
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
        super().process_endofpipe()

    def _maps_of(self, message_dict: dict[str, t.Any]) -> list[StreamMap]:
        stream = message_dict["stream"]
        maps = self.maps.stream_maps.get(stream)
        if maps is None:
            raise InputError(f"A {message_dict['type']} of stream {stream!r} came before the stream's SCHEMA")
        return [stream_map for stream_map in maps if not isinstance(stream_map, RemoveRecordTransform)]

    def _unmapped_messages(
        self, stream_map: StreamMap, message_dict: dict[str, t.Any], error: Exception
    ) -> Iterator[singer.Message]:
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
            yield singer.SchemaMessage(unmapped.STREAM, unmapped.SCHEMA, unmapped.KEY_PROPERTIES)
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

    def _write_messages(self, messages: Iterable[singer.Message]) -> None:
        self._busy = True
        super()._write_messages(messages)
        self._busy = False
        if self._stop_signal is not None:
            raise SystemExit(_SIGNAL_EXIT + self._stop_signal)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # Never cut a line in two: the target would take its beginning for a broken message.
        del frame
        self._stop_signal = signum
        if not self._busy:
            raise SystemExit(_SIGNAL_EXIT + signum)

    @classmethod
    def invoke(cls, **kwargs: t.Any) -> None:
        """Run from the command line; what ends the run is one line, not a traceback."""
        try:
            super().invoke(**kwargs)
        except MappingError as error:
            for problem in error.problems:
                cls.logger.error("%s", problem)  # noqa: TRY400 - one line for people; it says what to do
            sys.exit(1)
        except MapperError as error:
            cls.logger.error("%s", error)  # noqa: TRY400 - one line for people; it says what to do
            sys.exit(1)
        except BrokenPipeError:
            cls.logger.error("The target closed the pipe; see its own messages")  # noqa: TRY400 - nothing to trace
            # The interpreter flushes standard output once more when it ends; there must be something to take it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)


def _require(message_dict: dict[str, t.Any], *names: str) -> None:
    missing = [name for name in names if name not in message_dict]
    if missing:
        raise InputError(f"A {message_dict['type']} message lacks {', '.join(missing)}")
