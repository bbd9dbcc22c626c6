"""Rows their map could not handle: they go on as records of a stream of their own and are counted."""

from __future__ import annotations

import typing as t
from collections import Counter
from datetime import datetime, timezone

import simpleeval  # type: ignore[import-untyped]

from sync_mapper import damaged
from sync_mapper.encoding import SCHEMA_DIALECT, encoder
from sync_mapper.errors import MapExpressionError, RowError, TooManyUnmappedError
from sync_mapper.sdk_functions import sha256

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence

    import msgspec

STREAM = "_unmapped"
KEY_PROPERTIES = ["stream", "key"]


def _text(description: str, **more: t.Any) -> dict[str, t.Any]:
    return {"type": ["string", "null"], **more, "description": description}


SCHEMA: dict[str, t.Any] = {
    "type": "object",
    "properties": {
        "stream": {"type": ["string"], "description": "Stream the row was meant for"},
        "key": {"type": ["string"], "description": "Key of the row at the source, as JSON"},
        "source_stream": _text("Stream the row came from"),
        "mapped_key": _text("Key the row would have after mapping, as JSON"),
        "record": {
            "type": ["object", "null"],
            "properties": {},
            "additionalProperties": True,
            "description": "The row as it came",
        },
        "missing": {
            "type": ["array", "null"],
            "items": {"type": ["string"]},
            "description": "Properties of the stream that the row does not have",
        },
        "map": _text("Name of the map in the mapping"),
        "field": _text("Property whose expression failed"),
        "reason": _text("What went wrong"),
        "time": _text("When, in UTC", format="date-time"),
    },
    "required": ["stream", "key"],
    "$schema": SCHEMA_DIALECT,
}

_REASON_LENGTH = 500
_EXAMPLES = 3
_GUARDED_FROM = 100
"""Rows of a stream from which on a share says something."""


def reason_of(error: Exception) -> str:
    """Return what went wrong in an expression, without the SDK's wrapping."""
    cause = error.__cause__ if isinstance(error, MapExpressionError) and error.__cause__ else error
    return t.cast("str", damaged.mended(f"{type(cause).__name__}: {cause}"[:_REASON_LENGTH]))


def _json(key: Mapping[str, t.Any]) -> str | None:
    """Return a key as JSON; None for one that JSON cannot hold, which is no key."""
    try:
        return encoder.encode(key).decode()
    except Exception:  # noqa: BLE001 - whatever a value raises when it is written
        return None


def _told_of(error: Exception) -> str:
    """Return what a log may tell of an error: Python's own messages quote the row."""
    cause = error.__cause__ if isinstance(error, MapExpressionError) and error.__cause__ else error
    tells = isinstance(cause, (RowError, simpleeval.InvalidExpression))
    return reason_of(error) if tells else type(cause).__name__


def key_of(record: Mapping[str, t.Any], key_properties: Sequence[str] | None) -> str:
    """Return a row's key as compact JSON; a stream without a key gets a hash of the row."""
    if key_properties:
        return encoder.encode({name: record.get(name) for name in key_properties}).decode()
    return encoder.encode({"sha256": sha256(encoder.encode(record).decode())}).decode()


class UnmappedRows:
    """Makes the records of the stream, remembers how many there were and why, and stops a run with too many.

    Args:
        guard_percent: Share of a stream's rows above which a run stops; 0 never stops it.

    Attributes:
        rows: Stream -> rows meant for it.
        counts: Stream -> those of them that could not be mapped.
    """

    def __init__(self, guard_percent: int = 0) -> None:
        self._guard_percent = guard_percent
        self.rows: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def record(
        self,
        *,
        stream: str,
        source_stream: str,
        key: str,
        mapped_key: Mapping[str, t.Any] | None,
        record: msgspec.Raw,
        missing: Sequence[str],
        map_name: str,
        field: str | None,
        error: Exception,
    ) -> dict[str, t.Any]:
        """Count a row and return the record that tells of it."""
        reason = reason_of(error)
        self.counts[stream] += 1
        examples = self._examples.setdefault(stream, [])
        if len(examples) < _EXAMPLES:
            examples.append(f"{key}{f' {field}' if field else ''}: {_told_of(error)}")
        return {
            "stream": stream,
            "key": key,
            "source_stream": source_stream,
            "mapped_key": _json(mapped_key) if mapped_key else None,
            "record": record,
            "missing": missing,
            "map": map_name,
            "field": field,
            "reason": reason,
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        }

    def check_all(self) -> None:
        """Stop the run if too many rows of any stream could not be mapped.

        Raises:
            TooManyUnmappedError: They were.
        """
        for stream in self.counts:
            self.check(stream)

    def check(self, stream: str) -> None:
        """Stop the run if too many rows of a stream could not be mapped.

        Raises:
            TooManyUnmappedError: They were.
        """
        rows, failed = self.rows[stream], self.counts[stream]
        if self._guard_percent and rows >= _GUARDED_FROM and failed * 100 > rows * self._guard_percent:
            raise TooManyUnmappedError(
                f"{failed} of {rows} rows meant for {stream} could not be mapped, more than the "
                f"{self._guard_percent} % of the setting unmapped_guard_percent; correct the mapping, and run again "
                f"(the first: {' | '.join(self._examples[stream])})"
            )

    def summarise(self, logger: logging.Logger) -> None:
        """Warn once for each stream that had such rows."""
        for stream, count in self.counts.items():
            logger.warning(
                "%d rows meant for %s could not be mapped and went on as %s; the first: %s",
                count,
                stream,
                STREAM,
                " | ".join(self._examples[stream]),
            )
