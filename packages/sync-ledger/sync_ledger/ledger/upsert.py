"""INSERT … ON CONFLICT for the two databases a ledger can live in."""

from __future__ import annotations

import typing as t

from sqlalchemy.dialects import postgresql, sqlite

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    Insert = sqlite.Insert | postgresql.Insert

_T = t.TypeVar("_T")


def insert(connection: Connection, table: Table) -> Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


_MOST_VALUES = 10_000
"""Values in one IN at most; SQLite takes 32,766 in a statement."""


def slices(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut a list of values into parts that fit one IN."""
    for start in range(0, len(values), _MOST_VALUES):
        yield values[start : start + _MOST_VALUES]


def upsert(
    connection: Connection, table: Table, rows: Sequence[dict[str, t.Any]], *, where: ColumnElement[bool] | None = None
) -> None:
    """Insert rows, replacing the non-key columns of those whose primary key is there, if `where` is true of them."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where), list(rows))
