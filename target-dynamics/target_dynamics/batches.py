"""The multipart bodies of `$batch` (Dataverse sheet section 11): requests outside change sets, answered in order."""

from __future__ import annotations

import email
import email.policy
import typing as t
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from service_calls import LostAnswerError, NotSentError
from sync_ledger.errors import BudgetExhaustedError

from target_dynamics.answers import RefusedError, ThrottledError, read_json, refusal, retry_after

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from email.message import Message

MOST: t.Final = 1000
"""Requests one batch takes."""

_encoder = msgspec.json.Encoder(decimal_format="number")
_LINE: t.Final = b"\r\n"


@dataclass(frozen=True)
class BatchRequest:
    """One request of a batch.

    Attributes:
        method: HTTP method.
        path: Path below the API's address with its query, such as `/accounts(GUID)`.
        body: What is sent as JSON; None for none.
        headers: Headers of its own.
    """

    method: str
    path: str
    body: Mapping[str, t.Any] | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class BatchAnswer:
    """The answer to one request of a batch.

    Attributes:
        status: HTTP status.
        data: Parsed JSON; None where there is no body.
        headers: Headers of the answer; their names are found in any case.
        error: The refusal, for a status of 400 and above.
    """

    status: int
    data: t.Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: RefusedError | None = None


def send(
    items: Sequence[BatchRequest],
    exchange: Callable[[Sequence[BatchRequest]], list[BatchAnswer]],
    hold_back: Callable[[ThrottledError], bool],
) -> list[BatchAnswer]:
    """Send a batch, and those of its requests again that the service turns away for its limits.

    Documents are silent on single parts that are turned away (Dataverse sheet section 11); like any request with that
    status they had no effect. What becomes of them when they are sent again is nothing to those that were answered
    before: a fault then is the answer to the ones it hits.

    Args:
        items: The requests.
        exchange: Sends some of them as one batch, and returns an answer for each.
        hold_back: Waits as long as the service says; returns False when that has gone on for too long.

    Raises:
        Exception: What `exchange` raises the first time.
    """
    found: dict[int, BatchAnswer] = {}
    waiting = list(range(len(items)))
    while waiting:
        try:
            answers = exchange([items[number] for number in waiting])
        except (LostAnswerError, NotSentError, BudgetExhaustedError) as fault:
            if not found:
                raise
            if isinstance(fault, LostAnswerError):
                found.update(dict.fromkeys(waiting, _lost(fault)))
            break  # the others were told before that they were turned away
        found.update(zip(waiting, answers, strict=True))
        waiting = [number for number in waiting if found[number].status == HTTPStatus.TOO_MANY_REQUESTS]
        refused = found[waiting[0]] if waiting else None
        if refused is None or refused.error is None:
            break
        error = ThrottledError(refused.error.code, refused.error.text, retry_after(refused.headers))
        if not hold_back(error):
            break
    return [found[number] for number in range(len(items))]


def _lost(error: LostAnswerError) -> BatchAnswer:
    """Return the answer to a request whose own was lost: that of a service that failed."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return BatchAnswer(status, error=RefusedError(status, error.code, str(error)))


def written(requests: Sequence[BatchRequest], root: str) -> tuple[bytes, str]:
    """Return the body of a batch and its content type.

    Args:
        requests: At most `MOST`.
        root: Path of the API, such as `/api/data/v9.2`; inner addresses start there, without a host.
    """
    boundary = f"batch_{uuid.uuid4()}"
    lines: list[bytes] = []
    for request in requests:
        body = None if request.body is None else _encoder.encode(request.body)
        lines += [
            f"--{boundary}".encode(),
            b"Content-Type: application/http",
            b"Content-Transfer-Encoding: binary",
            b"",
        ]
        lines.append(f"{request.method} {root}{request.path.replace(' ', '%20')} HTTP/1.1".encode())
        own = dict(request.headers or {})
        if body is not None:
            own = {"Content-Type": "application/json; type=entry", "Content-Length": str(len(body)), **own}
        lines += [f"{name}: {value}".encode() for name, value in {"Accept": "application/json", **own}.items()]
        lines += [b"", body or b""]
    lines += [f"--{boundary}--".encode(), b""]
    return _LINE.join(lines), f'multipart/mixed; boundary="{boundary}"'


def read(content: bytes, content_type: str, wanted: int) -> list[BatchAnswer]:
    """Read the answer to a batch.

    Args:
        content: Its body.
        content_type: Its header `Content-Type`.
        wanted: How many requests the batch had.

    Raises:
        LostAnswerError: If it has not one readable answer for each request: they belong together by place alone.
    """
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + _LINE * 2
    message = email.message_from_bytes(head + content, policy=email.policy.HTTP)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list) or len(parts) != wanted:
        found = len(parts) if isinstance(parts, list) else 0
        raise LostAnswerError("unreadable", f"the answer to a batch of {wanted} has {found} parts")
    return [_answer(t.cast("Message", part)) for part in parts]


def _answer(part: Message) -> BatchAnswer:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    first, _, rest = raw.lstrip().partition(b"\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():  # noqa: PLR2004 - version, status
        raise LostAnswerError("unreadable", "a part of the answer to a batch is no HTTP answer")
    status = int(words[1])
    inner = email.message_from_bytes(rest, policy=email.policy.HTTP)
    body = inner.get_payload(decode=True)
    data = read_json(body.strip()) if isinstance(body, bytes) and body.strip() else None
    error = refusal(status, data) if status >= HTTPStatus.BAD_REQUEST else None
    return BatchAnswer(status, data, _Headers(inner), error)


class _Headers(dict[str, str]):
    """Headers by name, whatever the case."""

    def __init__(self, message: Message) -> None:
        super().__init__({name.lower(): str(value) for name, value in message.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: t.Any = None) -> t.Any:
        """Return a header's value."""
        return super().get(name.lower(), default)
