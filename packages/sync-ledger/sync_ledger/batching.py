"""How many rows of one stream make a batch."""

from __future__ import annotations

import sys
import typing as t

_SECONDS = 2
"""A batch is sized so that it takes about this long: a target that dies loses no more progress than that."""

_FIRST = 50
LARGEST = 1000

_GATHERED_BYTES = 64 * 1024 * 1024
"""Room that gathered rows may take; the engine needs about as much again for what it sends of them."""


class BatchSize:
    """The size of a stream's batches: as many rows as fit into a few seconds, judged by the last batch.

    A size is a multiple of what keeps all threads busy with full calls, so that none of them is spent on a few records.
    For a bulk write rows are gathered instead, as many as one job takes and as memory allows.

    Args:
        step: Rows with which each thread that writes has one full call.
        most: Largest batch, as the user set it; None for our own.
    """

    def __init__(self, step: int, most: int | None = None) -> None:
        self._step = step
        self._most = most
        self._first = -(-_FIRST // step) * step
        self._size = self._first
        self._gather = 0
        self._bytes = 0

    @property
    def rows(self) -> int:
        """Rows that make a batch."""
        if self._gather:
            return min(self._gather, self._most or self._gather)
        return min(self._size, self._most or max(LARGEST, self._first))

    @property
    def gathering(self) -> bool:
        """Whether rows are gathered for a bulk write."""
        return self._gather > 0

    @property
    def overfull(self) -> bool:
        """Whether the rows gathered take all the room they may."""
        return self._bytes >= _GATHERED_BYTES

    def gather(self, rows: int) -> None:
        """Gather up to so many rows from now on; with 0, make batches of a few seconds."""
        self._gather = rows

    def came(self, record: t.Mapping[str, t.Any]) -> None:
        """Take account of a row that was taken into the batch."""
        if self._gather:
            self._bytes += footprint(record)

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a batch that has been settled; the next one begins."""
        self._bytes = 0
        fitting = int(rows * _SECONDS / max(seconds, 0.001))
        self._size = max(self._first, min(LARGEST, fitting) // self._step * self._step)


def footprint(value: t.Any) -> int:
    """Return about how many bytes a decoded JSON value takes in memory, the keys of objects left out."""
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(map(footprint, value.values()))
    if isinstance(value, list):
        return size + sum(map(footprint, value))
    return size
