"""A mapping run in this process, by the mapper itself."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from sync_mapper import unmapped
from sync_mapper.computed import ComputedStreamMap
from sync_mapper.mapper import SyncMapper
from sync_mapper.messages import MappedRecord

if t.TYPE_CHECKING:
    from pathlib import Path

    from sync_mapper.messages import Message
    from sync_mapper.rehearsal.catalogs import SourceStream

Record = dict[str, t.Any]


@dataclass(frozen=True)
class Mapped:
    """A row as it goes on.

    Attributes:
        source: Stream it came from.
        stream: Stream it goes on as; `_unmapped` for a row its map could not handle.
        record: Its properties.
    """

    source: str
    stream: str
    record: Record

    @property
    def is_unmapped(self) -> bool:
        """Whether a map could not handle the row."""
        return self.stream == unmapped.STREAM


class Rehearsal:
    """One run of a mapping.

    Args:
        mapping: The mapping file.
        strict: Whether a map that the schema speaks against is refused, instead of judged row by row as in a run.

    Raises:
        MapperError: The mapping cannot be used.
    """

    def __init__(self, mapping: Path, *, strict: bool = False) -> None:
        # The guard is for runs: rows that were chosen because they fail must not stop this one.
        self._mapper = SyncMapper(config={"mapping_file": str(mapping), "unmapped_guard_percent": 0})
        if self._mapper.maps.checks is not None:
            self._mapper.maps.checks.strict = strict

    @property
    def table_streams(self) -> frozenset[str]:
        """Source streams whose rows fill code tables."""
        return self._mapper.maps.tables.streams

    def codes_of(self, stream: str, record: Record) -> set[str]:
        """Return the codes that a row brings to code tables."""
        return self._mapper.maps.tables.codes_of(stream, record)

    def begin(self, name: str, stream: SourceStream) -> None:
        """Take the SCHEMA of a source stream.

        Raises:
            MapperError: A map does not fit it.
        """
        self.take({"type": "SCHEMA", "stream": name, "schema": stream.schema, "key_properties": stream.key_properties})

    def take(self, message: Record) -> list[Message]:
        """Take a SCHEMA or RECORD message, and return what it becomes.

        Raises:
            MapperError: A map does not fit the SCHEMA.
        """
        if message["type"] == "SCHEMA":
            return list(self._mapper.map_schema_message(message))
        return list(self._mapper.map_record_message(message))

    def row(self, stream: str, record: Record) -> list[Mapped]:
        """Return what becomes of a row."""
        messages = self.take({"type": "RECORD", "stream": stream, "record": record})
        return [
            Mapped(stream, one.stream, json.loads(bytes(one.record)))
            for one in messages
            if isinstance(one, MappedRecord)
        ]

    def maps(self, stream: str) -> list[ComputedStreamMap]:
        """Return the maps that apply to a source stream."""
        found = self._mapper.maps.stream_maps.get(stream, [])
        return [one for one in found if isinstance(one, ComputedStreamMap)]

    def source_key(self, stream: str) -> list[str]:
        """Return the names of a source stream's key properties."""
        maps = self._mapper.maps.stream_maps.get(stream, [])
        return list(maps[0].raw_key_properties or ()) if maps else []

    def map_names(self, one: Mapped) -> list[str]:
        """Return the names of the maps a row was made by."""
        return [found.map_name for found in self.maps(one.source) if found.stream_alias == one.stream]

    def key_of(self, stream: str) -> list[str]:
        """Return the key of a stream as it goes on; empty where none is known."""
        for maps in self._mapper.maps.stream_maps.values():
            for one in maps:
                if one.stream_alias == stream:
                    return list(one.transformed_key_properties or ())
        return []
