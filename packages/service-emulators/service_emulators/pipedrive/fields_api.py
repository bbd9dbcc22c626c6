"""Handlers of the v2 *Fields endpoints (fact sheet section 6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service_emulators.pipedrive import values
from service_emulators.pipedrive.builtin_fields import ADDRESS_LABELS, BUILTIN_FIELDS, FIELD_PATHS
from service_emulators.pipedrive.calls import Reply
from service_emulators.pipedrive.catalog import OPTION_TYPES
from service_emulators.pipedrive.costs import CUSTOM_FIELD_LIMITS
from service_emulators.pipedrive.entities import ENTITIES
from service_emulators.pipedrive.errors import forbidden, invalid, not_allowed, not_found
from service_emulators.pipedrive.listing import page_reply
from service_emulators.pipedrive.tables import TABLES, USERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.pipedrive.builtin_fields import BuiltinField
    from service_emulators.pipedrive.calls import Call
    from service_emulators.pipedrive.catalog import Catalog, CustomField
    from service_emulators.pipedrive.store import Store
    from service_emulators.pipedrive.switches import PipedriveSwitches

NEW_FIELD_TYPES = (
    "varchar",
    "text",
    "double",
    "phone",
    "date",
    "daterange",
    "time",
    "timerange",
    "set",
    "enum",
    "varchar_auto",
    "address",
    "monetary",
    "org",
    "people",
    "user",
)
_BLOCKS = ("ui_visibility", "important_fields", "required_fields")
_DEFAULT_BLOCKS: dict[str, Any] = {
    "ui_visibility": {
        "add_visible_flag": False,
        "details_visible_flag": True,
        "show_in_add_deal_dialog": {"show": False, "order": None},
    },
    "important_fields": {"enabled": False, "stage_ids": []},
    "required_fields": {"enabled": False},
}
_MAX_OPTIONS = 10_000
_label = values.text(minimum=1)


class FieldsApi:
    """Reads built-in and custom fields, creates and changes custom ones."""

    def __init__(self, store: Store, catalog: Catalog, switches: PipedriveSwitches) -> None:
        self._store = store
        self._catalog = catalog
        self._switches = switches

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the handlers by `METHOD path`."""
        routes: dict[str, Callable[[Call], Reply]] = {}
        for path, entity in FIELD_PATHS.items():
            routes[f"GET /{path}"] = partial(self._list, entity)
            routes[f"GET /{path}/{{field_code}}"] = partial(self._get, entity)
            if entity == "activities":
                continue  # read-only
            for key, handler in (
                (f"POST /{path}", self._create),
                (f"PATCH /{path}/{{field_code}}", self._change),
                (f"DELETE /{path}/{{field_code}}", self._delete),
                (f"POST /{path}/{{field_code}}/options", self._add_options),
                (f"PATCH /{path}/{{field_code}}/options", self._rename_options),
                (f"DELETE /{path}/{{field_code}}/options", self._delete_options),
            ):
                routes[key] = partial(self._as_admin, partial(handler, entity))
        return routes

    def _as_admin(self, handler: Callable[[Call], Reply], call: Call) -> Reply:
        admin = select(USERS.c.is_admin).where(USERS.c.id == call.user_id)
        if not self._store.connection.execute(admin).scalar():
            raise forbidden("You do not have permission to change fields")
        return handler(call)

    def builtin(self, entity: str) -> list[BuiltinField]:
        """Returns the built-in fields that the switches leave in place."""
        return [field for field in BUILTIN_FIELDS[entity] if field.feature is None or self._switches.firmographics]

    def _list(self, entity: str, call: Call) -> Reply:
        call.allow({"include_fields", "limit", "cursor"})
        blocks = call.several("include_fields", _BLOCKS)
        limit = call.limit(cap=self._switches.limit_over_max == "cap")
        shown = [_show_builtin(field, blocks) for field in self.builtin(entity)]
        shown.extend(_show_custom(field, blocks) for field in self._catalog.fields(entity).values())
        start = 0
        after = call.query.get("cursor")
        if after:
            codes = [field["field_code"] for field in shown]
            if after not in codes:
                raise invalid("cursor", "is not a valid cursor")
            start = codes.index(after) + 1
        page = shown[start : start + limit]
        more = start + limit < len(shown)
        return page_reply(page, page[-1]["field_code"] if more else None)

    def _get(self, entity: str, call: Call) -> Reply:
        call.allow({"include_fields"})
        blocks = call.several("include_fields", _BLOCKS)
        code = call.args["field_code"]
        for field in self.builtin(entity):
            if field.code == code:
                return Reply(_show_builtin(field, blocks))
        return Reply(_show_custom(self._custom(entity, call), blocks))

    def _create(self, entity: str, call: Call) -> Reply:
        call.allow(())
        body = call.json_object()
        _allow_keys(body, ("field_name", "field_type", "options", "description", *_BLOCKS))
        for name in ("field_name", "field_type"):
            if name not in body:
                raise invalid(name, f"Parameter '{name}' is required")
        name = _checked("field_name", _label, body["field_name"])
        kind = _checked("field_type", values.one_of(*NEW_FIELD_TYPES), body["field_type"])
        labels: list[str] = []
        if "options" in body:
            if kind not in OPTION_TYPES:
                raise invalid("options", f"a field of type {kind} has no options")
            labels = _labels(body["options"])
        used = sum(len(self._catalog.fields(other)) for other in FIELD_PATHS.values())
        if used >= CUSTOM_FIELD_LIMITS[self._switches.plan]:
            raise forbidden("The company has reached its limit of custom fields", "feature_capping_custom_fields_limit")
        field = self._catalog.create(entity, name, kind, labels, _blocks(body))
        return Reply(_show_custom(field, _BLOCKS))

    def _change(self, entity: str, call: Call) -> Reply:
        call.allow(())
        field = self._custom(entity, call)
        body = call.json_object()
        _allow_keys(body, ("field_name", "description", *_BLOCKS))
        if not body:
            raise invalid("body", "must have at least one property")
        name = _checked("field_name", _label, body["field_name"]) if "field_name" in body else None
        return Reply(_show_custom(self._catalog.change(entity, field.code, name, _blocks(body)), _BLOCKS))

    def _delete(self, entity: str, call: Call) -> Reply:
        call.allow(())
        field = self._catalog.delete(entity, self._custom(entity, call).code)
        return Reply(_show_custom(field, ()))

    def _add_options(self, entity: str, call: Call) -> Reply:
        field = self._with_options(entity, call)
        labels = _labels(call.json())
        if len(field.options) + len(labels) > _MAX_OPTIONS:
            raise invalid("body", f"a field has at most {_MAX_OPTIONS} options")
        added = self._catalog.add_options(entity, field.code, labels)
        return Reply(added, extra={"additional_data": None})

    def _rename_options(self, entity: str, call: Call) -> Reply:
        field = self._with_options(entity, call)
        shape = values.structure(("id", "label"), id=values.integer, label=_label)
        changes = {item["id"]: item["label"] for item in _checked("body", values.list_of(shape), call.json())}
        _known(field, list(changes))
        options = [{"id": item["id"], "label": changes.get(item["id"], item["label"])} for item in field.options]
        self._catalog.set_options(entity, field.code, options)
        changed = [item for item in options if item["id"] in changes]
        return Reply(changed, extra={"additional_data": None})

    def _delete_options(self, entity: str, call: Call) -> Reply:
        field = self._with_options(entity, call)
        shape = values.structure(("id",), id=values.integer)
        ids = [item["id"] for item in _checked("body", values.list_of(shape), call.json())]
        _known(field, ids)
        self._catalog.set_options(entity, field.code, [item for item in field.options if item["id"] not in ids])
        self._clear_options(entity, field.code, ids)
        return Reply([item for item in field.options if item["id"] in ids], extra={"additional_data": None})

    def _clear_options(self, entity: str, code: str, ids: list[int]) -> None:
        """Takes deleted options out of the records that had them."""
        definition = ENTITIES[entity]
        table = TABLES[entity]
        for record in self._store.select(definition, [table.c.custom_fields.contains(code)], [table.c.id]):
            value = record.custom.get(code)
            left = [number for number in value if number not in ids] if isinstance(value, list) else []
            if isinstance(value, int) and value not in ids:
                continue
            if left:
                record.custom[code] = left
            else:
                record.custom.pop(code, None)
            self._store.save(definition, record)

    def _custom(self, entity: str, call: Call) -> CustomField:
        code = call.args["field_code"]
        field = self._catalog.fields(entity).get(code)
        if field is None:
            if any(item.code == code for item in self.builtin(entity)):
                raise forbidden("built-in fields can not be changed")
            raise not_found()
        return field

    def _with_options(self, entity: str, call: Call) -> CustomField:
        call.allow(())
        field = self._custom(entity, call)
        if field.type not in OPTION_TYPES:
            raise invalid("field_code", f"a field of type {field.type} has no options")
        return field


