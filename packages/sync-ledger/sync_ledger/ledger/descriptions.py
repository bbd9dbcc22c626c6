"""The fields of each entity as the last run saw them: what a person's edit is checked against without the service."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from sqlalchemy import select

from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.ledger.tables import entity_fields
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from sqlalchemy import Engine


class Descriptions:
    """Descriptions of the entities of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def keep(self, description: EntityDescription) -> None:
        """Keep the fields of an entity."""
        row = {
            "destination": self._destination,
            "entity": description.entity,
            "description": {
                "fields": [_plain(field) for field in description.fields],
                "external_id_field": _plain(description.external_id_field) if description.external_id_field else None,
            },
        }
        with self._engine.begin() as connection:
            upsert(connection, entity_fields, [row])

    def find(self, entity: str) -> EntityDescription | None:
        """Return the fields of an entity; None if no run has opened it yet."""
        query = select(entity_fields.c.description).where(
            entity_fields.c.destination == self._destination, entity_fields.c.entity == entity
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            return None
        fields = tuple(_field(item) for item in found["fields"])
        return EntityDescription(entity, fields, _field(found["external_id_field"]))


def _plain(field: Field) -> dict[str, t.Any]:
    plain = {**asdict(field), "type": field.type.value}
    for name in ("attributes", "items"):
        if plain[name] is not None:
            plain[name] = sorted(plain[name])
    return plain


def _field(plain: t.Any) -> t.Any:
    if plain is None:
        return None
    sets = {name: frozenset(plain[name]) for name in ("attributes", "items") if plain[name] is not None}
    return Field(**{**plain, **sets, "type": FieldType(plain["type"])})
