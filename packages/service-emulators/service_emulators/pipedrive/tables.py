"""The SQL tables: one per entity, with columns for what lists filter and sort by and JSON for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from service_emulators.pipedrive.entities import ENTITIES, NOTES

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

    from service_emulators.pipedrive.entities import Entity

METADATA = MetaData()
_KINDS: dict[str, type[TypeEngine[object]]] = {"integer": Integer, "text": String, "boolean": Boolean}  # type: ignore[dict-item]  # SQLAlchemy's types are invariant in what they hold


def _entity_table(entity: Entity) -> Table:
    columns = [Column(name, _KINDS[kind]) for name, kind in entity.columns.items()]
    return Table(
        entity.name,
        METADATA,
        Column("id", Integer, primary_key=True),
        Column("add_time", String, nullable=False),
        Column("update_time", String, nullable=False),
        Column("is_deleted", Boolean, nullable=False),
        Column("deleted_at", Float),  # emulator clock, seconds since 1970
        Column(
            "written_at", Float, nullable=False
        ),  # creation by the emulator clock; add_time may be given by the caller
        *columns,
        Column("properties", Text, nullable=False),
        Column("custom_fields", Text, nullable=False),
        Index(f"{entity.name}_by_update", "update_time", "id"),
        *(Index(f"{entity.name}_by_{name}", name) for name in entity.columns if name.endswith("_id")),
        sqlite_autoincrement=True,  # the id of a deleted record is never given again
    )


TABLES = {entity.name: _entity_table(entity) for entity in (*ENTITIES.values(), NOTES)}

COMPANY = Table(
    "company",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("seed", Integer, nullable=False),
)

USERS = Table(
    "users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created", String, nullable=False),
)

FIELDS = Table(
    "custom_field_definitions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("entity", String, nullable=False),
    Column("code", String(40), nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("options", Text, nullable=False),
    Column("blocks", Text, nullable=False),
    Column("add_time", String, nullable=False),
    Column("update_time", String, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

SEARCH_VALUES = Table(
    "search_values",
    METADATA,
    Column("entity", String, nullable=False),
    Column("record_id", Integer, nullable=False),
    Column("field", String, nullable=False),  # property name or custom field code
    Column("value", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Index("search_values_by_record", "entity", "record_id"),
    Index("search_values_by_value", "entity", "field", "value"),
    Index("search_values_by_folded", "entity", "folded"),
)
