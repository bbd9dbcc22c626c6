"""Limits of traffic: bursts per 2 s, the daily token budget, and Cloudflare behind both (fact sheet section 10)."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from service_emulators.pipedrive.costs import BASE_BUDGET, BURST_LIMITS, PLAN_MULTIPLIERS
from service_emulators.pipedrive.errors import ApiError, cloudflare, over_limit

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.switches import PipedriveSwitches

WINDOW_SECONDS = 2.0
_PUSHING_SECONDS = 10.0
_UNLIMITED = 1_000_000_000
Headers = list[tuple[bytes, bytes]]


class Window:
    """Requests of the last two seconds of one caller."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def used(self, now: float) -> int:
        """Returns how many requests lie in the window that ends now."""
        times = self._times
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        while times and times[-1] > now:  # the emulator's clock was set back
            times.pop()
        return len(times)

    def add(self, now: float) -> None:
        """Takes note of a request."""
        self._times.append(now)

    def reset_seconds(self, now: float) -> int:
        """Returns the whole seconds until the oldest request leaves the window."""
        return max(0, math.ceil(self._times[0] + WINDOW_SECONDS - now)) if self._times else 0


class Limits:
    """Admits or refuses requests. A refused request uses up neither window nor budget."""

    def __init__(self, switches: PipedriveSwitches, clock: EmulatorClock) -> None:
        self._switches = switches
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}
        self._refusals: deque[float] = deque()
        self._blocked_until = 0.0
        self._day = ""
        self._spent = 0

    def check_edge(self) -> None:
        """Raises Cloudflare's answer while it blocks."""
        left = self._blocked_until - self._clock.seconds()
        if 0 < left <= self._switches.cloudflare_seconds:  # more is left only when the clock was set back
            raise cloudflare()

    def admit(self, caller: str, kind: str, cost: int, *, search: bool) -> Headers:
        """Counts a request of a caller.

        Args:
            caller: the credential.
            kind: `token` or `oauth`.
            cost: tokens it costs.
            search: whether it falls under the limit of the search endpoints.

        Returns:
            The rate-limit headers of the answer.

        Raises:
            ApiError: 429; its attribute `headers` holds the headers to send with it.
        """
        now = self._clock.seconds()
        limit = self._limit(kind, search=search)
        window = self._windows.setdefault((caller, "search" if search else "general"), Window())
        used = window.used(now)
        forced = self._forced()
        if forced == "burst":
            self._refuse(now, self._headers(limit, 0, math.ceil(WINDOW_SECONDS)))
        if forced == "ambiguous":
            self._refuse(now, [])
        if forced == "normal" and used >= limit:
            self._refuse(now, self._headers(limit, 0, window.reset_seconds(now)))
        self._start_day()
        if forced == "daily" or self._spent + cost > self.budget():
            self._refuse(now, self._headers(limit, max(1, limit - used), window.reset_seconds(now), exhausted=True))
        window.add(now)
        self._spent += cost
        return self._headers(limit, limit - used - 1, window.reset_seconds(now))

    def budget(self) -> int:
        """Returns the tokens of a day."""
        given = self._switches.daily_budget
        if given is None:
            return BASE_BUDGET * PLAN_MULTIPLIERS[self._switches.plan] * self._switches.seats
        return given or _UNLIMITED

    def _limit(self, kind: str, *, search: bool) -> int:
        if search:
            return self._switches.search_burst or _UNLIMITED
        given = self._switches.burst
        if given is None:
            return BURST_LIMITS[kind][self._switches.plan]
        return given or _UNLIMITED

    def _forced(self) -> str:
        mode = self._switches.rate_limit
        left = self._switches.rate_limit_calls
        if mode != "normal" and left is not None:
            if left <= 0:
                self._switches.rate_limit = "normal"
                self._switches.rate_limit_calls = None
                return "normal"
            self._switches.rate_limit_calls = left - 1
        return mode

    def _start_day(self) -> None:
        today = self._clock.now().date().isoformat()
        if today != self._day:
            self._day = today
            self._spent = 0

    def _headers(self, limit: int, remaining: int, reset: int, *, exhausted: bool = False) -> Headers:
        headers = [
            (b"x-ratelimit-limit", str(limit).encode()),
            (b"x-ratelimit-remaining", str(remaining).encode()),
            (b"x-ratelimit-reset", str(reset).encode()),
        ]
        if self._switches.daily_headers:
            budget = self.budget()
            left = 0 if exhausted else budget - self._spent
            headers.append((b"x-daily-ratelimit-token-limit", str(budget).encode()))
            headers.append((b"x-daily-ratelimit-token-remaining", str(left).encode()))
        return headers

    def _refuse(self, now: float, headers: Headers) -> None:
        if self._switches.retry_after:
            headers = [*headers, (b"retry-after", str(math.ceil(WINDOW_SECONDS)).encode())]
        self._refusals.append(now)
        while self._refusals and not now - _PUSHING_SECONDS <= self._refusals[0] <= now:
            self._refusals.popleft()
        threshold = self._switches.cloudflare_after
        if threshold is not None and len(self._refusals) > threshold:
            self._blocked_until = now + self._switches.cloudflare_seconds
            self._refusals.clear()
            raise cloudflare()
        raise OverLimitError(headers)


class OverLimitError(ApiError):
    """429 with the headers that go with it."""

    def __init__(self, headers: Headers) -> None:
        answer = over_limit()
        super().__init__(answer.status, answer.body)
        self.headers = headers
