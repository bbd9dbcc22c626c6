"""What was sent so far."""

from __future__ import annotations

import threading
import typing as t


class Sent(t.NamedTuple):
    """Counts of requests.

    Attributes:
        calls: All of them, repeats included.
        writes: Those that may change data.
        cost: Their price in the service's own unit.
    """

    calls: int = 0
    writes: int = 0
    cost: int = 0


class Tally:
    """Counts requests of several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent = Sent()

    def add(self, *, write: bool, cost: int) -> None:
        """Count one request."""
        with self._lock:
            calls, writes, before = self._sent
            self._sent = Sent(calls + 1, writes + write, before + cost)

    @property
    def sent(self) -> Sent:
        """What was sent so far."""
        return self._sent
