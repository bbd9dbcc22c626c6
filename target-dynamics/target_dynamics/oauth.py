"""Signing in to Entra ID as an application, with Microsoft's own library (Dataverse sheet section 1).

The library asks for a token; where it is kept and how processes share it is `service_calls`' business. There is no
refresh token: a new access token is asked for before the old one ends.
"""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped]
import requests
from service_calls import BusyError, LostAnswerError, NotSentError, OAuth, Tokens, keep_trying, mark, transport_error
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError

from target_dynamics.addresses import AUTHORITY
from target_dynamics.answers import retry_after
from target_dynamics.service import DYNAMICS, ENTRA

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

LONGEST_ANSWER: t.Final = 20
"""Seconds Entra ID may take, as other processes wait meanwhile."""

MOST_TURNED_AWAY: t.Final = 4
_LONGEST_TEXT: t.Final = 200
_CODE: t.Final = re.compile(r"AADSTS(\d+)")


@dataclass(frozen=True)
class Login:
    """What lets this program in.

    Attributes:
        tenant_id: Tenant of the app registration: its id or one of its domains.
        client_id: Application id of the app registration.
        client_secret: One of its secrets.
        certificate: Private key and certificate in PEM, instead of a secret.
        certificate_password: Of the private key.
        authority: Address of the authority, without a path.
        resource: Address of the environment the token is for.
    """

    tenant_id: str
    client_id: str
    client_secret: str | None
    certificate: str | None
    certificate_password: str | None
    authority: str
    resource: str

    def __repr__(self) -> str:
        return f"Login({self.tenant_id}, {self.client_id}, ***)"

    @property
    def origin(self) -> str:
        """A mark of the settings: tokens kept under another one are not these settings' own."""
        secret = self.client_secret or self.certificate or ""
        return mark(self.authority, self.tenant_id, self.client_id, self.resource, secret)

    @property
    def credential(self) -> str | dict[str, str]:
        """The credential as the library takes it."""
        if self.certificate is None:
            return self.client_secret or ""
        found = {"private_key": self.certificate, "public_certificate": self.certificate}
        return {**found, "passphrase": self.certificate_password} if self.certificate_password else found


