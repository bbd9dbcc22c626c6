"""Which OAuth scope a call needs (Zoho CRM API fact sheet section 2)."""

from __future__ import annotations

import typing as t

from target_zoho.costs import module_of

WANTED: t.Final = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.org.READ",
    "ZohoCRM.users.READ",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.ALL",
    "ZohoFiles.files.ALL",
)
"""What this target needs in all."""

_OPERATIONS: t.Final = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


def scopes_of(method: str, path: str, *, query: str = "") -> tuple[str, ...]:
    """Return the scopes a call needs, each as narrow as Zoho has it.

    Args:
        method: HTTP method.
        path: Path below `/crm/v8`, or from `/crm/` on.
        query: The COQL query.
    """
    operation = _OPERATIONS.get(method, "ALL")
    first, _, rest = path.strip("/").partition("/")
    if path.endswith("/upload") and path.startswith("/crm/"):
        return ("ZohoFiles.files.ALL",)
    if path.startswith("/crm/bulk/"):
        return ("ZohoCRM.bulk.ALL",)
    if first == "settings":
        return (f"ZohoCRM.settings.{rest.partition('/')[0]}.{operation}",)
    if first in {"org", "users"}:
        return (f"ZohoCRM.{first}.{operation}",)
    if first == "coql":
        module = module_of(query)
        return ("ZohoCRM.coql.READ", *((f"ZohoCRM.modules.{module}.READ",) if module else ()))
    if first == "actions":
        return (f"ZohoCRM.notifications.{operation}",)
    if rest == "upsert":
        return (f"ZohoCRM.modules.{first}.CREATE", f"ZohoCRM.modules.{first}.UPDATE")
    module_scope = (f"ZohoCRM.modules.{first}.{operation}",)
    return (*module_scope, "ZohoSearch.securesearch.READ") if rest == "search" else module_scope


def covered(scope: str, granted: t.Iterable[str]) -> bool:
    """Whether a scope is among those granted, or part of a wider one such as `ZohoCRM.modules.ALL`."""
    *area, operation = scope.split(".")
    for one in granted:
        *given, allowed = one.split(".")
        if area[: len(given)] == given and allowed in {"ALL", operation}:
            return True
    return False
