"""Which STATE may go out: the newest one all of whose rows are settled.

The SDK keeps one STATE and passes it on when everything is drained at once. Sinks drain one by one, though, when they
are full; so each STATE remembers the sinks that held rows when it came, and is free when each of them has been drained
since. A STATE behind rows that are gathered for a bulk write waits until that is done, however long it takes. Of STATEs
that wait for the same sinks only the newest is kept, so that there are never more of them than sinks.
"""

from __future__ import annotations

import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

State = dict[str, t.Any]

_SHORTEST = 1.0
"""Seconds between two STATE messages at least, when rows settle faster than that."""


class Checkpoints:
    """STATE messages that wait for the rows before them.

    Args:
        interval: Seconds after which a waiting STATE is worth a drain of all sinks.
        clock: Monotonic seconds.
    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._waiting: list[tuple[State, set[Hashable]]] = []
        self._free: State | None = None
        self._out_at = float("-inf")
        self._since: float | None = None

    def came(self, state: State, sinks: Iterable[Hashable]) -> None:
        """Take in a STATE; `sinks` hold rows that came before it and are not settled."""
        holding = set(sinks)
        if holding:
            if self._waiting and self._waiting[-1][1] == holding:
                self._waiting.pop()  # both wait for the same sinks to be drained once: the newer one goes out
            self._waiting.append((state, holding))
            self._since = self._clock() if self._since is None else self._since
        else:
            self._waiting.clear()
            self._free = state

    def settled(self, sink: Hashable) -> None:
        """Note that all rows of a sink are settled."""
        for _, holding in self._waiting:
            holding.discard(sink)
        while self._waiting and not self._waiting[0][1]:
            self._free = self._waiting.pop(0)[0]
            self._since = self._clock() if self._waiting else None

    def due(self) -> State | None:
        """Return a STATE that may go out now, None when there is none or the last one has only just gone."""
        if self._free is None or self._clock() - self._out_at < min(_SHORTEST, self._interval):
            return None
        state, self._free = self._free, None
        return state

    def overdue(self) -> bool:
        """Whether a STATE has waited so long that all sinks should be drained for it."""
        return self._since is not None and self._clock() - self._since >= self._interval

    def put_off(self) -> None:
        """Let the interval begin anew: the sinks a STATE waits for still gather rows for a bulk write."""
        if self._waiting:
            self._since = self._clock()

    def passed(self) -> None:
        """Note that a STATE has gone out; one that was free before it is older and must not follow it."""
        self._free = None
        self._out_at = self._clock()

    def all_passed(self) -> None:
        """Note that everything is settled and the newest STATE has gone out."""
        self._waiting.clear()
        self._since = None
        self.passed()
