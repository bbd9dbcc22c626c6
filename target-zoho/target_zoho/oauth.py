"""Signing in to Zoho: access tokens by refresh token or client credentials (fact sheet section 2).

An access token lives an hour; Zoho gives ten in ten minutes to one refresh token and then refuses. So they are kept in
`token_file` and shared by all runs and processes. The accounts server says most of its refusals with HTTP 200.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from http import HTTPStatus

from service_calls import OAuth, TokenLimit, Tokens, mark
from sync_ledger.errors import CredentialsError, ServiceUnavailableError

from target_zoho.answers import read_json
from target_zoho.regions import REGIONS, checked
from target_zoho.service import ZOHO

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

TOKENS_PER_PERIOD: t.Final = 10
PERIOD_SECONDS: t.Final = 600
PATIENCE_SECONDS: t.Final = 60
LIFE_SECONDS: t.Final = 3600
"""Longest life of an access token, whatever unit an answer counts in."""

_LONGEST_TEXT: t.Final = 200


@dataclass(frozen=True)
class Login:
    """What lets this program in.

    Attributes:
        client_id: Id of the client.
        client_secret: Its secret.
        refresh_token: The refresh token; None to sign in by client credentials.
        soid: The org to sign in to by client credentials, `ZohoCRM.` and its zgid.
        scopes: Scopes to ask for by client credentials.
        accounts: Base address of the accounts server.
        data_center: Setting `data_center`, for messages.
    """

    client_id: str
    client_secret: str
    refresh_token: str | None
    soid: str | None
    scopes: tuple[str, ...]
    accounts: str
    data_center: str

    def __repr__(self) -> str:
        return f"Login({self.client_id}, ***)"

    @property
    def origin(self) -> str:
        """A mark of the settings: tokens kept under another one are not these settings' own.

        The secret is among them, so that a wrong one is told at once and not when the token in use ends.
        """
        app = (self.accounts, self.client_id, self.client_secret)
        if self.refresh_token:
            return mark(*app, self.refresh_token)
        return mark(*app, self.soid or "", *sorted(self.scopes))

    @property
    def form(self) -> dict[str, str]:
        """Fields of the question for a token."""
        app = {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.refresh_token:
            return {**app, "grant_type": "refresh_token", "refresh_token": self.refresh_token}
        scopes = ",".join(self.scopes)
        return {**app, "grant_type": "client_credentials", "scope": scopes, "soid": self.soid or ""}


class ZohoOAuth(OAuth):
    """Puts a valid access token into every request.

    Args:
        login: Credentials.
        token_file: Where the tokens in use are kept.
        timeout_seconds: How long the accounts server may take.
        clock: Seconds since 1970.
        sleep: Waits that many seconds.
    """

    scheme = "Zoho-oauthtoken"
    limit = TokenLimit(TOKENS_PER_PERIOD, PERIOD_SECONDS, PATIENCE_SECONDS)

    def __init__(
        self,
        login: Login,
        token_file: Path,
        *,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(ZOHO, token_file, login.origin, timeout_seconds=timeout_seconds, clock=clock, sleep=sleep)
        self._login = login

    @property
    def by_refresh_token(self) -> bool:
        """Whether it signs in by refresh token; else by client credentials."""
        return bool(self._login.refresh_token)

    @property
    def accounts(self) -> str:
        """Base address of the accounts server."""
        return self._login.accounts

    def fetch(self, kept: Tokens | None) -> Tokens:
        """Ask the accounts server for a token.

        Raises:
            CredentialsError: If it refuses; the text says why and what helps.
        """
        del kept  # Zoho's refresh token stays the same
        return self.ask(f"{self._login.accounts}/oauth/v2/token", self._login.form, read=self._read)

    def _read(self, response: requests.Response, asked_at: float) -> Tokens | None:
        body = read_json(response)
        if not isinstance(body, dict) or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            if HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise ServiceUnavailableError(
                    f"{self._login.accounts} answers HTTP {response.status_code} and is no accounts server of Zoho;"
                    " check data_center and accounts_url"
                )
            return None
        if "access_token" not in body:
            raise self._refusal(body, response.status_code)
        try:
            seconds = int(body.get("expires_in_sec") or body.get("expires_in") or LIFE_SECONDS)
        except (TypeError, ValueError):
            seconds = LIFE_SECONDS
        return Tokens(
            access_token=str(body["access_token"]),
            refresh_token="",  # it stands in the settings and never changes
            expires_at=asked_at + min(seconds, LIFE_SECONDS),
            api_domain=checked(
                "api_domain of Zoho's token answer", str(body.get("api_domain") or REGIONS[self._login.data_center].api)
            ),
            scope=str(body.get("scope") or ""),
        )

    def _refusal(self, body: dict[str, t.Any], status: int) -> Exception:
        code = " ".join(str(body.get("error") or f"HTTP {status}").split())[:_LONGEST_TEXT]
        here = f"data_center {self._login.data_center} ({self._login.accounts})"
        if code == "Access Denied":
            return ServiceUnavailableError(
                f"Zoho gives no more access tokens for now: this refresh token got {TOKENS_PER_PERIOD} in"
                f" {PERIOD_SECONDS // 60} min (Access Denied); let all programs that use it share one token_file, and"
                " start the next run in 10 min"
            )
        if code == "invalid_code":
            return CredentialsError(
                f"Zoho does not accept the refresh token (invalid_code): it was revoked, replaced by newer ones, or is"
                f" of another data center than {here}; check data_center, or authorise the client anew and set"
                " refresh_token"
            )
        if code == "invalid_client":
            return CredentialsError(
                f"Zoho does not know the client (invalid_client): client_id is wrong, or the client is registered in"
                f" another data center than {here}; check client_id and data_center"
            )
        if code == "invalid_client_secret":
            return CredentialsError(
                "Zoho does not accept the client's secret (invalid_client_secret); check client_secret"
            )
        if code == "invalid_scope":
            return CredentialsError(
                f"Zoho does not give the scopes {', '.join(self._login.scopes)} (invalid_scope); check setting scopes"
            )
        return CredentialsError(
            f"Zoho refuses to sign in ({code}); check client_id, client_secret, refresh_token or soid, and {here}"
        )