def _show_builtin(field: BuiltinField, blocks: tuple[str, ...]) -> dict[str, Any]:
    options = [{"id": number, "label": label} for number, label in field.options]
    return _shown(field.code, field.name, field.type, options, {}, blocks, custom=False)


def _show_custom(field: CustomField, blocks: tuple[str, ...]) -> dict[str, Any]:
    return _shown(field.code, field.name, field.type, list(field.options), field.blocks, blocks, custom=True)


def _shown(
    code: str,
    name: str,
    kind: str,
    options: list[dict[str, Any]],
    given: dict[str, Any],
    blocks: tuple[str, ...],
    *,
    custom: bool,
) -> dict[str, Any]:
    subfields = None
    if kind == "address":
        subfields = [
            {"field_code": part, "field_name": f"{label} of {name}", "field_type": "varchar"}
            for part, label in ADDRESS_LABELS.items()
        ]
    return {
        "field_name": name,
        "field_code": code,
        "field_type": kind,
        "options": options if options or kind in OPTION_TYPES else None,
        "subfields": subfields,
        "is_custom_field": custom,
        "is_optional_response_field": False,
        **{block: {**_DEFAULT_BLOCKS[block], **given.get(block, {})} for block in blocks},
    }


def _checked(name: str, check: values.Checker, value: Any) -> Any:
    try:
        return check(value)
    except values.UnfitError as error:
        raise invalid(name, str(error)) from error


def _labels(value: Any) -> list[str]:
    items = _checked("options", values.list_of(values.structure(("label",), label=_label)), value)
    if not items:
        raise invalid("options", "must not be empty")
    return [item["label"] for item in items]


def _known(field: CustomField, ids: list[int]) -> None:
    if not ids:
        raise invalid("body", "must not be empty")
    for number in ids:
        if number not in field.option_ids():
            raise invalid("id", f"{number} is not an option of this field")


def _allow_keys(body: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in body:
        if name not in names:
            raise not_allowed(name)


def _blocks(body: dict[str, Any]) -> dict[str, Any]:
    found = {name: body[name] for name in _BLOCKS if name in body}
    for name, value in found.items():
        if not isinstance(value, dict):
            raise invalid(name, "must be an object")
    return found
