"""Chooses, among many rows, the few that show most of a mapping."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from sync_mapper.rehearsal.rehearsing import Mapped, Record

_FEW = 5
"""Distinct values of a property up to which each is worth a row of its own: statuses, labels, flags."""
_NULLNESS, _VALUE = 10, 1
"""What it is worth to show a property with and without a value, and to show one of few values."""


class Choice:
    """Rows of one stream; holds no more of them than there are things to show.

    Attributes:
        rows: Rows that showed something new when they came, each with what it shows.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[Record, frozenset[Hashable]]] = []
        self._seen: set[Hashable] = set()
        self._values: dict[tuple[str, str], set[str]] = {}

    def offer(self, row: Record, mapped: Sequence[Mapped]) -> None:
        """Look at a row and what the mapping makes of it."""
        shows = frozenset(self._features(mapped))
        if not shows <= self._seen:
            self._seen |= shows
            self.rows.append((row, shows))

    def best(self, count: int) -> list[Record]:
        """Return the rows that show most together, in the order they came."""
        left = list(range(len(self.rows)))
        chosen: list[int] = []
        shown: set[Hashable] = set()
        while left and len(chosen) < count:
            best = max(left, key=lambda index: (self._worth(self.rows[index][1] - shown), -index))
            if not self._worth(self.rows[best][1] - shown):
                break
            chosen.append(best)
            left.remove(best)
            shown |= self.rows[best][1]
        return [self.rows[index][0] for index in sorted(chosen)]

    def _features(self, mapped: Sequence[Mapped]) -> Iterator[Hashable]:
        if not mapped:
            yield ("filtered",)
        for one in mapped:
            if one.is_unmapped:
                yield ("unmapped", one.record["map"], one.record["field"])
                continue
            for name, value in one.record.items():
                yield ("null", one.stream, name, value in (None, [], {}))
                values = self._values.setdefault((one.stream, name), set())
                if not isinstance(value, (dict, list)) and len(values) <= _FEW:
                    values.add(str(value))
                    yield ("value", one.stream, name, str(value))

    def _worth(self, features: frozenset[Hashable]) -> int:
        worth = 0
        for feature in features:
            kind, *at = t.cast("tuple[str, ...]", feature)
            if kind != "value":
                worth += _NULLNESS
            elif len(self._values[at[0], at[1]]) <= _FEW:
                worth += _VALUE
        return worth
