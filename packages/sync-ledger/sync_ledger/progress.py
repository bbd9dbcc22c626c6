"""Progress of a run: a line now and then while it lasts, a summary at its end."""

from __future__ import annotations

import logging
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_ledger.adapter import Usage
    from sync_ledger.ledger_target import RunEngine
    from sync_ledger.rows import Tally

logger = logging.getLogger("sync_ledger")

_INTERVAL = 10


class Progress:
    """Logs rows, rate and budget every ten seconds.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._told = clock()

    def report(self, tally: Tally, usage: Usage) -> None:
        """Log a line if the last one is long enough ago."""
        moment = self._clock()
        if moment - self._told < _INTERVAL:
            return
        self._told = moment
        rate = tally.total / max(moment - self._begun, 0.001)
        logger.info("%d rows settled (%.0f rows/s), %s", tally.total, rate, _budget(usage))

    def gathering(self, waiting: Mapping[str, int]) -> bool:
        """Log which rows STATE waits for, stream -> rows, if the last line is long enough ago; return whether."""
        moment = self._clock()
        if moment - self._told < _INTERVAL:
            return False
        self._told = moment
        rows = " and ".join(f"{number} rows of {stream}" for stream, number in waiting.items())
        logger.info("STATE waits for %s, gathered for a bulk write", rows)
        return True

    def summary(self, engine: RunEngine, usage: Usage) -> None:
        """Log the run's result in one line."""
        outcomes = ", ".join(f"{rows} {outcome}" for outcome, rows in engine.tally.by_outcome().items()) or "no rows"
        logger.info(
            "Run %d: %d rows in %.1f s: %s; %s",
            engine.run_id,
            engine.tally.total,
            self._clock() - self._begun,
            outcomes,
            _budget(usage),
        )


def _budget(usage: Usage) -> str:
    left = "" if usage.budget_left is None else f", {usage.budget_left} left today"
    return f"{usage.calls} calls, {usage.writes} writes, cost {usage.cost}{left}"
