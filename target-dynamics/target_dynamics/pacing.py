"""Keeps below the service protection limits (Dataverse sheet section 13).

They are counted per user and web server: requests and their execution time in any five minutes, and requests under way
at the same time. All are counted here too, over the threads of this process; those at the same time by leases with
other processes on the same ledger as well. What answers say is left counts where it is less. When the service turns a
request away all the same, every thread waits as long as it says; when it does so for too many at the same time, half as
many are sent from then on, and slowly more again.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from collections import deque

from sync_ledger.limits import BurstLimiter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sync_ledger.limits import AccountLimits

WINDOW_SECONDS: t.Final = 300.0
REQUESTS: t.Final = 6000
EXECUTION_SECONDS: t.Final = 1200.0
CONCURRENCY: t.Final = 52

KEPT_BACK: t.Final = 0.05
"""Part of the execution time that is left over, as a request's own is known only afterwards."""

GROW_AFTER: t.Final = 50
"""So many answers let one more request run at the same time, once a refusal has made them fewer."""

_MARGIN: t.Final = 0.05
"""So many seconds after its answer a request is held to be under way still; the server ends it a moment later."""

_POLL_SECONDS: t.Final = 1.0
_BURST: t.Final = "x-ms-ratelimit-burst-remaining-xrm-requests"
_TIME: t.Final = "x-ms-ratelimit-time-remaining-xrm-requests"
_HINT: t.Final = "x-ms-dop-hint"


class ExecutionTime:
    """Execution time of requests in the window; safe to share between threads.

    Args:
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """

    def __init__(self, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, float]] = deque()  # when it counts no more, seconds

    def wait(self) -> None:
        """Wait until the window has room."""
        while True:
            with self._lock:
                now = self._clock()
                self._forget(now)
                used = sum(seconds for _, seconds in self._spent)
                if used < EXECUTION_SECONDS * (1 - KEPT_BACK):
                    return
                pause = min(max(self._spent[0][0] - now, 0.01), _POLL_SECONDS)
            self._sleep(pause)

    def add(self, seconds: float, left: float | None) -> None:
        """Count a request that was answered.

        Args:
            seconds: How long it took, more than the server counts.
            left: Seconds the server says are left in its window.
        """
        with self._lock:
            now = self._clock()
            self._forget(now)
            self._spent.append((now + WINDOW_SECONDS, seconds))
            if left is not None:
                unknown = EXECUTION_SECONDS - left - sum(each for _, each in self._spent)
                if unknown > 0:  # custom logic, other programs of the same user, or a lower limit
                    self._spent.append((now + WINDOW_SECONDS, unknown))

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] <= now:
            self._spent.popleft()


class Pacing:
    """Lets requests through so that no limit is reached.

    Args:
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._requests = BurstLimiter(REQUESTS, window_seconds=WINDOW_SECONDS, clock=clock, sleep=sleep)
        self._at_once = BurstLimiter(CONCURRENCY, window_seconds=_MARGIN, clock=clock, sleep=sleep)
        self._execution = ExecutionTime(clock=clock, sleep=sleep)
        self._lock = threading.Lock()
        self._running = 0
        self._most = CONCURRENCY
        self._good = 0
        self.hint: int | None = None
        """Requests at the same time that the service recommends, once it has said so."""
        self.left: tuple[int | None, float | None] = (None, None)
        """Requests and seconds of execution time left of five minutes, as told last; None when not."""

    def share(self, limits: AccountLimits) -> None:
        """Share concurrency with other processes from now on.

        Their requests need no lease: what answers say is left tells of them. A lease of a window of five minutes would
        keep its places for as long after its process has died.
        """
        self._at_once.share(limits.lease("calls", window_seconds=_MARGIN))

    def release(self) -> None:
        """Give back what is held of the limits."""
        self._at_once.release()

    @contextlib.contextmanager
    def slot(self) -> Iterator[Callable[[Mapping[str, str]], None]]:
        """Wait for a place and hold it while a request is under way; gives what takes the headers of its answer."""
        self._execution.wait()
        with self._requests.slot() as place, self._at_once.slot():
            begun = self._clock()
            with self._lock:
                self._running += 1
            told: dict[str, float | None] = {"left": None}

            def learn(headers: Mapping[str, str]) -> None:
                remaining = _number(headers.get(_BURST))
                requests = None if remaining is None else int(remaining)
                self._requests.learn(place, None, requests, None)
                told["left"] = _number(headers.get(_TIME))
                self.left = (requests, told["left"])
                hint = _number(headers.get(_HINT))
                if hint:
                    self.hint = int(hint)

            try:
                yield learn
            finally:
                with self._lock:
                    self._running -= 1
                self._execution.add(self._clock() - begun, told["left"])

    def pause(self, seconds: float) -> None:
        """Hold all requests back for a while: the service said so."""
        self._requests.pause(seconds)

    @property
    def at_once(self) -> int:
        """Requests that may run at the same time now."""
        return self._most

    def crowded(self) -> None:
        """Let half as many requests run at the same time: the service refused one for their number."""
        with self._lock:
            self._most, self._good = max(1, min(self._most, self._running + 1) // 2), 0
            self._at_once.told(self._most)

    def answered(self) -> None:
        """Learn of a request that was not turned away; after some of them one more may run at the same time."""
        with self._lock:
            if self._most == CONCURRENCY:
                return
            self._good += 1
            if self._good >= GROW_AFTER:
                self._most, self._good = self._most + 1, 0
                self._at_once.told(self._most)


def _number(text: str | None) -> float | None:
    """Return a number as headers have it, `1,199.25`; None for anything else."""
    try:
        return None if text is None else max(0.0, float(text.replace(",", "")))
    except ValueError:
        return None
