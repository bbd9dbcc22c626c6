"""What an organisation names by words: its users and its modules, asked for when they are first needed."""

from __future__ import annotations

import typing as t
from collections import Counter

from sync_ledger.names import Names, folded

from target_zoho.refusals import concerning

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_zoho.client import ZohoClient


def users(client: ZohoClient) -> Names:
    """Return the organisation's active users by e-mail address, and by a full name only one of them has."""

    def load() -> dict[str, str]:
        listed = [user for page in _pages(client) for user in page]
        names = Counter(folded(str(user.get("full_name"))) for user in listed)
        found: dict[str, str] = {}
        for user in listed:
            name = folded(str(user.get("full_name")))
            if names[name] == 1:
                found[name] = str(user["id"])
            if user.get("email"):
                found[folded(str(user["email"]))] = str(user["id"])
        return found

    return Names(load)


def _pages(client: ZohoClient) -> Iterator[list[Mapping[str, t.Any]]]:
    page = 1
    while True:
        with concerning("the list of users"):
            data = client.get("/users", {"type": "ActiveUsers", "page": page, "per_page": 200}).data or {}
        yield data.get("users") or []
        if not (data.get("info") or {}).get("more_records"):
            return
        page += 1


def modules(client: ZohoClient) -> list[str]:
    """Return the API names of the modules that records can be written to, in the organisation's order."""
    with concerning("the list of modules"):
        data = client.get("/settings/modules").data or {}
    return [
        str(module["api_name"])
        for module in data.get("modules") or ()
        if module.get("api_supported") and module.get("creatable") and module.get("viewable", True)
    ]
