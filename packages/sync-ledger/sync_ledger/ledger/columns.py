"""Columns and indexes that several tables of the ledger have."""

from __future__ import annotations

import typing as t

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, String, Text, text

ID: t.Final = BigInteger().with_variant(Integer, "sqlite")
"""A number. SQLite only counts up by itself on INTEGER PRIMARY KEY, PostgreSQL should not run out at 2^31."""

TIME: t.Final = DateTime(timezone=True)
"""A moment, in UTC."""


def numbered() -> Column[t.Any]:
    """Return the column of a table whose rows are numbered as they come."""
    return Column("id", ID, primary_key=True, autoincrement=True)


def destination(*, key: bool = True) -> Column[t.Any]:
    """Return the column of the account a row belongs to; part of the primary key or not."""
    return named("destination", key=key)


def named(column: str, *, key: bool = False, optional: bool = False) -> Column[t.Any]:
    """Return a column for a name: of a rule, a receiver, a stream or a field."""
    return Column(column, String(255), primary_key=key, nullable=optional)


def hashed(column: str, *, key: bool = False) -> Column[t.Any]:
    """Return a column for what something is known by: a hash in hexadecimal digits."""
    return Column(column, String(64), primary_key=key, nullable=False)


def source_row() -> tuple[Column[t.Any], Column[t.Any]]:
    """Return the columns that say which row of the source is behind something: its stream, and its key as JSON."""
    return named("stream"), Column("source_key", Text, nullable=False)


def index_where(name: str, columns: t.Sequence[str], where: str, postgresql: str | None = None) -> Index:
    """Return an index of some rows only.

    Args:
        name: Its name.
        columns: What it sorts by.
        where: Which rows, as SQLite has it.
        postgresql: Which rows, where PostgreSQL has it another way: it has no numbers for true and false.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(postgresql or where))
