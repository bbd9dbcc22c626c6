"""HTTP client of one Pipedrive account: paced, counted, retried where that is safe.

Reads are repeated after server errors, resets and time-outs. Writes are sent once: no idempotency key exists, so a
write whose answer was lost may have been done (Pipedrive API fact sheet section 9). Only what certainly had no effect
(a full burst window, a refused connection) is repeated for both.
"""

from __future__ import annotations

import functools
import logging
import re
import time
import typing as t
from datetime import datetime, timezone
from http import HTTPStatus

import msgspec
from requests.auth import AuthBase
from service_calls import (
    BusyError,
    LostAnswerError,
    NotSentError,
    ServerClock,
    Tally,
    TokenReplacedError,
    Transport,
    keep_trying,
)
from sync_ledger.adapter import Usage
from sync_ledger.errors import (
    BudgetExhaustedError,
    ConfigError,
    CredentialsError,
    ServiceError,
    ServiceUnavailableError,
)
from sync_ledger.limits import BurstLimiter, DailyBudget
from sync_ledger.observing.tracing import span

from target_pipedrive.answers import (
    BURST_SECONDS,
    RefusedError,
    rate_headers,
    read_answer,
)
from target_pipedrive.costs import tokens
from target_pipedrive.hosts import hosts as hosts_of
from target_pipedrive.oauth import PipedriveOAuth
from target_pipedrive.service import PIPEDRIVE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    import requests
    from sync_ledger.limits import AccountLimits

    from target_pipedrive.answers import Answer
    from target_pipedrive.hosts import Hosts

PAGE_SIZE: t.Final = 500
"""Most records a list returns; a page costs the same however many are asked for."""

MAX_TRIES: t.Final = 5
FIRST_LIMIT: t.Final = 20
"""Requests per 2 s until the account's own limit is known: that of the smallest plan."""

_PLACE: t.Final = re.compile(r"\{\w+\}")
_log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder(decimal_format="number")


