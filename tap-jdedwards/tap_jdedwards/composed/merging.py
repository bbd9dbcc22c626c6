"""Brings together the rows of several tables that share the first value of a key.

Every table is walked in the order of that value, so that no more than one group of each is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Row = dict[str, Any]

Group: TypeAlias = tuple[int, list[Row], dict[str, list[Row]]]
"""A first key value, the rows of the root with it, and those of the other joined tables by source."""


class OrderError(ValueError):
    """Rows of a table did not come in the order of the key; joining them would lose some."""


def grouped(rows: Iterable[Row], column: str, table: str) -> Iterator[tuple[int, list[Row]]]:
    """Cut a walk into runs of rows with the same value.

    Args:
        rows: Rows in ascending order of the column.
        column: A column of whole numbers.
        table: Name of the table, for the error.

    Yields:
        Each value with its rows.

    Raises:
        OrderError: When a value is lower than the one before.
    """
    value: int | None = None
    group: list[Row] = []
    for row in rows:
        current = int(row[column])
        if current != value:
            if value is not None:
                if current < value:
                    raise OrderError(
                        f"{table}: {column} {current} came after {value}, the server did not sort the rows"
                    )
                yield value, group
            value, group = current, []
        group.append(row)
    if value is not None:
        yield value, group


def merged(
    root: Iterator[tuple[int, list[Row]]], others: Mapping[str, Iterator[tuple[int, list[Row]]]]
) -> Iterator[Group]:
    """Put the groups of several tables together.

    Args:
        root: Groups of the table that documents come from.
        others: Groups of the other tables by name.

    Yields:
        For every group of the root: its value, its rows, and the rows of every other table with the same value.
    """
    waiting = {name: next(groups, None) for name, groups in others.items()}
    for value, rows in root:
        found: dict[str, list[Row]] = {}
        for name, groups in others.items():
            group = waiting[name]
            while group is not None and group[0] < value:
                group = next(groups, None)
            if group is not None and group[0] == value:
                found[name] = group[1]
                group = next(groups, None)
            else:
                found[name] = []
            waiting[name] = group
        yield value, rows, found
