"""Pacing under Pipedrive's burst limit, shared by all threads of a run.

Pipedrive allows so many requests in a rolling window of 2 s and says how many with every answer
(`x-ratelimit-limit`, `-remaining`, `-reset`; fact sheet section 10). Since only the server knows when it counted a
request, one of ours is held to occupy the window until 2 s after its answer came back: the server counted it earlier
than that, so its own count can never exceed ours, whatever the latency. What the server counts beyond ours are other
programs on the same token; they get their share.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOW_SECONDS: t.Final = 2.0
POLL_SECONDS: t.Final = 0.02


@dataclass(eq=False)
class Slot:
    """A request's place in the window, or the places taken by requests of other programs.

    Attributes:
        taken_at: When the request was let through.
        free_at: When the place is free again; None while the request is under way.
        places: How many places it takes.
    """

    taken_at: float
    free_at: float | None = None
    places: int = 1


class BurstLimiter:
    """Lets requests through so that the server never counts more than its limit in any 2 s.

    Args:
        limit: Requests per window until the server has told its own limit.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._slots: list[Slot] = []
        self._paused_until = float("-inf")
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Requests per window as known now."""
        return self._limit

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait for a place in the window and hold it while the request is under way."""
        slot = self._take()
        try:
            yield slot
        finally:
            with self._lock:
                slot.free_at = self._clock() + WINDOW_SECONDS

    def learn(self, slot: Slot, limit: int | None, remaining: int | None, reset_seconds: float | None) -> None:
        """Take over what the answer to one request said about the window.

        Args:
            slot: The place the request held.
            limit: Requests the server allows per window.
            remaining: Requests left in it when the server answered.
            reset_seconds: Seconds until the window is free again.
        """
        with self._lock:
            if limit is not None and limit > 0:
                self._limit = limit
            if remaining is None:
                return
            now = self._clock()
            # Everything we know of that the server can have counted: what overlaps the request's own life.
            known = sum(other.places for other in self._slots if other.free_at is None or other.free_at > slot.taken_at)
            strangers = (limit or self._limit) - remaining - known
            if strangers > 0:
                wait = WINDOW_SECONDS if not reset_seconds else min(reset_seconds, WINDOW_SECONDS)
                self._slots.append(Slot(now, now + wait, strangers))

    def pause(self, seconds: float) -> None:
        """Hold all requests back for a while: the server said the window is full."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _take(self) -> Slot:
        while True:
            with self._lock:
                now = self._clock()
                self._forget(now)
                wait = self._paused_until - now
                if wait <= 0:
                    busy = [slot for slot in self._slots if slot.free_at is None or slot.free_at > now]
                    if sum(slot.places for slot in busy) < self._limit:
                        slot = Slot(now)
                        self._slots.append(slot)
                        return slot
                    wait = min((slot.free_at - now for slot in busy if slot.free_at is not None), default=POLL_SECONDS)
            self._sleep(max(wait, 0.001))

    def _forget(self, now: float) -> None:
        """Drop places that are free and that no request under way can have been counted with."""
        oldest = min((slot.taken_at for slot in self._slots if slot.free_at is None), default=now)
        self._slots = [slot for slot in self._slots if slot.free_at is None or slot.free_at > oldest]
