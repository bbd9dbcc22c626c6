"""What became of a request that brought no usable answer, told apart by what it may have done."""

from __future__ import annotations

import typing as t

TIMED_OUT: t.Final = "timeout"
"""Code of an answer that did not come in time."""


class NotSentError(Exception):
    """The request certainly had no effect: connection refused, unknown host, turned away at the gate."""


class BusyError(NotSentError):
    """The service turned the request away for the moment.

    Attributes:
        seconds: How long to wait; None when the service does not say.
    """

    def __init__(self, text: str, seconds: float | None = None) -> None:
        super().__init__(text)
        self.seconds = seconds


class LostAnswerError(Exception):
    """The request may or may not have had its effect: time-out, reset, 5xx, unreadable answer.

    Attributes:
        code: HTTP status as text, or `timeout`, `reset`, `unreadable`.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
