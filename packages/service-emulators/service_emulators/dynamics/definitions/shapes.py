"""Tables, columns, relationships and keys as metadata shows them (fact sheet section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.definitions.labels import label
from service_emulators.dynamics.schema.model import metadata_id
from service_emulators.dynamics.users import TABLE_VERBS

if TYPE_CHECKING:
    from service_emulators.dynamics.schema.model import AlternateKey, Column, Option, Relation, Table

CASTS = {
    "String": "String",
    "Memo": "Memo",
    "Integer": "Integer",
    "BigInt": "BigInt",
    "Decimal": "Decimal",
    "Double": "Double",
    "Money": "Money",
    "Boolean": "Boolean",
    "DateTime": "DateTime",
    "Lookup": "Lookup",
    "Customer": "Lookup",
    "Owner": "Lookup",
    "Picklist": "Picklist",
    "State": "State",
    "Status": "Status",
    "MultiSelectPicklist": "MultiSelectPicklist",
    "EntityName": "EntityName",
    "Uniqueidentifier": "UniqueIdentifier",
    "ManagedProperty": "ManagedProperty",
}
"""Prefix of the type (`StringAttributeMetadata`) by AttributeType; others are plain `AttributeMetadata`."""

_FORMATS = {"String": "Text", "Memo": "TextArea", "Integer": "None", "DateTime": "DateAndTime"}
_OPTION_SETS = ("Picklist", "MultiSelectPicklist", "State", "Status", "Boolean")


def type_name(column: Column) -> str:
    """Returns the type of a column's metadata, without its namespace."""
    return f"{CASTS.get(column.type, '')}AttributeMetadata"


def table_shape(table: Table) -> dict[str, Any]:
    """Returns a table's metadata without what belongs to it."""
    info = table.info
    owned = "ownerid" in table.columns
    return {
        "MetadataId": metadata_id(table.name),
        "LogicalName": table.name,
        "SchemaName": info.schema_name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "CollectionSchemaName": info.plural.replace(" ", ""),
        "PrimaryIdAttribute": table.id_column,
        "PrimaryNameAttribute": info.name_column,
        "ObjectTypeCode": info.type_code,
        "OwnershipType": "UserOwned" if owned else "OrganizationOwned",
        "TableType": "Standard",
        "IsActivity": False,
        "IsCustomEntity": False,
        "IsIntersect": False,
        "IsManaged": True,
        "IsPrivate": False,
        "ChangeTrackingEnabled": info.change_tracking,
        "IsOptimisticConcurrencyEnabled": info.optimistic,
        "IsDuplicateDetectionEnabled": managed(info.duplicates, "canmodifyduplicatedetectionsettings"),
        "DisplayName": label(info.label, table.name, "name"),
        "DisplayCollectionName": label(info.plural, table.name, "plural"),
        "Privileges": [_privilege_shape(verb, f"prv{verb}{info.schema_name}") for verb in TABLE_VERBS],
    }


def _privilege_shape(verb: str, name: str) -> dict[str, Any]:
    """Returns a privilege as tables show theirs ("SecurityPrivilegeMetadata ComplexType" of the Web API reference)."""
    return {
        "CanBeBasic": True,
        "CanBeDeep": True,
        "CanBeGlobal": True,
        "CanBeLocal": True,
        "CanBeEntityReference": False,
        "CanBeParentEntityReference": False,
        "Name": name,
        "PrivilegeId": metadata_id("privilege", name),
        "PrivilegeType": verb,
    }


def managed(value: Any, name: str, *, changeable: bool = True) -> dict[str, Any]:
    """Returns a managed property."""
    return {"Value": value, "CanBeChanged": changeable, "ManagedPropertyLogicalName": name}


def column_shape(table: Table, column: Column, *, cast: bool) -> dict[str, Any]:
    """Returns a column's metadata.

    Args:
        table: its table.
        column: the column.
        cast: with what belongs to its type; the service shows it only when the path is cast to that type.
    """
    virtual = column.type in {"MultiSelectPicklist", "Image", "File"}
    shape: dict[str, Any] = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{type_name(column)}",
        "MetadataId": metadata_id(table.name, column.name),
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": "Virtual" if virtual else column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "AttributeOf": column.of,
        "DisplayName": label(column.label, table.name, column.name),
        "Description": label(""),
        "RequiredLevel": managed(
            column.required,
            "canmodifyrequirementlevelsettings",
            changeable=column.required != "SystemRequired",
        ),
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "IsValidForRead": column.read,
        "IsValidODataAttribute": column.stored and column.read,
        "IsPrimaryId": column.primary_id,
        "IsPrimaryName": column.primary_name,
        "IsCustomAttribute": column.custom,
        "IsManaged": not column.custom,
        "IsSecured": False,
        "IsLogical": column.logical,
    }
    if cast:
        shape.update(_typed(column))
    return shape


