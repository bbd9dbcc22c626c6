"""Pipedrive's OAuth server: `POST /oauth/token` and `POST /oauth/revoke` (fact sheet section 2).

The browser's part, in which a user lets an app in and a code comes back, is not emulated: the company starts with one
app that a user has let in, as if its first refresh token had just been handed out. Calls cost nothing and meet no
limit.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from service_emulators.pipedrive.seed import ADMIN_ID, COMPANY_DOMAIN, secret

if TYPE_CHECKING:
    from service_emulators.clock import EmulatorClock
    from service_emulators.pipedrive.switches import PipedriveSwitches

LIFETIME_SECONDS = 3599
UNUSED_SECONDS = 60 * 24 * 3600
"""How long a refresh token lives without being used."""

SCOPE = (
    "base contacts:full contact-fields:full deals:full deal-fields:full activities:full products:full users:read admin"
)
_FORM = "application/x-www-form-urlencoded"


@dataclass
class _Access:
    user_id: int
    expires: float


class OAuthServer:
    """Tokens of one app in one company.

    Args:
        seed: decides the credentials.
        clock: the emulator's clock.
        switches: whether refresh tokens rotate, and how long access tokens live.

    Attributes:
        client_id: id of the app.
        client_secret: its secret.
        refresh_token: the first one.
        access_token: the first one.
    """

    def __init__(self, seed: int, clock: EmulatorClock, switches: PipedriveSwitches) -> None:
        self._seed = seed
        self._clock = clock
        self._switches = switches
        self._numbers = itertools.count(1)
        self.client_id = secret(seed, "client id")[:16]
        self.client_secret = secret(seed, "client secret")
        self.refresh_token = f"{ADMIN_ID}:{54_000 + seed}:{secret(seed, 'refresh token')}"
        self.access_token = "v1u:" + secret(seed, "access token")
        self._refresh = {self.refresh_token: clock.seconds()}
        self._access = {self.access_token: _Access(ADMIN_ID, clock.seconds() + LIFETIME_SECONDS)}

    def user_of(self, token: str) -> int | None:
        """Returns the user an access token stands for; None once it has expired or was revoked."""
        found = self._access.get(token)
        return found.user_id if found is not None and self._clock.seconds() < found.expires else None

    def answer(self, path: str, content_type: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Returns status and body of a request to `/oauth/...`."""
        if content_type.partition(";")[0].strip().lower() != _FORM:
            return _refused("invalid_request", f"the content type must be {_FORM}")
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self._knows(authorization):
            return _refused("invalid_client", "Invalid client: client is invalid")
        if path == "/oauth/revoke":
            return self._revoke(form)
        grant = form.get("grant_type")
        if not grant:
            return _refused("invalid_request", "Missing parameter: `grant_type`")
        if grant != "refresh_token":
            return _refused("unsupported_grant_type", "Unsupported grant type: `grant_type` is invalid")
        return self._renew(form.get("refresh_token", ""))

    def _knows(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind.lower() == "basic" and given == f"{self.client_id}:{self.client_secret}"

    def _renew(self, token: str) -> tuple[int, dict[str, Any]]:
        used = self._refresh.get(token)
        now = self._clock.seconds()
        if used is None or now - used >= UNUSED_SECONDS:
            self._refresh.pop(token, None)
            return _refused("invalid_grant", "Invalid grant: refresh token is invalid")
        number = next(self._numbers)
        if self._switches.refresh_tokens == "rotated":
            del self._refresh[token]
            token = f"{ADMIN_ID}:{54_000 + self._seed}:{secret(self._seed, f'refresh token {number}')}"
        self._refresh[token] = now
        access = "v1u:" + secret(self._seed, f"access token {number}")
        lifetime = self._switches.access_token_seconds
        self._access[access] = _Access(ADMIN_ID, now + lifetime)
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "refresh_token": token,
            "scope": SCOPE,
            "api_domain": f"https://{COMPANY_DOMAIN}.pipedrive.com",
        }

    def _revoke(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        token = form.get("token", "")
        if self._refresh.pop(token, None) is not None:
            self._access.clear()  # the app is out
        self._access.pop(token, None)
        return 200, {"success": True}


def _refused(error: str, message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"success": False, "error": error, "message": message}
