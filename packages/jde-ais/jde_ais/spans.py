"""Parts of a key: stretches to ask for, and regions that are cut into stretches as large as a page.

Pure: nothing is sent here. See `plan.py` for how they follow each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from jde_ais.errors import OrderNotHonoured
from jde_ais.keyset import equal
from jde_ais.query import AllOf, le

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jde_ais.answers import Page
    from jde_ais.keyset import Key, Position
    from jde_ais.query import Where
    from jde_ais.stripes import Stripes

NUMBERS = ("number", "time")
"""Kinds of columns whose values can be told to be near or far."""


@dataclass(frozen=True)
class Stretch:
    """Rows in a row, by key.

    Attributes:
        after: Rows beyond this position, or beyond all that begin like this part of one; () for no lower bound.
        within: Rows that begin so; `after` begins so too unless it is ().
        upto: Rows up to this value in the column after `within`; None for no upper bound.
        extra: How many more values of that column to ask for: a row beyond `upto` proves that none before is missing.
        stripes: Only this part of the column after `within`; needs `upto`.
        doubted: Rows of the page before, which may have been cut by a fetch limit or just be the last.
        seek: Only the first row is wanted, and of it no more than the columns up to the striped one.
    """

    after: Position = ()
    within: Position = ()
    upto: int | None = None
    extra: int = 0
    stripes: Stripes | None = None
    doubted: int = 0
    seek: bool = False

    @property
    def reach(self) -> int | None:
        """The highest value of the column after `within` to ask for: those of `extra` included."""
        if self.upto is None or not self.extra:
            return self.upto
        if self.stripes is None:
            return self.upto + self.extra
        furthest = self.stripes.last(lowest(self.after, len(self.within)))
        return max(self.upto, min(self.stripes.first(self.upto + 1) + self.extra - 1, furthest))

    def where(self, key: Key, also: Where | None) -> Where | None:
        """The condition for these rows and the extra ones, beside another one."""
        depth, reach = len(self.within), self.reach
        parts = [] if also is None else [also]
        parts += [equal(column, part) for column, part in zip(key.columns, self.within, strict=False)]
        beyond = self.after[depth:]
        if beyond:
            parts.append(key.part(depth, depth + len(beyond)).beyond(beyond))
        if self.stripes is not None and reach is not None:
            own = self.stripes.where(key.columns[depth], lowest(self.after, depth), reach)
            parts += [] if own is None else [own]
        elif reach is not None:
            parts.append(le(key.columns[depth], reach))
        return None if not parts else parts[0] if len(parts) == 1 else AllOf(*parts)

    def check(self, positions: Sequence[Position], key: Key, what: str) -> None:
        """Makes sure that a page's rows ascend and lie where they were asked for.

        Raises:
            OrderNotHonoured: They do not.
        """
        complete = len(self.after) == len(key.columns)
        key.check(positions, self.after if complete else None, what)
        depth = len(self.within)
        if key.kinds[depth] not in NUMBERS:
            return
        reach = self.reach
        above = reach is not None and number_at(positions[-1], depth) > reach
        below = depth < len(self.after) and number_at(positions[0], depth) < lowest(self.after, depth)
        if above or below:
            msg = f"{what}: the server gave rows beyond the {key.columns[depth]} asked for; going on could lose rows"
            raise OrderNotHonoured(msg)

    def own(self, positions: Sequence[Position]) -> int:
        """How many of a page's rows, which ascend, lie in the stretch itself; the others are extra ones."""
        count, depth = len(positions), len(self.within)
        if self.upto is not None:
            while count and number_at(positions[count - 1], depth) > self.upto:
                count -= 1
        return count


def number_at(position: Position, column: int) -> int | Decimal:
    """The part of a position in a number column."""
    part = position[column]
    if not isinstance(part, (int, Decimal)):
        msg = f"no number but {part!r} in column {column} of the key"
        raise TypeError(msg)
    return part


def lowest(after: Position, column: int) -> int:
    """The lowest whole value of a number column that can lie beyond a position."""
    value = math.floor(number_at(after, column))
    return value if len(after) > column + 1 or value != after[column] else value + 1


@dataclass(eq=False)
class Ask:
    """One request: for a page of a stretch, for the highest value in a region, or for the next row of one.

    Attributes:
        kind: What is asked for.
        stretch: Where.
        region: The region it was cut from, or that waits for it.
        page: The answer, once there is one with rows.
        error: Why there is none; raised when its turn has come.
    """

    kind: Literal["page", "highest", "next"]
    stretch: Stretch
    region: Region | None = None
    page: Page | None = None
    error: BaseException | None = None


@dataclass(eq=False)
class Region:
    """A stretch to be cut into pages.

    Attributes:
        rest: What has not been cut off yet.
        high: The highest value there is in the column after `within`; None until it has been asked for.
        step: How many values of that column make a page.
        extra: How many more to ask for, so that a row beyond the page shows that it is whole.
        seen: Rows read nearby and how many values of the column they took; older ones weigh less.
        whole: The neighbourhood is empty: let the next request find where rows go on.
        asking: The request the region waits for.
    """

    rest: Stretch
    high: int | None
    step: int
    extra: int = 1
    seen: tuple[float, float] = (0, 0)
    whole: bool = False
    asking: Ask | None = None
    finished: bool = field(default=False, init=False)

    def next(self) -> Ask | None:
        """The next request to send; None while waiting, or when the region is `finished`."""
        if self.asking is not None:
            return None
        if self.high is None:
            self.asking = Ask("highest", self.rest, self)
            return self.asking
        return self._cut(self.high) if self.rest.stripes is None else self._cut_own(self.rest.stripes, self.high)

    def _cut(self, high: int) -> Ask:
        rest, depth = self.rest, len(self.rest.within)
        upto = math.floor(number_at(rest.after, depth)) + self.step
        if self.whole or upto >= high:
            # Without an upper bound if the region has none: rows added above the highest are read as well.
            self.finished = True
            return Ask("page", replace(rest, extra=self.extra), self)
        self.rest = replace(rest, after=(*rest.within, upto))
        return Ask("page", replace(rest, upto=upto, extra=self.extra), self)

    def _cut_own(self, stripes: Stripes, high: int) -> Ask | None:
        rest, depth = self.rest, len(self.rest.within)
        low = lowest(rest.after, depth)
        first = stripes.first(low)
        if first > low:
            rest = self.rest = replace(rest, after=(*rest.within, first - 1))
        if rest.upto is not None and first > rest.upto:
            self.finished = True
            return None
        if rest.upto is None and (self.whole or first > high):
            self.asking = Ask("next", rest, self)
            return self.asking
        upto = min(first + self.step, stripes.last(first), max(high, first))
        self.rest = replace(rest, after=(*rest.within, upto))
        self.finished = rest.upto is not None and upto >= rest.upto
        return Ask("page", replace(rest, upto=upto, extra=self.extra), self)
