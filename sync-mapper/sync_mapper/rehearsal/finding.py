"""Finds the one row of a stream that somebody asks about."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_mapper.errors import InputError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_mapper.maps import ComputedStreamMap
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
    meant = False
    for message in messages:
        if message["type"] not in {"SCHEMA", "RECORD"}:
            continue
        stream = message["stream"]
        if message["type"] == "SCHEMA":
            keys[stream] = list(message.get("key_properties") or [])
            rehearsal.take(message)
            meant = meant or bool(_asked_for(rehearsal, wanted, stream))
            continue
        record = message["record"]
        for one in _asked_for(rehearsal, wanted, stream):
            mapped = one.mapped_key(record) or {}
            if wanted.is_meant(record, keys.get(stream, [])) or wanted.is_meant(mapped, list(mapped)):
                return stream, record, [found.map_name for found in _asked_for(rehearsal, wanted, stream)]
        rehearsal.take(message)
    if not meant:
        raise InputError(f"No stream came that is named {wanted.stream!r} or that a map of that name is for")
    raise InputError(f"No row of {wanted.stream} came with the key {wanted.key}")


def _asked_for(rehearsal: Rehearsal, wanted: Wanted, stream: str) -> list[ComputedStreamMap]:
    maps = rehearsal.maps(stream)
    return (
        maps if stream == wanted.stream else [one for one in maps if wanted.stream in {one.map_name, one.stream_alias}]
    )
