"""Functions about the caller: `WhoAmI`, and the privileges of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.dynamics.calls import Reply
from service_emulators.dynamics.schema.model import metadata_id
from service_emulators.dynamics.users import all_privileges

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts


class CallerApi:
    """Endpoints about the caller."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`."""
        return {
            "GET /WhoAmI": self._who_am_i,
            "GET /{set}/()/Microsoft.Dynamics.CRM.RetrieveUserPrivileges": self._privileges,
        }

    def _who_am_i(self, call: Call) -> Reply:
        environment = self._parts.environment
        body = {
            "@odata.context": f"{call.root}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": environment.business_unit_id,
            "UserId": call.user.id,
            "OrganizationId": environment.organization_id,
        }
        return Reply(body, headers=(("x-ms-dop-hint", str(self._parts.switches.dop_hint)),))

    def _privileges(self, call: Call) -> Reply:
        """The privileges a user holds; a person's are those of the application user (the emulator has one set)."""
        table = self._parts.finder.table(call.args["set"])
        self._parts.finder.get(table, call.predicates[0])
        held = [name for name in all_privileges(self._parts.catalog) if call.user.holds(name)]
        body = {
            "@odata.context": f"{call.root}$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse",
            "RolePrivileges": [
                {
                    "Depth": "Global",
                    "PrivilegeId": metadata_id("privilege", name),
                    "BusinessUnitId": self._parts.environment.business_unit_id,
                    "PrivilegeName": name,
                    "RecordFilterId": "00000000-0000-0000-0000-000000000000",
                }
                for name in held
            ],
        }
        return Reply(body)
