"""A limit of requests a second, shared by all threads of a client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """Spreads requests evenly: each waits until `1 / rate` seconds after the one before.

    Args:
        rate: Most requests a second; 0 for no limit.
        clock: Gives seconds that never go back.
        sleep: Waits so many seconds.
    """

    def __init__(self, rate: int, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free = clock()

    def wait(self) -> None:
        """Waits for the turn of one request."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._free)
            self._free = turn + self._gap
        if turn > now:
            self._sleep(turn - now)
