"""How many messages a receiver may still send."""

from __future__ import annotations

import typing as t
from collections import deque
from datetime import timedelta

if t.TYPE_CHECKING:
    from datetime import datetime

    from alert_rules.compiled import Compiled, CompiledReceiver
    from alert_rules.store import AlertStore

_DAY: t.Final = timedelta(days=1)


class Budgets:
    """Counts the messages of the last time, and those that go out now.

    Args:
        compiled: The alert file.
        store: What was sent.
        now: The present moment.
    """

    def __init__(self, compiled: Compiled, store: AlertStore, now: datetime) -> None:
        self._now = now
        given = [one.budget for one in compiled.receivers.values() if one.budget is not None]
        longest = max([_DAY, *(one.per_recipient_in for one in given)])
        sent = store.sent_since(now - longest) if given else []
        self._sent: dict[str, deque[datetime]] = {}
        self._each: dict[tuple[str, str], deque[datetime]] = {}
        for receiver, recipient, at in sent:
            self._add(receiver, recipient, at)

    def full(self, receiver: CompiledReceiver, recipient: str) -> tuple[datetime, str] | None:
        """Return when there is room again and which limit is reached; None when there is room now."""
        budget = receiver.budget
        if budget is None:
            return None
        found = []
        if budget.per_recipient is not None:
            sent = self._each.get((receiver.name, recipient), deque())
            free = _free(sent, budget.per_recipient, budget.per_recipient_in, self._now)
            if free is not None:
                found.append((free, f"{budget.per_recipient} messages to {recipient} in {budget.per_recipient_in}"))
        if budget.per_day is not None:
            free = _free(self._sent.get(receiver.name, deque()), budget.per_day, _DAY, self._now)
            if free is not None:
                found.append((free, f"{budget.per_day} messages a day by {receiver.name}"))
        return max(found, default=None)

    def count(self, receiver: str, recipient: str) -> None:
        """Count a message that goes out now."""
        self._add(receiver, recipient, self._now)

    def _add(self, receiver: str, recipient: str, at: datetime) -> None:
        self._sent.setdefault(receiver, deque()).append(at)
        self._each.setdefault((receiver, recipient), deque()).append(at)


def _free(sent: deque[datetime], most: int, within: timedelta, now: datetime) -> datetime | None:
    """Return when one more may go out; None for now."""
    counted = [at for at in sent if at > now - within]
    if len(counted) < most:
        return None
    return counted[len(counted) - most] + within if most else now + within
