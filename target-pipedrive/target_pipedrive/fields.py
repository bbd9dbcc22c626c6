"""From the account's field metadata to what the engine checks rows against.

Custom fields are named by their label, because their API keys (40 hex characters) differ in every company and entity. A
label that is also the name of a standard field would make both ambiguous; such a custom field goes by its key.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from sync_ledger.errors import ConfigError
from sync_ledger.fields import EntityDescription, Field, FieldType

from target_pipedrive.entity import ADDRESS_PARTS, Names

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_pipedrive.directory import Directory
    from target_pipedrive.entity import Entity, StandardField, Wire

_SHORT: t.Final = 255
_LONG: t.Final = 65_000

CUSTOM_TYPES: t.Final[dict[str, dict[str, t.Any]]] = {
    "varchar": {"type": FieldType.STRING, "max_length": _SHORT},
    "varchar_auto": {"type": FieldType.STRING, "max_length": _SHORT},
    "phone": {"type": FieldType.STRING, "max_length": _SHORT},
    "text": {"type": FieldType.STRING, "max_length": _LONG},
    "double": {"type": FieldType.NUMBER},
    "int": {"type": FieldType.INTEGER},
    "boolean": {"type": FieldType.BOOLEAN},
    "monetary": {"type": FieldType.OBJECT, "attributes": frozenset({"value", "currency"})},
    "enum": {"type": FieldType.OPTION},
    "set": {"type": FieldType.OPTIONS},
    "user": {"type": FieldType.OPTION},
    "org": {"type": FieldType.RELATION, "relation": "organizations"},
    "people": {"type": FieldType.RELATION, "relation": "persons"},
    "date": {"type": FieldType.DATE},
    "daterange": {"type": FieldType.OBJECT, "attributes": frozenset({"value", "until"})},
    "time": {"type": FieldType.OBJECT, "attributes": frozenset({"value", "timezone_name"})},
    "timerange": {"type": FieldType.OBJECT, "attributes": frozenset({"value", "until", "timezone_name"})},
    "address": {"type": FieldType.OBJECT, "attributes": ADDRESS_PARTS},
}
"""Pipedrive's field type -> what the engine checks (fact sheet section 6)."""


@dataclass(frozen=True)
class EntityFields:
    """The fields of one entity in one account.

    Attributes:
        description: What the engine works with.
        custom_keys: API keys that go into `custom_fields` of a request.
        wires: API key -> form on the wire, of the fields that have one of their own.
    """

    description: EntityDescription
    custom_keys: frozenset[str]
    wires: Mapping[str, Wire] = dataclass_field(default_factory=dict)

    def label(self, key: str) -> str:
        """Return the name a person knows a field by, given its API key."""
        return next((field.name for field in self.description.fields if field.key == key), key)


def entity_fields(
    entity: Entity,
    metadata: Iterable[Mapping[str, t.Any]],
    external_id_field: str,
    directory: Directory | None = None,
) -> EntityFields:
    """Describe an entity.

    Args:
        entity: Its definition.
        metadata: The account's field objects, as `GET /organizationFields` returns them.
        external_id_field: Label (or API key) of the text field that holds the external ID.
        directory: What the account names by words.

    Raises:
        ConfigError: If there is no such text field, or several.
    """
    listed = {str(item["field_code"]): item for item in metadata}
    standard = [_standard(item, listed, directory) for item in entity.standard if _exists(item, listed)]
    reserved = {field.name for field in standard}
    custom = [_custom(item, reserved, directory) for item in listed.values() if item.get("is_custom_field")]
    holder = None if entity.fields_path is None else _external_id_field(entity.name, custom, external_id_field)
    description = EntityDescription(entity.name, (*standard, *custom), holder, entity.after)
    wires = {item.field.key: item.wire for item in entity.standard if item.wire is not None}
    return EntityFields(description, frozenset(field.key for field in custom), wires)


def _exists(item: StandardField, listed: Mapping[str, t.Any]) -> bool:
    return not item.only_if_listed or item.field.name in listed


def _standard(item: StandardField, listed: Mapping[str, Mapping[str, t.Any]], directory: Directory | None) -> Field:
    if item.names is not None and directory is not None:
        field = replace(item.field, options=directory.of(item.names), people=item.names is Names.USERS)
        return replace(field, options_within=directory.stages_by_pipeline) if field.within else field
    if not item.options_listed:
        return item.field
    # Built-in fields list their option ids as strings but take and return integers.
    return replace(item.field, options=_options(listed.get(item.field.name, {}), as_integers=True))


def _custom(item: Mapping[str, t.Any], reserved: set[str], directory: Directory | None) -> Field:
    key = str(item["field_code"])
    label = str(item["field_name"]).strip()
    name = key if not label or label in reserved else label
    kind = CUSTOM_TYPES.get(str(item["field_type"]))
    if kind is None:  # a type this version does not know how to write
        return Field(name=name, key=key, type=FieldType.STRING, creatable=False, updatable=False)
    options: Mapping[str, t.Any] | None = None
    people = item["field_type"] == "user"
    if people:
        options = directory.of(Names.USERS) if directory is not None else {}
    elif kind["type"] in {FieldType.OPTION, FieldType.OPTIONS}:
        options = _options(item)
    return Field(name=name, key=key, options=options, people=people, **kind)


def _options(item: Mapping[str, t.Any], *, as_integers: bool = False) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for option in item.get("options") or []:
        identifier = option["id"]
        if as_integers and isinstance(identifier, str) and identifier.isdigit():
            identifier = int(identifier)
        found.setdefault(str(option["label"]), identifier)
    return found


def _external_id_field(entity: str, custom: list[Field], wanted: str) -> Field:
    hits = [field for field in custom if wanted in {field.name, field.key}]
    if len(hits) > 1:
        keys = ", ".join(field.key for field in hits)
        raise ConfigError(
            f"setting external_id_field {wanted!r}: {entity} has {len(hits)} custom fields with that name (API keys"
            f" {keys}); rename all but one in Pipedrive"
        )
    if not hits:
        raise ConfigError(
            f"setting external_id_field {wanted!r}: {entity} has no such custom field; create a field of type Text with"
            " that name (`target-pipedrive setup` does; or Settings > Data fields in Pipedrive), or name the one that"
            " holds the external ID"
        )
    if hits[0].type is not FieldType.STRING or not hits[0].creatable:
        raise ConfigError(
            f"setting external_id_field {wanted!r}: that field of {entity} is not a text field; its type can never be"
            " changed, so create another one of type Text"
        )
    return hits[0]
