"""Calls the service makes itself: notifications of watch channels and callbacks of bulk jobs, over real HTTP.

What the vendor does about a receiver that fails is not documented, so nothing is sent a second time.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import msgspec

_TIMEOUT_SECONDS = 10.0
_STOP_SECONDS = 15.0


class Outgoing:
    """Posts JSON one after the other, in a thread of its own that starts with the first post."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def post(self, url: str, body: dict[str, Any]) -> None:
        """Takes a call to make; returns at once.

        Args:
            url: address that `is_callable` holds for.
            body: JSON data.
        """
        self._waiting.put((url, msgspec.json.encode(body)))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="emulator-outgoing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Makes the calls taken so far and ends the thread."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def _run(self) -> None:
        # Straight to the receiver: a proxy of the environment has no business between an emulator and a test.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while (item := self._waiting.get()) is not None:
            url, content = item
            request = urllib.request.Request(  # noqa: S310 - `is_callable` lets http and https pass alone
                url, content, {"Content-Type": "application/json"}, method="POST"
            )
            with contextlib.suppress(OSError, ValueError), opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                answer.read()


def is_callable(url: object) -> bool:
    """Returns whether something is an address that can be called: http or https, with a host."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
