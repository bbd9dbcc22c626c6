"""One HTTP exchange after the other: connection, limits of parallel requests and of their pace, and patience."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import backoff
import requests
from requests.auth import AuthBase

from jde_ais.connections import fault_of_connection
from jde_ais.errors import AisUnavailable
from jde_ais.faults import Reply, TransientFault, fault_of
from jde_ais.lines import Lines
from jde_ais.pace import Pace
from jde_ais.redaction import guard_http_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from jde_ais.errors import AisConfigError
    from jde_ais.redaction import Redactor
    from jde_ais.settings import AisSettings

logger = logging.getLogger("jde_ais")

T = TypeVar("T")

MAX_TRIES = 5
LONGEST_WAIT_SECONDS = 120
"""More than this is not waited for, even if the server asks for it with Retry-After."""


class _NoAuth(AuthBase):
    """Keeps requests from adding a log-in of its own out of a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Transport:
    """Sends requests to one AIS Server; safe to use from several threads."""

    def __init__(
        self,
        settings: AisSettings,
        redact: Redactor,
        clock: Callable[[], float],
        sleep: Callable[[float], object] | None,
        session_factory: Callable[[], requests.Session],
    ) -> None:
        guard_http_logs()
        self.base_url = settings.base_url
        self.redact = redact
        self._settings = settings
        self._lines = Lines()
        self._sleep = sleep or self._lines.closing.wait
        self._pace = Pace(settings.requests_per_second, clock, self._sleep)
        # Of a request, since the environment's proxy goes before that of the HTTP session.
        self._proxies = {"http": settings.proxy_url, "https": settings.proxy_url} if settings.proxy_url else None
        self._lock = threading.Lock()
        self._calls = 0
        self._slots = threading.BoundedSemaphore(max(1, settings.max_concurrency))
        self._session = session_factory()
        self._session.auth = _NoAuth()
        self._session.headers.update({"Accept": "application/json", "User-Agent": "jde-ais"})
        adapter = self._lines.adapter(max(1, settings.max_concurrency))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def call(
        self,
        method: str,
        path: str,
        parse: Callable[[bytes], T],
        *,
        what: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int = MAX_TRIES,
        resend: bool = True,
        timeout: int | None = None,
    ) -> T:
        """Sends a request and reads its answer, again and again while that may help.

        Args:
            method: GET or POST.
            path: Path below `/jderest`, with its parameters.
            parse: Reads the body of a 2xx answer; may raise a `TransientFault` for a damaged one.
            what: What is asked for, in words, for logs and errors.
            body: JSON body.
            headers: Further headers.
            tries: Most attempts.
            resend: Whether a request the server may have received can be sent again.
            timeout: Seconds to wait instead of the setting.

        Raises:
            AisError: Any of the tree, `AisUnavailable` once the attempts are used up.
        """

        def attempt() -> T:
            self._check_open(what)
            return parse(self._exchange(method, path, what, body, headers, timeout))

        patient = backoff.on_exception(
            self._waits,
            TransientFault,
            max_tries=tries,
            jitter=None,  # `_waits` has its own
            giveup=lambda error: isinstance(error, TransientFault) and error.sent and not resend,
            logger=None,
        )(attempt)
        with self._lock:
            self._calls += 1
        try:
            return patient()
        finally:
            with self._lock:
                self._calls -= 1

    def cut(self) -> bool:
        """Ends waits for answers and between attempts; from now on only the calling thread can send anything.

        Returns:
            Whether anything was under way.
        """
        busy = self._calls > 0
        self._lines.cut()
        return busy

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _check_open(self, what: str) -> None:
        if self._lines.cut_off:
            msg = f"{what}: given up, since the client is being closed"
            raise AisUnavailable(msg, reached=True)

    def _waits(self) -> Generator[float, Any, None]:
        """Waits between attempts itself and has backoff wait for no more.

        backoff always sleeps by `time.sleep`; callers of this package bring their own.
        """
        fault = yield 0
        for step in backoff.expo(factor=1, max_value=30):
            if not step:
                continue  # the generator's first value only starts it
            wait = step / 2 + backoff.full_jitter(step / 2)
            if isinstance(fault, TransientFault):
                asked = min(fault.retry_after or 0, LONGEST_WAIT_SECONDS)
                wait = max(wait, asked)
            if not self._lines.cut_off:
                logger.info("%s; next attempt in %.1f s", fault, wait)
                self._sleep(wait)
            fault = yield 0

    def _exchange(
        self,
        method: str,
        path: str,
        what: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        timeout: int | None,
    ) -> bytes:
        sent = dict(headers or {})
        if method == "POST":
            sent["Content-Type"] = "application/json"
        # The error is raised outside the except block: its cause would carry the URL, and with it a token.
        failure: AisUnavailable | AisConfigError | None = None
        closing = self._lines.closing.is_set()
        with nullcontext() if closing else self._slots:  # who closes waits for nobody
            self._pace.wait()
            self._check_open(what)
            try:
                response = self._session.request(
                    method,
                    self.base_url + path,
                    data=body,
                    headers=sent,
                    timeout=timeout or self._settings.timeout_seconds,
                    verify=self._settings.verify,
                    proxies=self._proxies,
                    allow_redirects=False,  # a redirect would turn POST into GET and take the token elsewhere
                )
            except (requests.RequestException, OSError) as error:
                host = self.base_url.removesuffix("/jderest")
                failure = fault_of_connection(error, what, host, self._settings, self.redact)
        if failure is not None:
            raise failure
        reply = Reply(response.status_code, response.headers, response.content)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise fault_of(reply, what, self.redact)
        return reply.content
