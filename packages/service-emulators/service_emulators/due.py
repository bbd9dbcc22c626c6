"""Things a service does by itself when their time has come: messages that move on, calls to webhooks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.clock import EmulatorClock

_STOP_SECONDS = 20.0
_LONGEST_SLEEP = 0.2
"""A test may move the clock at any time, so nobody sleeps until the real moment."""


class DueWork:
    """Does work that is due, in a thread of its own or in the thread of whoever asks.

    Args:
        clock: the emulator's clock.
        work: does all that is due now and returns the moment of what comes next, in seconds since 1970, or None.
    """

    def __init__(self, clock: EmulatorClock, work: Callable[[], float | None]) -> None:
        self._clock = clock
        self._work = work
        self._one_at_a_time = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Looks for work soon; starts the thread when there is none."""
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="emulator-due", daemon=True)
            self._thread.start()
        self._wake.set()

    def drain(self) -> None:
        """Does all work that is due by now and returns when it is done."""
        self._once()

    def stop(self) -> None:
        """Ends the thread; what is not due stays undone."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def _once(self) -> float | None:
        with self._one_at_a_time:
            return None if self._ended else self._work()

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            upcoming = self._once()
            if upcoming is None:
                self._wake.wait()
            else:
                self._wake.wait(min(max(upcoming - self._clock.seconds(), 0.01), _LONGEST_SLEEP))
