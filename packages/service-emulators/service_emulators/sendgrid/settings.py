"""Settings of Event Webhooks, with the public key of their signatures (fact sheet section 16)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from service_emulators.sendgrid.errors import SendGridError, problem, simple
from service_emulators.sendgrid.store import decode, encode
from service_emulators.sendgrid.tables import WEBHOOKS
from service_emulators.zoho.outgoing import is_callable

if TYPE_CHECKING:
    from service_emulators.row_store import Row
    from service_emulators.sendgrid.requests import Call, Reply
    from service_emulators.sendgrid.signing import EventKey
    from service_emulators.sendgrid.store import Store

_EVENTS = [
    "processed",
    "dropped",
    "deferred",
    "delivered",
    "bounce",
    "open",
    "click",
    "spam_report",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
    "account_status_change",
]
_FIELDS = {"enabled", "url", "friendly_name", "oauth_client_id", "oauth_client_secret", "oauth_token_url", *_EVENTS}


class WebhookSettings:
    """Handlers of `/v3/user/webhooks/event/settings`.

    Args:
        store: the data.
        key: key of the signatures.
    """

    def __init__(self, store: Store, key: EventKey) -> None:
        self._store = store
        self._key = key

    def create(self, call: Call) -> Reply:
        """POST settings."""
        values = self._values(call.json())
        if "url" not in values:
            raise SendGridError(400, problem("url", "The url is required."))
        number = len(self._store.rows(WEBHOOKS))
        identifier = hashlib.md5(f"webhook {number}".encode(), usedforsecurity=False).hexdigest()
        settings = {"enabled": True, "friendly_name": None, **dict.fromkeys(_EVENTS, False), **values}
        self._store.add(WEBHOOKS, id=identifier, settings=encode(settings), signed=False)
        return 201, self._public(self._row(identifier)), []

    def all(self, _call: Call) -> Reply:
        """GET settings/all."""
        rows = [self._public(row) for row in self._store.rows(WEBHOOKS)]
        return 200, {"max_allowed": 5, "webhooks": rows}, []

    def fetch(self, call: Call) -> Reply:
        """GET settings/{id}."""
        return 200, self._public(self._row(call.args["id"])), []

    def change(self, call: Call) -> Reply:
        """PATCH settings/{id}."""
        row = self._row(call.args["id"])
        settings = {**decode(row["settings"]), **self._values(call.json())}
        self._store.change(WEBHOOKS, WEBHOOKS.c.id == row["id"], settings=encode(settings))
        return 200, self._public(self._row(row["id"])), []

    def delete(self, call: Call) -> Reply:
        """DELETE settings/{id}."""
        self._store.remove(WEBHOOKS, WEBHOOKS.c.id == self._row(call.args["id"])["id"])
        return 204, None, []

    def signed(self, call: Call) -> Reply:
        """GET settings/signed/{id}."""
        row = self._row(call.args["id"])
        return 200, {"id": row["id"], "public_key": self._key.public if row["signed"] else ""}, []

    def sign(self, call: Call) -> Reply:
        """PATCH settings/signed/{id}: switches the signature on or off."""
        row = self._row(call.args["id"])
        enabled = call.json().get("enabled")
        if not isinstance(enabled, bool):
            raise SendGridError(400, problem("enabled", "The enabled parameter must be a boolean."))
        self._store.change(WEBHOOKS, WEBHOOKS.c.id == row["id"], signed=enabled)
        return self.signed(call)

    def _row(self, identifier: str) -> Row:
        row = self._store.one(WEBHOOKS, WEBHOOKS.c.id == identifier)
        if row is None:
            raise simple(404, "not found")
        return row

    def _public(self, row: Row) -> dict[str, Any]:
        key = {"public_key": self._key.public} if row["signed"] else {}
        return {"id": row["id"], **decode(row["settings"]), **key}

    @staticmethod
    def _values(given: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(given) - _FIELDS)
        if unknown:
            raise SendGridError(400, problem(unknown[0], f"Additional property {unknown[0]} is not allowed"))
        for name in ("enabled", *_EVENTS):
            if not isinstance(given.get(name, False), bool):
                raise SendGridError(400, problem(name, "Invalid type. Expected: boolean."))
        if "url" in given and not is_callable(given["url"]):
            raise SendGridError(400, problem("url", "The url must be an http or https address."))
        return given
