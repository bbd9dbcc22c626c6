"""A line of progress now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from concurrent.futures import Future

SECONDS_BETWEEN_LINES = 10
SECONDS_BEFORE_COUNTING = 2
"""A load that ends sooner says nothing, so that its rows need not be counted."""


class Progress:
    """Counts records of a stream and logs a line about every ten seconds, so that short runs stay quiet.

    For example::

        F0911: 120,000 of 1,000,000 rows (12 %), 60 pages, 11,000 a second, 1 min 20 s left

    Args:
        logger: Where the lines go.
        stream: Name of the stream.
        total: Starts to count all rows to come; asked once, and only if the load takes a while. What it counts need
            not be exact, and when it fails no share is told.
        clock: Gives seconds that never go back.
    """

    def __init__(
        self,
        logger: logging.Logger,
        stream: str,
        *,
        total: Callable[[], Future[int]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._stream = stream
        self._clock = clock
        self._began = self._spoke = clock()
        self._records = self._pages = 0
        self._total = total
        self._counting: Future[int] | None = None

    def add(self, records: int, pages: int = 1) -> None:
        """Count records.

        Args:
            records: How many were read since the last call.
            pages: How many pages, or groups of documents, they came in.
        """
        self._records += records
        self._pages += pages
        now = self._clock()
        if self._total is not None and now - self._began >= SECONDS_BEFORE_COUNTING:
            self._counting, self._total = self._total(), None
        if now - self._spoke >= SECONDS_BETWEEN_LINES:
            self._spoke = now
            self._logger.info("%s: %s", self._stream, self._line(self._records / (now - self._began)))

    def _line(self, rate: float) -> str:
        total = self._expected()
        done, speed = f"{self._pages:,} pages", f"{rate:,.0f} a second"
        if total is None or total < self._records:
            return f"{self._records:,} rows, {done}, {speed}"
        share = f"{self._records:,} of {total:,} rows ({self._records * 100 // total} %)"
        left = f"{_duration((total - self._records) / rate)} left" if rate else "no end in sight"
        return f"{share}, {done}, {speed}, {left}"

    def _expected(self) -> int | None:
        counting = self._counting
        if counting is None or not counting.done() or counting.cancelled() or counting.exception() is not None:
            return None
        return counting.result() or None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
