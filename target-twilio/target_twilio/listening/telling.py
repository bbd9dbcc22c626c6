"""What the listener says in its log: a line for each thing that somebody may have to act on, and no floods of them."""

from __future__ import annotations

import logging
import time
import typing as t
from collections import Counter, OrderedDict
from datetime import datetime, timezone
from threading import Lock

from sync_ledger.sending.service import Delivery

if t.TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("target_twilio.listening")

NOT_REACHED: t.Final = frozenset({Delivery.UNDELIVERED, Delivery.FAILED})
"""Ends of messages that have not arrived."""

_EVERY: t.Final = 60.0
_REMEMBERED: t.Final = 1_000
_SHOWN_DIGITS: t.Final = 4


class Telling:
    """Writes lines of `name=value`, and counts what came.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._told: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def count(self, what: str) -> None:
        """Count something."""
        with self._lock:
            self.counts[what] += 1

    def say(self, event: str, **fields: object) -> None:
        """Tell something that is no trouble."""
        logger.info("%s", _line("info", event, fields))

    def warn(self, event: str, **fields: object) -> None:
        """Tell a trouble; one that goes on is told once a minute, with how often it came meanwhile."""
        mark, moment = f"{event} {sorted(fields.items())}", self._clock()
        with self._lock:
            told, since = self._told.get(mark, (None, 0))
            if told is not None and moment - told < _EVERY:
                self._told[mark] = (told, since + 1)
                return
            self._remember(mark, moment)
        more = {"again": since} if since else {}
        logger.warning("%s", _line("warning", event, {**fields, **more}))

    def once(self, event: str, **fields: object) -> None:
        """Tell something that is told once, however often it comes."""
        mark = f"once {event} {sorted(fields.items())}"
        with self._lock:
            if mark in self._told:
                self._told.move_to_end(mark)
                return
            self._remember(mark, self._clock())
        logger.warning("%s", _line("warning", event, fields))

    def not_delivered(self, message: str, status: Delivery, *, code: str | None, remedy: str | None) -> None:
        """Tell that a message did not arrive. The service's own words stay in the ledger: they may name who it is."""
        why = {name: value for name, value in (("code", code), ("remedy", remedy)) if value}
        self.once("not_delivered", message=message, status=status.value, **why)

    def _remember(self, mark: str, moment: float) -> None:
        self._told[mark] = (moment, 0)
        self._told.move_to_end(mark)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


def masked(recipient: str) -> str:
    """Return a number or address so that those who know it recognise it."""
    name, at, domain = recipient.partition("@")
    return f"{name[:1]}...@{domain}" if at else f"...{recipient[-_SHOWN_DIGITS:]}"


def _line(level: str, event: str, fields: t.Mapping[str, object]) -> str:
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = [f"time={moment}", f"level={level}", f"event={event}"]
    return " ".join([*parts, *(f"{name}={_quoted(value)}" for name, value in fields.items())])


def _quoted(value: object) -> str:
    """Return a value in one word, or in quotation marks, whoever it comes from."""
    text = "".join(one if one.isprintable() else "?" for one in str(value))[:300]
    if text and not set(text) & set(' "='):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
