"""Pacing under a service's burst limit, shared by all threads of a run and, by leases, with other processes.

A service allows so many requests in a rolling window and says how many with its answers. Since only the server knows
when it counted a request, one of ours is held to occupy the window until a whole window after its answer came back: the
server counted it earlier than that, so its own count can never exceed ours, whatever the latency. What the server
counts beyond ours are other programs on the same account; they get their share.

Once a lease is given, a process sends no more than the places it has leased and renews them twice a second, on the way
of a request that is due anyway: no thread of its own, no database transaction per request.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_ledger.limits.leases import Lease

POLL_SECONDS: t.Final = 0.02
RENEW_SECONDS: t.Final = 0.5
"""How often a lease is renewed while requests are sent."""

_NEVER = float("-inf")


@dataclass(eq=False)
class Slot:
    """A request's place in the window, or the places taken by requests of other programs.

    Attributes:
        taken_at: When the request was let through.
        free_at: When the place is free again; None while the request is under way.
        places: How many places it takes.
        own: Whether it is a request of this process.
    """

    taken_at: float
    free_at: float | None = None
    places: int = 1
    own: bool = True


@dataclass
class _Shared:
    """The lease of this process and what it is worth now."""

    lease: Lease
    places: int = 0
    until: float = _NEVER
    renew_at: float = _NEVER
    renewing: bool = False
    starved: bool = True  # a process that begins takes what is free
    peak: int = 0


class BurstLimiter:
    """Lets requests through so that the server never counts more than its limit in any window.

    Args:
        limit: Requests per window until the server has told its own limit.
        window_seconds: Length of the rolling window.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        limit: int,
        *,
        window_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = limit
        self._told: int | None = None
        self._window = window_seconds
        self._clock = clock
        self._sleep = sleep
        self._slots: list[Slot] = []
        self._paused_until = _NEVER
        self._shared: _Shared | None = None
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Requests per window as known now."""
        return self._limit

    def share(self, lease: Lease) -> None:
        """Share the window with other processes from now on: only leased places are used."""
        with self._lock:
            self._shared = _Shared(lease)

    def release(self) -> None:
        """Give the lease back; what was sent a moment ago still counts for the others."""
        with self._lock:
            shared, self._shared = self._shared, None
            busy = self._busy(self._clock(), own=True)
        if shared is not None:
            shared.lease.release(busy)

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait for a place in the window and hold it while the request is under way."""
        slot = self._take()
        try:
            yield slot
        finally:
            with self._lock:
                slot.free_at = self._clock() + self._window

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
                self._limit = self._told = limit
            if remaining is None:
                return
            now = self._clock()
            # Everything we know of that the server can have counted: what overlaps the request's own life.
            known = sum(other.places for other in self._slots if other.free_at is None or other.free_at > slot.taken_at)
            # Others with a lease keep to theirs; strangers are those who leave less than this process may still send.
            ours = min(self._shared.places, self._limit) if self._shared else self._limit
            strangers = ours - remaining - known
            if strangers > 0:
                wait = self._window if not reset_seconds else min(reset_seconds, self._window)
                self._slots.append(Slot(now, now + wait, strangers, own=False))

    def told(self, limit: int) -> None:
        """Take over a limit that the service tells otherwise than with its answers, such as by the account's plan."""
        with self._lock:
            self._limit = self._told = limit

    def pause(self, seconds: float) -> None:
        """Hold all requests back for a while: the server said the window is full."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _take(self) -> Slot:
        while True:
            self._renew_when_due()
            with self._lock:
                now = self._clock()
                self._forget(now)
                wait = self._paused_until - now
                if wait <= 0:
                    taken = self._busy(now)
                    if taken < self._allowed(now):
                        slot = Slot(now)
                        self._slots.append(slot)
                        if self._shared:
                            self._shared.peak = max(self._shared.peak, taken + 1)
                        return slot
                    wait = min(
                        (slot.free_at - now for slot in self._slots if slot.free_at is not None and slot.free_at > now),
                        default=POLL_SECONDS,
                    )
                    if self._shared:
                        self._shared.starved = True
                        wait = min(wait, max(self._shared.renew_at - now, POLL_SECONDS))
            self._sleep(max(wait, 0.001))

    def _allowed(self, now: float) -> int:
        """Return how many places this process may have taken at once now."""
        if self._shared is None:
            return self._limit
        return min(self._shared.places, self._limit) if now < self._shared.until else 0

    def _busy(self, now: float, *, own: bool = False) -> int:
        return sum(
            slot.places
            for slot in self._slots
            if (slot.free_at is None or slot.free_at > now) and (slot.own or not own)
        )

    def _renew_when_due(self) -> None:
        """Renew the lease if it is time, in the one thread that finds it so; the others go on with the old one."""
        with self._lock:
            shared, now = self._shared, self._clock()
            if shared is None or shared.renewing or now < shared.renew_at:
                return
            shared.renewing = True
            # Others may use a place only when this process cannot: neither by what it holds nor by what it has sent.
            held = max(self._allowed(now), self._busy(now, own=True))
            # Who comes back after a pause takes what is free, like one who begins.
            wanted = None if shared.starved or now >= shared.until else 2 * shared.peak
            shared.starved, shared.peak = False, 0
        try:
            grant = shared.lease.renew(told=self._told, fallback=self._limit, held=held, wanted=wanted)
            with self._lock:
                self._limit = grant.limit if self._told is None else self._told
                shared.places = grant.places
                shared.until = now + grant.seconds
        finally:
            with self._lock:
                shared.renewing = False
                shared.renew_at = now + RENEW_SECONDS

    def _forget(self, now: float) -> None:
        """Drop places that are free and that no request under way can have been counted with."""
        oldest = min((slot.taken_at for slot in self._slots if slot.free_at is None), default=now)
        self._slots = [slot for slot in self._slots if slot.free_at is None or slot.free_at > oldest]
