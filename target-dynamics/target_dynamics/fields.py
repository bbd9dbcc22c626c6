"""From a table's metadata to what the engine checks rows against.

A column goes by its logical name, which is the same in every language and survives a renamed label; a mapping may use
the label as well. A lookup to several tables, such as `parentcustomerid`, is a field for each of them, named like its
navigation property: `parentcustomerid_account`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from sync_ledger.fields import EntityDescription, Field, FieldType

from target_dynamics import forms
from target_dynamics.choices import choices, column_options, label_of
from target_dynamics.holders import holding_column

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from target_dynamics.metadata import Metadata
    from target_dynamics.tables import Table, Tables

    Item = Mapping[str, t.Any]
    Names = Callable[[Sequence[str]], Mapping[str, str]]

OWNER: t.Final = "Owner"
STATE: t.Final = "State"
STATUS: t.Final = "Status"
LOOKUPS: t.Final = frozenset({"Lookup", "Customer", OWNER})

STATECODE: t.Final = "statecode"
STATUSCODE: t.Final = "statuscode"

TYPES: t.Final[Mapping[str, FieldType]] = {
    "String": FieldType.STRING,
    "Memo": FieldType.STRING,
    "Integer": FieldType.INTEGER,
    "BigInt": FieldType.INTEGER,
    "Decimal": FieldType.NUMBER,
    "Double": FieldType.NUMBER,
    "Money": FieldType.NUMBER,
    "Boolean": FieldType.BOOLEAN,
    "DateTime": FieldType.DATETIME,
    "Picklist": FieldType.OPTION,
    "MultiSelectPicklist": FieldType.OPTIONS,
    STATE: FieldType.OPTION,
    STATUS: FieldType.OPTION,
}
"""Dataverse's type -> what the engine checks (Dataverse sheet section 7)."""

FORBIDDEN_IN_KEYS: t.Final = "/<>*%&:\\?+"
"""Characters that do not work in key values, even encoded (Dataverse sheet section 5)."""

EARLIEST: t.Final = "1753-01-01"
"""First day a date may be (Dataverse sheet section 7)."""

_DEFAULTED: t.Final = frozenset({OWNER, STATE, STATUS, "Boolean", "Uniqueidentifier", "EntityName"})
"""Types of columns the service fills itself where a row says nothing."""

_NEEDED: t.Final = frozenset({"SystemRequired", "ApplicationRequired"})
_DATE_ONLY: t.Final = "DateOnly"


@dataclass(frozen=True)
class Column:
    """What the wire needs to know of a field.

    Attributes:
        logical: Logical name of the column.
        kind: Dataverse's type.
        table: Logical name of the table a lookup points to; None of other columns, and of the owner.
        several: The lookup points to several tables, so that a value has to be asked which it is.
    """

    logical: str
    kind: str
    table: str | None = None
    several: bool = False

    @property
    def property(self) -> str:
        """Name of the property it is read by."""
        return f"_{self.logical}_value" if self.kind in LOOKUPS else self.logical


@dataclass(frozen=True)
class States:
    """The states of a table's rows.

    Attributes:
        defaults: State -> status a row gets with it, by the metadata's `DefaultStatus`.
        of_status: Status -> state it belongs to.
        inactive: State of rows that are in use no more; None if the table has none.
    """

    defaults: Mapping[int, int]
    of_status: Mapping[int, int]
    inactive: int | None


