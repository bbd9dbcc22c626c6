"""OAuth scopes: what a token may do (fact sheet section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL_SCOPES = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.ALL",
    "ZohoCRM.org.ALL",
    "ZohoCRM.bulk.ALL",
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.coql.READ",
    "ZohoFiles.files.ALL",
    "ZohoSearch.securesearch.READ",
)
"""What the app of the emulated org was let in for, unless told otherwise."""


def allows(granted: Iterable[str], needed: str) -> bool:
    """Returns whether one of the granted scopes covers a needed one.

    `ZohoCRM.modules.ALL` and `ZohoCRM.modules.READ` cover `ZohoCRM.modules.Accounts.READ`; so does
    `ZohoCRM.modules.accounts.ALL`.

    Args:
        granted: scopes of the token.
        needed: full scope, its last part the operation.
    """
    *area, operation = needed.lower().split(".")
    for scope in granted:
        *given, allowed = scope.lower().split(".")
        if area[: len(given)] == given and allowed in {operation, "all"}:
            return True
    return False
