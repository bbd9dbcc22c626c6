"""Code that runs while a client reads: rows can change between two pages, at a point a test chooses."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.jde.requests import DataRequest


@dataclass(frozen=True)
class RequestInfo:
    """A request to the data service that is about to be answered.

    Attributes:
        number: Which data request since the start, from 1.
        service: BROWSE, COUNT, AGGREGATION, BATCH or NEXT.
        target: The table or view; empty for a batch.
        body: The request; None for NEXT.
    """

    number: int
    service: str
    target: str
    body: DataRequest | None = None


@dataclass
class _Scheduled:
    left: int
    target: str | None
    action: Callable[[], object]


class Hooks:
    """What to call before data requests are answered, and after so many of them.

    Hooks run in the thread that reads the data, never in the server's event loop: they may block, and may ask the
    emulator over HTTP. Requests side by side call them side by side.

    Args:
        on_request: Called with each data request before its rows are read.
    """

    def __init__(self, on_request: Callable[[RequestInfo], object] | None = None) -> None:
        self._lock = threading.Lock()
        self._on_request = on_request
        self._scheduled: list[_Scheduled] = []
        self._number = 0

    def before(self, service: str, target: str, body: DataRequest | None = None) -> None:
        """Tell that a data request is about to be answered."""
        with self._lock:
            self._number += 1
            number = self._number
        if self._on_request is not None:
            self._on_request(RequestInfo(number, service, target, body))

    def after(self, target: str) -> None:
        """Tell that the rows of a data request were read; its answer has not left yet."""
        with self._lock:
            due: list[_Scheduled] = []
            for one in self._scheduled:
                if one.target in {None, target}:
                    one.left -= 1
                    if not one.left:
                        due.append(one)
            self._scheduled = [one for one in self._scheduled if one.left > 0]
        for one in due:
            one.action()

    def after_requests(self, count: int, action: Callable[[], object], *, target: str | None = None) -> None:
        """Call something once, when so many further data requests were read and before the last one's answer leaves.

        Args:
            count: Number of requests, from 1.
            action: What to call.
            target: Count requests for this table or view only.

        Raises:
            ValueError: The number is below 1.
        """
        if count < 1:
            raise ValueError(f"after_requests counts from 1, not {count}")
        with self._lock:
            self._scheduled.append(_Scheduled(count, target, action))
