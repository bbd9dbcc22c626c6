"""Entra ID: openid-configuration and the token endpoint for client credentials (fact sheet section 1)."""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

import jwt

from service_emulators.dynamics.assertions import ASSERTION_TYPE, check_assertion
from service_emulators.dynamics.entra_errors import bad_request, refused
from service_emulators.handed_out import hand_out

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from service_emulators.clock import EmulatorClock
    from service_emulators.dynamics.switches import DynamicsSwitches

_SUFFIX = "/.default"
TOKEN_PATHS = ("oauth2", "v2.0", "token")
CONFIGURATION_PATHS = ("v2.0", ".well-known", "openid-configuration")


@dataclass
class Registration:
    """An app registration.

    Attributes:
        client_id: its id.
        secrets: client secrets, and when each expires in seconds since 1970 (None: never).
        certificates: certificates whose keys may sign assertions.
    """

    client_id: str
    secrets: dict[str, float | None] = field(default_factory=dict)
    certificates: list[Certificate] = field(default_factory=list)


@dataclass(frozen=True)
class Access:
    """What an access token allows.

    Attributes:
        client_id: app registration it was issued to.
        resource: resource it is for, without a slash at the end.
        expires: seconds since 1970.
    """

    client_id: str
    resource: str
    expires: float


class Entra:
    """Tokens of one tenant.

    Args:
        seed: decides the credentials.
        authority: origin of the authority as the documents name it, for example `https://login.microsoftonline.com`.
        resources: resources that tokens may be asked for, without a slash at the end.
        clock: the emulator's clock.
        switches: how long tokens live.

    Attributes:
        tenant_id: id of the tenant.
        domain: its first domain, by which it may be named too.
        app: the one app registration it comes with.
        registrations: all app registrations by client id.
        resources: as given; the emulator's own address is added once it is known.
    """

    def __init__(
        self, seed: int, authority: str, resources: set[str], clock: EmulatorClock, switches: DynamicsSwitches
    ) -> None:
        self._seed = seed
        self._clock = clock
        self._switches = switches
        self.authority = authority.rstrip("/")
        self.resources = resources
        self.tenant_id = _guid(seed, "tenant")
        self.domain = "emulator.onmicrosoft.com"
        secret = hand_out(f"{_digest(seed, 'secret')[:3]}8Q~{_digest(seed, 'client secret')[:34]}", "client secret")
        self.client_secret = secret
        self.app = Registration(_guid(seed, "client"), {secret: None})
        self.registrations = {self.app.client_id: self.app}
        self._live: dict[str, Access] = {}

    def knows(self, tenant: str) -> bool:
        """Returns whether a path names this tenant."""
        return tenant.lower() in {self.tenant_id, self.domain}

    def access(self, token: str) -> Access | None:
        """Returns what a bearer token allows; None for one that is unknown or has expired."""
        found = self._live.get(token)
        return None if found is None or self._clock.seconds() >= found.expires else found

    def expire_tokens(self) -> None:
        """Ends all access tokens at once."""
        self._live.clear()

    def configuration(self, tenant: str) -> dict[str, Any]:
        """Returns the openid-configuration document.

        Raises:
            TokenError: no such tenant.
        """
        self._need_tenant(tenant)
        here = f"{self.authority}/{tenant}"
        return {
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{self.authority}/{self.tenant_id}/v2.0",
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }

    def token(self, tenant: str, headers: dict[str, str], body: bytes, called: str) -> dict[str, Any]:
        """Answers a request for a token.

        Args:
            tenant: tenant the path names.
            headers: request headers, names in lower case.
            body: form.
            called: address the client called, which an assertion may name as its audience.

        Raises:
            TokenError: an AADSTS error.
        """
        self._need_tenant(tenant)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise bad_request("The request is malformed: a form was expected.")
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        given = dict(pairs)
        if len(given) != len(pairs):
            raise bad_request("The request is malformed: a parameter is repeated.")
        basic = _basic(headers.get("authorization", ""))
        client_id = given.get("client_id") or basic[0]
        if not client_id or "grant_type" not in given:
            raise bad_request("The request body must contain 'client_id' and 'grant_type'.")
        registration = self.registrations.get(client_id.lower())
        if registration is None:
            raise refused("unknown_app", app=client_id, tenant=tenant)
        if given["grant_type"] != "client_credentials":
            raise refused("grant", grant=given["grant_type"])
        if "client_assertion" in given or "client_assertion_type" in given:
            self._check_certificate(registration, tenant, given, called)
        else:
            self._check_secret(registration, given.get("client_secret") or basic[1])
        resource = self._resource(given.get("scope"), registration)
        return {
            "token_type": "Bearer",
            "expires_in": self._switches.access_token_seconds,
            "ext_expires_in": self._switches.access_token_seconds,
            "access_token": self.issue(registration, resource),
        }

    def _need_tenant(self, tenant: str) -> None:
        if not self.knows(tenant):
            raise refused("tenant", tenant=tenant)

    def _check_secret(self, registration: Registration, secret: str | None) -> None:
        if not secret:
            raise refused("no_credential")
        if secret not in registration.secrets:
            raise refused("wrong_secret", app=registration.client_id)
        expires = registration.secrets[secret]
        if expires is not None and self._clock.seconds() >= expires:
            raise refused("expired_secret", app=registration.client_id)

    def _check_certificate(self, registration: Registration, tenant: str, given: dict[str, str], called: str) -> None:
        if given.get("client_assertion_type") != ASSERTION_TYPE or not given.get("client_assertion"):
            raise bad_request("The request is malformed: 'client_assertion' and its type belong together.")
        audiences = [
            f"{origin}/{name}{path}"
            for origin in (self.authority, called.partition(f"/{tenant}/")[0])
            for name in {tenant, self.tenant_id}
            for path in ("/oauth2/v2.0/token", "/v2.0", "/")
        ]
        check_assertion(
            given["client_assertion"],
            registration.client_id,
            registration.certificates,
            audiences,
            self._clock.seconds(),
        )

    def _resource(self, scope: str | None, registration: Registration) -> str:
        """Returns the resource of a scope."""
        scopes = (scope or "").split()
        if len(scopes) != 1 or not scopes[0].endswith(_SUFFIX):
            raise refused("scope", scope=scope or "")
        resource = scopes[0][: -len(_SUFFIX)].rstrip("/")
        if resource not in self.resources:
            raise refused("resource", resource=resource, app=registration.client_id)
        return resource

    def issue(self, registration: Registration, resource: str) -> str:
        """Returns a new access token of an app registration for a resource."""
        now = self._clock.seconds()
        lifetime = self._switches.access_token_seconds
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime),
            "appid": registration.client_id,
            "tid": self.tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        token = hand_out(jwt.encode(claims, _digest(self._seed, "signing"), "HS256"), "access token of Dataverse")
        self._live[token] = Access(registration.client_id, resource, now + lifetime)
        return token


def _basic(header: str) -> tuple[str | None, str | None]:
    """Returns id and secret of a Basic header, each URL-encoded before it was put in; None for any other header."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None, None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return None, None
    return unquote_plus(user), unquote_plus(password)


def _digest(seed: int, purpose: str) -> str:
    return hashlib.sha256(f"dynamics/{seed}/{purpose}".encode()).hexdigest()


def _guid(seed: int, purpose: str) -> str:
    return str(uuid.UUID(_digest(seed, purpose)[:32], version=4))
