"""Endpoints that read records: get one, list, count (fact sheet section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.zoho.calls import Reply, Route
from service_emulators.zoho.errors import ApiError, invalid, invalid_module, missing_parameter
from service_emulators.zoho.external import external_rules
from service_emulators.zoho.paging import Paging
from service_emulators.zoho.show import columns_of
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Module
    from service_emulators.zoho.parts import Parts

MAX_FIELDS = 50


class ReadingApi:
    """Get, list and count."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._catalog = parts.catalog
        self._records = parts.records
        self._show = parts.show
        self._paging = Paging(parts.store, parts.switches, parts.clock, parts.org)

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        path = "/crm/v8/{module}"
        read = ("ZohoCRM.modules.{module}.READ",)
        return {
            f"GET {path}": Route(self._list, read, _list_cost, _has_view),
            f"GET {path}/{{id}}": Route(self._get, read),
            f"GET {path}/actions/count": Route(self._count, read),
        }

    def _list(self, call: Call) -> Reply:
        module = readable(self._catalog.find(call.args["module"]))
        names = wanted_fields(call, module)
        if names is None:
            raise missing_parameter("fields")
        rows, info = self._paging.page(module, call, columns_of(module, names))
        if rows is None:
            return Reply(status=304)
        if not rows:
            return Reply(status=204)
        return Reply({"data": self._show.many(module, rows, names), "info": info})

    def _get(self, call: Call) -> Reply:
        module = readable(self._catalog.find(call.args["module"]))
        names = wanted_fields(call, module)
        rules = external_rules(call.headers, module, self._catalog, self._records.keys)
        raw = call.args["id"]
        number = record_id(raw) if rules.record is None else rules.find(module, raw)
        if number is None and rules.record is None:
            raise invalid({"resource_path_index": 1}, "the id given seems to be invalid")
        row = None if number is None else self._store.get(module.table, number)
        if row is None:
            return Reply(status=204)
        return Reply({"data": self._show.many(module, [row], names)})

    def _count(self, call: Call) -> Reply:
        module = readable(self._catalog.find(call.args["module"]))
        for name in call.query:
            raise invalid({"param_name": name}, "the emulator counts whole modules only")
        return Reply({"count": self._store.count_rows(module.table)})


def readable(module: Module | None) -> Module:
    """Returns the module of a path.

    Raises:
        ApiError: there is no such module.
    """
    if module is None:
        raise invalid_module()
    return module


def wanted_fields(call: Call, module: Module) -> list[str] | None:
    """Returns the API names in the parameter `fields`; None when it is not there.

    Raises:
        ApiError: there are more than 50, or the module has none of that name.
    """
    names = call.several("fields")
    if not names:
        return None
    if len(names) > MAX_FIELDS:
        raise ApiError(400, "LIMIT_EXCEEDED", "limit exceeded", {"param_name": "fields", "limit": MAX_FIELDS})
    for name in names:
        if name not in module.fields:
            raise invalid({"param_name": "fields", "api_name": name}, "the field api name given seems to be invalid")
    return names


def _has_view(call: Call) -> bool:
    return "cvid" in call.query


def _list_cost(call: Call) -> int:
    return 3 if _has_view(call) else 1
