"""Rows as answers show them (fact sheet sections 4, 7 and 14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import bad_query
from service_emulators.dynamics.schema.model import CHOICES, TARGET_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Column, Table
    from service_emulators.dynamics.store import Row, Store

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def etag(row: Row) -> str | None:
    """Returns the ETag of a row, or None for a table without versions."""
    version = row.get("versionnumber")
    return None if version is None else f'W/"{version}"'


class Show:
    """Writes rows as JSON data.

    Args:
        store: the data, for the names of the rows that lookups point to.
        catalog: the tables.
    """

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def columns(self, table: Table, select: Iterable[str] | None) -> list[Column]:
        """Returns the columns that `$select` names, all of them without it; the primary key is always among them.

        Raises:
            ApiError: 400, a name is no property of the table; case matters.
        """
        if select is None:
            return list(table.properties.values())
        chosen = {}
        for name in select:
            if name in table.relations:  # a lookup's navigation property selects nothing of its own
                continue
            column = table.properties.get(name)
            if column is None:
                raise bad_query(
                    f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
                )
            chosen[name] = column
        key = table.columns[table.id_column]
        chosen.setdefault(key.name, key)
        return list(chosen.values())

    def row(self, table: Table, row: Row, columns: Iterable[Column], annotations: str = "") -> dict[str, Any]:
        """Returns a row with its ETag.

        Args:
            table: the table.
            row: the row as it is stored.
            columns: what to show, from `columns`.
            annotations: value of the preference `odata.include-annotations`: `*`, or names with `*` at their ends.
        """
        shown: dict[str, Any] = {}
        tag = etag(row)
        if tag is not None:
            shown["@odata.etag"] = tag
        wanted = _wanted(annotations)
        for column in columns:
            value = row.get(column.name)
            name = column.property_name
            if annotations and value is not None:
                for annotation, text in self._annotations(table, column, row, value):
                    if text is not None and wanted(annotation):
                        shown[f"{name}@{annotation}"] = text
            shown[name] = value
        return shown

    def _annotations(self, table: Table, column: Column, row: Row, value: Any) -> list[tuple[str, str | None]]:
        if column.is_lookup:
            target = row.get(column.name + TARGET_SUFFIX) if len(column.targets) > 1 else column.targets[0]
            relations = table.relations_of.get(column.name, [])
            navigation = next((r.navigation for r in relations if r.target in {target, "owner"}), None)
            return [
                (FORMATTED, self.name_of(target, value)),
                (LOOKUP_TABLE, target),
                (NAVIGATION, navigation),
            ]
        return [(FORMATTED, _formatted(column, value))]

    def name_of(self, table_name: str | None, row_id: str) -> str | None:
        """Returns what the row that a lookup points to is called."""
        table = self._catalog.tables().get(table_name or "")
        if table is None:
            return None
        name = self._store.select(table, [table.sql.c[table.id_column] == row_id], columns=[table.name_sql])
        return name[0][table.info.name_column] if name else None


def _formatted(column: Column, value: Any) -> str | None:
    if column.type in CHOICES or column.type == "Boolean":
        option = column.option(int(value))
        return None if option is None else option.label
    if column.type == "MultiSelectPicklist":
        labels = [column.option(int(number)) for number in value.split(",")]
        return "; ".join(option.label for option in labels if option is not None)
    if column.type == "Money":
        return f"€{value:,.{2 if column.precision is None else column.precision}f}"
    if column.type in {"Decimal", "Double"}:
        return f"{value:,.{2 if column.precision is None else column.precision}f}"
    if column.type in {"Integer", "BigInt"}:
        return f"{value:,}"
    if column.type == "DateTime":
        return _moment(value)
    return None


def _moment(value: str) -> str:
    """Returns a date or moment in the format of US English, that of the environment's base language."""
    year, month, day = value[:10].split("-")
    date = f"{int(month)}/{int(day)}/{year}"
    if len(value) == len(value[:10]):
        return date
    hour, minute = int(value[11:13]), value[14:16]
    return f"{date} {hour % 12 or 12}:{minute} {'AM' if hour < 12 else 'PM'}"  # noqa: PLR2004 - noon


def _wanted(annotations: str) -> Any:
    if annotations == "*":
        return lambda _name: True
    patterns = [part.strip() for part in annotations.split(",") if part.strip()]
    joined = "|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns)
    return re.compile(joined or r"(?!)").fullmatch
