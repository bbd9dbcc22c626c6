"""Records as answers show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.catalog import USER_TYPES
from service_emulators.zoho.store import WRITTEN_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.org import Org
    from service_emulators.zoho.store import Row, Store

_EMPTY: dict[str, Any] = {"tag": [], "boolean": False}
_WHOLE_TYPES = frozenset({"currency", "double", "percent"})


class Show:
    """Turns stored rows into JSON data: times with the org's offset, ids as text, lookups with the target's name.

    Args:
        store: the data.
        catalog: modules.
        org: users and time zone.
    """

    def __init__(self, store: Store, catalog: Catalog, org: Org) -> None:
        self._store = store
        self._catalog = catalog
        self._org = org

    def many(self, module: Module, rows: Sequence[Row], names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Returns records with their ids and some fields.

        Args:
            module: module.
            rows: rows that have at least those fields.
            names: API names; None for all fields.
        """
        chosen = list(module.fields) if names is None else list(dict.fromkeys(["id", *names]))
        fields = [module.fields[name] for name in chosen]
        titles = {
            field.api_name: self._titles(field, [row[field.api_name] for row in rows])
            for field in fields
            if field.data_type == "lookup"
        }
        return [
            {field.api_name: self.value(field, row[field.api_name], titles.get(field.api_name, {})) for field in fields}
            for row in rows
        ]

    def _titles(self, field: Field, ids: Sequence[int | None]) -> dict[int, str | None]:
        target = self._catalog.modules()[str(field.lookup)]
        wanted = sorted({record_id for record_id in ids if record_id is not None})
        column = target.info.display_field
        return {record_id: row[column] for record_id, row in self._store.get_many(target.table, wanted).items()}

    def value(self, field: Field, stored: Any, titles: dict[int, str | None]) -> Any:
        """Returns one value.

        Args:
            field: field.
            stored: the value as it is stored.
            titles: names of the targets of a lookup.
        """
        kind = field.data_type
        if stored is None:
            return _EMPTY.get(kind)
        if kind in USER_TYPES:
            return self._org.user(stored, email=True)
        if kind == "lookup":
            return {"name": titles.get(stored), "id": str(stored)}
        if kind == "bigint":
            return str(stored)
        if kind == "datetime":
            return self._org.local(stored)
        if kind in _WHOLE_TYPES and stored == int(stored):
            return int(stored)
        return stored

    def details(self, row: Row) -> dict[str, Any]:
        """Returns what the answer to a write tells about a record."""
        return {
            "Modified_Time": self._org.local(row["Modified_Time"]),
            "Modified_By": self._org.user(row["Modified_By"]),
            "Created_Time": self._org.local(row["Created_Time"]),
            "id": str(row["id"]),
            "Created_By": self._org.user(row["Created_By"]),
            "$approval_state": "approved",
        }


def columns_of(module: Module, names: Iterable[str]) -> list[Any]:
    """Returns the columns to read for some fields, with those every list needs."""
    wanted = dict.fromkeys(["id", "Modified_Time", *names])
    return [module.table.c[name] for name in wanted if name != WRITTEN_AT]
