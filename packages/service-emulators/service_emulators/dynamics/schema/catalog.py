"""The tables of the environment as they are now: what it came with, and what was added since."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, insert, select

from service_emulators.dynamics.schema.model import (
    TARGET_SUFFIX,
    AlternateKey,
    Column,
    Table,
    TableDefinition,
    sql_type,
)
from service_emulators.dynamics.tables import COLUMNS, KEYS

if TYPE_CHECKING:
    from service_emulators.dynamics.store import Store

_DATA = Path(__file__).parent / "data"


@lru_cache(maxsize=1)
def definitions() -> dict[str, TableDefinition]:
    """Returns the tables every environment comes with, by logical name."""
    found = {}
    for file in sorted(_DATA.glob("*.json")):
        definition = msgspec.json.decode(file.read_bytes(), type=TableDefinition)
        found[definition.table.name] = definition
    return found


class Catalog:
    """The tables of the environment, read from the database once and after each change that was rolled back.

    Args:
        store: the data.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: dict[str, Table] | None = None
        self._changed = False
        self._by_set: dict[str, Table] = {}

    def create(self) -> None:
        """Makes the SQL tables that are not there yet."""
        for table in self.tables().values():
            table.sql.create(self._store.connection, checkfirst=True)

    def undo(self) -> None:
        """Reads the tables anew when they are next asked for, if they were changed since the last `settle`."""
        if self._changed:
            self._tables = None

    def settle(self) -> None:
        """Takes the changes so far for good, as the database does."""
        self._changed = False

    def tables(self) -> dict[str, Table]:
        """Returns all tables by logical name."""
        if self._tables is None:
            self._tables = self._read()
            self._by_set = {table.set_name: table for table in self._tables.values()}
        return self._tables

    def by_set(self, name: str) -> Table | None:
        """Returns the table of an entity set name, or None; case matters."""
        self.tables()
        return self._by_set.get(name)

    def _read(self) -> dict[str, Table]:
        connection = self._store.connection
        columns: dict[str, dict[str, Column]] = {}
        for table, definition in connection.execute(select(COLUMNS.c.table, COLUMNS.c.definition)):
            column = msgspec.json.decode(definition, type=Column)
            columns.setdefault(table, {})[column.name] = column
        keys: dict[str, list[AlternateKey]] = {}
        for (definition,) in connection.execute(select(KEYS.c.definition).order_by(KEYS.c.name)):
            key = msgspec.json.decode(definition, type=AlternateKey)
            keys.setdefault(key.table, []).append(key)
        found = {}
        for name, definition in definitions().items():
            known = {column.name: column for column in definition.columns}
            known.update(columns.get(name, {}))
            found[name] = Table(definition.table, list(known.values()), definition.relations, keys.get(name, []))
        return found

    def add_column(self, table: Table, column: Column) -> Table:
        """Adds a column and its SQL column; returns the table as it is now."""
        self._save(table, column)
        if column.stored:
            kind = sql_type(column)
            text = kind.compile(self._store.connection.dialect)
            self._store.connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {text}')
            if len(column.targets) > 1:
                self._store.connection.exec_driver_sql(
                    f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}{TARGET_SUFFIX}" VARCHAR'
                )
        return self._rebuilt(table, {**table.columns, column.name: column})

    def save_column(self, table: Table, column: Column) -> Table:
        """Writes a changed column; returns the table as it is now."""
        self._save(table, column)
        return self._rebuilt(table, {**table.columns, column.name: column})

    def save_key(self, key: AlternateKey) -> None:
        """Adds an alternate key or writes its changed state."""
        self._changed = True
        self._store.connection.execute(delete(KEYS).where(KEYS.c.table == key.table, KEYS.c.name == key.name))
        definition = msgspec.json.encode(key).decode()
        self._store.connection.execute(insert(KEYS).values(table=key.table, name=key.name, definition=definition))
        self.tables()[key.table].keys[key.name] = key

    def remove_key(self, key: AlternateKey) -> None:
        """Takes an alternate key away."""
        self._changed = True
        self._store.connection.execute(delete(KEYS).where(KEYS.c.table == key.table, KEYS.c.name == key.name))
        del self.tables()[key.table].keys[key.name]

    def _save(self, table: Table, column: Column) -> None:
        self._changed = True
        here = (COLUMNS.c.table == table.name, COLUMNS.c.name == column.name)
        self._store.connection.execute(delete(COLUMNS).where(*here))
        definition = msgspec.json.encode(column).decode()
        self._store.connection.execute(
            insert(COLUMNS).values(table=table.name, name=column.name, definition=definition)
        )

    def _rebuilt(self, table: Table, columns: dict[str, Column]) -> Table:
        changed = Table(table.info, list(columns.values()), list(table.relations.values()), list(table.keys.values()))
        self.tables()[table.name] = self._by_set[table.set_name] = changed
        return changed
