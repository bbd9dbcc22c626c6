"""The client: one session on one AIS Server, safe to use from several threads."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

import requests

from jde_ais.errors import AisAuthError, AisProtocolError, ResultSetExpired
from jde_ais.faults import TokenRefused, TransientFault
from jde_ais.login import secrets_of
from jde_ais.parsing import parse_columns, parse_count, parse_page
from jde_ais.redaction import Redactor
from jde_ais.session import Session
from jde_ais.transport import Transport
from jde_ais.wire import browse_body, count_body, discovery_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from jde_ais.answers import Column, NextLink, Page, ServerConfig, UserInfo
    from jde_ais.query import BrowseRequest, Where
    from jde_ais.session import Token
    from jde_ais.settings import AisSettings

    TargetType = Literal["table", "view"]

logger = logging.getLogger("jde_ais")

T = TypeVar("T")

_DATASERVICE = "/v2/dataservice"
_MOST_LOG_INS = 3
"""Of one read; only tokens that die between the reads of other threads, or before their first, need more than one."""
_MOST_DIED_UNUSED = 2
"""Fresh tokens a server may say it does not know (444) before it is taken to keep none for this user or device."""


class AisClient:
    """Reads tables and views through the data service of an AIS Server.

    Logs in at the first request, keeps one token for all threads, renews it before it expires, logs in again once
    when the server drops it, and logs out in `close`. Every method may raise any `AisError`.

    Attributes:
        most_rows: Rows of the largest page so far; a fetch limit of the server is not below it.

    Args:
        settings: Address, user and limits.
        clock: Gives seconds that never go back; tests bring their own.
        sleep: Waits between attempts; tests bring their own. By default such waits end when the client is closed.
        session_factory: Makes the HTTP session, for proxies and the like.

    Raises:
        AisConfigError: When a setting cannot work.
    """

    def __init__(
        self,
        settings: AisSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        session_factory: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        settings.check()
        self.settings = settings
        self._redact = Redactor(*secrets_of(settings))
        self._transport = Transport(settings, self._redact, clock, sleep, session_factory)
        self._session = Session(settings, self._transport, clock)
        self.most_rows = 0
        self._columns: dict[tuple[str, str], list[Column]] = {}
        self._columns_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives up requests of other threads, logs out and closes the connections.

        Threads that wait for an answer or for the next attempt get an `AisUnavailable`. Raises no `AisError` itself, so
        that it hides no other error.
        """
        self._session.close(hurried=self._transport.cut())
        self._transport.close()

    @property
    def user(self) -> UserInfo:
        """The signed-on user; logs in if that has not happened yet."""
        return self._session.user()

    def server_config(self) -> ServerConfig:
        """The server's own settings; needs no log-in."""
        return self._session.config()

    def columns(self, table: str, target_type: TargetType = "table") -> list[Column]:
        """Discovers the columns of a table or view; asked of the server once per client."""
        with self._columns_lock:
            known = self._columns.get((target_type, table))
        if known is None:
            body = discovery_body(table, target_type, self.settings.device_name)
            what = f"columns of {table}"
            known = self._read(body, what, partial(parse_columns, table=table, what=what, redact=self._redact))
            with self._columns_lock:
                self._columns[target_type, table] = known
        return list(known)

    def browse(self, request: BrowseRequest) -> Page:
        """Reads one page; its `next` is only set when `request.result_set` is.

        Raises:
            AisConfigError: The server knows no such table or column, or a date cannot be written in the user's format.
            AisAuthError: Log-in refused, or the user may not read this.
            AisUnavailable: No good answer after all attempts.
        """
        body = browse_body(request, self.settings.device_name, self.user.date_format)
        what = f"read of {request.table}"

        def parse(content: bytes, token: str) -> Page:
            return parse_page(content, request.table, token, what, self._redact)

        page = self._read_with_token(body, what, parse)
        self.most_rows = max(self.most_rows, len(page.rows))
        return page

    def next_page(self, link: NextLink) -> Page:
        """Reads the next page of an open result set; each link can be read once.

        Raises:
            ResultSetExpired: The rest cannot be read: the server closed the result set or dropped the session that
                opened it, or an answer was lost, after which nobody knows which page would come next.
        """
        what = f"next page of {link.table}"
        parts = urlsplit(link.href)
        # The server may name itself by an address that does not work from here; and the token must not go elsewhere.
        _, found, rest = f"{parts.path}?{parts.query}".partition("/jderest/")
        if not found:
            msg = f"{what}: the server's next link leads outside /jderest"
            raise AisProtocolError(msg)
        try:
            return self._transport.call(
                "GET",
                f"/{rest}",
                partial(parse_page, table=link.table, token=link.token, what=what, redact=self._redact),
                what=what,
                headers=self._session.headers(link.token),
                resend=False,
            )
        except TokenRefused as error:
            self._session.drop(link.token, gone=error.gone)
            reason = str(error)
        except TransientFault as error:
            if not error.sent:
                raise
            reason = str(error)
        msg = f"{reason}; the rest of the result set is lost, start it again"
        raise ResultSetExpired(msg)

    def count(self, table: str, where: Where | None = None, target_type: TargetType = "table") -> int:
        """Counts the rows of a table or view for which `where` holds."""
        body = count_body(table, target_type, where, self.settings.device_name, self.user.date_format)
        what = f"count of {table}"
        return self._read(body, what, partial(parse_count, table=table, what=what, redact=self._redact))

    def _read(self, body: bytes, what: str, parse: Callable[[bytes], T]) -> T:
        return self._read_with_token(body, what, lambda content, _: parse(content))

    def _read_with_token(self, body: bytes, what: str, parse: Callable[[bytes, str], T]) -> T:
        token, gone = self._session.token(), False
        try:
            return self._post(body, what, parse, token)
        except TokenRefused as error:
            gone = error.gone  # handled outside, so that a second refusal does not drag the first one along
        except TransientFault as error:
            # The session on the HTML Server can die before its AIS token does; all reads then end in a 500.
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR or not token.proven:
                raise
        died_unused = 0
        for _ in range(_MOST_LOG_INS):
            token = self._session.renew(token, gone=gone)
            try:
                return self._post(body, what, parse, token)
            except TokenRefused as error:
                refusal, gone = str(error), error.gone
            if not token.proven:
                # Someone may end all sessions just between a log-in and its first read; twice is no chance any more.
                died_unused += 1
                if not gone or died_unused == _MOST_DIED_UNUSED:
                    break
        msg = (
            f"{refusal}; refused again after a new log-in: user {self.user.username} may lack the right to read "
            "this (Data Browser security), or the server does not keep the session for this device_name"
        )
        raise AisAuthError(msg)

    def _post(self, body: bytes, what: str, parse: Callable[[bytes, str], T], token: Token) -> T:
        ask = partial(
            self._transport.call,
            "POST",
            _DATASERVICE,
            lambda content: parse(content, token.value),
            what=what,
            body=body,
            headers=self._session.headers(token.value),
        )
        try:
            answer = ask()
        except ResultSetExpired as error:
            # Nothing was kept open for this request: the server mixes something up, and a second one stands for itself.
            logger.info("%s; asking again", error)
        else:
            token.proven = True
            return answer
        answer = ask()
        token.proven = True
        return answer
