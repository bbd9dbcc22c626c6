"""Storage of the Dataverse emulator in SQLite, by SQLAlchemy Core: rows by the logical names of their columns."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select

from service_emulators.database import Database
from service_emulators.dynamics.tables import METADATA, TOMBSTONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement

    from service_emulators.dynamics.schema.model import Table

Row = dict[str, Any]
"""A row as it is stored, by logical name; lookups to several tables have their table beside them (`TARGET_SUFFIX`)."""

CHUNK = 400
"""Most values of one `IN`."""
_OWN_ID = "$id"


class Store(Database):
    """The data of one environment.

    Args:
        path: SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(METADATA, path)
        self._statements: dict[tuple[Any, ...], Any] = {}
        self._savepoints = itertools.count(1)
        self._version = 0

    def start_versions(self, tables: Iterable[Table]) -> None:
        """Lets row versions go on from the greatest there is."""
        versions = [TOMBSTONES.c.versionnumber]
        versions += [table.sql.c.versionnumber for table in tables if "versionnumber" in table.sql.c]
        found = [self.connection.execute(select(func.max(column))).scalar_one() for column in versions]
        self._version = max([number for number in found if number is not None], default=1_000_000)

    @property
    def version(self) -> int:
        """The latest row version of the environment."""
        return self._version

    def next_version(self) -> int:
        """Returns a row version that is greater than all before it, in all tables."""
        self._version += 1
        return self._version

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Runs the body so that an exception leaving it drops what the body changed, and nothing before it."""
        name = f"s{next(self._savepoints)}"
        self.connection.exec_driver_sql(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.connection.exec_driver_sql(f"ROLLBACK TO {name}")
            self.connection.exec_driver_sql(f"RELEASE {name}")
            raise
        self.connection.exec_driver_sql(f"RELEASE {name}")

    def insert(self, table: Table, row: Row) -> None:
        """Adds a row; columns it does not name are null.

        Raises:
            sqlalchemy.exc.IntegrityError: its id or the value of an alternate key is taken.
        """
        self.connection.exec_driver_sql(self._built(_insert, table, *row), tuple(row.values()))

    def save(self, table: Table, row_id: str, values: Row) -> None:
        """Changes columns of a row; raises as `insert` does."""
        self.connection.exec_driver_sql(self._built(_update, table, *values), (*values.values(), row_id))

    def remove(self, table: Table, row_id: str) -> None:
        """Takes a row out of its table."""
        self.connection.execute(self._built(_delete, table), {_OWN_ID: row_id})

    def get(self, table: Table, row_id: str) -> Row | None:
        """Returns a row or None."""
        row = self.connection.execute(self._built(_select, table), {_OWN_ID: row_id}).mappings().first()
        return None if row is None else dict(row)

    def exists(self, table: Table, row_id: str) -> bool:
        """Returns whether there is a row with that id."""
        return self.connection.exec_driver_sql(self._built(_select_id, table), (row_id,)).first() is not None

    def find_id(self, table: Table, values: Row) -> str | None:
        """Returns the id of the row with these values, by the columns of an alternate key; or None."""
        statement = self._built(_select_id, table, *values)
        found = self.connection.exec_driver_sql(statement, tuple(values.values())).first()
        return None if found is None else str(found[0])

    def select(
        self,
        table: Table,
        where: Iterable[ColumnElement[bool]] = (),
        order: Iterable[Any] = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[Any] | None = None,
    ) -> list[Row]:
        """Returns rows that meet all conditions.

        Args:
            table: the table.
            where: conditions.
            order: order.
            limit: most rows.
            offset: rows to pass over.
            columns: columns to read; None for all.
        """
        statement = select(table.sql) if columns is None else select(*columns).select_from(table.sql)
        statement = statement.where(*where).order_by(*order)
        if limit is not None:
            statement = statement.limit(limit)
        if offset:
            statement = statement.offset(offset)
        return [dict(row) for row in self.connection.execute(statement).mappings()]

    def count_rows(self, table: Table, where: Iterable[ColumnElement[bool]] = ()) -> int:
        """Returns the number of rows that meet all conditions."""
        return int(self.connection.execute(select(func.count()).select_from(table.sql).where(*where)).scalar_one())

    def _built(self, build: Callable[..., Any], table: Table, *names: str) -> Any:
        """Returns a statement that is built once: building it takes longer than running it."""
        key = (build, table.sql, names)
        statement = self._statements.get(key)
        if statement is None:
            statement = self._statements[key] = build(table, *names)
        return statement


def _insert(table: Table, *names: str) -> str:
    """Returns SQL for the driver: thousands of rows are written one by one, and this takes half the time."""
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608 - own names


def _select(table: Table) -> Any:
    return select(table.sql).where(table.sql.c[table.id_column] == bindparam(_OWN_ID))


def _select_id(table: Table, *names: str) -> str:
    """Returns SQL for the id of the row with some values, without names with that id."""
    same = " AND ".join(f'"{name}" = ?' for name in names or (table.id_column,))
    return f'SELECT "{table.id_column}" FROM "{table.name}" WHERE {same}'  # noqa: S608 - own names


def _update(table: Table, *names: str) -> str:
    columns = ", ".join(f'"{name}" = ?' for name in names)
    return f'UPDATE "{table.name}" SET {columns} WHERE "{table.id_column}" = ?'  # noqa: S608 - own names


def _delete(table: Table) -> Any:
    return delete(table.sql).where(table.sql.c[table.id_column] == bindparam(_OWN_ID))
