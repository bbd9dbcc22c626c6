"""HTTP client of one Twilio account: each request is sent once, and its answer read."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from requests.auth import HTTPBasicAuth
from service_calls import LostAnswerError, NotSentError, Tally, Transport
from sync_ledger.errors import CredentialsError, ServiceError, ServiceUnavailableError

from target_twilio.services import TIME_LIMIT, TWILIO, SettingError
from target_twilio.twilio.codes import LATER, OF_THE_ACCOUNT

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

API: t.Final = "/2010-04-01"
DEFAULT_ADDRESS: t.Final = "https://api.twilio.com"
_FORM: t.Final = {"content-type": "application/x-www-form-urlencoded"}
_BAD_CREDENTIALS: t.Final = 20003


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that Twilio gave for certain.

    Attributes:
        status: HTTP status.
        body: What it holds; empty when it is no JSON object.
        seconds: How long to wait, if it says so.
    """

    status: int
    body: Mapping[str, t.Any]
    seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the request was taken."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def code(self) -> int:
        """Twilio's error code; the HTTP status where there is none."""
        code = self.body.get("code")
        return code if isinstance(code, int) else self.status

    @property
    def text(self) -> str:
        """Twilio's words."""
        return str(self.body.get("message") or self.body.get("detail") or self.body.get("title") or self.status)

    @property
    def later(self) -> bool:
        """Whether the same request may be taken later; it was not taken now."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.code in LATER


class Twilio:
    """Sends requests to one account; safe to share between threads.

    Args:
        account_sid: The account.
        user: Account SID or SID of an API key.
        secret: Its auth token or secret.
        address: Address of the API, or of what stands before it.
        tally: Counts requests.
    """

    def __init__(
        self, account_sid: str, user: str, secret: str, *, address: str = DEFAULT_ADDRESS, tally: Tally | None = None
    ) -> None:
        self.account_sid = account_sid
        self.tally = tally or Tally()
        self._address = address.rstrip("/")
        self._transport = Transport(TWILIO, HTTPBasicAuth(user, secret), timeout_seconds=TIME_LIMIT, cookies=False)

    def post(self, path: str, form: Sequence[tuple[str, str]]) -> Reply:
        """Send a form, once.

        Raises:
            LostAnswerError: It may have had its effect.
            ServiceError: It had none, and nothing can be sent: no connection, wrong address, wrong credentials, account
                suspended.
        """
        body = urlencode(form).encode()
        return self._call("POST", self._url(path), body, writes=True)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """Read something.

        Raises:
            ServiceError: It cannot be read now.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self._read(f"{self._url(path)}{query}")

    def pages(self, path: str, params: Mapping[str, str]) -> Iterator[Mapping[str, t.Any]]:
        """Read the pages of a list, following the addresses it gives.

        Raises:
            ServiceError: It cannot be read now.
        """
        url: str | None = f"{self._url(path)}?{urlencode(params)}"
        while url is not None:
            reply = self._read(url)
            if not reply.ok:
                raise ServiceError(f"Twilio cannot list {path}: {reply.code} {reply.text}")
            yield reply.body
            following = reply.body.get("next_page_uri")
            url = urljoin(f"{self._address}/", str(following)) if following else None
            if url is not None and urlsplit(url).netloc != urlsplit(self._address).netloc:
                raise ServiceError("Twilio names a next page on another host; it was not asked for")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _url(self, path: str) -> str:
        return f"{self._address}{API}/Accounts/{self.account_sid}{path}.json"

    def _read(self, url: str) -> Reply:
        try:
            reply = self._call("GET", url, None, writes=False)
        except LostAnswerError as error:
            raise ServiceUnavailableError(f"Twilio does not answer: {error}") from None
        if reply.later:
            raise ServiceUnavailableError(f"Twilio is busy: {reply.code} {reply.text}")
        return reply

    def _call(self, method: str, url: str, body: bytes | None, *, writes: bool) -> Reply:
        self.tally.add(write=writes, cost=int(writes))
        try:
            answer = self._transport.send(method, url, body=body, headers=_FORM if body is not None else None)
        except NotSentError as error:
            raise ServiceUnavailableError(f"Twilio cannot be reached: {error}; nothing was sent") from None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise LostAnswerError(str(answer.status_code), f"Twilio answered {answer.status_code}")
        reply = Reply(answer.status_code, _object(answer.content), _seconds(answer.headers.get("Retry-After")))
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            raise SettingError(f"Twilio is elsewhere ({reply.status}), and nothing was sent; check api_url")
        if reply.ok and not reply.body:
            raise LostAnswerError("unreadable", "Twilio's answer cannot be read")
        if reply.status == HTTPStatus.UNAUTHORIZED or reply.code == _BAD_CREDENTIALS:
            raise CredentialsError(
                f"Twilio refuses the credentials ({reply.code} {reply.text}); check account_sid with auth_token, or "
                "api_key_sid and api_key_secret"
            )
        if reply.code in OF_THE_ACCOUNT or reply.status == HTTPStatus.FORBIDDEN:
            raise ServiceError(
                f"Twilio has closed the account to us: {reply.code} {reply.text}; look into the console, and at "
                "what the API key may do"
            )
        return reply


def _object(content: bytes) -> Mapping[str, t.Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.strip().isdigit() else None
