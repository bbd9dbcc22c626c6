"""Custom fields of the company: definitions in SQL, cached by entity."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, insert, select, update

from service_emulators.pipedrive.tables import FIELDS
from service_emulators.pipedrive.values import format_time

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.store import Store

OPTION_TYPES = frozenset({"enum", "set"})
SEARCHABLE_TYPES = frozenset({"address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"})
FIRST_V1_ID = 4000
"""Numeric ids of custom fields in v1 start here; built-in fields have those below."""


@dataclass(frozen=True)
class CustomField:
    """One live custom field.

    Attributes:
        id: numeric id in v1.
        code: 40 hex characters, the key in records.
        name: label; not unique.
        type: field type.
        options: `{"id": int, "label": str}` in order.
        blocks: ui_visibility, important_fields, required_fields as given.
        add_time: creation, v2 format.
        update_time: last change, v2 format.
    """

    id: int
    code: str
    name: str
    type: str
    options: tuple[dict[str, Any], ...]
    blocks: dict[str, Any]
    add_time: str
    update_time: str

    def option_ids(self) -> frozenset[int]:
        """Returns the ids of the options."""
        return frozenset(option["id"] for option in self.options)


class Catalog:
    """Reads and changes custom fields.

    Args:
        store: storage.
        clock: the emulator's clock.
        seed: makes the codes deterministic.
    """

    def __init__(self, store: Store, clock: EmulatorClock, seed: int) -> None:
        self._store = store
        self._clock = clock
        self._seed = seed
        self._cache: dict[str, dict[str, CustomField]] = {}

    def fields(self, entity: str) -> dict[str, CustomField]:
        """Returns the live custom fields of an entity by code, oldest first."""
        found = self._cache.get(entity)
        if found is None:
            statement = (
                select(FIELDS).where(FIELDS.c.entity == entity, FIELDS.c.is_deleted.is_(False)).order_by(FIELDS.c.id)
            )
            found = {}
            for row in self._store.connection.execute(statement).mappings():
                found[row["code"]] = CustomField(
                    id=row["id"],
                    code=row["code"],
                    name=row["name"],
                    type=row["type"],
                    options=tuple(msgspec.json.decode(row["options"])),
                    blocks=msgspec.json.decode(row["blocks"]),
                    add_time=row["add_time"],
                    update_time=row["update_time"],
                )
            self._cache[entity] = found
        return found

    def create(
        self, entity: str, name: str, field_type: str, labels: list[str], blocks: dict[str, Any] | None = None
    ) -> CustomField:
        """Adds a field; the code depends on seed, entity, label and how often that label was used."""
        connection = self._store.connection
        same = select(func.count()).select_from(FIELDS).where(FIELDS.c.entity == entity, FIELDS.c.name == name)
        uses = connection.execute(same).scalar_one()
        # Not for secrets: it gives 40 hex characters that differ by company, entity and label, as the real keys do.
        code = hashlib.sha1(f"{self._seed}/{entity}/{name}/{uses}".encode(), usedforsecurity=False).hexdigest()
        now = format_time(self._clock.now())
        last = connection.execute(select(func.max(FIELDS.c.id))).scalar_one()
        connection.execute(
            insert(FIELDS).values(
                id=FIRST_V1_ID if last is None else last + 1,
                entity=entity,
                code=code,
                name=name,
                type=field_type,
                options=_encode(self._numbered(labels)),
                blocks=_encode(blocks or {}),
                add_time=now,
                update_time=now,
                is_deleted=False,
            )
        )
        return self._changed(entity, code)

    def change(self, entity: str, code: str, name: str | None, blocks: dict[str, Any]) -> CustomField:
        """Renames a field or changes its blocks; code and type never change."""
        field = self.fields(entity)[code]
        self._write(code, name=name or field.name, blocks=_encode({**field.blocks, **blocks}))
        return self._changed(entity, code)

    def delete(self, entity: str, code: str) -> CustomField:
        """Removes a field; its values disappear from the records."""
        field = self.fields(entity)[code]
        self._write(code, is_deleted=True)
        self._cache.pop(entity, None)
        return field

    def add_options(self, entity: str, code: str, labels: list[str]) -> list[dict[str, Any]]:
        """Appends options and returns the new ones."""
        field = self.fields(entity)[code]
        added = self._numbered(labels)
        self._write(code, options=_encode([*field.options, *added]))
        self._cache.pop(entity, None)
        return added

    def set_options(self, entity: str, code: str, options: list[dict[str, Any]]) -> None:
        """Replaces the options of a field."""
        self._write(code, options=_encode(options))
        self._cache.pop(entity, None)

    def forget(self) -> None:
        """Drops the cache, after a change was rolled back."""
        self._cache.clear()

    def _numbered(self, labels: list[str]) -> list[dict[str, Any]]:
        if not labels:
            return []
        highest = 0
        for (options,) in self._store.connection.execute(select(FIELDS.c.options)):
            highest = max([highest, *(option["id"] for option in msgspec.json.decode(options))])
        # Ids of deleted options may come back after the highest one was deleted; nobody can hold them any more.
        first = max(highest + 1, 20)
        return [{"id": first + position, "label": label} for position, label in enumerate(labels)]

    def _write(self, code: str, **values: Any) -> None:
        values["update_time"] = format_time(self._clock.now())
        self._store.connection.execute(update(FIELDS).where(FIELDS.c.code == code).values(**values))

    def _changed(self, entity: str, code: str) -> CustomField:
        self._cache.pop(entity, None)
        return self.fields(entity)[code]


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()
