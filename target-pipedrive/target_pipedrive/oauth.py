"""OAuth: access tokens that are renewed in time, by any number of threads and processes (fact sheet section 2).

Access tokens live an hour. The refresh token dies after 60 days without use, when the app is uninstalled, and when the
service replaces it: the documentation says the same one comes back, but a new one is kept just as well. What the token
endpoint answers is therefore in a file before it is used (see `service_calls`).
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from service_calls import OAuth, Tokens, mark
from sync_ledger.errors import CredentialsError

from target_pipedrive.service import PIPEDRIVE

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

OAUTH_URL: t.Final = "https://oauth.pipedrive.com"
_LONGEST_TEXT: t.Final = 200


@dataclass(frozen=True)
class App:
    """What lets this program in.

    Attributes:
        client_id: Id of the app.
        client_secret: Its secret.
        refresh_token: The refresh token it was given first.
        token_file: Where the tokens in use are kept.
        url: Base address of the token endpoint.
    """

    client_id: str
    client_secret: str
    refresh_token: str
    token_file: Path
    url: str = OAUTH_URL

    def __repr__(self) -> str:
        return f"App({self.client_id}, ***)"

    @property
    def origin(self) -> str:
        """A mark of the settings: tokens kept under another one are not these settings' own."""
        return mark(self.client_id, self.refresh_token)


class PipedriveOAuth(OAuth):
    """Puts a valid access token into every request.

    Args:
        app: Credentials and where to keep tokens.
        timeout_seconds: How long the token endpoint may take.
        clock: Seconds since 1970.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        app: App,
        *,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            PIPEDRIVE, app.token_file, app.origin, timeout_seconds=timeout_seconds, clock=clock, sleep=sleep
        )
        self._app = app

    def fetch(self, kept: Tokens | None) -> Tokens:
        """Get new tokens by the refresh token that came last, else by the one in the settings.

        Raises:
            CredentialsError: If no refresh token is accepted any more.
        """
        known = [kept.refresh_token] if kept is not None else []
        if self._app.refresh_token not in known:
            known.append(self._app.refresh_token)
        refused: CredentialsError | None = None
        for refresh_token in known:
            try:
                return self.ask(
                    f"{self._app.url.rstrip('/')}/oauth/token",
                    {"grant_type": "refresh_token", "refresh_token": refresh_token},
                    auth=(self._app.client_id, self._app.client_secret),
                    read=self._read,
                )
            except CredentialsError as error:
                refused = refused or error
        raise refused or CredentialsError("there is no refresh token")

    def _read(self, response: requests.Response, asked_at: float) -> Tokens | None:
        if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise self._no_longer(response)
        if response.status_code != HTTPStatus.OK:
            return None
        try:
            body = msgspec.json.decode(response.content)
            return Tokens(
                access_token=str(body["access_token"]),
                refresh_token=str(body["refresh_token"]),
                expires_at=asked_at + int(body["expires_in"]),
                api_domain=str(body["api_domain"]),
            )
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
            return None

    def _no_longer(self, response: requests.Response) -> CredentialsError:
        try:
            body = msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = None
        said = body if isinstance(body, dict) else {}
        if said.get("error") == "invalid_client":
            return CredentialsError(
                "Pipedrive does not know the app (invalid_client); check client_id and client_secret"
            )
        words = str(said.get("message") or said.get("error") or f"HTTP {response.status_code}")[:_LONGEST_TEXT]
        return CredentialsError(
            f"Pipedrive no longer accepts the refresh token ({words}): the app was uninstalled or revoked, or the token"
            " lay unused for 60 days; authorise the app anew and set refresh_token"
        )