def _typed(column: Column) -> dict[str, Any]:
    kind = column.type
    typed: dict[str, Any] = {}
    if kind in {"String", "Memo"}:
        typed["MaxLength"] = column.max_length
        typed["Format"] = column.format or _FORMATS[kind]
        typed["FormatName"] = {"Value": column.format or _FORMATS[kind]}
    if kind in {"Integer", "Decimal", "Double", "Money", "BigInt"}:
        typed["MinValue"], typed["MaxValue"] = column.min_value, column.max_value
    if kind == "Integer":
        typed["Format"] = column.format or _FORMATS[kind]
    if kind in {"Decimal", "Double", "Money"}:
        typed["Precision"] = column.precision
    if kind == "Money":
        typed["PrecisionSource"] = 0 if column.custom else 2
        typed["IsBaseCurrency"] = column.name.endswith("_base")
    if kind == "DateTime":
        typed["Format"] = column.format or _FORMATS[kind]
        typed["DateTimeBehavior"] = {"Value": column.behavior or "UserLocal"}
    if kind == "Boolean":
        typed["DefaultValue"] = bool(column.default)
    if kind in {"Picklist", "MultiSelectPicklist", "State", "Status"}:
        typed["DefaultFormValue"] = -1 if column.default is None else column.default
    if column.is_lookup:
        typed["Targets"] = column.targets
        typed["Format"] = "None"
    return typed


def has_option_set(column: Column) -> bool:
    """Returns whether a column's metadata has options."""
    return column.type in _OPTION_SETS


def option_set_shape(table: Table, column: Column, options: list[Option]) -> dict[str, Any]:
    """Returns the option set of a column, with the options that are shown."""
    name = column.option_set or f"{table.name}_{column.name}"
    shape: dict[str, Any] = {
        "MetadataId": metadata_id("option set", name),
        "Name": name,
        "IsGlobal": False,
        "IsCustomOptionSet": column.custom,
        "OptionSetType": "Picklist" if column.type == "MultiSelectPicklist" else column.type,
        "DisplayName": label(column.label, "option set", name),
    }
    shapes = [_option(table, column, option) for option in options]
    if column.type == "Boolean":
        by_value = {one["Value"]: one for one in shapes}
        shape["FalseOption"], shape["TrueOption"] = by_value.get(0), by_value.get(1)
    else:
        shape["Options"] = shapes
    return shape


def _option(table: Table, column: Column, option: Option) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "Value": option.value,
        "Label": label(option.label, table.name, column.name, str(option.value)),
        "Description": label(""),
        "Color": None,
        "IsManaged": not option.made_at,
        "MetadataId": None,
    }
    if column.type == "Status":
        shape = {"@odata.type": "#Microsoft.Dynamics.CRM.StatusOptionMetadata", **shape, "State": option.state}
    if column.type == "State":
        state = {"DefaultStatus": option.default_status, "InvariantName": option.label}
        shape = {"@odata.type": "#Microsoft.Dynamics.CRM.StateOptionMetadata", **shape, **state}
    return shape


def relation_shape(table: Table, relation: Relation) -> dict[str, Any]:
    """Returns a many-to-one relationship of a table; seen from the other side it is the same."""
    return {
        "MetadataId": metadata_id("relationship", table.name, relation.schema_name),
        "SchemaName": relation.schema_name,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": False,
        "ReferencingEntity": table.name,
        "ReferencingAttribute": relation.column,
        "ReferencingEntityNavigationPropertyName": relation.navigation,
        "ReferencedEntity": relation.target,
        "ReferencedAttribute": relation.target_id,
        "ReferencedEntityNavigationPropertyName": relation.inverse,
    }


def key_shape(key: AlternateKey) -> dict[str, Any]:
    """Returns an alternate key's metadata."""
    return {
        "MetadataId": key.id,
        "LogicalName": key.name,
        "SchemaName": key.schema_name,
        "EntityLogicalName": key.table,
        "KeyAttributes": key.columns,
        "EntityKeyIndexStatus": key.status,
        "DisplayName": label(key.label, "key", key.id),
        "IsManaged": False,
    }
