"""Endpoints that change records: insert, update, upsert, delete (fact sheet sections 3 and 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service_emulators.zoho.automation import triggers_of
from service_emulators.zoho.calls import MAX_ROWS, Reply, Route, many_rows, row_cost
from service_emulators.zoho.errors import ApiError, RowError, already_modified, invalid, invalid_module, over_maximum
from service_emulators.zoho.external import external_rules
from service_emulators.zoho.matching import match_order
from service_emulators.zoho.times import parse_time
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.external import ExternalRules
    from service_emulators.zoho.parts import Parts
    from service_emulators.zoho.store import Row

_COMMON_KEYS = frozenset({"data", "trigger", "apply_feature_execution", "skip_feature_execution", "lar_id"})
_UPSERT_KEYS = _COMMON_KEYS | {"duplicate_check_fields"}
_APPLY = (
    "layout_rules",
    "range_validation",
    "assignment_rules",
    "function_validation_rule",
    "criteria_validation_rule",
    "global_map_dependency",
    "territory_subordinates",
)
_SKIP = ("cadences", "assignment_rules", "connected_workflows")
_UNKNOWN_ID = "the id given seems to be invalid"


@dataclass
class _Batch:
    """What all records of one request share."""

    call: Call
    module: Module
    rows: list[Any]
    triggers: tuple[str, ...]
    external: ExternalRules
    unmodified_since: str | None
    written: set[int] = field(default_factory=set)
    known: dict[int, Row] = field(default_factory=dict)


class WritingApi:
    """Insert, update, upsert and delete."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._catalog = parts.catalog
        self._records = parts.records
        self._switches = parts.switches
        self._show = parts.show

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        path = "/crm/v8/{module}"
        return {
            f"POST {path}": Route(self._insert, ("ZohoCRM.modules.{module}.CREATE",), row_cost, many_rows),
            f"PUT {path}": Route(self._update, ("ZohoCRM.modules.{module}.UPDATE",), row_cost, many_rows),
            f"PUT {path}/{{id}}": Route(self._update_one, ("ZohoCRM.modules.{module}.UPDATE",)),
            f"POST {path}/upsert": Route(self._upsert, ("ZohoCRM.modules.{module}.CREATE",), row_cost, many_rows),
            f"DELETE {path}": Route(self._delete, ("ZohoCRM.modules.{module}.DELETE",)),
            f"DELETE {path}/{{id}}": Route(self._delete_one, ("ZohoCRM.modules.{module}.DELETE",)),
        }

    def _insert(self, call: Call) -> Reply:
        batch = self._batch(call, call.json_object(_COMMON_KEYS, ("data",)))

        def insert(body: Any, path: str) -> dict[str, Any]:
            return self._success(self._create(batch, body, path), "record added")

        return self._each(batch, insert, 201)

    def _update(self, call: Call) -> Reply:
        batch = self._batch(call, call.json_object(_COMMON_KEYS, ("data",)))

        def update(body: Any, path: str) -> dict[str, Any]:
            row, rest = self._addressed(batch, body, path)
            return self._success(self._change(batch, row, rest, path), "record updated")

        return self._each(batch, update, 200)

    def _update_one(self, call: Call) -> Reply:
        batch = self._batch(call, call.json_object(_COMMON_KEYS, ("data",)))
        if len(batch.rows) != 1:
            raise invalid({"api_name": "data", "json_path": "$.data", "maximum_length": 1})

        def update(body: Any, path: str) -> dict[str, Any]:
            row = self._of_path(batch)
            if isinstance(body, dict) and "id" in body:
                if body["id"] != str(row["id"]):
                    raise RowError("INVALID_DATA", _UNKNOWN_ID, {"api_name": "id", "json_path": f"{path}.id"})
                body = {name: value for name, value in body.items() if name != "id"}
            return self._success(self._change(batch, row, body, path), "record updated")

        return self._each(batch, update, 200)

    def _upsert(self, call: Call) -> Reply:
        body = call.json_object(_UPSERT_KEYS, ("data",))
        batch = self._batch(call, body)
        order = match_order(batch.module, body.get("duplicate_check_fields"))

        def upsert(item: Any, path: str) -> dict[str, Any]:
            found = self._match(batch, order, item)
            if found is None:
                row = self._create(batch, item, path)
                return self._success(row, "record added", action="insert", duplicate_field=None)
            matched, by = found
            if matched["id"] in batch.written and self._switches.same_key_in_batch == "refuse":
                raise self._records.duplicate(batch.module, by, path, matched["id"])
            row = self._change(batch, matched, item, path)
            return self._success(row, "record updated", action="update", duplicate_field=by.api_name)

        return self._each(batch, upsert, 200)

    def _match(self, batch: _Batch, order: Sequence[Field], item: Any) -> tuple[Row, Field] | None:
        if not isinstance(item, dict):
            return None
        for by in order:
            value = item.get(by.api_name)
            if value is None or value == "":
                continue  # a null key matches nothing
            for record in self._records.keys.find(batch.module, by, value):
                row = self._row(batch, record)
                if row is not None:
                    return row, by
        return None

    def _delete(self, call: Call) -> Reply:
        module = self._module(call)
        ids = call.several("ids")
        if not ids:
            raise ApiError(
                400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": "ids"}
            )
        if len(ids) > MAX_ROWS:
            raise over_maximum(MAX_ROWS, "ids")
        return self._deleted(call, module, ids)

    def _delete_one(self, call: Call) -> Reply:
        return self._deleted(call, self._module(call), [call.args["id"]])

    def _deleted(self, call: Call, module: Module, ids: list[str]) -> Reply:
        call.choice("wf_trigger", ("true", "false"), "true")
        external = external_rules(call.headers, module, self._catalog, self._records.keys)
        batch = _Batch(call, module, list(ids), (), external, None)

        def delete(raw: str, _path: str) -> dict[str, Any]:
            row = self._by_raw_id(batch, raw)
            self._records.delete(module, row, user_id=call.user_id)
            return {
                "code": "SUCCESS",
                "details": {"id": str(row["id"])},
                "message": "record deleted",
                "status": "success",
            }

        return self._each(batch, delete, 200)

    def _batch(self, call: Call, body: dict[str, Any]) -> _Batch:
        module = self._module(call)
        rows = body["data"]
        if not isinstance(rows, list) or not rows:
            raise invalid({"api_name": "data", "json_path": "$.data", "expected_data_type": "jsonarray"})
        if len(rows) > MAX_ROWS:
            details = {"api_name": "data", "json_path": "$.data", "maximum_length": MAX_ROWS}
            raise ApiError(400, "LIMIT_EXCEEDED", "limit exceeded", details)
        _check_features(body, "apply_feature_execution", _APPLY)
        _check_features(body, "skip_feature_execution", _SKIP)
        external = external_rules(call.headers, module, self._catalog, self._records.keys)
        since = call.headers.get("if-unmodified-since")
        moment = None if since is None else parse_time(since)
        if since is not None and moment is None:
            raise invalid({"header": "If-Unmodified-Since", "expected_data_type": "datetime"})
        batch = _Batch(call, module, rows, triggers_of(body), external, moment)
        named = (record_id(row.get("id")) for row in rows if isinstance(row, dict))
        ids = self._records.keys.preload(module, rows) | {number for number in named if number is not None}
        batch.known = self._store.get_many(module.table, sorted(ids))
        return batch

    def _module(self, call: Call) -> Module:
        module = self._catalog.find(call.args["module"])
        if module is None:
            raise invalid_module()
        return module

    def _addressed(self, batch: _Batch, body: Any, path: str) -> tuple[Row, Any]:
        """Returns the record an item of a PUT is about, and the item without its id."""
        by = batch.external.record
        name = "id" if by is None or (isinstance(body, dict) and "id" in body) else by.api_name
        if not isinstance(body, dict) or body.get(name) is None:
            raise RowError(
                "MANDATORY_NOT_FOUND", "required field not found", {"api_name": name, "json_path": f"{path}.{name}"}
            )
        number = record_id(body["id"]) if name == "id" else batch.external.find(batch.module, body[name])
        row = None if number is None else self._row(batch, number)
        if row is None:
            raise RowError("INVALID_DATA", _UNKNOWN_ID, {name: body[name]})
        return row, {key: value for key, value in body.items() if key != name}

    def _of_path(self, batch: _Batch) -> Row:
        return self._by_raw_id(batch, batch.call.args["id"])

    def _by_raw_id(self, batch: _Batch, raw: str) -> Row:
        number = record_id(raw) if batch.external.record is None else batch.external.find(batch.module, raw)
        row = None if number is None else self._store.get(batch.module.table, number)
        if row is None:
            raise RowError("INVALID_DATA", _UNKNOWN_ID, {"id": raw})
        return row

    def _create(self, batch: _Batch, body: Any, path: str) -> Row:
        row = self._records.create(
            batch.module,
            body,
            path,
            user_id=batch.call.user_id,
            triggers=batch.triggers,
            external=batch.external,
        )
        batch.written.add(row["id"])
        return row

    def _change(self, batch: _Batch, row: Row, body: Any, path: str) -> Row:
        if batch.unmodified_since is not None and row["Modified_Time"] > batch.unmodified_since:
            raise already_modified(self._show.details(row))
        changed = self._records.update(
            batch.module,
            row,
            body,
            path,
            user_id=batch.call.user_id,
            triggers=batch.triggers,
            external=batch.external,
        )
        batch.written.add(row["id"])
        batch.known[row["id"]] = changed
        return changed

    def _row(self, batch: _Batch, number: int) -> Row | None:
        return batch.known.get(number) or self._store.get(batch.module.table, number)

    def _success(self, row: Row, message: str, **upsert: Any) -> dict[str, Any]:
        return {
            "code": "SUCCESS",
            **upsert,
            "details": self._show.details(row),
            "message": message,
            "status": "success",
        }

    def _each(self, batch: _Batch, write: Callable[[Any, str], dict[str, Any]], good: int) -> Reply:
        """Writes the items one after the other; the answer has an entry for each, in their order."""
        fault = batch.call.partial
        results = []
        try:
            for place, item in enumerate(batch.rows):
                try:
                    if fault is not None and place % fault.every == 0:
                        raise _refused(fault.body)
                    results.append(write(item, f"$.data[{place}]"))
                except RowError as error:
                    results.append(error.body())
        finally:
            self._records.keys.unload()
        written = sum(result["status"] == "success" for result in results)
        batch.call.tally.writes += written
        status = good if written == len(results) else 400 if not written else 200 if self._switches.sandbox else 207
        return Reply({"data": results}, status)


def _refused(body: Any) -> RowError:
    """Returns what a `partial` fault refuses a record with: its body, or what passes by itself."""
    given = body if isinstance(body, dict) else {}
    return RowError(
        given.get("code", "DEPENDENT_SERVICE_ERROR"),
        given.get("message", "a dependent service is not available"),
        given.get("details", {"dependency_error": "emulated"}),
    )


def _check_features(body: dict[str, Any], name: str, known: Sequence[str]) -> None:
    given = body.get(name, [])
    if not isinstance(given, list) or not all(isinstance(item, dict) and item.get("name") in known for item in given):
        raise invalid({"api_name": name, "json_path": f"$.{name}", "supported_values": list(known)})
