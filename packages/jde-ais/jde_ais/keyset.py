"""Positions in a unique key: reading them off rows, asking for what comes after, and checking the order of a page.

The database sorts and compares text under a collation this program does not know, so text is never compared here for
less or greater, only for equality. Numbers and dates are.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jde_ais.errors import OrderNotHonoured
from jde_ais.query import AllOf, AnyOf, Condition, Order, eq, ge, gt, is_blank, le, lt, not_blank
from jde_ais.rows import number
from jde_ais.values import parse_date, trim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jde_ais.answers import KeyPart, Kind
    from jde_ais.query import Where

Part = int | Decimal | date | str | None
"""Part of a position; None is the empty date, which the database holds as 0, before all others."""

Position = tuple[Part, ...]

_TEXT = ("string", "character")
_FIRST_DATE = date(1900, 1, 1)
"""The earliest day CYYDDD can express."""


@dataclass(frozen=True)
class Key:
    """The columns of a unique key in sort order, with their kinds."""

    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]

    @property
    def order(self) -> tuple[Order, ...]:
        """The sort columns of a walk along this key."""
        return tuple(Order(column) for column in self.columns)

    @property
    def starts_with_text(self) -> bool:
        """Whether the order of rows depends on the database's collation from the first column on."""
        return self.kinds[0] in _TEXT

    def part(self, start: int, stop: int) -> Key:
        """Some of the columns, for positions among rows that agree in those before."""
        return Key(self.columns[start:stop], self.kinds[start:stop])

    def positions(self, rows: Sequence[dict[str, Any]]) -> list[Position]:
        """Reads the positions of raw rows.

        Raises:
            KeyError: A key column is missing in the row.
            ValueError: A value does not fit its kind.
        """
        parts: list[list[Part]] = []
        for column, kind in zip(self.columns, self.kinds, strict=True):
            read, values = _READERS[kind], [row[column] for row in rows]
            whole = kind not in _TEXT and kind != "date"
            parts.append([value if whole and type(value) is int else read(value) for value in values])
        return list(zip(*parts, strict=True))

    def given(self, after: Sequence[Any]) -> Position:
        """Reads a position a caller gives: what `stored` made of one, or plain values.

        Raises:
            ValueError: It has another number of parts, or one does not fit its kind.
        """
        if len(after) != len(self.columns):
            msg = f"a position in the key {'+'.join(self.columns)} has {len(self.columns)} parts, got {len(after)}"
            raise ValueError(msg)
        return tuple(_given(part, kind) for part, kind in zip(after, self.kinds, strict=True))

    def beyond(self, position: Position) -> Where:
        """The condition for all rows after a position: `k1 >= a AND (k1 > a OR (k1 = a AND k2 > b) OR …)`.

        The first term says nothing new, but lets the database start at the right place of its index.
        """
        condition = self._compared(position, _greater, last=_greater)
        if len(position) == 1 or position[0] is None or position[0] == "":
            return condition
        return AllOf(ge(self.columns[0], position[0]), condition)

    def up_to(self, position: Position) -> Where:
        """The condition for all rows up to a position, itself included."""
        return self._compared(position, _less, last=_at_most)

    def _compared(
        self,
        position: Position,
        strict: Callable[[str, Part], Condition | None],
        last: Callable[[str, Part], Condition | None],
    ) -> Where:
        branches: list[Where] = []
        same: list[Condition] = []
        for index, (column, part) in enumerate(zip(self.columns, position, strict=True)):
            final = index == len(position) - 1
            condition = (last if final else strict)(column, part)
            if condition is not None:
                branches.append(AllOf(*same, condition) if same else condition)
            if not final:
                same.append(equal(column, part))
        return branches[0] if len(branches) == 1 else AnyOf(*branches)

    def check(self, positions: Sequence[Position], before: Position | None, what: str) -> None:
        """Makes sure that positions ascend from `before` on, as far as that can be told without a collation.

        Raises:
            OrderNotHonoured: They do not, or one came twice.
        """
        if self._ascend(positions, before):
            return
        previous = before
        for position in positions:
            if previous is not None and self._descends(previous, position):
                msg = (
                    f"{what}: the server did not sort by {'+'.join(self.columns)}, or this key is not unique: "
                    f"{_shown(position)} came after {_shown(previous)}; going on would lose rows"
                )
                raise OrderNotHonoured(msg)
            previous = position
        if len(set(positions)) < len(positions) or (before is not None and before in positions):
            msg = f"{what}: a value of the key {'+'.join(self.columns)} came twice; going on could lose rows"
            raise OrderNotHonoured(msg)

    def _ascend(self, positions: Sequence[Position], before: Position | None) -> bool:
        """Tells quickly whether all is well, for keys without text; a no may still be a yes."""
        if any(kind in _TEXT for kind in self.kinds):
            return False
        try:
            # The parts of one column have one type; an empty date among them ends the quick way.
            following = positions if before is not None else positions[1:]
            return all(map(operator.lt, ([before] if before is not None else []) + list(positions), following))
        except TypeError:
            return False

    def _descends(self, previous: Position, position: Position) -> bool:
        for kind, one, other in zip(self.kinds, previous, position, strict=True):
            if one == other:
                continue
            if kind in _TEXT:
                return False
            if one is None or other is None:
                return other is None
            return bool(one > other)  # type: ignore[operator] # parts of one column have one type
        return True


def stored(position: Position) -> tuple[KeyPart, ...]:
    """Makes a position fit for JSON: dates as ISO text, fractions as text, the empty date as ''."""
    return tuple("" if part is None else part if isinstance(part, (int, str)) else _plain(part) for part in position)


def _plain(part: Decimal | date) -> str:
    return part.isoformat() if isinstance(part, date) else format(part, "f")


def _shown(position: Position) -> str:
    return "/".join(str(part) for part in stored(position))


def _given(part: Any, kind: Kind) -> Part:
    if kind == "date" and isinstance(part, date):
        return part
    if kind == "date" and isinstance(part, str) and "-" in part:
        return date.fromisoformat(part)
    return _READERS[kind](part)


def _text(value: Any) -> str:
    return "" if value is None else trim(str(value))


def _number(value: Any) -> int | Decimal:
    read = number(value)
    if read is None:
        msg = "a number of the key is empty"
        raise ValueError(msg)
    return read


_READERS: dict[str, Callable[[Any], Part]] = {
    "string": _text,
    "character": _text,
    "number": _number,
    "time": _number,
    "date": lru_cache(maxsize=65536)(parse_date),  # a table has few days and many rows
}


def _greater(column: str, part: Part) -> Condition:
    if part is None:
        # There is no literal for the empty date, but every real one lies at or above the first.
        return ge(column, _FIRST_DATE)
    if part == "":
        return not_blank(column)
    return gt(column, part)


def _less(column: str, part: Part) -> Condition | None:
    return None if part is None or part == "" else lt(column, part)


def _at_most(column: str, part: Part) -> Condition:
    if part == "" or part is None:
        return equal(column, part)
    return le(column, part)


def equal(column: str, part: Part) -> Condition:
    """The condition that a key column has this value."""
    if part is None:
        return Condition(column, "EQUAL", ("",))
    if part == "":
        return is_blank(column)
    return eq(column, part)
