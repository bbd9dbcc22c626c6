"""Fair shares of something scarce."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def shares(total: int, wants: Mapping[str, int]) -> dict[str, int]:
    """Divide `total` so that nobody gets more than wanted and what one leaves goes to the others alike (max-min).

    What cannot be divided goes to the last by name of those who want most, so that every process comes to the same
    result.
    """
    result: dict[str, int] = {}
    left = total
    # Those who want least come first; what they leave raises the share of those behind them.
    for waiting, name in zip(range(len(wants), 0, -1), sorted(wants, key=lambda one: (wants[one], one)), strict=True):
        result[name] = min(wants[name], left // waiting)
        left -= result[name]
    return result
