"""Plain access to rows, for services whose tables hold one kind of thing each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from service_emulators.database import Database

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

Row = dict[str, Any]


class RowStore(Database):
    """A database whose rows are plain dictionaries."""

    def rows(self, table: Table, *where: ColumnElement[bool], order: Any = None, limit: int | None = None) -> list[Row]:
        """Returns rows that meet all conditions."""
        statement = select(table).where(*where)
        if order is not None:
            statement = statement.order_by(order)
        if limit is not None:
            statement = statement.limit(limit)
        return [dict(row) for row in self.connection.execute(statement).mappings()]

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Returns how many rows meet all conditions."""
        return int(self.connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def one(self, table: Table, *where: ColumnElement[bool]) -> Row | None:
        """Returns the first row that meets all conditions, or None."""
        found = self.rows(table, *where, limit=1)
        return found[0] if found else None

    def add(self, table: Table, **values: Any) -> int:
        """Adds a row and returns its number, if that is its key."""
        key = self.connection.execute(insert(table).values(**values)).inserted_primary_key
        return int(key[0]) if key and isinstance(key[0], int) else 0

    def change(self, table: Table, *where: ColumnElement[bool], **values: Any) -> None:
        """Changes rows that meet all conditions."""
        self.connection.execute(update(table).where(*where).values(**values))

    def remove(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Deletes rows that meet all conditions and returns how many."""
        return self.connection.execute(delete(table).where(*where)).rowcount
