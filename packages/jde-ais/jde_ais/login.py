"""The ways to log in: user and password in the body, by Basic authentication, a JWT (AIS fact sheet, section 1)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jde_ais.faults import TokenRefused

if TYPE_CHECKING:
    from jde_ais.answers import ServerConfig
    from jde_ais.errors import AisAuthError
    from jde_ais.settings import AisSettings


@dataclass(frozen=True)
class LogIn:
    """What a token is asked for with.

    Attributes:
        way: `password`, `basic` or `jwt`.
        body: Fields of the request.
        headers: Headers of the request.
    """

    way: str
    body: dict[str, str]
    headers: dict[str, str]


def log_in_with(settings: AisSettings, config: ServerConfig) -> LogIn:
    """Writes the log-in that the settings ask for and the server accepts.

    A server that takes no password in the body gets it by Basic authentication, if it says that it takes that.
    """
    way: str = settings.auth_method
    if way == "password" and config.allow_basic and not config.allow_user_password:
        way = "basic"
    place = {"environment": settings.environment, "role": settings.role}
    body = {"deviceName": settings.device_name, **{name: value for name, value in place.items() if value}}
    if way == "password":
        return LogIn(way, {"username": settings.username, "password": settings.password, **body}, {})
    # Who is known by a header may have to say the rest in headers as well; the documentation names both places.
    headers = {f"jde-AIS-Auth-{name.capitalize()}": value for name, value in place.items() if value}
    proof = f"Bearer {settings.jwt}" if way == "jwt" else f"Basic {_basic(settings)}"
    return LogIn(way, body, {"Authorization": proof, **headers})


def refusal(error: AisAuthError, log_in: LogIn, settings: AisSettings, config: ServerConfig) -> str | None:
    """What a refused log-in means and what to do; None where the error says it all."""
    if log_in.way == "jwt":
        return (
            f"{error}; renew the token in jwt (it ends by itself, often after hours), and check that the AIS Server "
            f"trusts its issuer and allows JWT log-ins, and that its user may use {_place(settings)}"
        )
    if not isinstance(error, TokenRefused):
        return None
    if log_in.way == "basic" and not config.allow_basic:
        return f"{error}; the AIS Server does not accept Basic authentication, set auth_method to password"
    if settings.environment and re.search(r"\benvironments?\b", str(error), re.IGNORECASE):
        return (
            f"{error}; check that the user may use {_place(settings)} and that both exist, then username and password"
        )
    return (
        f"{error}; check username and password, whether the user is locked, and whether it may use {_place(settings)}"
    )


def secrets_of(settings: AisSettings) -> tuple[str, ...]:
    """Everything in the settings that must not be shown."""
    return (settings.password, settings.jwt, _basic(settings) if settings.password else "", *settings.proxy_secrets)


def _place(settings: AisSettings) -> str:
    return f"environment {settings.environment or '(default)'} with role {settings.role or '(default)'}"


def _basic(settings: AisSettings) -> str:
    return base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
