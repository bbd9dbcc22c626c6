"""The metadata model: tables, columns, options, relationships and alternate keys (fact sheet sections 5, 8 and 9)."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, MetaData, String
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable

RequiredLevel = Literal["None", "SystemRequired", "ApplicationRequired", "Recommended"]
IndexStatus = Literal["Pending", "InProgress", "Active", "Failed"]
LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
CHOICES = frozenset({"Picklist", "State", "Status"})
TEXTS = frozenset({"String", "Memo", "EntityName"})
_NO_DATA = frozenset({"Virtual", "ManagedProperty", "CalendarRules", "PartyList"})
_TEXT = String(collation="NOCASE")  # SQL Server's default collation tells no case apart
_SQL_TYPES: dict[str, Any] = {
    "String": _TEXT,
    "Memo": _TEXT,
    "Integer": Integer(),
    "BigInt": BigInteger(),
    "Picklist": Integer(),
    "State": Integer(),
    "Status": Integer(),
    "Boolean": Boolean(),
    "Decimal": Float(),
    "Double": Float(),
    "Money": Float(),
}
_POINTED_AT = frozenset({"account", "contact"})  # the tables whose rows are deleted by the thousand
_IDS = uuid.UUID("5ad2c1ce-7b58-4a8e-9a37-0e6d7a1b8c11")

TARGET_SUFFIX = "$target"
"""Ends the name of the SQL column beside a lookup that says which table its GUID belongs to, if there are several."""


class Option(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A value of a choice.

    Attributes:
        value: number.
        label: label in the base language.
        state: of a status reason: the state it belongs to.
        default_status: of a state: the status reason a row gets with it.
        made_at: seconds since 1970 by the emulator's clock, when it was inserted later.
    """

    value: int
    label: str
    state: int | None = None
    default_status: int | None = None
    made_at: float = 0


