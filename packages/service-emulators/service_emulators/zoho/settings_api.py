"""Endpoints that describe the org: modules, fields, org, users, profiles (fact sheet section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.calls import MAX_PER_PAGE, Reply, Route
from service_emulators.zoho.errors import invalid, invalid_module, missing_parameter
from service_emulators.zoho.metadata import describe_field, describe_module
from service_emulators.zoho.values import record_id

if TYPE_CHECKING:
    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.catalog import Field, Module
    from service_emulators.zoho.parts import Parts

_READ_FIELDS = ("ZohoCRM.settings.fields.READ",)
_USER_TYPES = ("AllUsers", "ActiveUsers", "DeactiveUsers", "CurrentUser", "AdminUsers", "ActiveConfirmedUsers")


class SettingsApi:
    """Reading settings."""

    def __init__(self, parts: Parts) -> None:
        self._catalog = parts.catalog
        self._org = parts.org
        self._switches = parts.switches

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        settings = "/crm/v8/settings"
        modules = ("ZohoCRM.settings.modules.READ",)
        return {
            f"GET {settings}/modules": Route(self._modules, modules),
            f"GET {settings}/modules/{{name}}": Route(self._module, modules),
            f"GET {settings}/fields": Route(self._fields, _READ_FIELDS),
            f"GET {settings}/fields/{{id}}": Route(self._field, _READ_FIELDS),
            f"GET {settings}/profiles": Route(self._profiles, ("ZohoCRM.settings.profiles.READ",)),
            "GET /crm/v8/org": Route(self._describe_org, ("ZohoCRM.org.READ",)),
            "GET /crm/v8/users": Route(self._users, ("ZohoCRM.users.READ",)),
            "GET /crm/v8/users/{id}": Route(self._user, ("ZohoCRM.users.READ",)),
        }

    def _modules(self, _call: Call) -> Reply:
        shown = [module for module in self._catalog.modules().values() if not module.info.hidden]
        return Reply({"modules": [describe_module(module, self._org) for module in shown]})

    def _module(self, call: Call) -> Reply:
        module = self._catalog.find(call.args["name"])
        if module is None:
            raise invalid_module(2)
        return Reply({"modules": [describe_module(module, self._org)]})

    def _fields(self, call: Call) -> Reply:
        module = module_parameter(self._catalog.find(call.query.get("module", "")), call)
        if call.choice("type", ("all", "unused", "used"), "used") == "unused":
            return Reply(status=204)
        fields = [describe_field(module, field, self._catalog, self._org) for field in module.fields.values()]
        return Reply({"fields": fields})

    def _field(self, call: Call) -> Reply:
        module = module_parameter(self._catalog.find(call.query.get("module", "")), call)
        field = field_by_id(module, call.args["id"])
        if field is None:
            raise invalid({"resource_path_index": 2}, "the id given seems to be invalid")
        return Reply({"fields": [describe_field(module, field, self._catalog, self._org)]})

    def _profiles(self, _call: Call) -> Reply:
        profiles = [
            {"id": str(number), "name": name, "display_label": name, "custom": False, "category": False}
            for name, number in self._org.profiles.items()
        ]
        return Reply({"profiles": profiles})

    def _describe_org(self, _call: Call) -> Reply:
        org = self._org
        switches = self._switches
        described = {
            "id": str(org.id),
            "zgid": org.zgid,
            "company_name": org.name,
            "domain_name": f"org{org.zgid}",
            "primary_email": org.users[org.api_user_id]["email"],
            "country": "Germany",
            "country_code": "DE",
            "iso_code": "EUR",
            "currency": "Euro - EUR",
            "currency_symbol": "€",
            "currency_locale": "de_DE",
            "time_zone": org.time_zone,
            "max_per_page": 200,
            "mc_status": True,
            "gapps_enabled": False,
            "privacy_settings": False,
            "license_details": {
                "paid": switches.edition != "free",
                "paid_type": switches.edition,
                "paid_expiry": None,
                "trial_type": None,
                "trial_expiry": None,
                "users_license_purchased": switches.users,
                "portal_users_license_purchased": 0,
            },
        }
        return Reply({"org": [described]})

    def _users(self, call: Call) -> Reply:
        kind = call.choice("type", _USER_TYPES, "AllUsers")
        chosen = [user for user in self._org.users.values() if self._is(user, kind)]
        per_page, page = call.integer("per_page", MAX_PER_PAGE, MAX_PER_PAGE), call.integer("page", 1)
        shown = chosen[(page - 1) * per_page : page * per_page]
        if not shown:
            return Reply(status=204)
        more = len(chosen) > page * per_page
        info = {"per_page": per_page, "count": len(shown), "page": page, "more_records": more}
        return Reply({"users": [self._show(user) for user in shown], "info": info})

    def _user(self, call: Call) -> Reply:
        number = record_id(call.args["id"])
        user = None if number is None else self._org.users.get(number)
        if user is None:
            return Reply(status=204)
        return Reply({"users": [self._show(user)]})

    def _is(self, user: dict[str, Any], kind: str) -> bool:
        if kind == "CurrentUser":
            return bool(user["id"] == self._org.api_user_id)
        if kind == "AdminUsers":
            return bool(user["profile"] == "Administrator")
        return kind == "AllUsers" or user["active"] is (kind != "DeactiveUsers")

    def _show(self, user: dict[str, Any]) -> dict[str, Any]:
        profile = {"name": user["profile"], "id": str(self._org.profiles[user["profile"]])}
        return {
            "id": str(user["id"]),
            "zuid": str(user["id"])[-8:],
            "first_name": user["first_name"],
            "last_name": user["last_name"],
            "full_name": self._org.full_name(user),
            "email": user["email"],
            "status": "active" if user["active"] else "disabled",
            "confirm": True,
            "role": {"name": "CEO", "id": str(self._org.id + 971)},
            "profile": profile,
            "time_zone": self._org.time_zone,
            "language": "en_US",
            "locale": "de_DE",
            "created_time": self._org.local(user["created_time"]),
            "Modified_Time": self._org.local(user["created_time"]),
            "microsoft": False,
            "type__s": "Regular User",
        }


def module_parameter(module: Module | None, call: Call) -> Module:
    """Returns the module of the parameter `module`.

    Raises:
        ApiError: it is not there, or there is no such module.
    """
    if not call.query.get("module"):
        raise missing_parameter("module")
    if module is None:
        raise invalid({"param_name": "module"}, "the module name given seems to be invalid")
    return module


def field_by_id(module: Module, raw: str) -> Field | None:
    """Returns a field by its id as text, or None."""
    number = record_id(raw)
    return next((field for field in module.fields.values() if field.id == number), None)
