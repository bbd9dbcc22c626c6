"""Bodies of requests: read up to a limit, and taken apart."""

from __future__ import annotations

import asyncio
import typing as t
from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException

if t.TYPE_CHECKING:
    from starlette.requests import Request

Parameters: t.TypeAlias = "ImmutableMultiDict[str, str]"

FORM_LIMIT: t.Final = 64 * 1024
"""Bytes of a form; a text has 1,600 characters at the most."""

EVENTS_LIMIT: t.Final = 2 * 1024 * 1024
"""Bytes of a batch of events; SendGrid posts one at 768 KB ("Event Webhook reference")."""

_SECONDS: t.Final = 10.0
_MOST_FIELDS: t.Final = 500
_LONGEST: t.Final = 255


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        HTTPException: It is longer than the limit, or takes too long to come.
    """
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    try:
        return await asyncio.wait_for(_read(request, limit), _SECONDS)
    except asyncio.TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {limit} bytes")


def form_of(body: bytes) -> Parameters:
    """Return the parameters of a form.

    Raises:
        HTTPException: It is none.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:  # UnicodeDecodeError among them
        raise _malformed("the body is no form") from None
    return ImmutableMultiDict(pairs)


def json_form_of(body: bytes) -> tuple[str, Parameters]:
    """Return a JSON body as text, and the parameters in it.

    Raises:
        HTTPException: It is no JSON object.
    """
    try:
        found = msgspec.json.decode(body, type=dict[str, t.Any])
        return body.decode(), ImmutableMultiDict([(name, str(value)) for name, value in found.items()])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed("the body is no JSON object") from None


def events_of(body: bytes) -> list[dict[str, t.Any]]:
    """Return the events of a batch; what is none is left out.

    Raises:
        HTTPException: It is no batch.
    """
    try:
        found = msgspec.json.decode(body, type=list[t.Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed("the body is no list of events") from None
    return [one for one in found if isinstance(one, dict)]


def word(value: t.Any) -> str | None:
    """Return a value of somebody else's as an id or name that the ledger can keep; None when there is none."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value).replace("\0", "").strip()[:_LONGEST] or None


def _malformed(what: str) -> HTTPException:
    return HTTPException(HTTPStatus.BAD_REQUEST, what)