class Column(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A column of a table.

    Attributes:
        name: logical name, also that of its SQL column.
        schema_name: schema name.
        label: display name; empty for shadow columns.
        type: AttributeType.
        required: required level. Only `SystemRequired` is enforced by the service.
        create: valid for create.
        update: valid for update.
        read: valid for read.
        of: column that this one is a shadow of (name of a lookup, label of a choice): AttributeOf.
        primary_id: the table's primary key.
        primary_name: the column that names a row.
        logical: kept in another SQL table by the service (IsLogical).
        max_length: most characters of a text.
        min_value: least number.
        max_value: greatest number.
        precision: places behind the point.
        format: format of a text, date or number; the default of its type when empty.
        behavior: DateTimeBehavior of a date.
        targets: tables a lookup may point to.
        options: values of a choice; the two of a Boolean.
        option_set: name of the choice's option set; made up from table and column when empty.
        default: value a new row gets.
        custom: added to the environment.
        solution: unique name of the solution it was added in; empty for the default solution.
        made_at: seconds since 1970 by the emulator's clock, when it was added later.
    """

    name: str
    schema_name: str
    type: str
    label: str = ""
    required: RequiredLevel = "None"
    create: bool = True
    update: bool = True
    read: bool = True
    of: str | None = None
    primary_id: bool = False
    primary_name: bool = False
    logical: bool = False
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    precision: int | None = None
    format: str = ""
    behavior: str | None = None
    targets: list[str] = msgspec.field(default_factory=list)
    options: list[Option] = msgspec.field(default_factory=list)
    option_set: str = ""
    default: int | bool | None = None
    custom: bool = False
    solution: str = ""
    made_at: float = 0

    @property
    def is_lookup(self) -> bool:
        """Whether it points to a row."""
        return self.type in LOOKUPS

    @property
    def property_name(self) -> str:
        """Name of the property that answers and queries know it by: `_x_value` for a lookup."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    @property
    def stored(self) -> bool:
        """Whether the emulator keeps values of it: shadow columns and virtual ones have none of their own."""
        return self.of is None and self.type not in _NO_DATA

    def option(self, value: object) -> Option | None:
        """Returns the option of a value, or None."""
        return next((option for option in self.options if option.value == value), None)


class Relation(msgspec.Struct, kw_only=True):
    """A many-to-one relationship of a table.

    Attributes:
        schema_name: name of the relationship.
        column: lookup column on this side.
        navigation: single-valued navigation property, as `@odata.bind` and `$expand` name it. Case matters.
        target: table on the other side.
        target_id: its primary key.
        inverse: collection-valued navigation property on the other side.
    """

    schema_name: str
    column: str
    navigation: str
    target: str
    target_id: str
    inverse: str = ""


class AlternateKey(msgspec.Struct, kw_only=True):
    """An alternate key of a table.

    Attributes:
        id: MetadataId.
        table: logical name of the table.
        name: logical name.
        schema_name: schema name.
        label: display name.
        columns: logical names of its columns.
        status: state of its index as of the last look; only an `Active` key is enforced and can be used.
        since: seconds since 1970 by the emulator's clock, when the building of the index was asked for.
        made_at: the same for the key itself.
    """

    id: str
    table: str
    name: str
    schema_name: str
    label: str
    columns: list[str]
    status: IndexStatus = "Pending"
    since: float = 0
    made_at: float = 0


class TableInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known about a table, columns and relationships aside.

    Attributes:
        name: logical name, also that of the SQL table.
        schema_name: schema name.
        set_name: entity set name.
        label: display name of one row.
        plural: display name of several.
        id_column: primary key.
        name_column: column that names a row.
        type_code: ObjectTypeCode.
        change_tracking: ChangeTrackingEnabled.
        optimistic: IsOptimisticConcurrencyEnabled.
        duplicates: IsDuplicateDetectionEnabled.
    """

    name: str
    schema_name: str
    set_name: str
    label: str
    plural: str
    id_column: str
    name_column: str
    type_code: int
    change_tracking: bool = False
    optimistic: bool = False
    duplicates: bool = False


class TableDefinition(msgspec.Struct):
    """A file of `schema/data`."""

    table: TableInfo
    columns: list[Column]
    relations: list[Relation]


class Table:
    """A table with its columns, relationships and keys.

    Attributes:
        info: what is known about it.
        name: logical name.
        columns: columns by logical name.
        relations: many-to-one relationships by navigation property.
        keys: alternate keys by logical name, whatever the state of their index.
        sql: where its rows lie: a column for each stored one, under its logical name.
    """

    def __init__(
        self, info: TableInfo, columns: list[Column], relations: list[Relation], keys: list[AlternateKey]
    ) -> None:
        self.info = info
        self.name = info.name
        self.id_column = info.id_column
        self.set_name = info.set_name
        self.columns = {column.name: column for column in columns}
        self.relations = {relation.navigation: relation for relation in relations}
        self.keys = {key.name: key for key in keys}
        self.sql = SqlTable(self.name, MetaData(), *self._sql_columns())
        if "versionnumber" in self.columns:
            Index(f"{self.name}_by_version", self.sql.c.versionnumber)
        for column in self.columns.values():
            if column.stored and column.is_lookup and _POINTED_AT.intersection(column.targets):
                lookup = self.sql.c[column.name]
                Index(f"{self.name}_by_{column.name}", lookup, sqlite_where=lookup.is_not(None))
        if "modifiedon" in self.columns:
            Index(f"{self.name}_by_change", self.sql.c.modifiedon, self.sql.c[self.id_column])

    def _sql_columns(self) -> list[SqlColumn[Any]]:
        found: list[SqlColumn[Any]] = []
        for column in self.columns.values():
            if column.stored:
                primary = column.name == self.id_column
                found.append(SqlColumn(column.name, sql_type(column), primary_key=primary, autoincrement=False))
                if len(column.targets) > 1:
                    found.append(SqlColumn(column.name + TARGET_SUFFIX, String()))
        return found

    @cached_property
    def properties(self) -> dict[str, Column]:
        """Columns that answers and queries can name, by property name (`name`, `_ownerid_value`)."""
        return {column.property_name: column for column in self.columns.values() if column.stored and column.read}

    @cached_property
    def relations_of(self) -> dict[str, list[Relation]]:
        """Relationships by lookup column."""
        found: dict[str, list[Relation]] = {}
        for relation in self.relations.values():
            found.setdefault(relation.column, []).append(relation)
        return found

    @property
    def name_sql(self) -> SqlColumn[Any]:
        """SQL column that names a row."""
        return self.sql.c[self.info.name_column]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What a new row has in the columns with a default, and its state."""
        return {column.name: column.default for column in self.columns.values() if column.default is not None}

    @cached_property
    def demanded(self) -> list[str]:
        """Columns that the service itself never leaves empty."""
        return [
            column.name
            for column in self.columns.values()
            if column.required == "SystemRequired" and column.stored and (column.create or column.update)
        ]

    @cached_property
    def amounts(self) -> list[str]:
        """Amounts of money that have a twin in the base currency."""
        return [
            column.name
            for column in self.columns.values()
            if column.type == "Money" and f"{column.name}_base" in self.columns
        ]

    @cached_property
    def addresses(self) -> list[str]:
        """Prefixes of the addresses that are also shown in one piece (`address1_`)."""
        return [name[: -len("composite")] for name in self.columns if name.endswith("_composite")]

    def active_key(self, names: set[str]) -> AlternateKey | None:
        """Returns the usable alternate key of exactly these columns, or None."""
        for key in self.keys.values():
            if key.status == "Active" and set(key.columns) == names:
                return key
        return None


def sql_type(column: Column) -> Any:
    """Returns the SQL type of a stored column: dates, GUIDs and several choices are text."""
    return _SQL_TYPES.get(column.type, String())


def metadata_id(*parts: str) -> str:
    """Returns the MetadataId of what some names stand for; always the same."""
    return str(uuid.uuid5(_IDS, "/".join(parts)))
