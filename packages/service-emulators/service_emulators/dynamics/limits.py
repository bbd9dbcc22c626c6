"""The three service protection limits of one user and one web server (fact sheet section 13).

Each is counted here by itself, whatever clients count: requests and execution time of a sliding window, and requests
that run at the same time. Once a window is full, requests are refused until the time of `Retry-After` has passed; who
keeps calling meanwhile is told to wait longer each time.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import ApiError

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.dynamics.switches import DynamicsSwitches

WINDOW_SECONDS = 300.0
CODES = {"requests": "0x80072322", "execution_ms": "0x80072321", "concurrency": "0x80072326"}
_CONCURRENCY_WAIT = 2
_STEP_SECONDS = 5


def limit_message(limit: str, most: int) -> str:
    """Returns what a refusal says.

    Args:
        limit: key of `CODES`.
        most: what the limit allows.
    """
    if limit == "requests":
        return f"Number of requests exceeded the limit of {most} over time window of 300 seconds."
    if limit == "concurrency":
        return f"Number of concurrent requests exceeded the limit of {most}."
    return (
        f"Combined execution time of incoming requests exceeded limit of {most:,} milliseconds over time window of 300 "
        "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
    )


class Protection:
    """What one user has used, and the greatest use ever seen.

    Args:
        switches: the limits.
        clock: the emulator's clock.
    """

    def __init__(self, switches: DynamicsSwitches, clock: EmulatorClock) -> None:
        self._switches = switches
        self._clock = clock
        self._window: deque[list[float]] = deque()  # moment, execution time in ms
        self._execution = 0.0
        self._running = 0
        self._blocked: dict[str, tuple[float, int]] = {}  # until when, seconds asked for last
        self.reset()

    def reset(self) -> None:
        """Forgets the greatest use and the refusals; what counts against the limits stays."""
        self._seen: dict[str, float] = dict.fromkeys(CODES, 0)
        self._refused: Counter[str] = Counter()

    def forgive(self) -> None:
        """Forgets what was used, as if the window had passed."""
        self._window.clear()
        self._execution = 0.0
        self._blocked.clear()

    def seen(self) -> dict[str, Any]:
        """Returns limits, the use now, the greatest use since `reset`, and how many requests were refused by limit."""
        self._slide()
        return {
            "limits": {name: getattr(self._switches, name) for name in CODES},
            "now": {"requests": len(self._window), "execution_ms": self._execution, "concurrency": self._running},
            "most": dict(self._seen),
            "refused": {name: self._refused[name] for name in CODES},
        }

    def enter(self) -> list[float]:
        """Counts a request in.

        Returns:
            What `leave` takes.

        Raises:
            ApiError: 429; it is not counted.
        """
        self._slide()
        self._check_window("requests", len(self._window), 1)
        self._check_window("execution_ms", self._execution, 0)
        most = self._switches.concurrency
        if most and self._running >= most:
            raise self._refusal("concurrency", most, self._growing("concurrency", _CONCURRENCY_WAIT))
        self._running += 1
        entry = [self._clock.seconds(), 0.0]
        self._window.append(entry)
        self._note("requests", len(self._window))
        self._note("concurrency", self._running)
        return entry

    def leave(self, entry: list[float], spent_ms: float) -> None:
        """Counts a request out.

        Args:
            entry: from `enter`.
            spent_ms: how long it took.
        """
        self._running -= 1
        entry[1] = spent_ms
        self._execution += spent_ms
        self._note("execution_ms", self._execution)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Returns the headers that say what is left."""
        found = []
        if self._switches.requests:
            found.append(
                (
                    "x-ms-ratelimit-burst-remaining-xrm-requests",
                    str(max(0, self._switches.requests - len(self._window))),
                )
            )
        if self._switches.execution_ms:
            left = max(0.0, self._switches.execution_ms - self._execution) / 1000
            found.append(("x-ms-ratelimit-time-remaining-xrm-requests", f"{left:,.2f}"))
        return tuple(found)

    def _note(self, limit: str, used: float) -> None:
        self._seen[limit] = max(self._seen[limit], used)

    def _slide(self) -> None:
        now = self._clock.seconds()
        while self._window and not now - WINDOW_SECONDS < self._window[0][0] <= now + 1:
            self._execution = max(0.0, self._execution - self._window.popleft()[1])

    def _check_window(self, limit: str, used: float, more: int) -> None:
        most: int = getattr(self._switches, limit)
        if not most:
            return
        until, asked = self._blocked.get(limit, (0.0, 0))
        now = self._clock.seconds()
        blocked = now < until <= now + 2 * WINDOW_SECONDS
        full = used + more > most if more else used >= most
        if not blocked and not full:
            self._blocked.pop(limit, None)
            return
        wait = self._until_room(limit, most) if full else math.ceil(until - now)
        if blocked:
            wait = max(wait, asked + _STEP_SECONDS)
        raise self._refusal(limit, most, self._block(limit, wait))

    def _until_room(self, limit: str, most: int) -> int:
        """Returns in how many seconds the window has room for a tenth of the limit."""
        now = self._clock.seconds()
        goal = most * 0.9
        left: float = len(self._window) if limit == "requests" else self._execution
        for moment, spent in self._window:
            left -= 1 if limit == "requests" else spent
            if left <= goal:
                return max(1, math.ceil(moment + WINDOW_SECONDS - now))
        return 1

    def _growing(self, limit: str, least: int) -> int:
        until, asked = self._blocked.get(limit, (0.0, 0))
        return self._block(limit, asked + least if self._clock.seconds() < until else least)

    def _block(self, limit: str, wait: int) -> int:
        wait = min(wait, self._switches.max_retry_after)
        self._blocked[limit] = (self._clock.seconds() + wait, wait)
        return wait

    def _refusal(self, limit: str, most: int, wait: int) -> ApiError:
        self._refused[limit] += 1
        return ApiError(429, CODES[limit], limit_message(limit, most), [("Retry-After", str(wait))])
