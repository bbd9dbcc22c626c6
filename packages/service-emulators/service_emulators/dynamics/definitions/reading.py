"""Reading `EntityDefinitions` (fact sheet section 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.definitions.options import Options
from service_emulators.dynamics.definitions.shapes import (
    CASTS,
    column_shape,
    has_option_set,
    key_shape,
    option_set_shape,
    relation_shape,
    table_shape,
    type_name,
)
from service_emulators.dynamics.errors import ApiError, bad_query, no_such_segment
from service_emulators.dynamics.schema.model import metadata_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.schema.model import Column, Table
    from service_emulators.dynamics.urls import Predicate

_NAMESPACE = "Microsoft.Dynamics.CRM."
_MS = 1000
_NAME = re.compile(r"LogicalName\s*=\s*'(\w+)'")
_PARTS = ("Attributes", "Keys", "ManyToOneRelationships", "OneToManyRelationships")
_TYPES = {
    "Attributes": "AttributeMetadata",
    "Keys": "EntityKeyMetadata",
    "ManyToOneRelationships": "OneToManyRelationshipMetadata",
    "OneToManyRelationships": "OneToManyRelationshipMetadata",
}
_SETS = ("OptionSet", "GlobalOptionSet")

Item = dict[str, Any]


class DefinitionsApi:
    """Endpoints that read metadata.

    What was added less than `schema_lag_ms` ago is shown to reads with `Consistency: Strong` only: caches.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        one = "GET /EntityDefinitions/()"
        return {
            "GET /EntityDefinitions": self._tables,
            one: self._table,
            f"{one}/Attributes": self._columns,
            f"{one}/Attributes/{{cast}}": self._columns,
            f"{one}/Attributes/()": self._column,
            f"{one}/Attributes/()/{{cast}}": self._column,
            f"{one}/Attributes/()/{{cast}}/{{option_set}}": self._option_set,
            f"{one}/Keys": lambda call: self._list(call, "Keys"),
            f"{one}/Keys/()": self._key,
            f"{one}/ManyToOneRelationships": lambda call: self._list(call, "ManyToOneRelationships"),
            f"{one}/OneToManyRelationships": lambda call: self._list(call, "OneToManyRelationships"),
        }

    def _tables(self, call: Call) -> Reply:
        options = Options.of(call.query)
        tables = list(self._parts.catalog.tables().values())
        shapes = {table.name: table_shape(table) for table in tables}
        chosen = options.chosen(shapes.values(), set(table_shape(tables[0])))
        found = [self._with_parts(call, self._parts.catalog.tables()[one["LogicalName"]], options) for one in chosen]
        return Reply({"@odata.context": f"{call.root}$metadata#EntityDefinitions", "value": found})

    def _table(self, call: Call) -> Reply:
        table = self.table(call.predicates[0])
        shape = self._with_parts(call, table, Options.of(call.query))
        return Reply({"@odata.context": f"{call.root}$metadata#EntityDefinitions/$entity", **shape})

    def _columns(self, call: Call) -> Reply:
        return self._list(call, "Attributes", call.args.get("cast"))

    def _list(self, call: Call, part: str, cast: str | None = None) -> Reply:
        table = self.table(call.predicates[0])
        found = self._items(call, table, part, Options.of(call.query), cast)
        context = f"{call.root}$metadata#EntityDefinitions('{table.name}')/{part}"
        return Reply({"@odata.context": context + (f"/{cast}" if cast else ""), "value": found})

    def _column(self, call: Call) -> Reply:
        table, column = self._addressed(call)
        cast = call.args.get("cast")
        if cast is not None and cast != _NAMESPACE + type_name(column):
            raise no_such_segment(cast)
        shape = self._column_item(call, table, column, Options.of(call.query), cast=cast is not None)
        context = f"{call.root}$metadata#EntityDefinitions('{table.name}')/Attributes/$entity"
        return Reply({"@odata.context": context, **shape})

    def _option_set(self, call: Call) -> Reply:
        table, column = self._addressed(call)
        name = call.args["option_set"]
        if name not in _SETS or not has_option_set(column):
            raise no_such_segment(name)
        if name == "GlobalOptionSet":
            return Reply(status=204)
        shape = option_set_shape(table, column, self._shown_options(call, column))
        options = Options.of(call.query)
        return Reply(
            {
                "@odata.context": f"{call.root}$metadata#OptionSet",
                **options.cut(shape, set(shape), "OptionSetMetadata"),
            }
        )

    def _key(self, call: Call) -> Reply:
        table = self.table(call.predicates[0])
        wanted = _named(call.predicates[1])
        for item in self._items(call, table, "Keys", Options.of(call.query)):
            key = next(key for key in table.keys.values() if key.id == item["MetadataId"])
            if wanted in {key.id, key.name}:
                return Reply({"@odata.context": f"{call.root}$metadata#EntityDefinitions/Keys/$entity", **item})
        raise ApiError(404, "0x80040217", f"EntityKey {wanted} Does Not Exist")

    def table(self, predicate: Predicate) -> Table:
        """Returns the table that an address names by MetadataId or logical name.

        Raises:
            ApiError: 404, there is none.
        """
        wanted = _named(predicate)
        for table in self._parts.catalog.tables().values():
            if wanted in {table.name, metadata_id(table.name)}:
                return table
        raise ApiError(404, "0x80040217", f"Could not find an entity with specified name or id: {wanted}")

    def column(self, table: Table, predicate: Predicate) -> Column:
        """Does the same for a column."""
        wanted = _named(predicate)
        for column in table.columns.values():
            if wanted in {column.name, metadata_id(table.name, column.name)}:
                return column
        raise ApiError(404, "0x80040217", f"Could not find an attribute with specified name or id: {wanted}")

    def _addressed(self, call: Call) -> tuple[Table, Column]:
        table = self.table(call.predicates[0])
        column = self.column(table, call.predicates[1])
        if not self._shown(call, column.made_at):
            raise ApiError(404, "0x80040217", f"Could not find an attribute with specified name: {column.name}")
        return table, column

    def _with_parts(self, call: Call, table: Table, options: Options) -> Item:
        whole = table_shape(table)
        shape = options.cut(whole, set(whole), "EntityMetadata")
        for name, inner in options.expand.items():
            if name not in _PARTS:
                raise bad_query(f"Property '{name}' on type '{_NAMESPACE}EntityMetadata' can not be expanded.")
            shape = {**shape, name: self._items(call, table, name, inner)}
        return shape

    def _items(self, call: Call, table: Table, part: str, options: Options, cast: str | None = None) -> list[Item]:
        if part == "Attributes":
            return self._column_items(call, table, options, cast)
        if part == "Keys":
            shapes = [key_shape(key) for key in table.keys.values() if self._shown(call, key.made_at)]
        elif part == "ManyToOneRelationships":
            shapes = [relation_shape(table, relation) for relation in table.relations.values()]
        else:
            shapes = [
                relation_shape(other, relation)
                for other in self._parts.catalog.tables().values()
                for relation in other.relations.values()
                if relation.target == table.name
            ]
        if not shapes:
            return []
        names = set(shapes[0])
        found = options.chosen(shapes, names)
        return [options.cut(shape, names, _TYPES[part]) for shape in found]

    def _column_items(self, call: Call, table: Table, options: Options, cast: str | None) -> list[Item]:
        columns = [column for column in table.columns.values() if self._shown(call, column.made_at)]
        if cast is not None:
            if cast not in {f"{_NAMESPACE}{prefix}AttributeMetadata" for prefix in {*CASTS.values(), "Image", "File"}}:
                raise no_such_segment(cast)
            columns = [column for column in columns if _NAMESPACE + type_name(column) == cast]
        shapes = {column.name: column_shape(table, column, cast=cast is not None) for column in columns}
        names = {name for shape in list(shapes.values())[:1] for name in shape}
        chosen = {shape["LogicalName"] for shape in options.chosen(shapes.values(), names)}
        return [
            self._column_item(call, table, column, options, cast=cast is not None)
            for column in columns
            if column.name in chosen
        ]

    def _column_item(self, call: Call, table: Table, column: Column, options: Options, *, cast: bool) -> Item:
        whole = column_shape(table, column, cast=cast)
        shape = options.cut(whole, set(whole), type_name(column) if cast else "AttributeMetadata")
        for name, inner in options.expand.items():
            if not cast or name not in _SETS or not has_option_set(column):
                raise bad_query(f"Could not find a property named '{name}' on type '{_NAMESPACE}AttributeMetadata'.")
            found: Item | None = None
            if name == "OptionSet":
                options_shape = option_set_shape(table, column, self._shown_options(call, column))
                found = inner.cut(options_shape, set(options_shape), "OptionSetMetadata")
            shape = {**shape, name: found}
        return shape

    def _shown_options(self, call: Call, column: Column) -> list[Any]:
        return [option for option in column.options if self._shown(call, option.made_at)]

    def _shown(self, call: Call, made_at: float) -> bool:
        """Returns whether something that was added later has reached the server that answers."""
        if not made_at or call.headers.get("consistency", "").lower() == "strong":
            return True
        return self._parts.clock.seconds() >= made_at + self._parts.switches.schema_lag_ms / _MS


def _named(predicate: Predicate) -> str:
    """Returns the id or logical name of a predicate."""
    if predicate.guid is not None:
        return predicate.guid
    match = _NAME.fullmatch(predicate.text.strip())
    if match is None:
        raise bad_query("The key must be a MetadataId or LogicalName='...'.")
    return match[1]
