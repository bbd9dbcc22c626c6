"""The server's clock, as its answers tell it."""

from __future__ import annotations

import email.utils
import threading
import typing as t
from datetime import datetime, timedelta, timezone

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's clock by its `Date` header, in UTC; None when it sent none."""
    try:
        return email.utils.parsedate_to_datetime(headers["date"]).astimezone(timezone.utc)
    except (KeyError, ValueError):
        return None


class ServerClock:
    """How far the server's clock is ahead of this machine's; safe to share between threads.

    Args:
        now: This machine's time in UTC.

    Attributes:
        ahead: The difference, zero until an answer tells it.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.ahead = timedelta()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over what the headers of an answer that has just come say."""
        told = server_time(headers)
        if told is not None:
            with self._lock:
                self.ahead = told - self._now()

    def now(self) -> datetime:
        """Return the server's present time."""
        return self._now() + self.ahead

    def of(self, moment: datetime) -> datetime:
        """Return a moment of this machine's clock by the server's."""
        return moment + self.ahead
