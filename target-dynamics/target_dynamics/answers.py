"""What Dataverse's HTTP answers mean (Dataverse sheet sections 2, 3 and 13).

Nothing here sends anything: a `requests` response goes in, an `Answer` or one of these comes out:

    RefusedError      the request itself was refused
    ThrottledError    429: one of the three service protection limits
    LostAnswerError   5xx or an unreadable answer: the effect may or may not have happened
    InvalidTokenError the access token is not accepted

or, for what concerns more than one request, an error of `sync_ledger.errors`.
"""

from __future__ import annotations

import email.utils
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone
from http import HTTPStatus

import msgspec
from service_calls import BusyError, LostAnswerError
from sync_ledger.errors import ConfigError, CredentialsError, ServiceUnavailableError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

_LONGEST_TEXT: t.Final = 500

DUPLICATE: t.Final = "0x80040333"
"""A duplicate by the environment's rules: documents disagree whether it comes with 500 or 412 (sheet section 6)."""

CROWDED: t.Final = "0x80072326"
"""Too many requests at the same time (sheet section 13)."""

NO_PRIVILEGE: t.Final = frozenset({"0x80040220", "0x80042f09"})
NOT_A_USER: t.Final = frozenset({"0x80072560", "0x80040225"})
"""Codes of a token that is fine while its application is no user of the environment, or a disabled one."""

_PRIVILEGE: t.Final = re.compile(r"\bprv[A-Za-z0-9]+\b")


@dataclass(frozen=True)
class Answer:
    """An answer to go on with.

    Attributes:
        status: HTTP status.
        data: Parsed JSON; None where there is no body.
        headers: Headers of the answer.
    """

    status: int
    data: t.Any
    headers: Mapping[str, str]


class RefusedError(Exception):
    """Dataverse refused one request for what is in it.

    Attributes:
        status: HTTP status.
        code: Dataverse's own code, such as `0x80044331`, in small letters; else the status as text.
        text: Dataverse's words.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"HTTP {status} {code}: {text}")
        self.status = status
        self.code = code
        self.text = text


class InvalidTokenError(Exception):
    """The access token is not accepted; the request had no effect."""


class ThrottledError(BusyError):
    """One of the service protection limits turned the request away.

    Attributes:
        code: Which of them, such as `CROWDED`.
    """

    def __init__(self, code: str, text: str, seconds: float | None) -> None:
        super().__init__(f"429 {code}: {text}".rstrip(": "), seconds)
        self.code = code


class PrivilegeError(CredentialsError):
    """The application user's security roles do not allow what a call asks for.

    Attributes:
        privilege: Name of the privilege, such as `prvReadAccount`; None if the answer does not say.
    """

    def __init__(self, call: str, text: str) -> None:
        found = _PRIVILEGE.search(text)
        self.privilege = found[0] if found else None
        super().__init__(
            f"Dataverse refuses {call} to the application user for want of {self.privilege or 'a privilege'}; give one"
            " of"
            " its security roles that privilege for the whole organisation (Power Platform admin center > Environments"
            " >"
            " Settings > Users + permissions)"
        )


def read_answer(response: requests.Response, call: str, *, safe: bool = True) -> Answer:
    """Turn a response into an answer.

    Args:
        response: What came back.
        call: Method and path, for messages.
        safe: It was a read: a missing privilege is then nobody's row's fault.

    Raises:
        RefusedError, ThrottledError, LostAnswerError, InvalidTokenError: See the head of this module.
        ServiceError: If the refusal concerns more than this request.
        ConfigError: If the address answers with a redirect.
    """
    status = response.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if status == HTTPStatus.NO_CONTENT or not response.content:
            return Answer(status, None, response.headers)
        body = read_json(response.content)
        if body is None:
            raise LostAnswerError("unreadable", f"HTTP {status} with a body that is not JSON")
        return Answer(status, body, response.headers)
    if status < HTTPStatus.BAD_REQUEST:  # redirects are never followed: they would carry the token to another host
        raise ConfigError(f"the address answers HTTP {status} (redirect); check settings org_url and api_url")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        code, text = _said(read_json(response.content), status)
        raise ThrottledError(code, text, retry_after(response.headers))
    if status == HTTPStatus.UNAUTHORIZED:
        raise InvalidTokenError("Dataverse does not accept the access token (401)")
    error = refusal(status, read_json(response.content))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and error.code != DUPLICATE:
        raise LostAnswerError(str(status), str(error))
    if error.code in NOT_A_USER:
        raise CredentialsError(
            f"Dataverse does not know the application as a user of this environment ({error.code}: {error.text}); add"
            " an"
            " application user with a security role (Power Platform admin center > Environments > Settings >"
            " Application"
            " users), or check org_url"
        )
    if status == HTTPStatus.FORBIDDEN and error.code == str(int(status)):
        raise ServiceUnavailableError(f"something between here and Dataverse refuses {call} (403); check the proxy")
    if safe and error.code in NO_PRIVILEGE:
        raise PrivilegeError(call, error.text)
    raise error


def refusal(status: int, body: object) -> RefusedError:
    """Return the refusal that an error body tells of."""
    code, text = _said(body, status)
    return RefusedError(status, code, text)


def read_json(content: bytes) -> object:
    """Return a JSON body; None if it is none."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds to wait, as the header `Retry-After` says; None if it does not."""
    given = headers.get("Retry-After")
    if not given:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)  # an offset of -0000 comes as none
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _said(body: object, status: int) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    found = error if isinstance(error, dict) else {}
    code = str(found.get("code") or "").strip()
    text = " ".join(str(found.get("message") or "").split())[:_LONGEST_TEXT]
    return (code.lower() if code.lower().startswith("0x") else str(int(status))), text
