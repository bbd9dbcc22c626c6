"""Endpoints that create, change and delete fields (fact sheet sections 4 and 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.calls import Reply, Route
from service_emulators.zoho.catalog import LIST_TYPES, Field, Option, api_name_of
from service_emulators.zoho.errors import ApiError, invalid
from service_emulators.zoho.field_bodies import (
    LONGEST,
    NOT_EXTERNAL,
    OTHER_TYPES,
    allow_keys,
    field_decimals,
    field_label,
    field_length,
    field_unique,
    missing_key,
    over_limit,
    wrong_key,
)
from service_emulators.zoho.settings_api import field_by_id, module_parameter
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Module
    from service_emulators.zoho.parts import Parts

MAX_FIELDS = 5
"""Fields of one call."""

MAX_UNIQUE = 2
"""Unique fields of a module, in every edition."""

CUSTOM_FIELDS = {"free": 0, "standard": 10, "professional": 155, "enterprise": 300, "ultimate": 500}
"""Custom fields of a module, by edition."""

_CREATE_KEYS = frozenset(
    {
        "field_label",
        "data_type",
        "length",
        "decimal_place",
        "profiles",
        "unique",
        "external",
        "pick_list_values",
        "textarea",
        "lookup",
        "tooltip",
        "filterable",
    }
)
_CHANGE_KEYS = frozenset({"id", "field_label", "length", "profiles", "unique", "pick_list_values", "decimal_place"})
_PERMISSIONS = ("read_write", "read_only", "hidden")


class FieldsApi:
    """Creating, changing and deleting fields. A call takes effect as a whole or not at all."""

    def __init__(self, parts: Parts) -> None:
        self._catalog = parts.catalog
        self._org = parts.org
        self._keys = parts.records.keys
        self._switches = parts.switches
        self._store = parts.store

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        path, scope = "/crm/v8/settings/fields", "ZohoCRM.settings.fields"
        return {
            f"POST {path}": Route(self._create, (f"{scope}.CREATE",)),
            f"PATCH {path}": Route(self._change, (f"{scope}.UPDATE",)),
            f"PATCH {path}/{{id}}": Route(self._change_one, (f"{scope}.UPDATE",)),
            f"DELETE {path}/{{id}}": Route(self._delete, (f"{scope}.DELETE",)),
        }

    def _create(self, call: Call) -> Reply:
        module = self._module(call)
        created = []
        for place, item in enumerate(self._items(call)):
            path = f"$.fields[{place}]"
            field = self._new(module, item, path)
            module = self._catalog.create_field(module, field)
            created.append(_done(field, "field created"))
        call.tally.writes += len(created)
        return Reply({"fields": created}, 201)

    def _change(self, call: Call) -> Reply:
        module = self._module(call)
        changed = []
        for place, item in enumerate(self._items(call)):
            path = f"$.fields[{place}]"
            if "id" not in item:
                raise missing_key("id", path)
            field = field_by_id(module, str(item["id"]))
            if field is None:
                raise wrong_key("id", path)
            module = self._altered(module, field, item, path)
            changed.append(_done(field, "field updated"))
        call.tally.writes += len(changed)
        return Reply({"fields": changed})

    def _change_one(self, call: Call) -> Reply:
        module = self._module(call)
        items = self._items(call)
        if len(items) != 1:
            raise invalid({"api_name": "fields", "json_path": "$.fields", "maximum_length": 1})
        field = self._of_path(module, call)
        self._altered(module, field, items[0], "$.fields[0]")
        call.tally.writes += 1
        return Reply({"fields": [_done(field, "field updated")]})

    def _delete(self, call: Call) -> Reply:
        module = self._module(call)
        field = self._of_path(module, call)
        if not field.custom:
            raise ApiError(400, "NOT_ALLOWED", "default fields can not be deleted", {"id": str(field.id)})
        self._keys.drop(module, field)
        self._catalog.delete_field(module, field)
        call.tally.writes += 1
        return Reply({"fields": [_done(field, "field deleted")]})

    def _module(self, call: Call) -> Module:
        return module_parameter(self._catalog.find(call.query.get("module", "")), call)

    @staticmethod
    def _of_path(module: Module, call: Call) -> Field:
        field = field_by_id(module, call.args["id"])
        if field is None:
            raise invalid({"resource_path_index": 2}, "the id given seems to be invalid")
        return field

    @staticmethod
    def _items(call: Call) -> list[dict[str, Any]]:
        items = call.json_object({"fields"}, ("fields",))["fields"]
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise invalid({"api_name": "fields", "json_path": "$.fields", "expected_data_type": "jsonarray"})
        if len(items) > MAX_FIELDS:
            raise over_limit(MAX_FIELDS, "fields", "$")
        return items

    def _new(self, module: Module, item: dict[str, Any], path: str) -> Field:
        allow_keys(item, _CREATE_KEYS, path)
        label, kind = field_label(item, path), item.get("data_type")
        if kind is None:
            raise missing_key("data_type", path)
        if kind not in LONGEST and kind not in OTHER_TYPES:
            raise wrong_key("data_type", path, supported_values=sorted({*LONGEST, *OTHER_TYPES}))
        custom = sum(field.custom for field in module.fields.values())
        if custom >= CUSTOM_FIELDS[self._switches.edition]:
            raise over_limit(CUSTOM_FIELDS[self._switches.edition], "fields", "$")
        self._free_label(module, label, path, None)
        field = Field(
            id=self._store.new_id(),
            api_name=self._api_name(module, label, path),
            label=label,
            data_type=kind,
            length=field_length(item, kind, path),
            decimals=field_decimals(item, kind, path),
            custom=True,
            unique=field_unique(item, kind, path),
            external=self._external(module, item, kind, path),
            lookup=self._lookup(item, kind, path),
            options=self._options(item, kind, path),
        )
        if field.unique is not None:
            self._room_for_unique(module, path)
        self._profiles(item, path)
        return field

    def _altered(self, module: Module, field: Field, item: dict[str, Any], path: str) -> Module:
        allow_keys(item, _CHANGE_KEYS, path)
        if "field_label" in item:
            label = field_label(item, path)
            self._free_label(module, label, path, field)
            field.label = label
        if "length" in item:
            field.length = field_length(item, field.data_type, path)
        if "decimal_place" in item:
            field.decimals = field_decimals(item, field.data_type, path)
        if "pick_list_values" in item:
            self._change_options(field, item["pick_list_values"], path)
        self._profiles(item, path)
        if "unique" not in item:
            return self._catalog.save_field(module, field)
        unique = field_unique(item, field.data_type, path)
        if unique is not None and field.unique is None:
            self._room_for_unique(module, path)
        field.unique = unique
        module = self._catalog.save_field(module, field)
        if field in module.matched:
            doubles = self._keys.build(module, field)
            if doubles and unique is not None:
                details = {"api_name": field.api_name, "json_path": f"{path}.unique", "values": doubles[:10]}
                raise ApiError(400, "DUPLICATE_DATA", "records have the same value in this field", details)
        else:
            self._keys.drop(module, field)
        return module

    def _api_name(self, module: Module, label: str, path: str) -> str:
        name = api_name_of(label)
        if not name or not name[0].isalpha():
            raise wrong_key("field_label", path)
        number = 0
        while (wanted := f"{name}{number or ''}") in module.fields or wanted.lower() in map(str.lower, module.fields):
            number += 1
        return wanted

    @staticmethod
    def _free_label(module: Module, label: str, path: str, own: Field | None) -> None:
        for field in module.fields.values():
            if field is not own and field.label.casefold() == label.casefold():
                details = {"api_name": "field_label", "json_path": f"{path}.field_label", "id": str(field.id)}
                raise ApiError(400, "DUPLICATE_DATA", "the field label exists already", details)

    @staticmethod
    def _room_for_unique(module: Module, path: str) -> None:
        if sum(field.unique is not None for field in module.fields.values()) >= MAX_UNIQUE:
            raise over_limit(MAX_UNIQUE, "unique", path)

    def _external(self, module: Module, item: dict[str, Any], kind: str, path: str) -> str | None:
        given = item.get("external")
        if given is None:
            return None
        if (
            not isinstance(given, dict)
            or given.get("type") not in {"org", "user"}
            or not isinstance(given.get("show"), bool)
            or kind in NOT_EXTERNAL
            or module.name == "Calls"
            or ("unique" in item and self._switches.unique_external == "refuse")
        ):
            raise wrong_key("external", path)
        return str(given["type"])

    def _lookup(self, item: dict[str, Any], kind: str, path: str) -> str | None:
        given = item.get("lookup")
        if kind != "lookup":
            if given is not None:
                raise wrong_key("lookup", path)
            return None
        target = given.get("module") if isinstance(given, dict) else None
        name = target.get("api_name") if isinstance(target, dict) else None
        if not isinstance(name, str) or self._catalog.find(name) is None:
            raise wrong_key("lookup", path)
        return name

    def _options(self, item: dict[str, Any], kind: str, path: str) -> list[Option]:
        given = item.get("pick_list_values")
        if kind not in LIST_TYPES:
            if given is not None:
                raise wrong_key("pick_list_values", path)
            return []
        if given is None:
            raise missing_key("pick_list_values", path)
        options: list[Option] = []
        self._add_options(options, given, path)
        return options

    def _change_options(self, field: Field, given: Any, path: str) -> None:
        """Takes up new values and renames those given by id; values that are not mentioned stay."""
        if field.data_type not in LIST_TYPES or not isinstance(given, list):
            raise wrong_key("pick_list_values", path)
        known = {str(option.id): option for option in field.options}
        new = []
        for item in given:
            if not isinstance(item, dict):
                raise wrong_key("pick_list_values", path, expected_data_type="jsonarray")
            if "id" not in item:
                new.append(item)
                continue
            option = known.get(str(item["id"]))
            if option is None:
                raise wrong_key("pick_list_values", path)
            if isinstance(item.get("display_value"), str):
                option.display_value = item["display_value"]
        self._add_options(field.options, new, path)

    def _add_options(self, options: list[Option], given: Any, path: str) -> None:
        if not isinstance(given, list):
            raise wrong_key("pick_list_values", path, expected_data_type="jsonarray")
        for item in given:
            display, actual = (
                (item.get("display_value"), item.get("actual_value")) if isinstance(item, dict) else (None, None)
            )
            if not isinstance(display, str) or not display or not isinstance(actual, str) or not actual:
                raise missing_key("actual_value" if display else "display_value", f"{path}.pick_list_values")
            if any(option.actual_value == actual or option.display_value == display for option in options):
                details = {"api_name": "pick_list_values", "json_path": f"{path}.pick_list_values"}
                raise ApiError(400, "DUPLICATE_DATA", "the value is in the list already", details)
            options.append(Option(self._store.new_id(), display, actual))

    def _profiles(self, item: dict[str, Any], path: str) -> None:
        given = item.get("profiles", [])
        if not isinstance(given, list):
            raise wrong_key("profiles", path, expected_data_type="jsonarray")
        for profile in given:
            if (
                not isinstance(profile, dict)
                or record_id(profile.get("id")) not in self._org.profiles.values()
                or profile.get("permission_type") not in _PERMISSIONS
            ):
                raise wrong_key("profiles", path)


def _done(field: Field, message: str) -> dict[str, Any]:
    return {"code": "SUCCESS", "details": {"id": str(field.id)}, "message": message, "status": "success"}
