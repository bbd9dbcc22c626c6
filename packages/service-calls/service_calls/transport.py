"""One HTTP request and its answer, sent once.

Redirects are never followed: they would carry the token to another host. Connections are kept per thread.
"""

from __future__ import annotations

import ssl
import threading
import typing as t
from http.cookiejar import DefaultCookiePolicy

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from service_calls.faults import TIMED_OUT, LostAnswerError, NotSentError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.auth import AuthBase

    from service_calls.service import Service

CONNECT_SECONDS: t.Final = 10
"""Longest time a connection may take, whatever the answer may take."""


class Transport:
    """Sends requests to one service; safe to share between threads.

    Args:
        service: Who is spoken to.
        auth: Puts the credentials into each request.
        timeout_seconds: How long an answer may take.
        cookies: Send back the cookies the service sets; some tie all requests to one of its servers.
    """

    def __init__(self, service: Service, auth: AuthBase, *, timeout_seconds: float, cookies: bool = True) -> None:
        self._service = service
        self._cookies = cookies
        self._auth = auth
        self._timeout = (min(CONNECT_SECONDS, timeout_seconds), timeout_seconds)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
    ) -> requests.Response:
        """Send one request, once, and return its answer, whatever its status.

        Args:
            method: HTTP method.
            url: Whole address.
            params: Query parameters.
            body: JSON text.
            headers: Headers beside those every request has.
            file: Name and content of a file, sent as the part `file` of a form in place of `body`.

        Raises:
            NotSentError: If it certainly had no effect.
            LostAnswerError: If it may have had one.
            Exception: One of the service's own, if the address or the certificate is of no use.
        """
        own = {"content-type": "application/json"} if body is not None else {}
        try:
            return self._session().request(
                method,
                url,
                params=params,
                data=body,
                headers={**own, **(headers or {})},
                files=None if file is None else {"file": file},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise transport_error(error, self._service) from None

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._local = threading.local()
        for session in sessions:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = self._auth
            if not self._cookies:
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers["accept"] = "application/json"
            session.headers["user-agent"] = self._service.agent
            with self._lock:
                self._local.session = session
                self._sessions.append(session)
        return session


def transport_error(error: requests.RequestException, service: Service) -> Exception:
    """Sort an exception of `requests` by whether the request can have had an effect."""
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return service.setting_error(f"the address cannot be used; check settings {service.address_settings}")
    if isinstance(error, requests.exceptions.SSLError) and _bad_certificate(error):
        return service.unavailable_error(
            f"no trusted TLS connection to {service.name}: the certificate was not accepted"
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NotSentError("the proxy does not let the connection through")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NotSentError("no connection within the time limit")
    if isinstance(error, requests.exceptions.Timeout):
        return LostAnswerError(TIMED_OUT, "no answer within the time limit")
    if isinstance(error, requests.exceptions.ConnectionError) and _never_connected(error):
        return NotSentError("connection refused or host unknown")
    return LostAnswerError("reset", "the connection broke before the answer was complete")


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _bad_certificate(error: requests.exceptions.SSLError) -> bool:
    """Whether the connection was given up before anything was sent; other TLS errors may come at any time."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        inner = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
        cause = inner if isinstance(inner, BaseException) else None
    return cause is not None
