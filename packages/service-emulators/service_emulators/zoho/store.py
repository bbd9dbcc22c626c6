"""Storage of the Zoho CRM emulator in SQLite, by SQLAlchemy Core: rows of modules by their field's API names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from service_emulators.database import Database
from service_emulators.zoho.tables import METADATA, ORG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Table

Row = dict[str, Any]
"""A record as it is stored: values by API name, and `WRITTEN_AT`."""

WRITTEN_AT = "$written_at"
"""Column of the moment a row was last written by the emulator's clock, seconds since 1970."""

_ID_BLOCK = 1000
CHUNK = 400
"""Most values of one `IN`."""

_OWN_ID = "$id"


class Store(Database):
    """The data of one org.

    Args:
        path: SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(METADATA, path)
        self._next_id = 0
        self._reserved = 0
        self._statements: dict[tuple[Any, ...], Any] = {}

    def new_id(self) -> int:
        """Returns an id that no record, field or user of this org ever had."""
        if self._next_id >= self._reserved:
            self._next_id = int(self.connection.execute(select(ORG.c.next_id)).scalar_one())
            self._reserved = self._next_id + _ID_BLOCK
            self.connection.execute(update(ORG).values(next_id=self._reserved))
        self._next_id += 1
        return self._next_id - 1

    def rollback(self) -> None:
        """Drops changes since the last commit."""
        super().rollback()
        self._reserved = 0  # the reserved block may be among them

    def insert(self, table: Table, row: Row) -> None:
        """Adds a record with all its columns."""
        self.connection.execute(self._built(insert, table), row)

    def save(self, table: Table, row_id: int, values: Row) -> None:
        """Changes columns of a record."""
        self.connection.execute(self._built(_update, table, *values), {**values, _OWN_ID: row_id})

    def remove(self, table: Table, row_id: int) -> None:
        """Takes a record out of its table."""
        self.connection.execute(self._built(_delete, table), {_OWN_ID: row_id})

    def get(self, table: Table, row_id: int) -> Row | None:
        """Returns a record or None."""
        row = self.connection.execute(self._built(_select, table), {_OWN_ID: row_id}).mappings().first()
        return None if row is None else dict(row)

    def exists(self, table: Table, row_id: int) -> bool:
        """Returns whether there is a record with that id."""
        return self.connection.execute(self._built(_select_id, table), {_OWN_ID: row_id}).first() is not None

    def _built(self, build: Callable[..., Any], table: Table, *names: str) -> Any:
        """Returns a statement that is built once: building it takes longer than running it."""
        key = (build, table, names)
        statement = self._statements.get(key)
        if statement is None:
            statement = self._statements[key] = build(table, *names)
        return statement

    def get_many(self, table: Table, ids: Sequence[int]) -> dict[int, Row]:
        """Returns the records there are of some ids."""
        found: dict[int, Row] = {}
        for start in range(0, len(ids), CHUNK):
            statement = select(table).where(table.c.id.in_(ids[start : start + CHUNK]))
            found.update((row["id"], dict(row)) for row in self.connection.execute(statement).mappings())
        return found

    def select(
        self,
        table: Table,
        where: Iterable[ColumnElement[bool]] = (),
        order: Iterable[Any] = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[Any] | None = None,
    ) -> list[Row]:
        """Returns records that meet all conditions.

        Args:
            table: table of the module.
            where: conditions.
            order: order.
            limit: most rows.
            offset: rows to pass over.
            columns: columns to read; None for all.
        """
        statement = select(table) if columns is None else select(*columns).select_from(table)
        statement = statement.where(*where).order_by(*order)
        if limit is not None:
            statement = statement.limit(limit)
        if offset:
            statement = statement.offset(offset)
        return [dict(row) for row in self.connection.execute(statement).mappings()]

    def count_rows(self, table: Table, where: Iterable[ColumnElement[bool]] = ()) -> int:
        """Returns the number of records that meet all conditions."""
        return int(self.connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _select(table: Table) -> Any:
    return select(table).where(table.c.id == bindparam(_OWN_ID))


def _select_id(table: Table) -> Any:
    return select(table.c.id).where(table.c.id == bindparam(_OWN_ID))


def _update(table: Table, *names: str) -> Any:
    return update(table).where(table.c.id == bindparam(_OWN_ID)).values({name: bindparam(name) for name in names})


def _delete(table: Table) -> Any:
    return delete(table).where(table.c.id == bindparam(_OWN_ID))
