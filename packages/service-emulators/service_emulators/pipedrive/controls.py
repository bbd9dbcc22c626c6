"""What the Pipedrive emulator adds to the control interface: records as a user of the web application changes them.

Custom fields go by label, options by label; nothing here costs tokens or meets a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from service_emulators.control import ControlError, answer_json, read_json
from service_emulators.pipedrive.catalog import OPTION_TYPES
from service_emulators.pipedrive.entities import ENTITIES, NOTES
from service_emulators.pipedrive.errors import ApiError
from service_emulators.pipedrive.records import View
from service_emulators.pipedrive.seed import ADMIN_ID
from service_emulators.pipedrive.tables import TABLES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.pipedrive.catalog import Catalog, CustomField
    from service_emulators.pipedrive.entities import Entity
    from service_emulators.pipedrive.records import Records
    from service_emulators.pipedrive.store import Record, Store


class RecordControls:
    """Routes under `/_emulator/records`."""

    def __init__(self, store: Store, catalog: Catalog, records: Records) -> None:
        self._store = store
        self._catalog = catalog
        self._records = records

    def routes(self) -> list[Route]:
        """Returns the routes, without the prefix."""
        return [
            Route("/records/{entity}", self._list, methods=["GET"]),
            Route("/records/{entity}", self._create, methods=["POST"]),
            Route("/records/{entity}/{id:int}", self._change, methods=["POST"]),
            Route("/records/{entity}/{id:int}", self._delete, methods=["DELETE"]),
        ]

    def labelled(self, entity: Entity, record: Record) -> dict[str, Any]:
        """Returns a record with custom fields and options by label; fields without a value are absent."""
        shown = self._records.show(entity, record, View())
        if entity.custom:
            shown["custom_fields"] = {
                field.name: _labels(field, record.custom[code])
                for code, field in self._catalog.fields(entity.name).items()
                if code in record.custom
            }
        return shown

    def all(self, entity: Entity, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns the live records in the order of their ids."""
        table = TABLES[entity.name]
        found = self._store.select(entity, [table.c.is_deleted.is_(False)], [table.c.id], limit)
        return [self.labelled(entity, record) for record in found]

    async def _list(self, request: Request) -> Response:
        entity = NOTES if request.path_params["entity"] == NOTES.name else _entity(request)
        raw = request.query_params.get("limit")
        if raw is not None and not raw.isdigit():
            raise ControlError("limit must be a whole number")
        with self._store.lock:
            return answer_json(self.all(entity, None if raw is None else int(raw)))

    async def _create(self, request: Request) -> Response:
        entity = _entity(request)
        body = self._by_code(entity, await read_json(request, dict[str, Any]))
        with self._store.lock:
            return self._change_data(entity, lambda: self._records.create(entity, body, ADMIN_ID))

    async def _change(self, request: Request) -> Response:
        entity = _entity(request)
        body = self._by_code(entity, await read_json(request, dict[str, Any]))
        record_id: int = request.path_params["id"]
        with self._store.lock:
            return self._change_data(entity, lambda: self._records.update(entity, record_id, body))

    async def _delete(self, request: Request) -> Response:
        entity = _entity(request)
        record_id: int = request.path_params["id"]
        with self._store.lock:
            return self._change_data(entity, lambda: self._records.delete(entity, record_id))

    def _change_data(self, entity: Entity, change: Any) -> Response:
        try:
            record = change()
        except ApiError as error:
            self._store.rollback()
            raise ControlError(str(error)) from error
        self._store.commit()
        return answer_json({} if record is None else self.labelled(entity, record))

    def _by_code(self, entity: Entity, body: dict[str, Any]) -> dict[str, Any]:
        given = body.get("custom_fields")
        if not isinstance(given, dict):
            return body
        with self._store.lock:
            fields = self._catalog.fields(entity.name)
        by_label = {field.name: field for field in fields.values()}
        custom: dict[str, Any] = {}
        for name, value in given.items():
            field = by_label.get(name) or fields.get(name)
            if field is None:
                raise ControlError(f"{entity.name} has no custom field {name!r}")
            custom[field.code] = _ids(field, value)
        return {**body, "custom_fields": custom}


def _entity(request: Request) -> Entity:
    entity = ENTITIES.get(request.path_params["entity"])
    if entity is None:
        raise ControlError(f"no such entity; there are {', '.join(ENTITIES)}")
    return entity


def _labels(field: CustomField, value: Any) -> Any:
    if field.type not in OPTION_TYPES:
        return value
    labels = {option["id"]: option["label"] for option in field.options}
    return [labels.get(item) for item in value] if isinstance(value, list) else labels.get(value)


def _ids(field: CustomField, value: Any) -> Any:
    if field.type not in OPTION_TYPES:
        return value
    ids = {option["label"]: option["id"] for option in field.options}
    return [ids.get(item, item) for item in value] if isinstance(value, list) else ids.get(value, value)
