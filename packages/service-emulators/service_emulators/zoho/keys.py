"""Finding records by the fields that upserts match by."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from service_emulators.zoho.tables import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.store import Store


def key_of(field: Field, value: Any) -> str:
    """Returns a value in the form in which equal values are equal."""
    text = str(value)
    return text if field.case_sensitive else text.casefold()


_INSERT = insert(KEYS)
_FIND = (
    select(KEYS.c.record_id)
    .where(
        KEYS.c.module == bindparam("of_module"),
        KEYS.c.field == bindparam("of_field"),
        KEYS.c.value == bindparam("of_value"),
    )
    .order_by(KEYS.c.record_id)
)
_DELETE = delete(KEYS).where(KEYS.c.record_id == bindparam("of_record"))
_DELETE_FIELD = _DELETE.where(KEYS.c.field == bindparam("of_field"))


class Keys:
    """The table `_keys`.

    A batch can be looked up at once: `preload` reads what its records could match, and changes are followed until
    `unload`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: dict[tuple[str, str, str], list[int]] = {}

    def find(self, module: Module, field: Field, value: Any) -> list[int]:
        """Returns the ids of the records with that value, oldest first."""
        key = key_of(field, value)
        loaded = self._loaded.get((module.name, field.api_name, key))
        if loaded is not None:
            return list(loaded)
        given = {"of_module": module.name, "of_field": field.api_name, "of_value": key}
        return list(self._store.connection.execute(_FIND, given).scalars())

    def preload(self, module: Module, records: Iterable[Any]) -> set[int]:
        """Reads what the records of a batch could match; returns the ids that were found.

        Args:
            module: module.
            records: bodies as they came.
        """
        bodies = [body for body in records if isinstance(body, dict)]
        found: set[int] = set()
        for field in module.matched:
            given = (body.get(field.api_name) for body in bodies)
            values = sorted({key_of(field, value) for value in given if isinstance(value, (str, int))})
            self._loaded.update({(module.name, field.api_name, value): [] for value in values})
            statement = (
                select(KEYS.c.value, KEYS.c.record_id)
                .where(KEYS.c.module == module.name, KEYS.c.field == field.api_name, KEYS.c.value.in_(values))
                .order_by(KEYS.c.record_id)
            )
            for value, record_id in self._store.connection.execute(statement) if values else ():
                self._loaded[module.name, field.api_name, value].append(record_id)
                found.add(record_id)
        return found

    def unload(self) -> None:
        """Forgets what was read ahead."""
        self._loaded.clear()

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
            self._store.connection.execute(_INSERT, rows)
        for row in rows if self._loaded else ():
            loaded = self._loaded.get((module.name, str(row["field"]), str(row["value"])))
            if loaded is not None:
                insort(loaded, record_id)

    def replace(self, module: Module, record_id: int, values: dict[str, Any], fields: Iterable[Field]) -> None:
        """Takes up changed values of a record in place of what it had in those fields."""
        for field in fields:
            given = {"of_record": record_id, "of_field": field.api_name}
            self._store.connection.execute(_DELETE_FIELD, given)
            for (_, name, _), loaded in self._loaded.items():
                if name == field.api_name and record_id in loaded:
                    loaded.remove(record_id)
            self.add(module, record_id, values, [field])

    def remove(self, record_id: int) -> None:
        """Lets go of all values of a record."""
        self._store.connection.execute(_DELETE, {"of_record": record_id})
        for loaded in self._loaded.values():
            if record_id in loaded:
                loaded.remove(record_id)

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
