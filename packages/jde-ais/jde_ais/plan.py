"""Planning a walk that has several requests under way: which stretch of the key to ask for next.

Pure: it sends nothing and waits for nothing (`ranges.py` does). The plan is a line of things in the order of the key:
pages asked for, stretches nobody has asked for yet, and regions, which are stretches to be cut into pages by the
density of their neighbourhood. Where a page shows that its stretch holds more, the rest takes its place in the line,
and may become a region of its own: that is how skew in the keys is followed wherever it shows.

A server whose fetch limit cuts a page says that no more rows remain (AIS fact sheet, sections 3.1 and 12), the limit
can change during a walk, and servers that share the work can have limits that differ. So no page counts as whole
without a proof: a row beyond its stretch, for which each is asked for a little more than it needs; the last row there
can be; or nothing, when asked for what follows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from jde_ais.keyset import stored
from jde_ais.spans import NUMBERS, Ask, Region, Stretch, lowest, number_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jde_ais.answers import Page
    from jde_ais.keyset import Key, Position
    from jde_ais.stripes import Stripes

SMALLEST_CAP = 100
"""A first page of fewer rows, without more to come by the server's word, is all there is if the server has once sent
more than that: limits so low are not heard of, and to ask twice for every handful of rows costs too much."""

_HEADROOM = 1.5
"""How many pages a cut-out stretch may fill and still come as one: keys are never so even that each stretch of the same
width holds the same number of rows, and one that holds more than it may costs one more request."""
_AIM = 1.2
"""Rows to cut a stretch for, of those of a page: about as much is lost again where documents and regions end, so that
pages have the size asked for on the average."""
_FILL = 0.895
"""How full they are planned to be where a fetch limit leaves no such room."""
_EXTRA_ROWS = 6
"""Rows to ask for beyond a page: with gaps at random, one page in 400 meets none of them and is asked for the rest."""
_EXTRA_SHARE = 0.02
"""The same as a share of the page, where several rows have each value, so that fewer values are as likely to be met."""
_MEMORY = 0.8
"""How much the rows before a page count for the next step, beside its own."""


class Plan:
    """The line of pages of one walk.

    Args:
        key: The key.
        page_size: Rows asked for at once; where a stretch was cut out for about so many, it may be half more.
        after: Position to go on after; () for the beginning.
        stripes: Which part of the first number column to read; None for all.
        window: How many pages may be under way or waiting to be taken.
    """

    def __init__(self, key: Key, page_size: int, after: Position, stripes: Stripes | None, window: int) -> None:
        self._key = key
        self._size = page_size
        self._limit = int(page_size * _HEADROOM)
        self._stripes = stripes
        self._window = window
        self._start = Stretch(after, seek=stripes is not None)
        self._suspected = 0
        self.line: list[Ask | Region | Stretch] = [self._start]

    def rows(self, stretch: Stretch) -> int:
        """The most rows to ask for.

        The first page is asked for as the widest, where pages will differ: it shows that no fetch limit cuts them.
        """
        first = stretch == Stretch() and self._key.kinds[0] in NUMBERS and len(self._key.columns) > 1
        return self._limit if first or stretch.upto is not None else self._size

    def depth(self, stretch: Stretch) -> int:
        """Which column of the key tells how a stretch lies: the striped one while it is being looked for."""
        kinds = self._key.kinds
        return next(n for n, kind in enumerate(kinds) if kind in NUMBERS) if stretch.seek else len(stretch.within)

    def due(self) -> list[Ask]:
        """The requests to send now: the next ones in the order of the key, as far as the window reaches."""
        new: list[Ask] = []
        ahead = place = 0
        # Where skew turned up before pages already read, the window slides back and those are kept beside it.
        room = 2 * self._window - sum(isinstance(one, Ask) for one in self.line)
        while place < len(self.line):
            node = self.line[place]
            if isinstance(node, Ask):
                if node.error is not None:
                    break
            elif place and (ahead >= self._window or room <= 0):
                break
            else:
                ask = self._ask(node, place)
                if ask is not None:
                    new.append(ask)
                    room -= 1
                if isinstance(node, Region) and node.finished:
                    self.line.remove(node)
                    if ask is None:
                        continue
            ahead += 1
            place += 1
        return new

    def _ask(self, node: Region | Stretch, place: int) -> Ask | None:
        if isinstance(node, Stretch):
            ask = Ask("next" if node.seek else "page", node)
            self.line[place] = ask
            return ask
        new = node.next()
        if new is not None and new.kind == "page":
            self.line.insert(place, new)
        return new

    def found(self, ask: Ask, position: Position | None) -> None:
        """Takes the answer to anything but a page.

        Args:
            ask: What was asked.
            position: Values of the first key columns, up to the one of interest; None when there was no row.
        """
        region = ask.region
        if region is None:
            self._begin(ask, position)
            return
        region.asking = None
        if position is None:
            self.line.remove(region)
            return
        depth = len(region.rest.within)
        value = number_at(position, depth)
        region.high = max(math.ceil(value), region.high if region.high is not None else math.ceil(value))
        if ask.kind == "next":
            region.whole = False
            if math.floor(value) > number_at(region.rest.after, depth):
                # Up to here there is nothing, ours or not.
                region.rest = replace(region.rest, after=(*region.rest.within, math.floor(value) - 1))

    def _begin(self, ask: Ask, position: Position | None) -> None:
        """Begins a group of rows that agree in all columns before the striped one."""
        place = self.line.index(ask)
        if position is None or self._stripes is None:
            del self.line[place]
            return
        within = position[:-1]
        after = ask.stretch.after
        if len(after) <= len(within) or after[: len(within)] != within:
            after = (*within, math.floor(number_at(position, len(within))) - 1)
        step = self._size * self._stripes.of
        region = Region(Stretch(after, within, stripes=self._stripes), None, step, _EXTRA_ROWS)
        self.line[place : place + 1] = [region, *([replace(ask.stretch, after=within)] if within else [])]

    def read(self, ask: Ask, page: Page, positions: Sequence[Position], most: int) -> None:
        """Takes a page.

        Args:
            ask: What was asked.
            page: The answer.
            positions: Positions of its rows.
            most: Rows of the largest page the server has sent so far, here or elsewhere.
        """
        stretch, got = ask.stretch, len(positions)
        count = stretch.own(positions)
        if count < got:
            positions = positions[:count]
            page = replace(page, rows=page.rows[:count], last_key=stored(positions[-1]) if count else None)
        if stretch.doubted and count:
            self._lower_limit(stretch.doubted, most)
        full = 0 < count == got and (page.more or count >= self.rows(stretch))
        doubted = 0 if full or count < got or self._is_whole(ask, positions, most) else count
        if ask.region is not None and got:
            self._learn(ask.region, stretch, positions, full=full)
        elif ask.region is not None:
            ask.region.whole = True
        place = self.line.index(ask)
        if full or doubted:
            self.line[place + 1 : place + 1] = self._rest(stretch, positions, doubted)
        if count:
            ask.page = page
        else:
            del self.line[place]

    def fail(self, ask: Ask, error: BaseException) -> None:
        """Notes that a request failed; pages before it can still be taken."""
        ask.error = error
        if ask.kind != "page" and ask.region is not None:
            self.line[self.line.index(ask.region)] = ask

    def _lower_limit(self, doubted: int, most: int) -> None:
        """Takes it that a page was cut, since rows followed it.

        They may also have come since. That hardly happens twice after the same number of rows, so only then pages get
        smaller than the largest one the server has sent.
        """
        self._limit = min(self._limit, doubted if doubted == self._suspected else max(doubted, most))
        self._size = min(self._size, self._limit)
        self._suspected = doubted

    def _is_whole(self, ask: Ask, positions: Sequence[Position], most: int) -> bool:
        """Whether a page that shows no row beyond its stretch can miss none of it."""
        if not positions:
            return True
        if ask.stretch is self._start:
            return not may_be_cut(len(positions), most)
        region, depth = ask.region, len(ask.stretch.within)
        last = depth == len(self._key.columns) - 1
        # Rows above the highest one have come since.
        return (
            last and region is not None and region.high is not None and number_at(positions[-1], depth) >= region.high
        )

    def _learn(self, region: Region, stretch: Stretch, positions: Sequence[Position], *, full: bool) -> None:
        depth = len(stretch.within)
        rows, values = region.seen
        if stretch.upto is not None and (positions or rows):
            cut = full or len(positions) >= self._limit
            high = math.ceil(number_at(positions[-1], depth)) if cut else stretch.upto
            width = high - math.floor(number_at(stretch.after, depth))
            region.seen = (rows * _MEMORY + len(positions), values * _MEMORY + width)
            region.step, region.extra = self._step(*region.seen, depth), self._extra(*region.seen, depth)

    def _step(self, rows: float, values: float, depth: int) -> int:
        per_row = values / rows
        if depth == len(self._key.columns) - 1:  # at most one row a value, the key being unique
            return max(1, self._size, int(min(self._size, self._limit * _FILL) * per_row))
        return max(1, int(min(self._size * _AIM, self._limit * _FILL) * per_row))

    def _extra(self, rows: float, values: float, depth: int) -> int:
        single = depth == len(self._key.columns) - 1
        wanted = _EXTRA_ROWS if single else max(_EXTRA_ROWS, self._size * _EXTRA_SHARE)
        return max(1, math.ceil(wanted * values / rows))

    def _rest(self, stretch: Stretch, positions: Sequence[Position], doubted: int) -> list[Region | Stretch]:
        first, last = positions[0], positions[-1]
        depth, columns = len(stretch.within), len(self._key.columns)
        ended = stretch.upto is not None and (
            number_at(last, depth) >= stretch.upto
            # What is left may lie in the stripes of others.
            or (stretch.stripes is not None and stretch.stripes.first(lowest(last, depth)) > stretch.upto)
        )
        if ended and depth == columns - 1:
            return []
        going_on = replace(stretch, after=last, doubted=doubted)
        same = next((n for n in range(columns) if first[n] != last[n]), columns)
        if doubted or same == columns or self._key.kinds[same] not in NUMBERS:
            return [going_on]
        seen = (len(positions), math.ceil(number_at(last, same) - number_at(first, same)))
        step, extra = self._step(*seen, same), self._extra(*seen, same)
        if same == depth:
            return [Region(going_on, stretch.upto, step, extra, seen)]
        inner = Region(Stretch(last, last[:same]), None, step, extra, seen)
        if ended and same == depth + 1:
            return [inner]
        return [inner, replace(going_on, after=last[:same])]


def may_be_cut(rows: int, most: int) -> bool:
    """Whether a first page, without more to come by the server's word, may have been cut by a fetch limit.

    Args:
        rows: Its rows.
        most: Rows of the largest page the server has sent before, or with it.
    """
    return rows > 0 and rows >= min(SMALLEST_CAP, most)
