"""OAuth: access tokens that are renewed in time, by any number of threads and processes (fact sheet section 2).

Access tokens live an hour. The refresh token dies after 60 days without use, when the app is uninstalled, and when the
service replaces it: the documentation says the same one comes back, but a new one is kept just as well. What the token
endpoint answers is therefore in a file before it is used: written aside, flushed to disk and renamed, readable by its
owner alone, so that no moment at which the process is killed leaves a half-written or a stale token. Processes that
share the file take turns with a lock beside it and take over what another has fetched.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
import time
import typing as t
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

import backoff
import msgspec
import requests
from filelock import FileLock, Timeout
from requests.auth import AuthBase
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError

from target_pipedrive.answers import transport_error

if t.TYPE_CHECKING:
    from collections.abc import Callable

OAUTH_URL: t.Final = "https://oauth.pipedrive.com"
EARLY_SECONDS: t.Final = 120
"""So long before its end a token is renewed, so that none expires under way."""

MAX_TRIES: t.Final = 4
LOCK_SECONDS: t.Final = 120
_LONGEST_TEXT: t.Final = 200

_log = logging.getLogger(__name__)


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
        return hashlib.sha256(f"{self.client_id}\n{self.refresh_token}".encode()).hexdigest()


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint last answered.

    Attributes:
        access_token: Goes into every request.
        refresh_token: Gets the next one.
        expires_at: When the access token ends, in seconds since 1970.
        api_domain: Base address of the company's API.
        origin: See `App.origin`.
    """

    access_token: str
    refresh_token: str
    expires_at: float
    api_domain: str
    origin: str

    def __repr__(self) -> str:
        return "Tokens(***)"


class OAuth(AuthBase):
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
        timeout_seconds: int = 30,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._timeout = timeout_seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request about to be sent."""
        request.headers["authorization"] = f"Bearer {self.tokens().access_token}"
        return request

    def __repr__(self) -> str:
        return "OAuth(***)"

    def tokens(self) -> Tokens:
        """Return tokens that are good for some time yet.

        Raises:
            CredentialsError: If the refresh token is no longer accepted.
            ServiceUnavailableError: If the token endpoint does not answer.
            ConfigError: If the token file cannot be written.
        """
        with self._lock:
            if self._tokens is None or self._ends_soon(self._tokens):
                self._tokens = self._renewed(None)
            return self._tokens

    def refused(self, authorization: str) -> None:
        """Note that the service refused the access token of a request; get another one.

        Raises:
            CredentialsError: If there is no other: the app was let in no longer.
        """
        stale = authorization.removeprefix("Bearer ")
        with self._lock:
            if self._tokens is not None and self._tokens.access_token == stale:
                self._tokens = self._renewed(stale)

    def _ends_soon(self, tokens: Tokens) -> bool:
        return tokens.expires_at - EARLY_SECONDS <= self._clock()

    def _renewed(self, stale: str | None) -> Tokens:
        path = self._app.token_file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock", timeout=LOCK_SECONDS, mode=0o600):
                kept = self._kept()
                if kept is not None and kept.access_token != stale and not self._ends_soon(kept):
                    return kept  # another process was faster
                tokens = self._fetch(kept)
                write_tokens(path, tokens)
                return tokens
        except Timeout:
            raise ServiceUnavailableError(
                f"another process has held {path}.lock for {LOCK_SECONDS} s; if none is running, delete that file"
            ) from None
        except OSError as error:
            raise ConfigError(f"setting token_file: {path} cannot be used: {error.strerror or error}") from None

    def _kept(self) -> Tokens | None:
        """Return the tokens in the file, unless they come from other settings or cannot be read."""
        try:
            found = msgspec.json.decode(self._app.token_file.read_bytes(), type=Tokens)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            _log.warning("%s holds no tokens and is written anew", self._app.token_file)
            return None
        return found if found.origin == self._app.origin else None

    def _fetch(self, kept: Tokens | None) -> Tokens:
        known = [kept.refresh_token] if kept is not None else []
        if self._app.refresh_token not in known:
            known.append(self._app.refresh_token)
        refused: CredentialsError | None = None
        for refresh_token in known:
            try:
                return self._ask(refresh_token)
            except CredentialsError as error:
                refused = refused or error
        raise refused or CredentialsError("there is no refresh token")

    def _ask(self, refresh_token: str) -> Tokens:
        waits = backoff.expo(base=2, factor=0.5, max_value=8)
        next(waits)
        for tries in range(1, MAX_TRIES + 1):
            begun = self._clock()
            try:
                response = requests.post(
                    f"{self._app.url.rstrip('/')}/oauth/token",
                    data={"grant_type": "refresh_token", "refresh_token": refresh_token},
                    auth=(self._app.client_id, self._app.client_secret),
                    headers={"accept": "application/json", "user-agent": "target-pipedrive"},
                    timeout=self._timeout,
                    allow_redirects=False,  # a redirect would carry the secrets to another host
                )
            except requests.RequestException as error:
                sorted_error = transport_error(error)
                if isinstance(sorted_error, (ConfigError, ServiceUnavailableError)):
                    raise sorted_error from None
                problem = str(sorted_error)
            else:
                if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                    raise self._no_longer(response)
                tokens = self._read(response, begun)
                if tokens is not None:
                    return tokens
                problem = f"HTTP {response.status_code}"
            _log.warning("Pipedrive's token endpoint: %s (try %d of %d)", problem, tries, MAX_TRIES)
            if tries < MAX_TRIES:
                self._sleep(backoff.full_jitter(next(waits)))
        raise ServiceUnavailableError(f"Pipedrive's token endpoint does not answer: {problem}")

    def _read(self, response: requests.Response, begun: float) -> Tokens | None:
        if response.status_code != HTTPStatus.OK:
            return None
        try:
            body = msgspec.json.decode(response.content)
            return Tokens(
                access_token=str(body["access_token"]),
                refresh_token=str(body["refresh_token"]),
                expires_at=begun + int(body["expires_in"]),
                api_domain=str(body["api_domain"]),
                origin=self._app.origin,
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


def write_tokens(path: Path, tokens: Tokens) -> None:
    """Replace the token file in one step; whenever the process is killed, the old or the new tokens are there.

    Raises:
        OSError: If the file cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(asdict(tokens)))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the renaming itself is on disk only then
        finally:
            os.close(folder)
