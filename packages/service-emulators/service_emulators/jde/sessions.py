"""Log-in, tokens and their two clocks (AIS fact sheet sections 1 and 2)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.handed_out import hand_out
from service_emulators.jde.errors import ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from service_emulators.clock import EmulatorClock
    from service_emulators.jde.requests import Credentials
    from service_emulators.jde.switches import Switches


@dataclass(frozen=True)
class Account:
    """The one user of the emulated site."""

    username: str = "TAPUSER"
    password: str = field(default="Emul8-JDE", repr=False)
    environments: tuple[str, ...] = ("JDV920", "JPY920")
    roles: tuple[str, ...] = ("*ALL", "SYSADMIN")
    address_number: int = 6001

    def __post_init__(self) -> None:
        """Tell of the password, also as Basic authentication shows it."""
        hand_out(self.password, "password of the JDE user")
        hand_out(base64.b64encode(f"{self.username}:{self.password}".encode()).decode(), "log-in of the JDE user")

    def check(self, asked: Credentials) -> tuple[str, str]:
        """Check user, password, environment and role; return the environment and role to use.

        Raises:
            ServiceError: 403.
        """
        if asked.username is None or asked.username.upper() != self.username or asked.password != self.password:
            raise ServiceError(403, "Authorization Failure: Invalid User or Password", "AuthorizationException")
        return self.place(asked)

    def place(self, asked: Credentials) -> tuple[str, str]:
        """Check environment and role alone; return those to use.

        Raises:
            ServiceError: 403.
        """
        environment, role = asked.environment or self.environments[0], asked.role or self.roles[0]
        if environment not in self.environments or role not in self.roles:
            message = "Authorization Failure: The list of Environments and Roles was returned unexpectedly."
            raise ServiceError(403, message, "AuthorizationException")
        return environment, role


@dataclass
class Session:
    """A token and what it was issued for."""

    token: str = field(repr=False)
    device: str
    environment: str
    role: str
    cookie: str = field(repr=False)
    ais_cookie: str = field(repr=False)
    began: datetime
    used: datetime


class Sessions:
    """All live tokens."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._live: dict[str, Session] = {}

    def issue(self, device: str, environment: str, role: str) -> Session:
        """Issue a token bound to a device name (or the caller's address)."""
        now = self._clock.now()
        # Real tokens have characters that must be encoded in a URL.
        token = "044" + base64.b64encode(b"\xfb\xef\xff" + secrets.token_bytes(46)).decode()
        hand_out(token, "AIS token")
        cookie = secrets.token_urlsafe(24)
        number = secrets.randbelow(10**9)
        ais_cookie = f"{cookie}!{number}!{int(now.timestamp() * 1000)}"
        session = Session(token, device, environment, role, cookie, ais_cookie, now, now)
        self._live[token] = session
        return session

    def use(self, token: str, device: str, cookie: str | None, switches: Switches, *, touch: bool = True) -> Session:
        """Return the session of a token and restart its idle clock (unless ``touch`` is False).

        Raises:
            ServiceError: 444 (or as switched): unknown, expired, other device, or its cookie is missing.
        """
        session = self._live.get(token)
        now = self._clock.now()
        if session and (
            now - session.used > timedelta(minutes=switches.session_timeout_minutes)
            or now - session.began > timedelta(minutes=switches.time_to_live_minutes)
        ):
            del self._live[token]
            session = None
        without_cookie = switches.require_session_cookie and session and cookie != session.ais_cookie
        if not session or session.device != device or without_cookie:
            raise ServiceError(switches.invalid_token_status, "Invalid Token: Please Request a New Token")
        if touch:
            session.used = now
        return session

    def end(self, session: Session) -> None:
        """Log out."""
        self._live.pop(session.token, None)

    def expire_all(self) -> int:
        """Let all tokens die now; returns how many there were."""
        count = len(self._live)
        self._live.clear()
        return count
