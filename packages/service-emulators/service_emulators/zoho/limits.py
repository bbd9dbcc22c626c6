"""Credits of a rolling day and simultaneous calls (fact sheet section 10)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from service_emulators.zoho.errors import too_many_requests

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.zoho.switches import ZohoSwitches

DAY_SECONDS = 24 * 3600.0
_STEP_SECONDS = 60.0
_ANNOUNCED_FROM = 0.5
_CREDITS = {
    "free": (5_000, 0, 5_000),
    "standard": (50_000, 250, 100_000),
    "professional": (50_000, 500, 3_000_000),
    "enterprise": (50_000, 1_000, 5_000_000),
    "ultimate": (50_000, 2_000, None),
}
"""Per edition: base, per user, maximum."""
_CONCURRENCY = {"free": 5, "standard": 10, "professional": 15, "enterprise": 20, "ultimate": 25}


class Credits:
    """What calls cost in the last 24 hours, to the minute."""

    def __init__(self, switches: ZohoSwitches, clock: EmulatorClock) -> None:
        self._switches = switches
        self._clock = clock
        self._spent: deque[list[float]] = deque()

    def limit(self) -> int:
        """Returns the credits of 24 hours; 0 means no limit."""
        if self._switches.credits is not None:
            return self._switches.credits
        base, per_user, most = _CREDITS[self._switches.edition]
        total = base + per_user * self._switches.users
        return total if most is None else min(total, most)

    def used(self) -> int:
        """Returns the credits used in the last 24 hours."""
        now = self._clock.seconds()
        while self._spent and not now - DAY_SECONDS < self._spent[0][0] <= now + _STEP_SECONDS:
            self._spent.popleft()
        return int(sum(cost for _, cost in self._spent))

    def spend(self, cost: int) -> None:
        """Takes credits.

        Raises:
            ApiError: 429, they do not suffice; nothing is taken.
        """
        limit = self.limit()
        if limit and self.used() + cost > limit:
            raise too_many_requests()
        now = self._clock.seconds()
        if self._spent and 0 <= now - self._spent[-1][0] < _STEP_SECONDS:
            self._spent[-1][1] += cost
        else:
            self._spent.append([now, cost])

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Returns the header of an answer, which appears from half of the credits on."""
        limit = self.limit()
        used = self.used()
        if not limit or used < limit * _ANNOUNCED_FROM:
            return []
        return [(b"x-api-credits-remaining", str(max(0, limit - used)).encode())]


class Concurrency:
    """Calls that run at the same time, all together and those with a limit of their own."""

    def __init__(self, switches: ZohoSwitches) -> None:
        self._switches = switches
        self._all = 0
        self._limited = 0

    def enter(self, *, limited: bool) -> None:
        """Counts a call in.

        Raises:
            ApiError: 429, too many run already; it is not counted.
        """
        given = self._switches.concurrency
        most = _CONCURRENCY[self._switches.edition] if given is None else given
        if most and self._all >= most:
            raise too_many_requests()
        if limited and self._switches.sub_concurrency and self._limited >= self._switches.sub_concurrency:
            raise too_many_requests()
        self._all += 1
        self._limited += limited

    def leave(self, *, limited: bool) -> None:
        """Counts a call out."""
        self._all -= 1
        self._limited -= limited
