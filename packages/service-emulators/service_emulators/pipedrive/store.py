"""Storage of the Pipedrive emulator in SQLite, by SQLAlchemy Core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, insert, select, update

from service_emulators.database import Database
from service_emulators.pipedrive.tables import METADATA, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import ColumnElement, Row

    from service_emulators.pipedrive.entities import Entity


@dataclass
class Record:
    """One record as it is stored.

    Attributes:
        id: id.
        values: built-in properties, with add_time, update_time and is_deleted.
        custom: values of custom fields by code; those without a value are absent.
        deleted_at: moment of deletion by the emulator's clock.
    """

    id: int
    values: dict[str, Any]
    custom: dict[str, Any]
    deleted_at: float | None = None


class Store(Database):
    """The data of one company.

    Args:
        path: SQLite file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(METADATA, path)

    def count(self, entity: str) -> int:
        """Returns the number of live records of an entity."""
        table = TABLES[entity]
        with self.lock:
            statement = select(func.count()).select_from(table).where(table.c.is_deleted.is_(False))
            return int(self.connection.execute(statement).scalar_one())

    def insert(self, entity: Entity, values: dict[str, Any], custom: dict[str, Any], now: float) -> Record:
        """Adds a record; `values` holds every property, both times and is_deleted."""
        row = _row(entity, values, custom)
        row["written_at"] = now
        table = TABLES[entity.name]
        (record_id,) = self.connection.execute(insert(table), row).inserted_primary_key or (0,)
        return Record(record_id, values, custom)

    def save(self, entity: Entity, record: Record) -> None:
        """Writes a changed record."""
        table = TABLES[entity.name]
        row = _row(entity, record.values, record.custom)
        row["deleted_at"] = record.deleted_at
        self.connection.execute(update(table).where(table.c.id == record.id), row)

    def get(self, entity: Entity, record_id: int) -> Record | None:
        """Returns a record, deleted or not, or None."""
        table = TABLES[entity.name]
        row = self.connection.execute(select(table).where(table.c.id == record_id)).one_or_none()
        return None if row is None else _record(entity, row)

    def exists(self, entity: str, record_id: int) -> bool:
        """Returns whether a live record has that id."""
        table = TABLES[entity]
        statement = select(table.c.id).where(table.c.id == record_id, table.c.is_deleted.is_(False))
        return self.connection.execute(statement).first() is not None

    def select(
        self, entity: Entity, where: Iterable[ColumnElement[bool]], order: Iterable[Any], limit: int | None = None
    ) -> list[Record]:
        """Returns records that meet all conditions."""
        statement = select(TABLES[entity.name]).where(*where).order_by(*order)
        if limit is not None:
            statement = statement.limit(limit)
        return [_record(entity, row) for row in self.connection.execute(statement)]


def _row(entity: Entity, values: dict[str, Any], custom: dict[str, Any]) -> dict[str, Any]:
    row = {name: values.get(name) for name in entity.columns}
    row["add_time"] = values["add_time"]
    row["update_time"] = values["update_time"]
    row["is_deleted"] = values["is_deleted"]
    rest = {name: value for name, value in values.items() if name not in row}
    row["properties"] = msgspec.json.encode(rest).decode()
    row["custom_fields"] = msgspec.json.encode(custom).decode() if custom else "{}"
    return row


def _record(entity: Entity, row: Row[Any]) -> Record:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for the row's mapping
    values: dict[str, Any] = msgspec.json.decode(fields["properties"])
    for name in entity.columns:
        values[name] = fields[name]
    for name in ("add_time", "update_time", "is_deleted"):
        values[name] = fields[name]
    return Record(fields["id"], values, msgspec.json.decode(fields["custom_fields"]), fields["deleted_at"])
