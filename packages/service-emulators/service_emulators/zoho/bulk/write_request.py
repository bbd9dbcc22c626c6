"""Reads the request for a bulk write job, refusing what does not fit.

Codes: fact sheet section 8, OpenAPI of 2025 and 2026, bulk write. Texts the documents do not give are unverified. That
`index` and `default_value` exclude each other is how COEXISTENCE_NOT_ALLOWED is read here (unverified). `find_by` of a
resource may be `id` alone (specification of 2026) or any unique field (documents of v7): switch `bulk_find_by`.
Subforms (`parent_column_index`) are not emulated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service_emulators.zoho.bulk.cells import is_format
from service_emulators.zoho.errors import ApiError
from service_emulators.zoho.outgoing import is_callable

if TYPE_CHECKING:
    from collections.abc import Collection

    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.switches import ZohoSwitches

OPERATIONS = ("insert", "update", "upsert")
MAX_RESOURCES = 100
MAX_FILES = 10
MAX_COLUMNS = 200
_TOP = frozenset({"character_encoding", "operation", "callback", "resource", "ignore_empty"})
_RESOURCE = frozenset({"type", "module", "file_id", "file_names", "ignore_empty", "find_by", "field_mappings"})
_MAPPING = frozenset({"api_name", "index", "format", "find_by", "default_value", "module", "parent_column_index"})


class Mapping(msgspec.Struct, kw_only=True):
    """How one field is filled.

    Attributes:
        api_name: field.
        index: column of the file; None for a constant.
        format: of dates and times, in the letters of the vendor (`dd.MM.yyyy`).
        find_by: field of the related module that a lookup's cell is looked up in.
        constant: value for all rows.
    """

    api_name: str
    index: int | None = None
    format: str | None = None
    find_by: str | None = None
    constant: str | None = None


class Task(msgspec.Struct, kw_only=True):
    """One file to write into one module.

    Attributes:
        module: API name.
        file_id: of the uploaded archive.
        file_name: of the CSV file in it.
        find_by: field that existing records are found by.
        ignore_empty: whether an empty cell leaves the field as it is.
        mappings: as given; None when the header row names the fields.
    """

    module: str
    file_id: str
    file_name: str
    find_by: str | None
    ignore_empty: bool
    mappings: list[Mapping] | None


class WriteRequest(msgspec.Struct, kw_only=True):
    """A bulk write job.

    Attributes:
        operation: insert, update or upsert.
        tasks: files to write.
        encoding: character encoding of the files; None is UTF-8.
        callback: address to tell of the end, with its method.
    """

    operation: str
    tasks: list[Task]
    encoding: str | None = None
    callback: dict[str, str] | None = None


class WriteReader:
    """Reads requests against the org's modules.

    Args:
        catalog: modules and fields.
        switches: the emulator's switches.
    """

    def __init__(self, catalog: Catalog, switches: ZohoSwitches) -> None:
        self._catalog = catalog
        self._switches = switches

    def read(self, body: Any) -> WriteRequest:
        """Returns the job a body asks for; files are not looked at yet.

        Raises:
            ApiError: it cannot be one.
        """
        if not isinstance(body, dict) or not body:
            raise _refused("INVALID_REQUEST", "the request body is not a JSON object with content")
        _known(body, _TOP)
        operation = _need(body, "operation", "$")
        if operation not in OPERATIONS:
            raise _data("operation", supported_values=list(OPERATIONS))
        resources = _need(body, "resource", "$")
        if not isinstance(resources, list) or not 0 < len(resources) <= MAX_RESOURCES:
            raise _data("resource", expected_data_type="jsonarray", maximum_length=MAX_RESOURCES)
        encoding = body.get("character_encoding")
        if encoding is not None and not isinstance(encoding, str):
            raise _data("character_encoding", expected_data_type="string")
        empty = _flag(body, "ignore_empty", default=False)
        tasks = [
            task
            for number, resource in enumerate(resources)
            for task in self._tasks(operation, resource, f"$.resource[{number}]", empty=empty)
        ]
        return WriteRequest(operation=operation, tasks=tasks, encoding=encoding, callback=read_callback(body))

    def _tasks(self, operation: str, resource: Any, path: str, *, empty: bool) -> list[Task]:
        if not isinstance(resource, dict):
            raise _data("resource", expected_data_type="jsonobject")
        _known(resource, _RESOURCE)
        if _need(resource, "type", path) != "data":
            raise _data("type", supported_values=["data"])
        module = read_module(self._catalog, _need(resource, "module", path))
        file_id = _need(resource, "file_id", path)
        if not isinstance(file_id, str) or not file_id.isascii() or not file_id.isdigit():
            raise _refused("INVALID_FILE_ID", "improper file id")
        names = _need(resource, "file_names", path)
        if not isinstance(names, list) or not names or len(names) > MAX_FILES or not all(map(_is_text, names)):
            raise _data("file_names", expected_data_type="jsonarray", maximum_length=MAX_FILES)
        find_by = self._find_by(operation, resource, module)
        mappings = self._mappings(operation, resource, module, path)
        ignore_empty = _flag(resource, "ignore_empty", default=empty)
        return [
            Task(
                module=module.name,
                file_id=file_id,
                file_name=name,
                find_by=find_by,
                ignore_empty=ignore_empty,
                mappings=mappings,
            )
            for name in names
        ]

    def _find_by(self, operation: str, resource: dict[str, Any], module: Module) -> str | None:
        given = resource.get("find_by")
        if given is None:
            if operation != "insert":
                raise _refused("MANDATORY_NOT_FOUND", "Required key find_by is not available", {"api_name": "find_by"})
            return None
        allowed = ["id"]
        if self._switches.bulk_find_by == "unique":
            allowed += [field.api_name for field in module.keys]
        if given not in allowed:
            raise _data("find_by", supported_values=allowed)
        return str(given)

    def _mappings(self, operation: str, resource: dict[str, Any], module: Module, path: str) -> list[Mapping] | None:
        given = resource.get("field_mappings")
        if given is None:
            return None
        if not isinstance(given, list) or not given:
            raise _data("field_mappings", expected_data_type="jsonarray")
        if len(given) > MAX_COLUMNS:
            raise _refused("HEADER_LIMIT_EXCEEDED", "too many columns are mapped", {"limit": MAX_COLUMNS})
        mappings = [self._mapping(item, module, f"{path}.field_mappings[{n}]") for n, item in enumerate(given)]
        check_mapped(operation, module, [mapping.api_name for mapping in mappings])
        return mappings

    def _mapping(self, item: Any, module: Module, path: str) -> Mapping:
        if not isinstance(item, dict):
            raise _data("field_mappings", expected_data_type="jsonobject")
        _known(item, _MAPPING)
        field = find_field(module, _need(item, "api_name", path))
        if item.get("parent_column_index") is not None:
            raise _refused("INVALID_FIELD", f"invalid mapping. subforms are not available: {field.api_name}.")
        constant = _constant(item)
        index = item.get("index")
        if index is None and constant is None:
            message = f"required key index for field {field.api_name} is not found in request body."
            raise _refused("MISSING_REQUIRED_KEY", message, {"json_path": f"{path}.index"})
        if index is not None and constant is not None:
            details = {"api_name": "default_value", "json_path": f"{path}.default_value"}
            raise _refused("COEXISTENCE_NOT_ALLOWED", "index and default_value can not be given together", details)
        if index is not None and (not isinstance(index, int) or isinstance(index, bool) or index < 0):
            raise _data("index", expected_data_type="integer")
        key = item.get("find_by")
        find_by = None if key is None else check_lookup_key(self._catalog, field, key)
        shape = item.get("format")
        if shape is not None and (field.data_type not in {"date", "datetime"} or not is_format(shape)):
            raise _refused("INVALID_FORMAT", f"invalid format for field {field.api_name}.", {"api_name": "format"})
        return Mapping(api_name=field.api_name, index=index, format=shape, find_by=find_by, constant=constant)


def read_module(catalog: Catalog, given: Any) -> Module:
    """Returns the module a job names.

    Raises:
        ApiError: MODULE_NOT_AVAILABLE.
    """
    name = given.get("api_name") if isinstance(given, dict) else None
    module = catalog.find(name) if isinstance(name, str) else None
    if module is None:
        details = {"api_name": str(name)}
        raise _refused("MODULE_NOT_AVAILABLE", f"Requested module '{name}' is not available.", details)
    return module


def read_callback(body: dict[str, Any]) -> dict[str, str] | None:
    """Returns the callback of a job.

    Raises:
        ApiError: INVALID_CALLBACK_URL or INVALID_CALLBACK_METHOD.
    """
    callback = body.get("callback")
    if callback is None:
        return None
    if not isinstance(callback, dict) or not is_callable(callback.get("url")):
        raise _refused("INVALID_CALLBACK_URL", "the callback url given seems to be invalid")
    if callback.get("method") != "post":
        details = {"supported_callback_methods": ["post"]}
        raise _refused("INVALID_CALLBACK_METHOD", "the callback method given seems to be invalid", details)
    return {"url": callback["url"], "method": "post"}


def find_field(module: Module, name: Any) -> Field:
    """Returns a field that can be mapped.

    Raises:
        ApiError: INVALID_FIELD.
    """
    field = module.fields.get(name) if isinstance(name, str) else None
    if field is None or (field.read_only and field.api_name != "id"):
        raise _refused("INVALID_FIELD", f"invalid mapping. invalid api_name {name}.", {"api_name": str(name)})
    return field


def check_lookup_key(catalog: Catalog, field: Field, key: Any) -> str:
    """Returns what a lookup's cell is looked up by: id, a unique field, the system's own, or the display field.

    Raises:
        ApiError: INVALID_DATA, the field is no lookup or its module has no such key.
    """
    allowed: list[str] = []
    if field.data_type == "ownerlookup":
        allowed = ["id", "email"]
    elif field.data_type == "lookup":
        target = catalog.modules()[str(field.lookup)]
        allowed = ["id", *(other.api_name for other in target.matched), target.info.display_field]
    if key not in allowed:
        raise _data("find_by", supported_values=list(dict.fromkeys(allowed)))
    return str(key)


def check_mapped(operation: str, module: Module, names: Collection[str]) -> None:
    """Refuses mappings that leave a mandatory field out, where records may be made, or map a field twice."""
    if len(set(names)) < len(names):
        raise ApiError(400, "DUPLICATE_DATA", "a field is mapped twice", {"api_name": "field_mappings"})
    missing = [name for name, field in module.fields.items() if field.mandatory and name not in names]
    if operation != "update" and missing:
        message = "All mandatory fields are not mapped for the layout"
        raise _refused("MANDATORY_FIELDS_NOT_MAPPED", message, {"missing_fields": missing})


def _constant(item: dict[str, Any]) -> str | None:
    given = item.get("default_value")
    if given is None:
        return None
    value = given.get("value") if isinstance(given, dict) else None
    if not isinstance(value, str):
        raise _data("default_value", expected_data_type="jsonobject")
    return value


def _known(given: dict[str, Any], keys: Collection[str]) -> None:
    for name in given:
        if name not in keys:
            raise _refused("REQUEST_BODY_NOT_SUPPORTED", f"the key {name} is not supported", {"api_name": name})


def _need(given: dict[str, Any], name: str, path: str) -> Any:
    if given.get(name) is None:
        message = f"required key {name} is not found in request body."
        raise _refused("MISSING_REQUIRED_KEY", message, {"json_path": f"{path}.{name}"})
    return given[name]


def _flag(given: dict[str, Any], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise _data(name, expected_data_type="boolean")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _data(name: str, **details: Any) -> ApiError:
    return ApiError(400, "INVALID_DATA", "invalid data", {"api_name": name, **details})


def _refused(code: str, message: str, details: dict[str, Any] | None = None) -> ApiError:
    return ApiError(400, code, message, details)
