"""What Pipedrive's HTTP answers mean.

Nothing here sends anything: a `requests` response goes in, an `Answer` or one of these comes out:

    RefusedError      the request itself was refused: 400, 403 with JSON, 404, 409, 410, 422
    BusyError         429 for the burst window; passes within 2 s
    LostAnswerError   5xx or an unreadable answer: the effect may or may not have happened

or, for what concerns every request alike, an error of `sync_ledger.errors`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from service_calls import BusyError, LostAnswerError, server_time
from sync_ledger.errors import (
    BudgetExhaustedError,
    ConfigError,
    CredentialsError,
    ServiceUnavailableError,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import requests
    from sync_ledger.errors import ServiceError

BURST_SECONDS: t.Final = 2.0
"""The burst window: a 429 that asks for a longer wait is not about it."""

_LONGEST_TEXT: t.Final = 500


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    Attributes:
        data: The `data` of the envelope.
        next_cursor: Where the next page starts; None at the end.
        next_start: The same in API v1.
        server_time: The server's clock by its `Date` header, in UTC; None when it sent none.
    """

    data: t.Any
    next_cursor: str | None = None
    next_start: int | None = None
    server_time: datetime | None = None


@dataclass(frozen=True)
class RateHeaders:
    """The rate-limit headers of one answer; None where absent or unreadable."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after_seconds: float | None = None
    tokens_left: int | None = None
    requests_left_today: int | None = None


class RefusedError(Exception):
    """Pipedrive refused one request for what is in it.

    Attributes:
        status: HTTP status.
        code: Pipedrive's own code, else the status as text.
        text: Pipedrive's words.
        field_code: API key of the field it complains about, when it says so.
    """

    def __init__(self, status: int, code: str, text: str, field_code: str | None = None) -> None:
        super().__init__(f"HTTP {status} {code}: {text}")
        self.status = status
        self.code = code
        self.text = text
        self.field_code = field_code


def rate_headers(headers: Mapping[str, str]) -> RateHeaders:
    """Read the rate-limit headers; every one of them may be missing."""

    def number(name: str) -> float | None:
        try:
            value = float(headers[name])
        except (KeyError, ValueError):
            return None
        return value if 0 <= value < float("inf") else None

    def whole(name: str) -> int | None:
        value = number(name)
        return None if value is None else int(value)

    return RateHeaders(
        limit=whole("x-ratelimit-limit"),
        remaining=whole("x-ratelimit-remaining"),
        reset_seconds=number("x-ratelimit-reset"),
        retry_after_seconds=number("retry-after"),
        tokens_left=whole("x-daily-ratelimit-token-remaining"),
        requests_left_today=whole("x-daily-requests-left"),
    )


def read_answer(response: requests.Response) -> Answer:
    """Turn a response into an answer.

    Raises:
        RefusedError, BusyError, LostAnswerError: See the head of this module.
        ServiceError: If the refusal concerns every request alike.
        ConfigError: If the address answers with a redirect, so is not the account's own.
    """
    status = response.status_code
    body = _json(response)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if not isinstance(body, dict):
            raise LostAnswerError("unreadable", f"HTTP {status} with a body that is not JSON")
        more = body.get("additional_data") or {}
        pages = more.get("pagination") or {}
        next_start = pages.get("next_start") if pages.get("more_items_in_collection") else None
        return Answer(body.get("data"), more.get("next_cursor"), next_start, server_time(response.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LostAnswerError(str(status), f"HTTP {status} {_text(body)}".rstrip())
    if status < HTTPStatus.BAD_REQUEST:  # redirects are never followed: they would carry the token to another host
        raise ConfigError(f"the address answers HTTP {status} (redirect); check settings company_domain and api_url")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _too_many(rate_headers(response.headers))
    shared = _for_all(status, body)
    if shared:
        raise shared
    found = body if isinstance(body, dict) else {}
    code = found.get("code") or found.get("errorCode") or status
    field_code = found.get("field_code")
    raise RefusedError(status, str(code), _text(body), field_code if isinstance(field_code, str) else None)


def _too_many(rates: RateHeaders) -> BusyError | ServiceError:
    """Tell a full burst window from a used-up day; what cannot be told apart counts as the latter."""
    if rates.tokens_left == 0 or rates.requests_left_today == 0:
        return BudgetExhaustedError("Pipedrive's daily API budget of this company is used up (429)")
    wait = rates.retry_after_seconds
    if rates.remaining == 0 and (wait is None or wait <= BURST_SECONDS):
        reset = rates.reset_seconds if wait is None else wait
        return _busy(BURST_SECONDS if not reset else min(reset, BURST_SECONDS))
    if rates.remaining is None and wait is not None and wait <= BURST_SECONDS:
        return _busy(wait)
    return BudgetExhaustedError(
        "Pipedrive answers 429 without a full burst window: the daily API budget of this company is most likely used up"
    )


def _busy(seconds: float) -> BusyError:
    return BusyError("429: too many requests within 2 seconds", seconds)


def _for_all(status: int, body: object) -> ServiceError | None:
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsError("Pipedrive refused the API token (401); check setting api_token")
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return ServiceUnavailableError(f"the Pipedrive account is not open (402): {_text(body)}")
    if status == HTTPStatus.FORBIDDEN and not isinstance(body, dict):
        return ServiceUnavailableError(
            "Pipedrive's edge (Cloudflare) blocks this client (403) after too many requests; let some time pass before"
            " the next run"
        )
    if status == HTTPStatus.FORBIDDEN and "scope" in _text(body).lower():
        return CredentialsError(f"the Pipedrive token lacks a permission (403): {_text(body)}")
    return None


def _json(response: requests.Response) -> object:
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    words = body.get("error") or body.get("message") or body.get("error_info") or ""
    return str(words)[:_LONGEST_TEXT]
