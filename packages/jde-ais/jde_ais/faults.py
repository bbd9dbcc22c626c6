"""What an answer other than a good one means: one error of the tree in `errors.py` per case.

Statuses and bodies: AIS fact sheet, sections 2.1, 2.4, 3.8 and 4. Bodies of errors are mostly undocumented, so their
text is only used where it is unmistakable; all else goes by the status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from jde_ais.errors import AisAuthError, AisConfigError, AisProtocolError, AisUnavailable, ResultSetExpired

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jde_ais.errors import AisError

_UNKNOWN_OBJECT = re.compile(
    r"(unknown|invalid|no such|undefined)\s+(target|table|view|business view|column|alias|control ?id|object)\b"
    r"|\b(table|view|column|alias|control ?id)\b.{0,60}"
    r"(not found|not exist|not valid|not defined|is unknown|is invalid|could not be found)",
    re.IGNORECASE,
)
_NOT_AUTHORIZED = re.compile(r"not (authorized|allowed|permitted)|authorization|security violation", re.IGNORECASE)
_SESSION_GONE = re.compile(
    r"\b(session|token)\b.{0,40}\b(timed?[ -]?out|expired|invalid|ended|gone|lost|not found|no longer)\b"
    r"|\b(invalid|expired|no)\b.{0,10}\b(session|token)\b|\b(sign|log)[ -]?(in|on) again\b",
    re.IGNORECASE,
)
_EXPIRED = "JAS_MSG347"
_LONGEST_QUOTE = 300
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

INVALID_TOKEN = 444
"""The AIS Server's own status for a token it does not know (any more)."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class TransientFault(AisUnavailable):
    """May pass by itself: the request can be sent again.

    Attributes:
        status: HTTP status, None when no answer came.
        retry_after: Seconds the server asks to wait, if it does.
        sent: Whether the server may have received the request.
    """

    def __init__(
        self,
        message: str,
        *,
        reached: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message, reached=reached)
        self.status = status
        self.retry_after = retry_after
        self.sent = sent


class TokenRefused(AisAuthError):  # noqa: N818 (never leaves the package; reads as what happened)
    """The token is unknown or expired (444), or perhaps so (403): log in again, once.

    Attributes:
        gone: Whether the server surely does not know the token any more, so that it cannot be given back either.
    """

    def __init__(self, message: str, *, gone: bool) -> None:
        super().__init__(message)
        self.gone = gone


class NothingHere(AisConfigError):  # noqa: N818 (never leaves the package; reads as what happened)
    """There is no such service at this address."""


def text_of(content: bytes, redact: Callable[[str], str]) -> str:
    """Finds the readable part of an error body: `message`, `errorText` or `sysErrors`; a short one-line quote else."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = re.sub(r"<[^>]*>", " ", content.decode("utf-8", "replace"))
    return redact(_words(body))[:_LONGEST_QUOTE] or "no text"


def _words(body: Any) -> str:
    if isinstance(body, dict):
        for name in ("message", "errorText", "sysErrors", "errors", "TITLE", "error"):
            if body.get(name):
                return _words(body[name])
        return msgspec.json.encode(body).decode()
    if isinstance(body, list):
        return "; ".join(_words(item) for item in body)
    return str(body)


def fault_of_text(text: str, what: str) -> AisError | None:
    """Recognises the cases that only the server's words tell apart, whatever the status.

    Args:
        text: The server's words.
        what: What was asked for, like `BROWSE of F0101`.
    """
    if _EXPIRED in text:
        return ResultSetExpired(f"{what}: the server closed the result set; start it again ({text})")
    if _UNKNOWN_OBJECT.search(text):
        return AisConfigError(
            f"{what}: the server does not know a table, view or column of this request; check the names "
            f"(columns go by alias, AN8 and not ABAN8) and the environment. It says: {text}"
        )
    return None


def fault_of(reply: Reply, what: str, redact: Callable[[str], str]) -> AisError:
    """Turns an answer other than 2xx into an error.

    Args:
        reply: The answer.
        what: What was asked for.
        redact: Takes secrets out of the server's words.
    """
    status, text = reply.status, text_of(reply.content, redact)
    if status in (HTTPStatus.FORBIDDEN, INVALID_TOKEN):
        return TokenRefused(f"{what}: HTTP {status}, {text}", gone=status == INVALID_TOKEN)
    known = fault_of_text(text, what)
    if known is not None:
        return known
    if status in _PASSING or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED):
        return TransientFault(f"{what}: HTTP {status}, {text}", status=status, retry_after=_retry_after(reply.headers))
    return _refusal(status, what, text, reply.headers)


def _refusal(status: int, what: str, text: str, headers: Mapping[str, str]) -> AisError:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        where = headers.get("Location", "").split("?")[0]
        return AisConfigError(f"{what}: redirected to {where!r}; set ais_url to the server's own address")
    if status == HTTPStatus.UNAUTHORIZED:
        return AisAuthError(f"{what}: HTTP 401, {text}; a proxy or the AIS Server asks for another kind of log-in")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED):
        return NothingHere(f"{what}: HTTP {status}, no AIS Server here; ais_url must be its address, before /jderest")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return AisConfigError(
            f"{what}: HTTP 405; the HTML Server does not accept this AIS Server, add it to the HTML Server's allowed "
            "hosts in Server Manager (or ais_url is not that of an AIS Server)"
        )
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return AisConfigError(
            f"{what}: HTTP 407, the proxy wants a log-in; check proxy_url (or HTTPS_PROXY and NO_PROXY)"
        )
    return AisProtocolError(f"{what}: HTTP {status}, {text}")


def fault_inside(body: Any, what: str, redact: Callable[[str], str]) -> AisError:
    """Turns a 200 that holds errors instead of data into an error.

    Args:
        body: The decoded part of the answer that tells what went wrong.
        what: What was asked for.
        redact: Takes secrets out of the server's words.
    """
    text = redact(_words(body))[:_LONGEST_QUOTE] or "no text"
    known = fault_of_text(text, what)
    if known is not None:
        return known
    if _SESSION_GONE.search(text):
        return TokenRefused(f"{what}: {text}", gone=False)
    if _NOT_AUTHORIZED.search(text):
        return AisAuthError(f"{what}: the user may not read this (Data Browser security): {text}")
    return AisProtocolError(f"{what}: the server answered with an error instead of data: {text}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    # The other form, a date, would need the server's clock; AIS has none of it documented, proxies send seconds.
    return float(text) if text.isascii() and text.isdigit() else None
