"""A table's metadata: columns with what belongs to their type, relationships, keys, and what is asked for them.

What belongs to a type comes through a cast of the attributes only (Dataverse sheet section 9), so that a table takes as
many questions as there are types; as parts of a batch they are one request.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_ledger.errors import ServiceUnavailableError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ATTRIBUTES: t.Final = (
    "Attributes?$select=LogicalName,SchemaName,DisplayName,AttributeType,RequiredLevel,IsValidForCreate,"
    "IsValidForUpdate,IsValidForRead&$filter=AttributeOf eq null"
)
RELATIONSHIPS: t.Final = (
    "ManyToOneRelationships?$select=ReferencingAttribute,ReferencingEntityNavigationPropertyName,ReferencedEntity"
)
KEYS: t.Final = "Keys?$select=LogicalName,SchemaName,KeyAttributes,EntityKeyIndexStatus"

_OPTIONS: t.Final = "$select=LogicalName&$expand=OptionSet($select=Options)"
_GLOBAL: t.Final = f"{_OPTIONS},GlobalOptionSet($select=Options)"

CASTS: t.Final[Mapping[str, str]] = {
    "String": "$select=LogicalName,MaxLength,FormatName",
    "Memo": "$select=LogicalName,MaxLength",
    "Integer": "$select=LogicalName,MinValue,MaxValue",
    "Decimal": "$select=LogicalName,MinValue,MaxValue,Precision",
    "Double": "$select=LogicalName,MinValue,MaxValue,Precision",
    "Money": "$select=LogicalName,MinValue,MaxValue,Precision",
    "DateTime": "$select=LogicalName,Format,DateTimeBehavior",
    "Lookup": "$select=LogicalName,Targets",
    "Picklist": _GLOBAL,
    "MultiSelectPicklist": _GLOBAL,
    "State": _OPTIONS,
    "Status": _OPTIONS,
}
"""Type -> what is asked of the columns of that type."""

ACTIVE: t.Final = "Active"
FAILED: t.Final = "Failed"


@dataclass(frozen=True)
class Key:
    """An alternate key.

    Attributes:
        name: Logical name, such as `jde_number_key`.
        columns: Logical names of its columns.
        status: `Pending`, `InProgress`, `Active` or `Failed`: where the building of its index is.
    """

    name: str
    columns: tuple[str, ...]
    status: str


@dataclass(frozen=True)
class Metadata:
    """What the service says of a table.

    Attributes:
        columns: Logical name -> the column's metadata, that of its type included; `Kind` is the name of its type.
        relationships: Many-to-one relationships.
        keys: Its alternate keys.
    """

    columns: Mapping[str, Mapping[str, t.Any]]
    relationships: Sequence[Mapping[str, t.Any]]
    keys: tuple[Key, ...]


def questions(logical: str) -> list[str]:
    """Return the paths that are asked for the metadata of a table, in the order `read_metadata` wants the answers."""
    table = f"EntityDefinitions(LogicalName='{logical}')"
    casts = [f"Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata?{query}" for kind, query in CASTS.items()]
    return [f"{table}/{question}" for question in (ATTRIBUTES, RELATIONSHIPS, KEYS, *casts)]


def read_metadata(answers: Sequence[Sequence[Mapping[str, t.Any]]]) -> Metadata:
    """Put the answers to `questions` together.

    Args:
        answers: The `value` of each answer.
    """
    attributes, relationships, keys, *casts = answers
    columns = {str(one["LogicalName"]): {**one, "Kind": str(one["AttributeType"])} for one in attributes}
    for kind, items in zip(CASTS, casts, strict=True):
        for item in items:
            column = columns.get(str(item["LogicalName"]))
            if column is not None:  # shadows of other columns come with the casts
                own = {} if kind == "Lookup" else {"Kind": kind}
                column.update({**item, **own})
    return Metadata(columns, relationships, tuple(read_keys(keys)))


def read_keys(items: Sequence[Mapping[str, t.Any]]) -> list[Key]:
    """Read alternate keys."""
    return [
        Key(
            str(one.get("LogicalName") or one["SchemaName"]),
            tuple(one["KeyAttributes"]),
            str(one["EntityKeyIndexStatus"]),
        )
        for one in items
    ]


def listed(answer: t.Any, what: str) -> list[Mapping[str, t.Any]]:
    """Return the items of an answer.

    Raises:
        ServiceUnavailableError: If it has none.
    """
    items = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ServiceUnavailableError(f"Dataverse answers {what} without a list")
    return items
