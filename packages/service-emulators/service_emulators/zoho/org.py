"""The org and its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_emulators.zoho.tables import ORG, USERS
from service_emulators.zoho.times import local_time

if TYPE_CHECKING:
    from service_emulators.zoho.store import Store

PROFILES = ("Administrator", "Standard")


class Org:
    """What is fixed about the org, read once.

    Args:
        store: the data, filled already.

    Attributes:
        zgid: id of the org, as `X-CRM-ORG` and in `soid`.
        zone: its time zone; times in answers carry its offset.
        users: users by id.
        api_user_id: user that all tokens act as.
        web_user_id: user who works in the web application.
    """

    def __init__(self, store: Store) -> None:
        row = store.connection.execute(select(ORG)).mappings().one()
        self.id: int = row["id"]
        self.zgid: str = row["zgid"]
        self.name: str = row["name"]
        self.time_zone: str = row["time_zone"]
        self.zone = ZoneInfo(self.time_zone)
        found = store.connection.execute(select(USERS).order_by(USERS.c.id)).mappings()
        self.users: dict[int, dict[str, Any]] = {user["id"]: dict(user) for user in found}
        self.api_user_id, self.web_user_id = list(self.users)[:2]
        self.profiles = {name: self.id + 972 + place for place, name in enumerate(PROFILES)}

    def user(self, user_id: int | None, *, email: bool = False) -> dict[str, Any] | None:
        """Returns a user as records show one."""
        user = None if user_id is None else self.users.get(user_id)
        if user is None:
            return None
        shown = {"name": self.full_name(user), "id": str(user_id)}
        if email:
            shown["email"] = user["email"]
        return shown

    @staticmethod
    def full_name(user: dict[str, Any]) -> str:
        """Returns the name of a user."""
        return f"{user['first_name']} {user['last_name']}"

    def local(self, stored: str) -> str:
        """Returns a stored time with the org's offset."""
        return local_time(stored, self.zone)