@dataclass(frozen=True)
class TableFields:
    """The columns of one table.

    Attributes:
        table: The table.
        description: What the engine works with.
        columns: Key of a field -> what the wire needs to know of it.
        states: States of its rows; None where they have none.
    """

    table: Table
    description: EntityDescription
    columns: Mapping[str, Column]
    states: States | None = None

    @property
    def key(self) -> str:
        """Logical name of the column that holds the external ID."""
        holder = self.description.external_id_field
        assert holder is not None  # noqa: S101 - `table_fields` refuses a table without one
        return holder.key

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties a row is read by: those that can be written, the id and the external ID."""
        found = [self.table.id, self.key]
        found += [
            self.columns[field.key].property
            for field in self.description.fields
            if field.key in self.columns and (field.creatable or field.updatable)
        ]
        return tuple(dict.fromkeys(found))

    def name(self, logical: str) -> str | None:
        """Return the name of the field of a column, by its logical name or navigation property; None without one."""
        for field in self.description.fields:
            column = self.columns.get(field.key)
            if column is not None and logical in {field.key, column.logical}:
                return field.name
        return None


def table_fields(
    table: Table,
    metadata: Metadata,
    external_id_field: str,
    *,
    prefix: str,
    tables: Tables,
    related: Collection[str],
    names: Names,
) -> TableFields:
    """Describe a table.

    Args:
        table: The table.
        metadata: What the service says of it.
        external_id_field: Label or logical name of the column that holds the external ID.
        prefix: Prefix of the publisher, for a label whose column `setup` has made.
        tables: All tables.
        related: Entity sets whose rows a lookup names by external ID; rows of others go by their name.
        names: Returns name -> id of the rows of some tables, asked for when it is first needed.

    Raises:
        ConfigError: If the column of the external ID is missing or not fit for it, or its key is not active.
    """
    pairs = [
        pair
        for item in metadata.columns.values()
        for pair in _fields(item, metadata, tables=tables, related=related, names=names)
    ]
    pairs = _without_doubtful_labels(pairs)
    holder = holding_column(table.entity, metadata, external_id_field, prefix)
    fields = tuple(_as_key(field) if field.key == holder else field for field, _ in pairs)
    return TableFields(
        table,
        EntityDescription(table.entity, fields, next(field for field in fields if field.key == holder)),
        {field.key: column for field, column in pairs if column is not None},
        _states(metadata),
    )


def _as_key(field: Field) -> Field:
    return replace(field, forbidden=FORBIDDEN_IN_KEYS, kept_as=None)


def _fields(
    item: Item, metadata: Metadata, *, tables: Tables, related: Collection[str], names: Names
) -> Iterator[tuple[Field, Column | None]]:
    """Return the fields of one column: one, or of a lookup to several tables one each."""
    kind = str(item["Kind"])
    if kind == OWNER:
        yield _owner(item, names)
    elif kind in LOOKUPS:
        yield from _lookups(item, metadata, tables=tables, related=related, names=names)
    else:
        yield _plain(item, metadata)


def _plain(item: Item, metadata: Metadata) -> tuple[Field, Column | None]:
    name, kind = str(item["LogicalName"]), str(item["Kind"])
    found = TYPES.get(kind)
    readable = bool(item.get("IsValidForRead", True))
    if found is None or not readable:  # ids, images, files and whatever this version does not know how to write
        return Field(name, name, FieldType.STRING, creatable=False, updatable=False, label=_label(item)), None
    if kind == "DateTime" and _value(item.get("DateTimeBehavior")) == _DATE_ONLY:
        found = FieldType.DATE
    updatable = bool(item.get("IsValidForUpdate"))
    # A state cannot be given to a row that is made; it is set right afterwards (Dataverse sheet section 4).
    creatable = bool(item.get("IsValidForCreate")) or (kind == STATE and updatable)
    required = creatable and kind not in _DEFAULTED and _value(item.get("RequiredLevel")) in _NEEDED
    within = kind == STATUS and STATECODE in metadata.columns
    field = Field(
        name,
        name,
        found,
        required=required,
        creatable=creatable,
        updatable=updatable,
        nullable=not required and kind not in {STATE, STATUS},
        max_length=int(item["MaxLength"]) if found is FieldType.STRING and item.get("MaxLength") else None,
        options=choices(column_options(item)) if found in {FieldType.OPTION, FieldType.OPTIONS} else None,
        within=STATECODE if within else None,
        options_within=_by_state(item) if within else None,
        label=_label(item),
        minimum=_end(item, found, "MinValue"),
        maximum=_end(item, found, "MaxValue"),
        kept_as=_form(kind, item),
    )
    return field, Column(name, kind)


def _owner(item: Item, names: Names) -> tuple[Field, Column]:
    name = str(item["LogicalName"])
    field = Field(
        name,
        name,
        FieldType.OPTION,
        creatable=bool(item.get("IsValidForCreate")),
        updatable=bool(item.get("IsValidForUpdate")),
        nullable=False,
        options=names(("systemuser", "team")),
        people=True,
        label=_label(item),
    )
    return field, Column(name, OWNER, several=True)


def _lookups(
    item: Item, metadata: Metadata, *, tables: Tables, related: Collection[str], names: Names
) -> Iterator[tuple[Field, Column | None]]:
    name, label = str(item["LogicalName"]), _label(item)
    targets = [
        (str(one["ReferencingEntityNavigationPropertyName"]), table)
        for one in metadata.relationships
        if one["ReferencingAttribute"] == name and (table := tables.of_logical(str(one["ReferencedEntity"])))
    ]
    writable = bool(item.get("IsValidForCreate") or item.get("IsValidForUpdate"))
    if not targets or not writable:
        yield Field(name, name, FieldType.STRING, creatable=False, updatable=False, label=label), None
        return
    several = len(targets) > 1
    required = _value(item.get("RequiredLevel")) in _NEEDED
    for bound, table in targets:
        known = table.entity in related
        field = Field(
            bound if several else name,
            bound,
            FieldType.RELATION if known else FieldType.OPTION,
            required=required and not several,
            creatable=bool(item.get("IsValidForCreate")),
            updatable=bool(item.get("IsValidForUpdate")),
            nullable=not required,
            relation=table.entity if known else None,
            options=None if known else names((table.logical,)),
            people=not known,
            label=f"{label} ({table.logical})" if several and label else label,
        )
        yield field, Column(name, str(item["Kind"]), table.logical, several)


def _label(item: Item) -> str | None:
    return label_of(item.get("DisplayName"))


def _without_doubtful_labels(pairs: list[tuple[Field, Column | None]]) -> list[tuple[Field, Column | None]]:
    """Take labels away that are the name of another field: the name counts."""
    taken = {name for field, _ in pairs for name in (field.name, field.key)}
    return [(replace(field, label=None) if field.label in taken else field, column) for field, column in pairs]


def _value(given: t.Any) -> str | None:
    """Return the value of an enumeration, which comes as text or in an object."""
    found = given.get("Value") if isinstance(given, dict) else given
    return None if found is None else str(found)


def _by_state(item: Item) -> dict[int, Mapping[str, int]]:
    by_state: dict[int, list[Item]] = {}
    for option in column_options(item):
        by_state.setdefault(int(option["State"]), []).append(option)
    return {state: choices(options) for state, options in by_state.items()}


def _end(item: Item, found: FieldType, name: str) -> float | str | None:
    """Return an end of the range of a column."""
    if found in {FieldType.INTEGER, FieldType.NUMBER}:
        end = item.get(name)
        return None if end is None else t.cast("float", end)
    if found in {FieldType.DATE, FieldType.DATETIME} and name == "MinValue":
        return EARLIEST
    return None


def _form(kind: str, item: Item) -> Callable[[t.Any], t.Any] | None:
    if kind == "String":
        return forms.text
    if kind == "Memo":
        return forms.memo
    if kind in {"Decimal", "Double", "Money"} and item.get("Precision") is not None:
        return forms.rounded(int(item["Precision"]))
    return None


def _states(metadata: Metadata) -> States | None:
    if STATECODE not in metadata.columns:
        return None
    states = column_options(metadata.columns[STATECODE])
    statuses = column_options(metadata.columns.get(STATUSCODE, {}))
    inactive = next((int(one["Value"]) for one in states if one.get("InvariantName") == "Inactive"), None)
    return States(
        {int(one["Value"]): int(one["DefaultStatus"]) for one in states if one.get("DefaultStatus") is not None},
        {int(one["Value"]): int(one["State"]) for one in statuses if one.get("State") is not None},
        inactive,
    )
