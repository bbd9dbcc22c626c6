"""Settings of one AIS client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from jde_ais.errors import AisConfigError


@dataclass(frozen=True)
class AisSettings:
    """How to reach an AIS Server and as whom.

    Attributes:
        url: Address of the AIS Server, `https://host:port`; a trailing slash or `/jderest` does no harm.
        username: JDE user.
        password: The user's password; never shown in the settings' own text.
        device_name: Name the token is bound to; always sent, since a server that does not get one binds the token to
            the caller's address, which may change between calls.
        environment: JDE environment; None for the server's default.
        role: JDE role; None for the server's default.
        timeout_seconds: How long to wait for a connection and for each answer.
        verify: Whether to check the server's certificate, or the path of a file with the authorities to trust.
        max_concurrency: How many requests may run at once.
        refresh_seconds: A token unused for so long is replaced, whatever the server allows; also the assumed life of
            a token where the server does not tell.
        auth_method: `password` (in the body of the log-in), `basic` (HTTP Basic authentication) or `jwt`.
        jwt: JSON Web Token for `jwt`; never shown in the settings' own text.
        requests_per_second: Most requests a second; 0 for no limit.
        proxy_url: HTTP proxy; None for that of the environment.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    device_name: str = "jde-ais"
    environment: str | None = None
    role: str | None = None
    timeout_seconds: int = 60
    verify: bool | str = True
    max_concurrency: int = 2
    refresh_seconds: int = 1500
    auth_method: Literal["password", "basic", "jwt"] = "password"
    jwt: str = field(default="", repr=False)
    requests_per_second: int = 0
    proxy_url: str | None = None

    @property
    def base_url(self) -> str:
        """The address with `/jderest` and without a slash at its end.

        Raises:
            AisConfigError: When the address is none.
        """
        try:
            parts = urlsplit(self.url.strip())
            valid = parts.scheme in {"http", "https"} and _is_host(parts.hostname or "") and parts.port != 0
        except ValueError:
            valid = False
        if not valid or "@" in parts.netloc or parts.query or parts.fragment:
            msg = (
                "ais_url must be the address of the AIS Server like https://ais.example.com:7077, "
                "without user, password or parameters"
            )
            raise AisConfigError(msg)
        path = parts.path.rstrip("/")
        for version in ("/v1", "/v2", "/v3"):
            path = path.removesuffix(version)
        return urlunsplit((parts.scheme, parts.netloc, path.removesuffix("/jderest") + "/jderest", "", ""))


def _is_host(name: str) -> bool:
    return bool(name) and not any(letter.isspace() or letter in '"<>\\^`{|}' for letter in name)
