"""Finds the one row of a stream that somebody asks about."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_mapper.errors import InputError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_mapper.computed import ComputedStreamMap
    from sync_mapper.rehearsal.rehearsing import Record, Rehearsal
    from sync_mapper.source import Message


@dataclass(frozen=True)
class Wanted:
    """What to look for.

    Attributes:
        stream: Name of a source stream, or of a map or a stream it makes.
        key: The key at the source or after mapping: `1001`, or `address_number=1001,contact_line=2`.
    """

    stream: str
    key: str

    def is_meant(self, record: Record, names: Sequence[str]) -> bool:
        """Return whether a row with these names of key properties has the key."""
        if not names:
            return False
        values = {name: _text(record.get(name)) for name in names}
        pairs = self._pairs
        if pairs is not None and pairs.keys() <= values.keys():
            return all(values[name] == value for name, value in pairs.items())
        return len(values) == 1 and next(iter(values.values())) == self.key

    @property
    def _pairs(self) -> dict[str, str] | None:
        parts = [part.partition("=") for part in self.key.split(",")]
        if not all(equals for _, equals, _ in parts):
            return None
        return {name.strip(): value.strip() for name, _, value in parts}


def _text(value: t.Any) -> str:
    return "" if value is None else str(value).strip()


def find(messages: Iterator[Message], rehearsal: Rehearsal, wanted: Wanted) -> tuple[str, Record, list[str]]:
    """Return source stream and row, and the names of the maps asked for, reading no further than needed.

    Raises:
        InputError: No stream of that name comes, or no row with that key.
    """
    keys: dict[str, list[str]] = {}
    asked: set[str] = set()
    for message in messages:
        if message["type"] not in {"SCHEMA", "RECORD"}:
            continue
        stream = message["stream"]
        if message["type"] == "SCHEMA":
            keys[stream] = list(message.get("key_properties") or [])
            rehearsal.take(message)
            if _asked_for(rehearsal, wanted, stream):
                asked.add(stream)
            elif stream == wanted.stream:
                raise InputError(f"No map is for the stream {stream}: its rows are left out or go on as they are")
        elif stream in rehearsal.table_streams:
            rehearsal.take(message)
        elif stream in asked:
            record, maps = message["record"], _asked_for(rehearsal, wanted, stream)
            mapped_keys = (one.mapped_key(record) or {} for one in maps)
            if wanted.is_meant(record, keys[stream]) or any(wanted.is_meant(key, list(key)) for key in mapped_keys):
                return stream, record, [one.map_name for one in maps]
    if not asked:
        raise InputError(
            f"No stream came that is named {wanted.stream!r} or that a map of that name is for; with the settings of"
            ' meltano.yml the tap may send more: --tap "meltano invoke TAP"'
        )
    shapes = dict.fromkeys(",".join(f"{name}=..." for name in keys[stream]) for stream in keys if stream in asked)
    known = " or ".join(shape for shape in shapes if shape)
    hint = f"; a key at the source is written {known}" if known else ""
    raise InputError(f"No row of {wanted.stream} came with the key {wanted.key}{hint}")


def _asked_for(rehearsal: Rehearsal, wanted: Wanted, stream: str) -> list[ComputedStreamMap]:
    maps = rehearsal.maps(stream)
    return (
        maps if stream == wanted.stream else [one for one in maps if wanted.stream in {one.map_name, one.stream_alias}]
    )
