"""The session: one token for all threads, renewed in time, given back at the end.

Tokens and their limits: AIS fact sheet, section 2. Every token holds a user session on the HTML Server, hence one per
client; a refused log-in is remembered, since JDE locks a user after a few.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from jde_ais.answers import ServerConfig
from jde_ais.errors import AisAuthError, AisConfigError, AisError, AisProtocolError, AisUnavailable
from jde_ais.faults import NothingHere, TokenRefused, fault_inside
from jde_ais.login import log_in_with, refusal
from jde_ais.parsing import json_object, parse_config, parse_user
from jde_ais.values import date_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from jde_ais.answers import UserInfo
    from jde_ais.settings import AisSettings
    from jde_ais.transport import Transport

logger = logging.getLogger("jde_ais")

_LOGOUT_TIMEOUT_SECONDS = 10
_HURRIED_SECONDS = 1
_FIRST_CONTACT_TRIES = 3
"""Nothing has been read yet, and an address that does not answer is more often wrong than passing."""


@dataclass
class Token:
    """A token.

    Attributes:
        value: The token itself.
        issued: When it was issued, in seconds of the client's clock.
        used: When it was last used.
        proven: Whether it has served a read.
    """

    value: str = field(repr=False)
    issued: float
    used: float
    proven: bool = False


class Session:
    """Logs in, keeps the token, logs out."""

    def __init__(self, settings: AisSettings, transport: Transport, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._lock = threading.RLock()
        self._token: Token | None = None
        self._retired: Token | None = None
        self._user: UserInfo | None = None
        self._config: ServerConfig | None = None
        self._refusal: str | None = None
        self._closed = False

    def token(self) -> Token:
        """Gives a token that is good for the next request; logs in when there is none.

        Raises:
            AisError: See `AisClient`.
        """
        with self._lock:
            now = self._clock()
            if self._token is not None and self._expires(self._token, now):
                logger.info("the AIS token reaches its time limit; logging in again")
                self._retire(self._token)
            if self._token is None:
                self._token = self._log_in()
            self._token.used = self._clock()
            return self._token

    def renew(self, refused: Token, *, gone: bool) -> Token:
        """Gives another token than the refused one; of several threads that come with it, one logs in.

        Args:
            refused: The token.
            gone: See `drop`.
        """
        self.drop(refused.value, gone=gone)
        return self.token()

    def drop(self, value: str, *, gone: bool) -> None:
        """Uses a token no more.

        Args:
            value: The token.
            gone: Whether the server does not know it any more; otherwise it holds a session that is given back.
        """
        with self._lock:
            if self._token is not None and self._token.value == value:
                logger.info("the AIS token does not work any more; logging in again")
                if gone:
                    self._token = None
                else:
                    self._retire(self._token)

    def user(self) -> UserInfo:
        """The signed-on user; logs in if that has not happened yet."""
        with self._lock:
            if self._user is None:
                self.token()
            if self._user is None:
                msg = "the log-in gave no user"
                raise AisProtocolError(msg)
            return self._user

    def config(self) -> ServerConfig:
        """The server's settings; unknown ones where it does not tell them.

        Raises:
            AisUnavailable: No answer at all.
        """
        with self._lock:
            if self._config is None:
                self._config = self._read_config()
            return self._config

    def headers(self, token: str) -> dict[str, str]:
        """Headers that authenticate a request; in the body or URL a token would end up in logs of proxies."""
        return {"jde-AIS-Auth": token, "jde-AIS-Auth-Device": self._settings.device_name}

    def close(self, *, hurried: bool) -> None:
        """Logs out; never raises.

        Args:
            hurried: Wait for an answer a second only.
        """
        self._closed = True
        if not self._lock.acquire(timeout=_HURRIED_SECONDS):
            logger.info("no log-out while a log-in hangs; the session will end by itself")
            return
        try:
            for token in (self._retired, self._token):
                if token is not None:
                    self._log_out(token, _HURRIED_SECONDS if hurried else _LOGOUT_TIMEOUT_SECONDS)
            self._token = self._retired = None
        finally:
            self._lock.release()

    def _expires(self, token: Token, now: float) -> bool:
        config = self.config()
        assumed = self._settings.refresh_seconds
        idle = min(_before(config.idle_seconds), assumed) if config.idle_seconds else assumed
        life = _before(config.lifetime_seconds) if config.lifetime_seconds else assumed
        return now - token.used >= idle or now - token.issued >= life

    def _retire(self, token: Token) -> None:
        # Another thread may still be using it, so it is given back at the next change or at the end.
        if self._retired is not None:
            self._log_out(self._retired)
        self._retired, self._token = token, None

    def _read_config(self) -> ServerConfig:
        try:
            return parse_config(self._ask_config("/v2"))
        except AisError as error:
            if isinstance(error, AisUnavailable) and not error.reached:
                raise
            missing = error
        if isinstance(missing, NothingHere):
            # Tools older than 9.2.1.2 have the services of version 1 alone, and tell their version there.
            with suppress(AisError):
                return replace(parse_config(self._ask_config("")), has_v2=False)
        logger.info("%s; going on with the usual time limits", missing)
        return ServerConfig()

    def _ask_config(self, version: str) -> dict[str, Any]:
        what = "reading the AIS Server's settings"
        return self._transport.call(
            "GET",
            f"{version}/defaultconfig?all=true&requiredCapabilities=dataservice,outputType",
            partial(json_object, what=what, redact=self._transport.redact),
            what=what,
            tries=_FIRST_CONTACT_TRIES,
        )

    def _log_in(self) -> Token:
        if self._closed:
            msg = "the AIS client is closed"
            raise RuntimeError(msg)
        if self._refusal is not None:
            raise AisAuthError(self._refusal)
        known = self._settings.username and self._settings.auth_method != "jwt"
        what = f"log-in of {self._settings.username}" if known else "log-in"
        config = self.config()
        log_in = log_in_with(self._settings, config)
        try:
            answer = self._transport.call(
                "POST",
                "/v2/tokenrequest",
                partial(json_object, what=what, redact=self._transport.redact),
                what=what,
                body=msgspec.json.encode(log_in.body),
                headers=log_in.headers,
            )
        except NothingHere:
            if config.has_v2:
                raise
            too_old = (
                f"{what}: this AIS Server has no services of version 2; EnterpriseOne Tools 9.2.1.2 or newer is "
                f"needed, and it says that it is {config.version or 'of no version'}"
            )
        except AisAuthError as error:
            self._refusal = refusal(error, log_in, self._settings, config)
            if self._refusal is None:
                raise
        else:
            return self._accept(answer, what)
        if self._refusal is None:
            raise AisConfigError(too_old)
        raise AisAuthError(self._refusal)

    def _accept(self, answer: dict[str, Any], what: str) -> Token:
        info = answer.get("userInfo")
        value = info.get("token") if isinstance(info, dict) else None
        if not value or not isinstance(value, str):
            fault = fault_inside(answer, what, self._transport.redact)
            raise AisAuthError(str(fault)) if isinstance(fault, TokenRefused) else fault
        self._transport.redact.learn(value)
        user = parse_user(answer, self._settings.username)
        now = self._clock()
        token = Token(value, now, now)
        try:
            date_format(user.date_format)
        except AisConfigError:
            self._log_out(token)
            raise
        self._user = user
        logger.info(
            "logged in to AIS as %s (environment %s, role %s, dates %s)",
            user.username,
            user.environment,
            user.role,
            user.date_format,
        )
        return token

    def _log_out(self, token: Token, seconds: int = _LOGOUT_TIMEOUT_SECONDS) -> None:
        # Log-out alone is documented with the token in its body; the headers serve servers that look there.
        body = {"token": token.value, "deviceName": self._settings.device_name}
        try:
            self._transport.call(
                "POST",
                "/v2/tokenrequest/logout",
                bytes,
                what="log-out",
                body=msgspec.json.encode(body),
                headers=self.headers(token.value),
                tries=1,
                timeout=min(seconds, self._settings.timeout_seconds),
            )
        except AisError as error:
            logger.info("%s; the session will end by itself", error)


def _before(seconds: int) -> float:
    """A request must not meet the limit on its way: keep a minute, or a tenth of a short limit."""
    return seconds - min(60, seconds / 10)
