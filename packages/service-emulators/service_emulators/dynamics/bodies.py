"""What a body says about a row: every property checked, lookups resolved (fact sheet sections 3, 4 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import payload, undeclared, undeclared_navigation
from service_emulators.dynamics.schema.model import TARGET_SUFFIX
from service_emulators.dynamics.values import stored_value

if TYPE_CHECKING:
    from service_emulators.dynamics.finding import Finder
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Column, Relation, Table
    from service_emulators.dynamics.store import Row
    from service_emulators.dynamics.switches import DynamicsSwitches
    from service_emulators.dynamics.users import User

BIND = "@odata.bind"
OWNERS = ("systemuser", "team")


@dataclass
class Content:
    """A checked body.

    Attributes:
        values: values as they are stored, by logical name.
        parents: rows to be created first and pointed to, by relationship (deep insert).
        children: rows to be created afterwards and to point here, by the relationship they do it with.
    """

    values: Row
    parents: list[tuple[Relation, dict[str, Any]]] = field(default_factory=list)
    children: list[tuple[Table, Relation, dict[str, Any]]] = field(default_factory=list)


class Bodies:
    """Reads bodies.

    Args:
        catalog: the tables.
        finder: finds the rows that lookups name.
        switches: the emulator's switches.
    """

    def __init__(self, catalog: Catalog, finder: Finder, switches: DynamicsSwitches) -> None:
        self._catalog = catalog
        self._finder = finder
        self._switches = switches

    def read(
        self, table: Table, body: dict[str, Any], user: User, references: dict[str, str], *, create: bool
    ) -> Content:
        """Checks a body.

        Args:
            table: table of the row.
            body: JSON object.
            user: who writes; needs AppendTo on the tables that lookups point to, and Append on this one.
            references: paths of rows by reference, inside a change set.
            create: the row is new.

        Raises:
            ApiError: 400, something does not fit; 403; 404, a lookup names a row that is not there.
        """
        content = Content({})
        for name, value in body.items():
            if name.endswith(BIND):
                self._bind(content.values, table, name, value, user, references)
                continue
            if "@" in name:
                continue  # annotations that say something about a value, not what it is
            column = table.columns.get(name)
            relation = table.relations.get(name)
            if relation is not None and (value is None or isinstance(value, dict)):
                self._nested(content, table, relation, value, create=create)
            elif column is not None and not column.is_lookup and column.of is None:
                if self._writable(table, column, create=create):
                    content.values[name] = stored_value(table, column, value)
            elif isinstance(value, list) and create and self._children(content, table, name, value):
                continue
            else:
                raise _unknown(table, name)
        return content

    def _writable(self, table: Table, column: Column, *, create: bool) -> bool:
        if column.create if create else column.update:
            return True
        treatment = self._switches.state_on_create if column.type == "State" else self._switches.read_only
        if treatment == "ignore":
            return False
        action = "create" if create else "update"
        raise payload(table.set_name, f"The property '{column.name}' is not valid for {action}.")

    def _bind(self, values: Row, table: Table, name: str, value: Any, user: User, references: dict[str, str]) -> None:
        relation = table.relations.get(name[: -len(BIND)])
        if relation is None:
            raise undeclared_navigation(table.set_name, name[: -len(BIND)])
        column = table.columns[relation.column]
        if not column.create and not column.update:
            self._writable(table, column, create=True)
            return
        if value is None:
            self.point(values, column, None, None)
            return
        target, row_id = self._finder.reference(value, references)
        allowed = OWNERS if relation.target == "owner" else (relation.target,)
        if target.name not in allowed:
            raise payload(
                table.set_name,
                f"The property '{relation.navigation}' takes rows of {' or '.join(allowed)}, not of {target.name}.",
            )
        user.need("Append", table)
        user.need("AppendTo", target)
        self.point(values, column, target.name, row_id)

    def _nested(
        self, content: Content, table: Table, relation: Relation, value: dict[str, Any] | None, *, create: bool
    ) -> None:
        column = table.columns[relation.column]
        if not self._writable(table, column, create=create):
            return
        if value is None:
            self.point(content.values, column, None, None)
        elif create:
            content.parents.append((relation, value))
        else:
            raise payload(table.set_name, f"Deep update of '{relation.navigation}' is not supported.")

    def _children(self, content: Content, table: Table, name: str, rows: list[Any]) -> bool:
        for other in self._catalog.tables().values():
            for relation in other.relations.values():
                if relation.target == table.name and relation.inverse == name:
                    for row in rows:
                        if not isinstance(row, dict):
                            raise payload(table.set_name, f"'{name}' holds what is no JSON object.")
                        content.children.append((other, relation, row))
                    return True
        return False

    @staticmethod
    def point(values: Row, column: Column, target: str | None, row_id: str | None) -> None:
        """Lets a lookup point to a row."""
        values[column.name] = row_id
        if len(column.targets) > 1:
            values[column.name + TARGET_SUFFIX] = target


def _unknown(table: Table, name: str) -> Exception:
    if name in table.relations or (name in table.columns and table.columns[name].is_lookup):
        return payload(
            table.set_name,
            f"A 'PrimitiveValue' node with non-null value was found when trying to read the value of a navigation "
            f"property '{name}'; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with "
            "null value was expected.",
        )
    if name in table.properties:
        return payload(
            table.set_name,
            "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
        )
    return undeclared(table.set_name, table.name, name)
