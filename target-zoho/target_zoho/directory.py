"""What an organisation names by words: its users and its modules, asked for when they are first needed."""

from __future__ import annotations

import threading
import typing as t
from collections import Counter
from collections.abc import Mapping

from target_zoho.refusals import concerning

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_zoho.client import ZohoClient


class Users(Mapping[str, str]):
    """Users by e-mail address, or by a full name only one of them has, -> their ids.

    Args:
        load: Asks for them.
    """

    def __init__(self, load: Callable[[], dict[str, str]]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._known: dict[str, str] | None = None

    def __getitem__(self, key: str) -> str:
        return self._all()[str(key).strip().casefold()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return True

    def _all(self) -> dict[str, str]:
        with self._lock:
            if self._known is None:
                self._known = self._load()
            return self._known


def users(client: ZohoClient) -> Users:
    """Return the organisation's active users."""

    def load() -> dict[str, str]:
        listed = [user for page in _pages(client) for user in page]
        names = Counter(str(user.get("full_name")).strip().casefold() for user in listed)
        found: dict[str, str] = {}
        for user in listed:
            name = str(user.get("full_name")).strip().casefold()
            if names[name] == 1:
                found[name] = str(user["id"])
            if user.get("email"):
                found[str(user["email"]).strip().casefold()] = str(user["id"])
        return found

    return Users(load)


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
