"""Reads and writes `multipart/mixed` as `$batch` has it: every line ends with CRLF."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from service_emulators.dynamics.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service_emulators.dynamics.calls import Answer

_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_LINE = b"\r\n"
_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/1\.1)")


@dataclass(frozen=True)
class Part:
    """A part of a multipart body.

    Attributes:
        headers: headers, names in lower case.
        content: what follows them.
    """

    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Inner:
    """A request inside a part.

    Attributes:
        method: HTTP method.
        url: address as it is written.
        headers: headers, names in lower case.
        body: body.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def boundary_of(content_type: str) -> str:
    """Returns the boundary that a `multipart/mixed` content type names.

    Raises:
        ApiError: 400, it is something else, or names none.
    """
    match = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/mixed") or match is None:
        raise bad_query("The content type of a batch must be multipart/mixed with a boundary.")
    return match[1] or match[2]


def parts(content: bytes, boundary: str) -> list[Part]:
    """Returns the parts of a body.

    Raises:
        ApiError: 400, the body is not put together as it should be.
    """
    edge = b"--" + boundary.encode("latin-1", "replace")
    pieces = (_LINE + content).split(_LINE + edge)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - what is before the first, and the end
        raise bad_query("The batch does not end with its boundary; all line ends must be CRLF.")
    found: list[Part] = []
    for piece in pieces[1:-1]:
        rest = piece.lstrip(b" \t")
        if not rest.startswith(_LINE):
            raise bad_query("A boundary of the batch is followed by something other than a line end.")
        headers, body = _head(rest[len(_LINE) :])
        found.append(Part(headers, body))
    return found


def request(part: Part) -> Inner:
    """Returns the request inside a part.

    Raises:
        ApiError: 400, it is none.
    """
    if not part.headers.get("content-type", "").lower().startswith("application/http"):
        raise bad_query("The content type of a part of a batch must be application/http.")
    line, _, rest = part.content.partition(_LINE)
    match = _REQUEST.fullmatch(line.decode("latin-1").strip())
    if match is None:
        raise bad_query("A part of the batch does not begin with a request such as 'GET accounts HTTP/1.1'.")
    headers, body = _head(rest)
    given = headers.get("content-length")
    if given is not None:
        if not given.isdigit() or int(given) > len(body):
            raise bad_query("The Content-Length of a part of the batch does not fit its body.")
        body = body[: int(given)]
    return Inner(match[1], match[2], headers, body)


def _head(content: bytes) -> tuple[dict[str, str], bytes]:
    """Returns headers and what follows the empty line behind them."""
    headers: dict[str, str] = {}
    rest = content
    while True:
        line, found, rest = rest.partition(_LINE)
        if not line:
            return headers, rest
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not found:
            raise bad_query("A part of the batch has a header that cannot be read; all line ends must be CRLF.")
        headers[name.strip().lower()] = value.strip()


def new_boundary(kind: str) -> str:
    """Returns a boundary for an answer, `batchresponse_GUID`."""
    return f"{kind}_{uuid.uuid4()}"


def answer_part(answer: Answer, content_id: str | None = None) -> bytes:
    """Returns an answer as a part: its headers, the status line, the answer's own headers and body."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + answer.content + _LINE


def nested_part(content: bytes, boundary: str) -> bytes:
    """Returns the answers to a change set as one part."""
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode() + content


def joined(pieces: Iterable[bytes], boundary: str) -> bytes:
    """Returns parts as one body."""
    edge = f"--{boundary}".encode()
    closed = (piece if piece.endswith(_LINE) else piece + _LINE for piece in pieces)
    return b"".join(edge + _LINE + piece for piece in closed) + edge + b"--" + _LINE
