"""Zoho's accounts server: `POST /oauth/v2/token` (fact sheet section 2).

The browser's part, in which a user lets an app in and a code comes back, is not emulated: the org starts with one app
that a user has let in, as if its first refresh token had just been handed out. Errors come with HTTP 200; only too many
tokens in ten minutes are a 400. Calls cost no credits.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from service_emulators.zoho.credentials import digest, secret, token
from service_emulators.zoho.scopes import ALL_SCOPES, allows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service_emulators.clock import EmulatorClock
    from service_emulators.zoho.switches import DataCenter, ZohoSwitches

TOKEN_PATH = "/oauth/v2/token"  # noqa: S105 - a path
THROTTLE_SECONDS = 600.0
_THROTTLED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}


@dataclass
class _Access:
    expires: float
    scopes: tuple[str, ...]


class AccountsServer:
    """Tokens of one app in one org.

    Args:
        seed: decides the credentials.
        zgid: id of the org.
        home: data centre the org lives in.
        scopes: what the app was let in for.
        clock: the emulator's clock.
        switches: limits, and the data centre this address belongs to.

    Attributes:
        client_id: id of the app.
        client_secret: its secret.
        refresh_token: its refresh token, which stays the same.
        soid: what client credentials name the org by.
        access_token: an access token that lives an hour from the start on, for a look without the token server.
    """

    def __init__(
        self,
        seed: int,
        zgid: str,
        home: DataCenter,
        scopes: Sequence[str] | None,
        clock: EmulatorClock,
        switches: ZohoSwitches,
    ) -> None:
        self._seed = seed
        self._home = home
        self._scopes = tuple(ALL_SCOPES if scopes is None else scopes)
        self._clock = clock
        self._switches = switches
        self._numbers = itertools.count(1)
        self.soid = f"ZohoCRM.{zgid}"
        self.client_id = "1000." + digest(seed, f"client id {home}")[:30].upper()
        self.client_secret = secret(seed, f"client secret {home}")
        self.refresh_token = token(seed, f"refresh token {home}")
        self._issued: dict[str, deque[float]] = {}
        self._live: dict[str, list[str]] = {}
        self._access: dict[str, _Access] = {}
        self._revoked = False
        self.access_token = self._issue("start", self._scopes)

    def scopes_of(self, access: str) -> tuple[str, ...] | None:
        """Returns what an access token allows; None once it has expired, was evicted, or in another data centre."""
        found = self._access.get(access)
        if found is None or self._clock.seconds() >= found.expires or self._abroad():
            return None
        return found.scopes

    def expire_tokens(self) -> None:
        """Ends all access tokens at once."""
        self._access.clear()
        self._live.clear()

    def revoke(self) -> None:
        """Shuts the app out: its refresh token is revoked, its access tokens end."""
        self._revoked = True
        self.expire_tokens()

    def answer(self, query: str, content_type: str, body: bytes, api_domain: str) -> tuple[int, dict[str, Any]]:
        """Returns status and body of a request for a token.

        Args:
            query: query string.
            content_type: of the body.
            body: form, or nothing when all is in the query.
            api_domain: where the API of the org answers.
        """
        given = dict(parse_qsl(query, keep_blank_values=True))
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            given.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if given.get("client_id") != self.client_id or self._abroad():
            return 200, {"error": "invalid_client"}
        if given.get("client_secret") != self.client_secret:
            return 200, {"error": "invalid_client_secret"}
        grant = given.get("grant_type")
        if grant == "refresh_token":
            if given.get("refresh_token") != self.refresh_token or self._revoked:
                return 200, {"error": "invalid_code"}
            return self._renew("refresh", self._scopes, api_domain)
        if grant == "client_credentials":
            return self._client_credentials(given, api_domain)
        if grant == "authorization_code":
            return 200, {"error": "invalid_code"}  # no browser, so no code was ever handed out
        return 200, {"error": "unsupported_grant_type"}

    def _client_credentials(self, given: dict[str, str], api_domain: str) -> tuple[int, dict[str, Any]]:
        asked = tuple(scope.strip() for scope in given.get("scope", "").split(",") if scope.strip())
        if not asked or not all(allows(self._scopes, scope) for scope in asked):
            return 200, {"error": "invalid_scope"}
        if given.get("soid") != self.soid:
            return 200, {"error": "invalid_soid"}
        return self._renew("client credentials", asked, api_domain)

    def _renew(self, holder: str, scopes: tuple[str, ...], api_domain: str) -> tuple[int, dict[str, Any]]:
        now = self._clock.seconds()
        issued = self._issued.setdefault(holder, deque())
        while issued and not now - THROTTLE_SECONDS < issued[0] <= now:
            issued.popleft()
        if self._switches.token_throttle and len(issued) >= self._switches.token_throttle:
            return 400, dict(_THROTTLED)
        issued.append(now)
        return 200, {
            "access_token": self._issue(holder, scopes),
            "scope": " ".join(scopes),
            "api_domain": api_domain,
            "token_type": "Bearer",
            "expires_in": self._switches.access_token_seconds,
        }

    def _issue(self, holder: str, scopes: tuple[str, ...]) -> str:
        access = token(self._seed, f"access token {self._home} {next(self._numbers)}")
        live = self._live.setdefault(holder, [])
        live.append(access)
        if len(live) > self._switches.live_tokens:
            self._access.pop(live.pop(0), None)
        self._access[access] = _Access(self._clock.seconds() + self._switches.access_token_seconds, scopes)
        return access

    def _abroad(self) -> bool:
        return self._switches.data_center != self._home
