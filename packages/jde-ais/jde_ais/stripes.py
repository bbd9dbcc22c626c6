"""Parts of a table for parallel processes: fixed stripes of a whole-number column.

Borders drawn from the data (quantiles, say) would differ between processes that start at different times, and rows
between two opinions would be read twice or never. Stripes depend on the value alone: the parts are disjoint and their
union is the whole, for ever, and new rows at the upper end spread over all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jde_ais.query import AnyOf, between

if TYPE_CHECKING:
    from decimal import Decimal

    from jde_ais.query import Where

MOST_BLOCKS = 40
"""Most BETWEENs of one condition. The service documents no limit; some forty are as long as a usual LIST."""


@dataclass(frozen=True)
class Stripes:
    """One of several parts of a whole-number column: value v belongs to part `(v // width) % of`.

    Attributes:
        index: Which part, counted from 0.
        of: How many parts there are.
        width: Values in a row that belong together; all parts must use the same.
    """

    index: int
    of: int
    width: int = 1000

    def __post_init__(self) -> None:
        if not (0 <= self.index < self.of and self.width > 0):
            msg = f"Stripes need 0 <= index < of and a positive width, got index {self.index}, of {self.of}"
            raise ValueError(msg)

    def owns(self, value: int | Decimal) -> bool:
        """Whether a value belongs to this part."""
        return math.floor(value) // self.width % self.of == self.index

    def first(self, low: int) -> int:
        """The lowest value of this part that is not below `low`."""
        block = low // self.width
        skip = (self.index - block) % self.of
        return low if not skip else (block + skip) * self.width

    def last(self, low: int) -> int:
        """The highest value that a condition from `low` on can reach with `MOST_BLOCKS` BETWEENs."""
        return (self.first(low) // self.width + (MOST_BLOCKS - 1) * self.of + 1) * self.width - 1

    def where(self, column: str, low: int, high: int) -> Where | None:
        """The condition for this part of the values from `low` to `high`, ends included; None when it has none there.

        Raises:
            ValueError: The condition would be too long; see `last`.
        """
        if self.of == 1:
            return between(column, low, high) if low <= high else None
        if high > self.last(low):
            msg = f"the values {low} to {high} of {column} are too many stripes for one condition"
            raise ValueError(msg)
        blocks = []
        start = self.first(low)
        while start <= high:
            end = (start // self.width + 1) * self.width - 1
            blocks.append(between(column, start, min(end, high)))
            start = self.first(end + 1)
        return AnyOf(*blocks) if len(blocks) > 1 else blocks[0] if blocks else None
