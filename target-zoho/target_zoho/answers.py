"""What Zoho's HTTP answers mean (Zoho CRM API fact sheet sections 2, 10 and 11).

Nothing here sends anything: a `requests` response goes in, an `Answer` or one of these comes out:

    RefusedError      the request itself was refused
    BusyError         429, for concurrency or for credits: Zoho does not say which
    LostAnswerError   5xx or an unreadable answer: the effect may or may not have happened
    InvalidTokenError the access token is not accepted: expired, revoked or of another data center

or, for what concerns more than one request, an error of `sync_ledger.errors`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from service_calls import BusyError, LostAnswerError
from sync_ledger.errors import BudgetExhaustedError, ConfigError, CredentialsError, ServiceUnavailableError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

_LONGEST_TEXT: t.Final = 500
_EMPTY: t.Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(frozen=True)
class Answer:
    """An answer to go on with.

    Attributes:
        status: HTTP status; 207 and 400 too, when the body has a result per record.
        data: Parsed JSON; None for 204 and 304, which have no body.
        headers: Headers of the answer.
    """

    status: int
    data: t.Any
    headers: Mapping[str, str]


class RefusedError(Exception):
    """Zoho refused one request for what is in it.

    Attributes:
        status: HTTP status.
        code: Zoho's own code, such as `INVALID_DATA`, else the status as text.
        text: Zoho's words.
        details: Zoho's details, such as `api_name`; empty when there are none.
    """

    def __init__(self, status: int, code: str, text: str, details: Mapping[str, t.Any]) -> None:
        super().__init__(f"HTTP {status} {code}: {text}")
        self.status = status
        self.code = code
        self.text = text
        self.details = details


class InvalidTokenError(Exception):
    """The access token is not accepted; the request had no effect."""


class ScopeError(CredentialsError):
    """The log-in was not given the scope a call needs.

    Attributes:
        scopes: The scopes the call needs.
    """

    def __init__(self, call: str, scopes: Sequence[str]) -> None:
        wanted = " and ".join(scopes)
        super().__init__(
            f"Zoho refuses {call} for want of a scope (OAUTH_SCOPE_MISMATCH): it needs {wanted}; authorise the client"
            " anew with that scope and set refresh_token, or add it to setting scopes when logging in without one"
        )
        self.scopes = tuple(scopes)


class NoPermissionError(CredentialsError):
    """The user the target writes as may not do what a call asks for."""


class ModuleMissingError(ConfigError):
    """The org has no such module, or does not show it to this user.

    Attributes:
        module: API name of the module.
    """

    def __init__(self, module: str) -> None:
        super().__init__(
            f"Zoho has no module {module!r} for this user (INVALID_MODULE): it is not in the org's edition, hidden for"
            " the user's profile, or named otherwise; look up its API name in Setup > Developer Hub > APIs, or map the"
            " stream to null"
        )
        self.module = module


def read_answer(response: requests.Response, call: str, scopes: Sequence[str], module: str) -> Answer:
    """Turn a response into an answer.

    Args:
        response: What came back.
        call: Method and path, for messages.
        scopes: What the call needs.
        module: API name of the module the path names.

    Raises:
        RefusedError, BusyError, LostAnswerError, InvalidTokenError: See the head of this module.
        ServiceError: If the refusal concerns more than this request.
        ConfigError: If the address answers with a redirect, or there is no such module.
    """
    status = response.status_code
    if status in _EMPTY:
        return Answer(status, None, response.headers)
    body = read_json(response)
    if isinstance(body, dict) and isinstance(body.get("data"), list) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(status, body, response.headers)  # a result per record, whatever the status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if body is None:
            raise LostAnswerError("unreadable", f"HTTP {status} with a body that is not JSON")
        return Answer(status, body, response.headers)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LostAnswerError(str(status), f"HTTP {status} {_text(body)}".rstrip())
    if status < HTTPStatus.BAD_REQUEST:  # redirects are never followed: they would carry the token to another host
        raise ConfigError(f"the address answers HTTP {status} (redirect); check settings data_center and api_url")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        if credits_left(response.headers) == 0:
            raise BudgetExhaustedError("the org's API credits of 24 hours are used up (429)")
        raise BusyError("429: too many calls at the same time, or no API credits left")
    raise _refusal(status, body, call, scopes, module)


def read_json(response: requests.Response) -> object:
    """Return the body of an answer; None if it is not JSON."""
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def credits_left(headers: Mapping[str, str]) -> int | None:
    """Return the org's credits left, which Zoho tells once half of them are used."""
    try:
        return max(0, int(headers["x-api-credits-remaining"]))
    except (KeyError, ValueError):
        return None


def _refusal(status: int, body: object, call: str, scopes: Sequence[str], module: str) -> Exception:
    said = body if isinstance(body, dict) else {}
    code = str(said.get("code") or status)
    told = said.get("details")
    details = told if isinstance(told, dict) else {}
    if code == "INVALID_TOKEN":
        return InvalidTokenError("Zoho does not accept the access token (INVALID_TOKEN)")
    if code == "OAUTH_SCOPE_MISMATCH":
        return ScopeError(call, scopes)
    if code in {"NO_PERMISSION", "AUTHORIZATION_FAILED"}:
        named = ", ".join(str(one) for one in details.get("permissions") or [])
        return NoPermissionError(
            f"Zoho refuses {call} to the user the target writes as ({code}{f': {named}' if named else ''}); give the"
            " user's profile that permission in Setup > Users and Control > Security Control > Profiles"
        )
    if code == "INVALID_MODULE":
        return ModuleMissingError(module)
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsError(f"Zoho refuses the log-in ({code}: {_text(body)}); check client_id and refresh_token")
    if status == HTTPStatus.FORBIDDEN and not said:
        return ServiceUnavailableError(f"something between here and Zoho refuses {call} (403); check the proxy")
    return RefusedError(status, code, _text(body), details)


def _text(body: object) -> str:
    words = str(body.get("message") or "") if isinstance(body, dict) else ""
    return " ".join(words.split())[:_LONGEST_TEXT]
