"""How a run compares with earlier ones of the same streams: the median tells what is usual."""

from __future__ import annotations

import statistics
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_COMPARED = ("rows", "seconds", "rows_per_second", "cost")
MOST_RUNS: t.Final = 20
"""So many earlier runs are compared with at the most."""


def trend(run: Mapping[str, t.Any], earlier: Sequence[Mapping[str, t.Any]]) -> dict[str, t.Any] | None:
    """Compare a run with earlier ones that succeeded; None when there are none.

    Args:
        run: A run with `streams` (entity -> rows) and the figures to compare.
        earlier: Runs before it, of the same account and mode, newest first.
    """
    alike = [
        other for other in earlier if other["status"] == "succeeded" and set(other["streams"]) == set(run["streams"])
    ][:MOST_RUNS]
    if not alike:
        return None
    found: dict[str, t.Any] = {"runs": len(alike)}
    found.update({name: _against(run[name], (other[name] for other in alike)) for name in _COMPARED})
    found["streams"] = {
        entity: _against(rows, (other["streams"][entity] for other in alike)) for entity, rows in run["streams"].items()
    }
    return found


def _against(value: float | None, others: Iterable[float | None]) -> dict[str, float | None]:
    """Return the median, and the difference to it in percent where that can be said."""
    known = [other for other in others if other is not None]
    median = statistics.median(known) if known else None
    percent = None if value is None or not median else round(100 * (value - median) / median, 1)
    return {"median": None if median is None else round(median, 3), "percent": percent}
