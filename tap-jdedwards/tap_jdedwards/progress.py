"""A line of progress now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

SECONDS_BETWEEN_LINES = 10


class Progress:
    """Counts records of a stream and logs a line about every ten seconds, so that short runs stay quiet."""

    def __init__(self, logger: logging.Logger, stream: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._stream = stream
        self._clock = clock
        self._began = self._spoke = clock()
        self._records = 0

    def add(self, records: int) -> None:
        """Count records.

        Args:
            records: How many were written since the last call.
        """
        self._records += records
        now = self._clock()
        if now - self._spoke >= SECONDS_BETWEEN_LINES:
            self._spoke = now
            rate = self._records / (now - self._began)
            self._logger.info("%s: %d rows, %d a second", self._stream, self._records, rate)
