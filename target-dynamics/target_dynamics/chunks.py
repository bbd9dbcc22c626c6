"""How many rows one bulk request carries: fewer when the service is overburdened, more again when it is not.

A request takes as long as the plug-ins of the environment take for each row, and Dataverse gives up after about two
minutes (Dataverse sheet section 12: users' chunks died of that), so no number fits everywhere.
"""

from __future__ import annotations

import threading
import typing as t

GOOD: t.Final = 4
"""So many chunks in a row that went well let the next ones double."""

SLOW_SHARE: t.Final = 0.5
"""A chunk that takes more than this share of the time limit is too large."""


class ChunkSize:
    """The size of chunks of one table; safe to share between threads.

    Args:
        most: Rows at most.
        seconds: How long a request may take.
        least: Rows at least. A bulk message of one row is never sent, so that chunks of one would never grow again.
    """

    def __init__(self, most: int, *, seconds: float, least: int = 1) -> None:
        self.seconds: t.Final = seconds
        self._most = most
        self._least = min(least, most)
        self._slow = seconds * SLOW_SHARE
        self._size = most
        self._good = 0
        self._lock = threading.Lock()

    @property
    def rows(self) -> int:
        """Rows the next chunk may have."""
        return self._size

    def went_well(self, rows: int, seconds: float) -> None:
        """Learn from a chunk that was answered.

        Args:
            rows: How many it had.
            seconds: How long that took.
        """
        if seconds > self._slow and rows > 1:
            self.was_too_much(rows)
            return
        with self._lock:
            if rows < self._size or self._size == self._most:
                return
            self._good += 1
            if self._good >= GOOD:
                self._size, self._good = min(self._size * 2, self._most), 0

    def was_too_much(self, rows: int) -> None:
        """Learn from a chunk that was too large, or got no answer: the next ones have half as many rows."""
        with self._lock:
            self._size, self._good = max(self._least, min(self._size, rows) // 2), 0
