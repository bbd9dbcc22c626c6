"""Why no answer came: connections that are refused, lost, too slow, or not to be trusted."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import NewConnectionError

from jde_ais.errors import AisConfigError
from jde_ais.faults import TransientFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from jde_ais.errors import AisUnavailable
    from jde_ais.settings import AisSettings

_NOT_YET_VALID, _EXPIRED, _HOST, _ADDRESS = 9, 10, 62, 64
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""Results of a certificate's check (X509_V_ERR of OpenSSL); the last are those of a chain that leads nowhere known."""


def fault_of_connection(
    error: Exception, what: str, host: str, settings: AisSettings, redact: Callable[[str], str]
) -> AisUnavailable | AisConfigError:
    """Turns the exception of a request without an answer into an error.

    Args:
        error: What `requests` raised.
        what: What was asked for.
        host: Address of the server.
        settings: The client's settings.
        redact: Takes secrets out of the exception's words.
    """
    reason = _reason(error, redact)
    inner = _innermost(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return _fault_of_proxy(what, host, reason, settings)
    lost = isinstance(inner, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    if isinstance(error, requests.exceptions.SSLError) and not lost:
        return AisConfigError(f"{what}: no trusted TLS connection to {host}: {_distrust(inner, reason)}")
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(inner, NewConnectionError):
        return TransientFault(
            f"{what}: cannot reach {host}: {reason}; ais_url must be the address of the AIS Server, as seen from this "
            "machine",
            reached=False,
            sent=False,
        )
    if isinstance(error, requests.exceptions.ReadTimeout):
        return TransientFault(
            f"{what}: no answer from {host} within {settings.timeout_seconds} s; raise the request time-out or lower "
            "the page size"
        )
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return AisConfigError(f"{what}: {redact(str(error))}; check ca_bundle and verify_tls")
    return TransientFault(f"{what}: connection to {host} lost: {reason}")


def _fault_of_proxy(what: str, host: str, reason: str, settings: AisSettings) -> AisUnavailable | AisConfigError:
    where = "proxy_url" if settings.proxy_url else "HTTPS_PROXY and NO_PROXY"
    if "407" in reason:
        return AisConfigError(f"{what}: the proxy wants a log-in ({reason}); check user and password in {where}")
    return TransientFault(f"{what}: the proxy for {host} fails: {reason}; check {where}", reached=False)


def _distrust(error: BaseException, reason: str) -> str:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    if code == _EXPIRED:
        return "the server's certificate has expired; have it renewed (until then, verify_tls off trusts anyone)"
    if code == _NOT_YET_VALID:
        return "the server's certificate is not valid yet; check this machine's clock, or have a new one issued"
    if code in (_HOST, _ADDRESS):
        return (
            f"the server's certificate is for another host ({reason}); give the name it was issued for in ais_url "
            "(verify_tls off trusts anyone)"
        )
    if code in _UNKNOWN_AUTHORITY:
        return (
            f"the server's certificate is from an unknown authority ({reason}); give the file of your certificate "
            "authority in ca_bundle (verify_tls off trusts anyone)"
        )
    return f"{reason}; check that ais_url really speaks TLS, and ca_bundle and verify_tls"


def _innermost(error: BaseException) -> BaseException:
    seen = error
    for _ in range(6):
        inner = getattr(seen, "reason", None) or next((a for a in seen.args if isinstance(a, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        seen = inner
    return seen


def _reason(error: Exception, redact: Callable[[str], str]) -> str:
    """Gives the innermost reason in a few words; the outer texts repeat the URL."""
    inner = _innermost(error)
    words = redact(str(inner))
    _, code, rest = words.partition("[")  # a code of OpenSSL, "[SSL: …]", is one of the words
    return (code + rest if code and isinstance(inner, ssl.SSLError) else words.rsplit(": ", 1)[-1]) or type(
        inner
    ).__name__