class DynamicsOAuth(OAuth):
    """Puts a valid access token into every request.

    Args:
        login: Credentials.
        token_file: Where the tokens in use are kept.
        timeout_seconds: How long Entra ID may take.
        clock: Seconds since 1970.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        login: Login,
        token_file: Path,
        *,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(DYNAMICS, token_file, login.origin, timeout_seconds=timeout_seconds, clock=clock, sleep=sleep)
        self._login = login
        self._limit = min(timeout_seconds, LONGEST_ANSWER)

    def fetch(self, kept: Tokens | None) -> Tokens:
        """Ask Entra ID for a token.

        Raises:
            CredentialsError: If it refuses; the text says why and what helps.
            ConfigError: If the certificate is of no use.
            ServiceUnavailableError: If it does not answer.
        """
        del kept  # there is no refresh token
        with _Http(self._login.authority, self._limit, self._sleep) as http:
            begun = self._clock()
            try:
                app = msal.ConfidentialClientApplication(
                    self._login.client_id,
                    client_credential=self._login.credential,
                    authority=f"{http.official}/{self._login.tenant_id}",
                    http_client=http,
                    instance_discovery=False,
                )
                result = app.acquire_token_for_client([f"{self._login.resource}/.default"])
            except (ValueError, TypeError) as error:
                if http.refused is None:
                    raise self._unusable(error) from None
                result = http.refused
        if "access_token" not in result:
            raise self._refusal(result)
        return Tokens(
            access_token=str(result["access_token"]),
            refresh_token="",
            expires_at=begun + _seconds(result.get("expires_in")),
        )

    def _unusable(self, error: Exception) -> Exception:
        """Return what is wrong when the library fails before Entra ID has refused anything."""
        if self._login.certificate is not None:
            kind = type(error).__name__  # the words may quote the file
            return ConfigError(
                f"setting certificate_file: its private key or certificate cannot be used ({kind}); it must hold both"
                " in"
                " PEM, and certificate_password must be the key's"
            )
        return ServiceUnavailableError(
            f"{self._login.authority} does not answer as Entra ID does; check tenant_id and authority_url"
        )

    def _refusal(self, result: dict[str, t.Any]) -> Exception:
        login = self._login
        said = " ".join(str(result.get("error_description") or result.get("error") or "").split())
        found = _CODE.search(said)
        code = f"AADSTS{found[1]}" if found else str(result.get("error") or "no reason given")[:_LONGEST_TEXT]
        texts = {
            "AADSTS7000215": (
                "Entra ID does not accept the client secret (AADSTS7000215); check client_secret: it must be the"
                " secret's"
                " value, not its id"
            ),
            "AADSTS7000222": (
                "the client secret has expired (AADSTS7000222); make a new one in the app registration and set"
                " client_secret"
            ),
            "AADSTS700016": (
                f"tenant {login.tenant_id} has no application {login.client_id} (AADSTS700016); check client_id and"
                " tenant_id"
            ),
            "AADSTS90002": f"there is no tenant {login.tenant_id} (AADSTS90002); check tenant_id and authority_url",
            "AADSTS70011": (
                f"Entra ID does not know {login.resource} as what a token can be for (AADSTS70011); check org_url"
            ),
            "AADSTS500011": (
                f"tenant {login.tenant_id} has no environment {login.resource} (AADSTS500011); check org_url and"
                " tenant_id"
            ),
            "AADSTS7000218": (
                "Entra ID wants a secret or a certificate (AADSTS7000218); set client_secret or certificate_file"
            ),
            "AADSTS700027": (
                "the certificate is not registered with the application (AADSTS700027); upload it to the app"
                " registration, or check certificate_file"
            ),
            "AADSTS700024": "the sign-in is out of time (AADSTS700024); check this machine's clock",
        }
        text = texts.get(code)
        if text is None:
            text = f"Entra ID refuses to sign in ({code}); check tenant_id, client_id, the credential and org_url"
        return CredentialsError(text)


class _Answer(t.NamedTuple):
    """An answer as the library wants it."""

    status_code: int
    text: str
    headers: dict[str, str]

    def raise_for_status(self) -> None:
        """Do nothing: what is no answer was raised before."""


class _Http:
    """Carries the library's requests, repeated while Entra ID does not answer.

    The library speaks to https authorities alone. Its requests to the official address go to the one in the settings,
    so that an emulator or a proxy can stand there.
    """

    def __init__(self, authority: str, timeout_seconds: float, sleep: Callable[[float], None]) -> None:
        self._authority = authority
        self._timeout = timeout_seconds
        self._sleep = sleep
        self._session = requests.Session()
        self._session.trust_env = True
        self.official = authority if urlsplit(authority).scheme == "https" else AUTHORITY
        self.refused: dict[str, t.Any] | None = None
        """What Entra ID said when it refused last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def get(self, url: str, params: t.Any = None, headers: t.Any = None, **kwargs: t.Any) -> _Answer:
        """Send a GET of the library."""
        del kwargs
        return self._send("GET", url, params=params, headers=headers)

    def post(
        self, url: str, params: t.Any = None, data: t.Any = None, headers: t.Any = None, **kwargs: t.Any
    ) -> _Answer:
        """Send a POST of the library."""
        del kwargs
        return self._send("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        """Close connections; the library calls it."""
        self._session.close()

    def _send(self, method: str, url: str, **parts: t.Any) -> _Answer:
        origin = next((one for one in (self.official, AUTHORITY) if url.startswith(f"{one}/")), None)
        if origin is None:
            raise ServiceUnavailableError(
                f"{self._authority} sends the sign-in to another host, which is not asked; check authority_url"
            )
        target = self._authority + url.removeprefix(origin)
        try:
            return keep_trying(
                lambda: self._exchange(method, target, parts),
                "the sign-in",
                safe=True,
                busy=self._busy,
                sleep=self._sleep,
            )
        except (NotSentError, LostAnswerError) as error:
            raise ServiceUnavailableError(f"Entra ID does not answer at {self._authority}: {error}") from None

    def _exchange(self, method: str, url: str, parts: dict[str, t.Any]) -> _Answer:
        own = {"accept": "application/json", "user-agent": ENTRA.agent}
        headers = {**own, **(parts.get("headers") or {})}
        try:
            response = self._session.request(
                method,
                url,
                params=parts.get("params"),
                data=parts.get("data"),
                headers=headers,
                auth=_no_netrc,
                timeout=self._timeout,
                allow_redirects=False,  # a redirect would carry the secret to another host
            )
        except requests.RequestException as error:
            raise transport_error(error, ENTRA) from None
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise BusyError("429", retry_after(response.headers))
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise LostAnswerError(str(response.status_code), f"HTTP {response.status_code}")
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            self._note(response)
        return _Answer(response.status_code, response.text, dict(response.headers))

    def _busy(self, error: BusyError, times: int) -> None:
        if times >= MOST_TURNED_AWAY:
            raise NotSentError("it turns every sign-in away (429)")
        self._sleep(min(error.seconds if error.seconds is not None else 2.0**times, 60.0))

    def _note(self, response: requests.Response) -> None:
        try:
            body = response.json()
        except ValueError:
            return
        if isinstance(body, dict) and "error" in body:
            self.refused = body


def _seconds(given: t.Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        return 0.0


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from adding credentials of a `.netrc`."""
    return request
