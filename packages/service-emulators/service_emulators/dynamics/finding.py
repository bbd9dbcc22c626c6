"""Rows by their address: by id, or by the columns of an alternate key (fact sheet section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import ApiError, key_not_found, key_not_valid, no_such_segment, row_not_found
from service_emulators.dynamics.times import parse_date, parse_time
from service_emulators.dynamics.urls import parse, relative

if TYPE_CHECKING:
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Column, Table
    from service_emulators.dynamics.store import Row, Store
    from service_emulators.dynamics.urls import KeyValue, Predicate


class Finder:
    """Finds rows.

    Args:
        store: the data.
        catalog: the tables.
    """

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def table(self, set_name: str) -> Table:
        """Returns the table of an entity set.

        Raises:
            ApiError: 404, there is none.
        """
        table = self._catalog.by_set(set_name)
        if table is None:
            raise no_such_segment(set_name)
        return table

    def key_values(self, table: Table, predicate: Predicate) -> Row:
        """Returns the values of an alternate key by logical names of columns, as they are stored.

        Raises:
            ApiError: 400, there is no such key, its index is not active, or a value is not of its column's type.
        """
        pairs = predicate.pairs()
        columns: dict[str, Column] = {}
        for name in pairs:
            column = table.properties.get(name)
            if column is None:
                raise key_not_valid(table.name)
            columns[name] = column
        if table.active_key({column.name for column in columns.values()}) is None:
            raise key_not_valid(table.name)
        return {columns[name].name: _value(table, columns[name], value) for name, value in pairs.items()}

    def find_id(self, table: Table, predicate: Predicate) -> str | None:
        """Returns the id of the row an address names, or None; raises as `key_values` does."""
        row_id = self.given_id(table, predicate)
        if row_id is not None:
            return row_id if self._store.exists(table, row_id) else None
        return self._store.find_id(table, self.key_values(table, predicate))

    def find(self, table: Table, predicate: Predicate) -> Row | None:
        """Returns the row an address names, or None; raises as `key_values` does."""
        row_id = self.given_id(table, predicate)
        if row_id is None:
            row_id = self._store.find_id(table, self.key_values(table, predicate))
        return None if row_id is None else self._store.get(table, row_id)

    def get(self, table: Table, predicate: Predicate) -> Row:
        """Returns the row an address names.

        Raises:
            ApiError: 404, there is none; else as `key_values` does.
        """
        row = self.find(table, predicate)
        if row is None:
            raise self.missing(table, predicate)
        return row

    def missing(self, table: Table, predicate: Predicate) -> ApiError:
        """Returns the error for an address that no row has."""
        row_id = self.given_id(table, predicate)
        return key_not_found(table.name) if row_id is None else row_not_found(table.name, row_id)

    @staticmethod
    def given_id(table: Table, predicate: Predicate) -> str | None:
        """Returns the id that an address gives (`(GUID)` or `(accountid=GUID)`); None for an alternate key."""
        if predicate.guid is not None:
            return predicate.guid
        text = predicate.text.strip()
        if text.startswith(f"{table.id_column}="):
            value = predicate.pairs().get(table.id_column)
            return None if value is None else value.text.lower()
        return None

    def reference(self, url: Any, references: dict[str, str]) -> tuple[Table, str]:
        """Returns table and id of the row that `@odata.bind` or `@odata.id` names.

        Args:
            url: `/contacts(GUID)`, `contacts(key='1')`, an absolute URL, or `$1` inside a change set.
            references: paths of rows by reference.

        Raises:
            ApiError: 400, it is no address of a row; 404, there is no such row.
        """
        if isinstance(url, str) and url.startswith("$"):
            if url not in references:
                raise ApiError(400, "0x80060888", f"Content-ID Reference: '{url}' does not exist in the batch context.")
            url = references[url]
        address = parse(relative(url)).row if isinstance(url, str) else None
        if address is None:
            raise ApiError(400, "0x80048d19", f"Resource not found for the segment '{url}'.")
        table = self.table(address[0])
        row_id = self.find_id(table, address[1])
        if row_id is None:
            raise self.missing(table, address[1])
        return table, row_id


def _value(table: Table, column: Column, value: KeyValue) -> Any:
    """Returns a value of a key as it is stored; text alone is in quotes."""
    text = value.text
    if column.type in {"String", "Memo"}:
        if not value.quoted:
            raise key_not_valid(table.name)
        return text
    found: Any = None
    if not value.quoted:
        if column.type in {"Integer", "BigInt", "Picklist"}:
            found = int(text) if text.lstrip("-").isdigit() else None
        elif column.type in {"Decimal", "Double", "Money"}:
            found = float(text) if text.lstrip("-").replace(".", "", 1).isdigit() else None
        elif column.type == "DateTime":
            found = parse_date(text) if column.behavior == "DateOnly" else parse_time(text)
        else:
            found = text.lower()
    if found is None:
        raise key_not_valid(table.name)
    return found
