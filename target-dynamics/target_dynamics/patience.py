"""How long a request that is turned away for the limits goes on being sent."""

from __future__ import annotations

import random
import typing as t

from service_calls import NotSentError

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from service_calls import BusyError

PATIENCE_SECONDS: t.Final = 1200.0
"""So long a request is turned away before it is given up: the windows are five minutes long."""

_LONGEST_WAIT: t.Final = 60.0


class GivenUpError(NotSentError):
    """A request without any effect was turned away for too long."""


class Patience:
    """How long one request has been turned away.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = clock()
        self._times = 0

    def wait(self, error: BusyError) -> float:
        """Return how many seconds to wait before it is sent again; the service's own word, or doubling ones.

        Raises:
            GivenUpError: If that has gone on for too long.
        """
        if self._clock() - self._begun >= PATIENCE_SECONDS:
            raise GivenUpError(f"turned away for {PATIENCE_SECONDS / 60:.0f} min: {error}")
        if error.seconds is not None and error.seconds > PATIENCE_SECONDS:
            raise GivenUpError(f"told to wait for {error.seconds / 60:.0f} min: {error}")
        self._times += 1
        wait = error.seconds if error.seconds is not None else min(2.0**self._times, _LONGEST_WAIT)
        # Not all threads at the same moment, and none too early.
        return wait + random.uniform(0.0, min(1.0, wait / 10))  # noqa: S311 - guards nothing
