"""Settings of one AIS client."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from jde_ais.errors import AisConfigError

_NEEDED = {"password": ("username", "password"), "basic": ("username", "password"), "jwt": ("jwt",)}


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
        proxy_url: HTTP proxy, `http://host:port`, with `user:password@` if need be; never shown in the settings' own
            text. None for that of the environment.
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
    proxy_url: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Makes sure that the settings can work at all.

        Raises:
            AisConfigError: One cannot; the text names it and shows no secret.
        """
        if not (_printable(self.device_name) and self.device_name.strip()):
            msg = "device_name must be printable ASCII text and not blank: it is sent with every request"
            raise AisConfigError(msg)
        if self.auth_method not in _NEEDED:
            msg = f"auth_method must be password, basic or jwt, not {self.auth_method!r}"
            raise AisConfigError(msg)
        missing = [name for name in _NEEDED[self.auth_method] if not getattr(self, name)]
        if missing:
            msg = f"auth_method {self.auth_method} needs {' and '.join(missing)}"
            raise AisConfigError(msg)
        if self.auth_method == "jwt" and (not _printable(self.jwt) or " " in self.jwt):
            msg = "jwt must be a JSON Web Token as it is issued: one line of letters, digits, dots, - and _"
            raise AisConfigError(msg)
        if self.auth_method == "basic" and ":" in self.username:
            msg = "username must not hold a colon: Basic authentication would end it there"
            raise AisConfigError(msg)
        if self.requests_per_second < 0:
            msg = f"requests_per_second must not be below 0, got {self.requests_per_second}"
            raise AisConfigError(msg)
        if self.proxy_url is not None and not _is_proxy(self.proxy_url):
            msg = (
                "proxy_url must be the address of an HTTP proxy like http://proxy.example.com:3128, with "
                "user:password@ before the host if it wants a log-in (special characters in them as %XX)"
            )
            raise AisConfigError(msg)

    @property
    def proxy_secrets(self) -> tuple[str, ...]:
        """User and password of the proxy, in the forms in which they can be seen on the way."""
        if not self.proxy_url:
            return ()
        written = urlsplit(self.proxy_url).netloc.rpartition("@")[0]
        password = written.partition(":")[2]
        pair = unquote(written)
        return written, password, unquote(password), base64.b64encode(pair.encode()).decode() if pair else ""

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
        if "://" not in self.url and self.url.strip() and "@" not in self.url:
            msg = f"ais_url lacks https:// (or http://) at its beginning: give https://{self.url.strip()}"
            raise AisConfigError(msg)
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


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.path in {"", "/"} and not parts.query and not parts.fragment and url == url.strip()
        return parts.scheme in {"http", "https"} and _is_host(parts.hostname or "") and parts.port != 0 and whole
    except ValueError:
        return False


def _is_host(name: str) -> bool:
    return bool(name) and not any(letter.isspace() or letter in '"<>\\^`{|}' for letter in name)
