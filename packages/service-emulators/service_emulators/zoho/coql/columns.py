"""Columns of a COQL query: what a dotted name leads to, over which tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service_emulators.zoho.coql.syntax import refused
from service_emulators.zoho.tables import USERS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Table

    from service_emulators.zoho.catalog import Catalog, Field, Module

MAX_RELATIONS = 2
_USER_COLUMNS = {"id": "ownerlookup", "first_name": "text", "last_name": "text", "email": "email"}


@dataclass(frozen=True)
class Target:
    """What a column name leads to.

    Attributes:
        name: as it stands in the query; the key of its value in the answer.
        sql: expression of the stored value.
        data_type: type of the fields API.
        field: field of a module; None for a property of a user.
        module: module the field is of; None for a property of a user.
    """

    name: str
    sql: ColumnElement[Any]
    data_type: str
    field: Field | None = None
    module: Module | None = None


class Columns:
    """Resolves the column names of one query and collects the joins they need.

    Args:
        catalog: modules and fields.
        module: module of the query.
    """

    def __init__(self, catalog: Catalog, module: Module) -> None:
        self._catalog = catalog
        self._module = module
        self._joined: dict[str, FromClause] = {}
        self._targets: dict[str, Target] = {}
        self.source: FromClause = module.table

    def find(self, name: str) -> Target:
        """Returns what a name leads to.

        Raises:
            ApiError: INVALID_QUERY, there is no such column.
        """
        found = self._targets.get(name)
        if found is None:
            found = self._targets[name] = self._resolve(name)
        return found

    def _resolve(self, name: str) -> Target:
        *relations, last = name.split(".")
        if len(relations) > MAX_RELATIONS:
            raise _unknown(name)
        module = self._module
        table: FromClause = module.table
        path = ""
        for relation in relations:
            field = module.fields.get(relation)
            if field is None or field.data_type not in {"lookup", "ownerlookup"}:
                raise _unknown(name)
            if last == "id" and relation is relations[-1]:
                return Target(name, table.c[relation], field.data_type, field, module)
            path = f"{path}.{relation}"
            if field.data_type == "ownerlookup":
                if relation is not relations[-1] or last not in _USER_COLUMNS:
                    raise _unknown(name)
                joined = self._join(path, table.c[relation], USERS)
                return Target(name, joined.c[last], _USER_COLUMNS[last])
            other = self._catalog.find(str(field.lookup))
            if other is None:
                raise _unknown(name)
            table, module = self._join(path, table.c[relation], other.table), other
        found = module.fields.get(last)
        if found is None or found.data_type == "profileimage":
            raise _unknown(name)
        return Target(name, table.c[last], found.data_type, found, module)

    def _join(self, path: str, column: ColumnElement[Any], other: Table) -> FromClause:
        joined = self._joined.get(path)
        if joined is None:
            joined = self._joined[path] = other.alias()
            self.source = self.source.outerjoin(joined, joined.c.id == column)
        return joined


def _unknown(name: str) -> Exception:
    return refused("INVALID_QUERY", "column given seems to be invalid", {"column_name": name})
