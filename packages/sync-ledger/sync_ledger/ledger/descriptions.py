"""The fields of each entity as the last run saw them: what a person's edit is checked against without the service."""

from __future__ import annotations

import typing as t
from dataclasses import fields

from sqlalchemy import select

from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_ledger.ledger.tables import entity_fields
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from sqlalchemy import Engine


_OF_OPTIONS = frozenset({FieldType.OPTION, FieldType.OPTIONS})


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
        known = tuple(_field(item) for item in found["fields"])
        return EntityDescription(entity, known, _field(found["external_id_field"]))


class _AtTheService(dict[t.Any, t.Any]):
    """Stands for options that a service is only asked for when a row needs them: anything may be one."""

    def __bool__(self) -> bool:
        return True

    def __contains__(self, value: object) -> bool:
        return True

    def __missing__(self, value: t.Any) -> t.Any:
        return value

    def values(self) -> t.Any:
        return self


def _plain(field: Field) -> dict[str, t.Any]:
    plain = {one.name: getattr(field, one.name) for one in fields(field)}
    plain.update(type=field.type.value, within=None, options_within=None)
    if not isinstance(field.options, dict):
        plain["options"] = None  # nobody is asked for them only to keep them
    for name in ("attributes", "items"):
        if plain[name] is not None:
            plain[name] = sorted(plain[name])
    return plain


def _field(plain: t.Any) -> t.Any:
    if plain is None:
        return None
    sets = {name: frozenset(plain[name]) for name in ("attributes", "items") if plain[name] is not None}
    kind = FieldType(plain["type"])
    listed = {"options": _AtTheService()} if plain["options"] is None and kind in _OF_OPTIONS else {}
    return Field(**{**plain, **sets, **listed, "type": kind})
