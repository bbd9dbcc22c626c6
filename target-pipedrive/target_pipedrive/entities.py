"""Pipedrive's entities as data: where they live and which standard fields can be written.

A further entity is one more `Entity` here plus its calls in `target_pipedrive.costs`. Field lists follow Pipedrive's
OpenAPI v2 file and the Pipedrive API fact sheet sections 4 and 5.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from sync_ledger.fields import Field, FieldType

ADDRESS_PARTS: t.Final = frozenset(
    {
        "value",
        "country",
        "admin_area_level_1",
        "admin_area_level_2",
        "locality",
        "sublocality",
        "route",
        "street_number",
        "subpremise",
        "postal_code",
    }
)
CONTACT_PARTS: t.Final = frozenset({"value", "primary", "label"})


@dataclass(frozen=True)
class StandardField:
    """A field every account has, or has once a feature is set up.

    Attributes:
        field: Its description; `key` equals `name`.
        options_listed: Its options come from the account's metadata, such as the labels a company has defined.
        only_if_listed: Writable only in accounts whose metadata lists it; writing it elsewhere is refused.
    """

    field: Field
    options_listed: bool = False
    only_if_listed: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of record.

    Attributes:
        name: Name of the Singer stream.
        path: Path of its list and of creates.
        fields_path: Path of its field metadata.
        standard: Standard fields, writable and read-only ones.
        archivable: Its records can be archived (`is_archived`) and brought back.
    """

    name: str
    path: str
    fields_path: str
    standard: tuple[StandardField, ...]
    archivable: bool = False

    @property
    def record_path(self) -> str:
        """Path of one record."""
        return f"{self.path}/{{id}}"


def _field(name: str, kind: FieldType, **more: t.Any) -> StandardField:
    return StandardField(Field(name=name, key=name, type=kind, **more))


def _read_only(name: str, kind: FieldType) -> StandardField:
    return _field(name, kind, creatable=False, updatable=False)


def _listed_options(name: str, kind: FieldType) -> StandardField:
    return replace(_field(name, kind), options_listed=True)


def _contact_sync(name: str, kind: FieldType, **more: t.Any) -> StandardField:
    return replace(_field(name, kind, **more), only_if_listed=True)


_COMMON: t.Final = (
    _field("owner_id", FieldType.INTEGER, nullable=False),
    _field("visible_to", FieldType.INTEGER, nullable=False),
    _listed_options("label_ids", FieldType.OPTIONS),
    _field("add_time", FieldType.DATETIME, updatable=False, nullable=False),
    _read_only("update_time", FieldType.DATETIME),
    _read_only("id", FieldType.INTEGER),
    _read_only("is_deleted", FieldType.BOOLEAN),
)

ORGANIZATIONS: t.Final = Entity(
    name="organizations",
    path="/v2/organizations",
    fields_path="/v2/organizationFields",
    standard=(
        _field("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        _field("address", FieldType.OBJECT, attributes=ADDRESS_PARTS),
        _field("website", FieldType.STRING),
        _field("linkedin", FieldType.STRING),
        _listed_options("industry", FieldType.OPTION),
        _field("annual_revenue", FieldType.INTEGER),
        _field("employee_count", FieldType.INTEGER),
        *_COMMON,
    ),
)

PERSONS: t.Final = Entity(
    name="persons",
    path="/v2/persons",
    fields_path="/v2/personFields",
    standard=(
        _field("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        _field("org_id", FieldType.RELATION, relation="organizations"),
        _field("emails", FieldType.LIST, items=CONTACT_PARTS),
        _field("phones", FieldType.LIST, items=CONTACT_PARTS),
        _field(
            "marketing_status",
            FieldType.OPTION,
            nullable=False,
            options={name: name for name in ("no_consent", "unsubscribed", "subscribed", "archived")},
        ),
        _contact_sync("job_title", FieldType.STRING),
        _contact_sync("notes", FieldType.STRING, max_length=10_000),
        _contact_sync("im", FieldType.LIST, items=CONTACT_PARTS),
        _contact_sync("birthday", FieldType.DATE),
        _contact_sync("postal_address", FieldType.OBJECT, attributes=ADDRESS_PARTS),
        _read_only("first_name", FieldType.STRING),
        _read_only("last_name", FieldType.STRING),
        _read_only("picture_id", FieldType.INTEGER),
        *_COMMON,
    ),
)

ENTITIES: t.Final[dict[str, Entity]] = {entity.name: entity for entity in (ORGANIZATIONS, PERSONS)}
"""Entities this target writes, parents before children."""
