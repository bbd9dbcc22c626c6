"""Finding records by the fields that upserts match by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from service_emulators.zoho.tables import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.store import Store


def key_of(field: Field, value: Any) -> str:
    """Returns a value in the form in which equal values are equal."""
    text = str(value)
    return text if field.case_sensitive else text.casefold()


class Keys:
    """The table `_keys`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._find = select(KEYS.c.record_id).order_by(KEYS.c.record_id)

    def find(self, module: Module, field: Field, value: Any) -> list[int]:
        """Returns the ids of the records with that value, oldest first."""
        statement = self._find.where(
            KEYS.c.module == module.name, KEYS.c.field == field.api_name, KEYS.c.value == key_of(field, value)
        )
        return list(self._store.connection.execute(statement).scalars())

    def add(self, module: Module, record_id: int, values: dict[str, Any], fields: Iterable[Field]) -> None:
        """Takes up the values of a record in some fields."""
        rows = [
            {
                "module": module.name,
                "field": field.api_name,
                "value": key_of(field, values[field.api_name]),
                "record_id": record_id,
            }
            for field in fields
            if values.get(field.api_name) is not None
        ]
        if rows:
            self._store.connection.execute(insert(KEYS), rows)

    def replace(self, module: Module, record_id: int, values: dict[str, Any], fields: Iterable[Field]) -> None:
        """Takes up changed values of a record in place of what it had in those fields."""
        for field in fields:
            self._store.connection.execute(
                delete(KEYS).where(KEYS.c.record_id == record_id, KEYS.c.field == field.api_name)
            )
            self.add(module, record_id, values, [field])

    def remove(self, record_id: int) -> None:
        """Lets go of all values of a record."""
        self._store.connection.execute(delete(KEYS).where(KEYS.c.record_id == record_id))

    def build(self, module: Module, field: Field) -> list[Any]:
        """Takes up the values that all records have in a field; returns those that several records share."""
        self.drop(module, field)
        column = module.table.c[field.api_name]
        statement = select(module.table.c.id, column).where(column.is_not(None)).order_by(module.table.c.id)
        rows, seen, doubles = [], set(), []
        for record_id, value in self._store.connection.execute(statement):
            key = key_of(field, value)
            if key in seen:
                doubles.append(value)
            seen.add(key)
            rows.append({"module": module.name, "field": field.api_name, "value": key, "record_id": record_id})
        if rows:
            self._store.connection.execute(insert(KEYS), rows)
        return doubles

    def drop(self, module: Module, field: Field) -> None:
        """Lets go of all values of a field."""
        self._store.connection.execute(delete(KEYS).where(KEYS.c.module == module.name, KEYS.c.field == field.api_name))
