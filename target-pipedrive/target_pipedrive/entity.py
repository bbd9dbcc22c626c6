"""What an entity definition is made of; the definitions themselves are in `target_pipedrive.entities`."""

from __future__ import annotations

import enum
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


class Names(str, enum.Enum):
    """Lists of the account that a field's values may be named by."""

    USERS = "users"
    PIPELINES = "pipelines"
    STAGES = "stages"
    ACTIVITY_TYPES = "activity_types"


class Wire(str, enum.Enum):
    """Forms on the wire that are not a value's own."""

    FLAG = "flag"
    """API v1: sent as 0 or 1, returned as a boolean."""
    V1_TIME = "v1_time"
    """API v1: `YYYY-MM-DD HH:MM:SS` in UTC."""
    PARTICIPANT = "participant"
    """An activity's person: it follows from the primary participant, which is what has to be sent."""
    NUMBER_TEXT = "number_text"
    """Sent as a number, returned as text."""


@dataclass(frozen=True)
class StandardField:
    """A field every account has, or has once a feature is set up.

    Attributes:
        field: Its description; `key` equals `name`.
        options_listed: Its options come from the account's metadata, such as the labels a company has defined.
        only_if_listed: Writable only in accounts whose metadata lists it; writing it elsewhere is refused.
        names: List of the account its values may be named by.
        wire: Its form on the wire, when that is not the value itself.
    """

    field: Field
    options_listed: bool = False
    only_if_listed: bool = False
    names: Names | None = None
    wire: Wire | None = None


@dataclass(frozen=True)
class Entity:
    """One kind of record.

    Attributes:
        name: Name of the Singer stream.
        path: Path of its list and of creates.
        fields_path: Path of its field metadata; None where it has no custom fields, so that the external ID is in the
            ledger's links only.
        standard: Standard fields, writable and read-only ones.
        update_method: HTTP method of an update.
        ids_listed: Its list takes the parameter `ids`.
        archived_path: Path of the records its list leaves out because they are archived.
        creator: Property that says which user made a record.
        after: Entities to be written first, beside those its relations point to.
    """

    name: str
    path: str
    fields_path: str | None
    standard: tuple[StandardField, ...]
    update_method: str = "PATCH"
    ids_listed: bool = True
    archived_path: str | None = None
    creator: str | None = None
    after: frozenset[str] = frozenset()

    @property
    def record_path(self) -> str:
        """Path of one record."""
        return f"{self.path}/{{id}}"

    @property
    def archivable(self) -> bool:
        """Whether its records can be archived (`is_archived`) and brought back."""
        return self.archived_path is not None

    @property
    def list_paths(self) -> tuple[str, ...]:
        """Paths of the lists that together hold all records."""
        return (self.path,) if self.archived_path is None else (self.path, self.archived_path)


def plain(name: str, kind: FieldType, **more: t.Any) -> StandardField:
    """Define a field."""
    return StandardField(Field(name=name, key=name, type=kind, **more))


def read_only(name: str, kind: FieldType) -> StandardField:
    """Define a field that only Pipedrive sets."""
    return plain(name, kind, creatable=False, updatable=False)


def listed_options(name: str, kind: FieldType) -> StandardField:
    """Define a field whose options the account's metadata lists."""
    return replace(plain(name, kind), options_listed=True)


def contact_sync(name: str, kind: FieldType, **more: t.Any) -> StandardField:
    """Define a field that accounts have once Contact Sync is set up."""
    return replace(plain(name, kind, **more), only_if_listed=True)


def choice(name: str, *labels: str) -> StandardField:
    """Define a field with fixed options, which are their own ids."""
    return plain(name, FieldType.OPTION, nullable=False, options={label: label for label in labels})


def named(name: str, names: Names, **more: t.Any) -> StandardField:
    """Define a field whose values may be given by name or by Pipedrive's id."""
    kind = more.pop("kind", FieldType.OPTION)
    return replace(plain(name, kind, **{"nullable": False, **more}), names=names)


def in_form(wire: Wire, name: str, kind: FieldType, **more: t.Any) -> StandardField:
    """Define a field with a form of its own on the wire."""
    return replace(plain(name, kind, **more), wire=wire)


def parent(name: str, entity: str, **more: t.Any) -> StandardField:
    """Define a relation, whose values are external IDs of another entity."""
    return plain(name, FieldType.RELATION, relation=entity, **more)
