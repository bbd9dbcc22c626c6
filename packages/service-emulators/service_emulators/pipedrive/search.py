"""The search index: a table of its own that lags behind the records (fact sheet section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, insert, or_, select

from service_emulators.pipedrive.catalog import SEARCHABLE_TYPES
from service_emulators.pipedrive.entities import NOTES, SEARCHABLE
from service_emulators.pipedrive.tables import SEARCH_VALUES, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement

    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.catalog import Catalog
    from service_emulators.pipedrive.entities import Entity
    from service_emulators.pipedrive.store import Record, Store
    from service_emulators.pipedrive.switches import PipedriveSwitches

_CODE_LENGTH = 40
_CHUNK = 400
_ENTITIES = {entity.name: entity for entity in SEARCHABLE.values()}
_NOTE_COLUMNS = {"organizations": "org_id", "persons": "person_id", "deals": "deal_id"}


class SearchIndex:
    """What searches see.

    Changed records wait until they are old enough and are indexed by the first search after that. A record changed
    again while it waits begins to wait anew: the lag of the real service is not known to be shorter than that.
    """

    def __init__(self, store: Store, catalog: Catalog, switches: PipedriveSwitches, clock: EmulatorClock) -> None:
        self._store = store
        self._catalog = catalog
        self._switches = switches
        self._clock = clock
        self._waiting: dict[tuple[str, int], float] = {}

    def touch(self, entity: str, record_id: int) -> None:
        """Takes note that a record was created, changed or deleted."""
        if entity in _ENTITIES:
            key = (entity, record_id)
            self._waiting.pop(key, None)  # so that the order of the dict stays the order of time
            self._waiting[key] = self._clock.seconds()

    def touch_all(self) -> None:
        """Lets everything be indexed anew by the next search (after opening a database)."""
        for name in _ENTITIES:
            for (record_id,) in self._store.connection.execute(select(TABLES[name].c.id)):
                self._waiting[name, record_id] = 0.0

    def find(
        self, entity: Entity, term: str, fields: Iterable[str], *, exact: bool, also: Iterable[ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        """Returns the condition on the entity's table that a search for `term` means; not case sensitive."""
        self._refresh()
        names = [name for name in fields if name != "custom_fields"]
        where: ColumnElement[bool] = SEARCH_VALUES.c.field.in_(names)
        if "custom_fields" in fields:
            where = or_(where, func.length(SEARCH_VALUES.c.field) == _CODE_LENGTH)
        folded = term.casefold()
        match = SEARCH_VALUES.c.folded == folded if exact else func.instr(SEARCH_VALUES.c.folded, folded) > 0
        hits = select(SEARCH_VALUES.c.record_id).where(SEARCH_VALUES.c.entity == entity.name, where, match)
        return and_(TABLES[entity.name].c.id.in_(hits), *also)

    def find_field(self, entity: Entity, term: str, field: str, match: str) -> ColumnElement[bool]:
        """Returns the condition that a search in one field means; case sensitive."""
        self._refresh()
        value = SEARCH_VALUES.c.value
        conditions = {
            "exact": value == term,
            "beginning": func.substr(value, 1, len(term)) == term,
            "middle": func.instr(value, term) > 0,
        }
        hits = select(SEARCH_VALUES.c.record_id).where(
            SEARCH_VALUES.c.entity == entity.name, SEARCH_VALUES.c.field == field, conditions[match]
        )
        return TABLES[entity.name].c.id.in_(hits)

    def values(self, entity: Entity, record: Record) -> list[tuple[str, str]]:
        """Returns the searchable values of a record as (field, text)."""
        names = ("name", "title", "code")
        result: list[tuple[str, str]] = [(name, record.values[name]) for name in names if record.values.get(name)]
        if record.values.get("address"):
            result.append(("address", record.values["address"]["value"]))
        for field, name in (("email", "emails"), ("phone", "phones")):
            result.extend((field, item["value"]) for item in record.values.get(name) or ())
        result.extend(("notes", text) for text in self.notes(entity, record.id))
        for code, custom in self._catalog.fields(entity.name).items():
            value = record.custom.get(code)
            if value is not None and custom.type in SEARCHABLE_TYPES:
                result.append((code, str(value["value"]) if isinstance(value, dict) else str(value)))
        return result

    def notes(self, entity: Entity, record_id: int) -> list[str]:
        """Returns the contents of the notes on a record."""
        column = _NOTE_COLUMNS.get(entity.name)
        if column is None:
            return []
        notes = TABLES["notes"]
        conditions = [notes.c[column] == record_id, notes.c.is_deleted.is_(False)]
        return [note.values["content"] for note in self._store.select(NOTES, conditions, [notes.c.id])]

    def _refresh(self) -> None:
        due = self._clock.seconds() - self._switches.search_lag_ms / 1000
        ready: dict[str, list[int]] = {}
        for (entity, record_id), moment in list(self._waiting.items()):
            if moment > due:
                break
            del self._waiting[entity, record_id]
            ready.setdefault(entity, []).append(record_id)
        for name, ids in ready.items():
            for start in range(0, len(ids), _CHUNK):
                self._index(_ENTITIES[name], ids[start : start + _CHUNK])
        if ready:
            self._store.commit()

    def _index(self, entity: Entity, ids: list[int]) -> None:
        connection = self._store.connection
        connection.execute(
            delete(SEARCH_VALUES).where(SEARCH_VALUES.c.entity == entity.name, SEARCH_VALUES.c.record_id.in_(ids))
        )
        table = TABLES[entity.name]
        rows: list[dict[str, Any]] = [
            {"entity": entity.name, "record_id": record.id, "field": field, "value": text, "folded": text.casefold()}
            for record in self._store.select(entity, [table.c.id.in_(ids), table.c.is_deleted.is_(False)], [table.c.id])
            for field, text in self.values(entity, record)
        ]
        if rows:
            connection.execute(insert(SEARCH_VALUES), rows)