class TokenAuth(AuthBase):
    """Puts the API token into its header, and keeps `requests` from adding credentials of a `.netrc`."""

    def __init__(self, token: str) -> None:
        # A control character would come back inside an exception of the HTTP library, so it is refused here.
        clean = token.strip()
        if not clean or not clean.isascii() or not clean.isprintable() or " " in clean:
            raise ConfigError("setting api_token is empty or has characters no Pipedrive token has")
        self._token = clean

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request about to be sent."""
        request.headers["x-api-token"] = self._token
        return request

    def __repr__(self) -> str:
        return "TokenAuth(***)"


class PipedriveClient:
    """Sends requests to one account; safe to share between threads.

    Args:
        hosts: Where the API versions live; None for the company's own, which the OAuth answer names.
        token: API token, or the OAuth tokens.
        timeout_seconds: How long an answer may take.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
        now: Current time in UTC.
    """

    def __init__(
        self,
        hosts: Hosts | None,
        token: str | PipedriveOAuth,
        *,
        timeout_seconds: int = 30,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._given_hosts = hosts
        self._auth = TokenAuth(token) if isinstance(token, str) else token
        self._transport = Transport(PIPEDRIVE, self._auth, timeout_seconds=timeout_seconds)
        self._sleep = sleep
        self._limiter = BurstLimiter(FIRST_LIMIT, window_seconds=BURST_SECONDS, clock=clock, sleep=sleep)
        self._clock = ServerClock(now)
        self._budget = DailyBudget(self._clock.now)
        self._sent = Tally()
        self._writes_left: int | None = None
        self._stopped: ServiceError | None = None

    def __repr__(self) -> str:
        return f"PipedriveClient({self._given_hosts or self._auth})"

    @functools.cached_property
    def _hosts(self) -> Hosts:
        if self._given_hosts is not None or isinstance(self._auth, TokenAuth):
            return self._given_hosts or hosts_of()
        return hosts_of(self._auth.tokens().api_domain)

    def read(self, template: str, params: Mapping[str, str | int] | None = None, *, id_: str | None = None) -> Answer:
        """Send a GET, repeated while that may help.

        Args:
            template: Path with its version, `{id}` for the record's id; a key of the price table.
            params: Query parameters.
            id_: Value for `{id}`.

        Raises:
            RefusedError: If Pipedrive refuses the request itself.
            ServiceError: If it cannot be answered for reasons that concern every request.
        """
        try:
            return self._patiently("GET", template, params, None, id_)
        except BusyError as error:
            raise BudgetExhaustedError(f"Pipedrive keeps answering {error}") from None
        except LostAnswerError as error:
            raise ServiceUnavailableError(f"Pipedrive does not answer GET {template}: {error}") from None

    def pages(self, template: str, params: Mapping[str, str | int] | None = None) -> Iterator[Answer]:
        """Read a list page by page, 500 records each unless `params` has its own limit.

        Raises:
            ServiceError: If Pipedrive does not give the list.
        """
        query: dict[str, str | int] = {"limit": PAGE_SIZE, **(params or {})}
        while True:
            try:
                answer = self.read(template, query)
            except RefusedError as error:
                raise _no_list(template, error) from None
            yield answer
            if answer.next_cursor:
                query["cursor"] = answer.next_cursor
            elif answer.next_start is not None:  # API v1
                query["start"] = answer.next_start
            else:
                return

    def listed(self, template: str) -> list[dict[str, t.Any]]:
        """Read a list that has no pages.

        Raises:
            ServiceError: If Pipedrive does not give the list.
        """
        try:
            return list(self.read(template).data or [])
        except RefusedError as error:
            raise _no_list(template, error) from None

    def write(
        self, method: str, template: str, body: Mapping[str, t.Any] | Sequence[t.Any] | None, *, id_: str | None = None
    ) -> Answer:
        """Send a mutation once.

        Raises:
            RefusedError: If Pipedrive refuses this row.
            BusyError: If the burst window stayed full for several tries; nothing was changed.
            LostAnswerError: If the effect is unknown.
            ServiceError: For what concerns every request.
        """
        return self._patiently(method, template, None, None if body is None else _encoder.encode(body), id_)

    def server_now(self) -> datetime:
        """Return the server's current time as far as its answers told it."""
        return self._clock.now()

    @property
    def burst_limit(self) -> int:
        """Requests the account allows in 2 s, as far as its answers told it."""
        return self._limiter.limit

    @property
    def clock_ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's."""
        return self._clock.ahead

    @property
    def address(self) -> str:
        """Base address of version 2 of the API."""
        return self._hosts.v2

    @property
    def by_oauth(self) -> bool:
        """Whether it logs in by OAuth."""
        return isinstance(self._auth, PipedriveOAuth)

    def by_server_clock(self, moment: datetime) -> datetime:
        """Return a moment of this machine's clock by the server's."""
        return self._clock.of(moment)

    def usage(self) -> Usage:
        """Return what was sent so far, repeats included."""
        return Usage(*self._sent.sent, self._budget.left)

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the account's limits together with other processes from now on."""
        # Pipedrive counts the two ways to log in by themselves, each with a limit of its own.
        bucket = "token" if isinstance(self._auth, TokenAuth) else "oauth"
        self._limiter.share(limits.lease(bucket, window_seconds=BURST_SECONDS))
        self._budget.share(limits.budget())

    def close(self) -> None:
        """Close the connections of all threads and let go of what is held of the account's limits."""
        self._limiter.release()
        self._budget.close()
        self._transport.close()

    def _patiently(
        self,
        method: str,
        template: str,
        params: Mapping[str, str | int] | None,
        body: bytes | None,
        id_: str | None,
    ) -> Answer:
        try:
            return keep_trying(
                lambda: self._exchange(method, template, params, body, id_),
                f"{method} {template}",
                safe=method == "GET",
                busy=_busy,
                max_tries=MAX_TRIES,
                sleep=self._sleep,
            )
        except BusyError:
            raise
        except NotSentError as error:
            raise ServiceUnavailableError(f"Pipedrive cannot be reached at {self._hosts.v2}: {error}") from None
        except TokenReplacedError:
            raise CredentialsError(
                "Pipedrive refuses a fresh access token (401); check that the app is installed and its user active"
            ) from None

    def _exchange(
        self,
        method: str,
        template: str,
        params: Mapping[str, str | int] | None,
        body: bytes | None,
        id_: str | None,
    ) -> Answer:
        """Send one request and read its answer, once."""
        url = self._hosts.url(template if id_ is None else _PLACE.sub(lambda _: id_, template))
        with self._limiter.slot() as slot:
            if self._stopped:
                raise type(self._stopped)(str(self._stopped))
            if self._writes_left == 0 and method != "GET":
                raise BudgetExhaustedError("Pipedrive takes no more writes today (x-daily-requests-left is 0)")
            with self._budget.spend(tokens(method, template)) as spending:
                try:
                    response = self._send(method, template, url, params, body)
                except NotSentError:
                    spending.sent = False
                    raise
                rates = rate_headers(response.headers)
                self._budget.learn(spending, rates.tokens_left)
            self._limiter.learn(slot, rates.limit, rates.remaining, rates.reset_seconds)
        self._clock.learn(response.headers)
        if rates.requests_left_today is not None:
            self._writes_left = rates.requests_left_today
        try:
            return self._judge(response)
        except BusyError as error:
            # It holds everyone back, so the request itself need not wait before it is sent again.
            self._limiter.pause(error.seconds or BURST_SECONDS)
            raise
        except ServiceError as error:
            # Going on after a refused token, an empty budget or a block at the edge would only make it worse.
            self._stopped = error
            if isinstance(error, BudgetExhaustedError):
                self._budget.exhausted(str(error))
            raise
        except (RefusedError, LostAnswerError):
            _log.info(
                "%s %s: HTTP %d, correlation id %s",
                method,
                template,
                response.status_code,
                response.headers.get("x-correlation-id", "-"),
            )
            raise

    def _judge(self, response: requests.Response) -> Answer:
        if response.status_code == HTTPStatus.UNAUTHORIZED and isinstance(self._auth, PipedriveOAuth):
            # Refused at the gate, so without any effect: the access token may have been revoked or replaced.
            raise self._auth.refused(response)
        return read_answer(response)

    def _send(
        self, method: str, template: str, url: str, params: Mapping[str, str | int] | None, body: bytes | None
    ) -> requests.Response:
        try:
            with span("request", method=method, path=template, cost=tokens(method, template)) as told:
                response = self._transport.send(method, url, params=params, body=body)
                told["status"] = response.status_code
        except LostAnswerError:
            self._count(method, template)
            raise
        self._count(method, template)
        return response

    def _count(self, method: str, template: str) -> None:
        self._sent.add(write=method != "GET", cost=tokens(method, template))


def _busy(error: BusyError, times: int) -> None:
    """Give a request up that the burst window has had no place for several times."""
    if times >= MAX_TRIES:
        raise error


def _no_list(template: str, error: RefusedError) -> ServiceError:
    kind = CredentialsError if error.status == HTTPStatus.FORBIDDEN else ServiceUnavailableError
    return kind(f"Pipedrive refuses to list {template}: {error}")
