"""Headers that say how a request acts: without custom logic, or for another user (fact sheet section 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service_emulators.dynamics.errors import row_not_found

if TYPE_CHECKING:
    from service_emulators.dynamics.calls import Origin
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.store import Store

_BYPASS = {
    "mscrm.bypasscustompluginexecution": "prvBypassCustomPlugins",
    "mscrm.bypassbusinesslogicexecution": "prvBypassCustomBusinessLogic",
}
"""Privilege that skipping custom logic takes, by header."""

_OTHERS = {"callerobjectid": "azureactivedirectoryobjectid", "mscrmcallerid": "systemuserid"}
"""Column of the user to act for, by header."""


def bypasses(headers: dict[str, str]) -> bool:
    """Returns whether a request skips custom logic."""
    return any(headers.get(name, "false").strip().lower() not in {"", "false"} for name in _BYPASS)


def acting(headers: dict[str, str], origin: Origin, store: Store, catalog: Catalog) -> Origin:
    """Returns where a request comes from, once its headers are looked at.

    Args:
        headers: request headers, names in lower case.
        origin: where it came in.
        store: the data.
        catalog: the tables.

    Raises:
        ApiError: 403, a privilege is missing; 404, there is no such user.
    """
    for name, privilege in _BYPASS.items():
        if headers.get(name, "false").strip().lower() not in {"", "false"}:
            origin.user.need_named(privilege, "none")
    for name, column in _OTHERS.items():
        if name in headers:
            origin.user.need_named("prvActOnBehalfOfAnotherUser", "none")
            users = catalog.tables()["systemuser"]
            wanted = headers[name].strip().lower()
            found = store.select(users, [users.sql.c[column] == wanted])
            if not found:
                raise row_not_found("systemuser", wanted)
            user = replace(origin.user, id=found[0]["systemuserid"], application_id="")
            return replace(origin, user=user)
    return origin
