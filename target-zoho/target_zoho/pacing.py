"""Keeps to the calls an org allows at the same time (Zoho CRM API fact sheet section 10).

Zoho counts the calls under way per org and client, all of them and those of some kinds (searches, COQL, writes of more
than 10 records) once more; how many it allows goes by the edition. A call too many is answered 429, as is any call when
the credits are used up, and the answer does not say which: what lasts for five minutes is taken for the latter.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import typing as t

from sync_ledger.limits import BurstLimiter

from target_zoho.costs import SUB_CONCURRENCY

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sync_ledger.limits import AccountLimits

BUSY_SECONDS: t.Final = 300.0
"""So long nothing but 429 means that the credits are used up."""

LONGEST_WAIT: t.Final = 30.0

FIRST_LIMIT: t.Final = 5
"""Calls at the same time while the edition is not known: those of the smallest."""

EDITIONS: t.Final = {
    "free": 5,
    "standard": 10,
    "starter": 10,
    "professional": 15,
    "enterprise": 20,
    "zohoone": 20,
    "ultimate": 25,
    "crmplus": 25,
}
"""`license_details.paid_type` of `GET /org`, in lower case and without spaces -> calls at the same time."""

_MARGIN: t.Final = 0.05
"""So many seconds after its answer a call is held to be under way still; the server ends it a moment later."""


def edition_of(license_details: Mapping[str, t.Any]) -> str | None:
    """Return an org's edition, a key of `EDITIONS`; None when its licence does not tell a known one."""
    edition = str(license_details.get("paid_type") or "").lower().replace(" ", "").replace("_", "")
    return edition if edition in EDITIONS else None


class Pacing:
    """Lets calls through so that the org never has more under way than it may.

    Args:
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._all = BurstLimiter(FIRST_LIMIT, window_seconds=_MARGIN, clock=clock, sleep=sleep)
        self._heavy = BurstLimiter(SUB_CONCURRENCY, window_seconds=_MARGIN, clock=clock, sleep=sleep)
        self._lock = threading.Lock()
        self._busy_since: float | None = None

    @property
    def limit(self) -> int:
        """Calls at the same time as known now."""
        return self._all.limit

    def know(self, license_details: Mapping[str, t.Any]) -> None:
        """Take over what an org's licence says of its edition."""
        edition = edition_of(license_details)
        if edition is not None:
            self._all.told(EDITIONS[edition])

    def share(self, limits: AccountLimits) -> None:
        """Share both limits with other processes from now on."""
        self._all.share(limits.lease("calls", window_seconds=_MARGIN))
        self._heavy.share(limits.lease("heavy calls", window_seconds=_MARGIN))

    def release(self) -> None:
        """Give back what is held of the limits."""
        self._all.release()
        self._heavy.release()

    @contextlib.contextmanager
    def slot(self, *, heavy: bool) -> Iterator[None]:
        """Wait for a place and hold it while a call is under way."""
        with contextlib.ExitStack() as held:
            if heavy:
                held.enter_context(self._heavy.slot())
            held.enter_context(self._all.slot())
            yield

    def answered(self) -> None:
        """Note that a call was let in."""
        with self._lock:
            self._busy_since = None

    def busy_too_long(self, times: int) -> bool:
        """Wait after a call was turned away, longer each time and spread at random.

        Args:
            times: How often that call was turned away.

        Returns:
            Whether every call of this process has been turned away for so long that waiting has no sense.
        """
        with self._lock:
            now = self._clock()
            since = self._busy_since = now if self._busy_since is None else self._busy_since
        if now - since >= BUSY_SECONDS:
            return True
        longest = min(LONGEST_WAIT, 2.0 ** min(times, 5))
        self._sleep(random.uniform(1.0, longest))  # noqa: S311 - spreads calls, guards nothing
        return False
