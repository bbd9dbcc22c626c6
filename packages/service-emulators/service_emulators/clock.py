"""The clock of an emulator: real time that a test can move."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone


class EmulatorClock:
    """The machine's UTC clock plus an offset, or standing still at a given moment. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """Returns the emulator's present moment, aware, in UTC."""
        with self._lock:
            return self._frozen if self._frozen is not None else datetime.now(timezone.utc) + self._offset

    def seconds(self) -> float:
        """Returns the present moment as seconds since 1970."""
        return self.now().timestamp()

    def set(self, moment: datetime | None, *, running: bool = False) -> None:
        """Stops the clock at a moment (naive means UTC); None lets it run again from the machine's time.

        Args:
            moment: What the clock shows now.
            running: Go on from there instead of standing still.
        """
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        with self._lock:
            self._frozen = None if running else moment
            self._offset = moment - datetime.now(timezone.utc) if running and moment else timedelta()

    def shift(self, seconds: float) -> None:
        """Sets the distance to the machine's time, or moves a stopped clock by that many seconds."""
        with self._lock:
            if self._frozen is not None:
                self._frozen += timedelta(seconds=seconds)
            else:
                self._offset = timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass at once, whether the clock stands still or runs."""
        with self._lock:
            if self._frozen is not None:
                self._frozen += timedelta(seconds=seconds)
            else:
                self._offset += timedelta(seconds=seconds)
