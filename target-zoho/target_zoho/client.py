"""HTTP client of one Zoho CRM org: paced, counted, retried where that is safe.

Reads are repeated after server errors, resets and time-outs. Writes are sent once: Zoho has no idempotency key, so a
write whose answer was lost may have been done. Only what certainly had no effect (429, a refused connection, an access
token that had ended) is repeated for both.
"""

from __future__ import annotations

import functools
import threading
import time
import typing as t
from datetime import datetime, timezone
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import msgspec
from service_calls import (
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
    CredentialsError,
    ServiceError,
    ServiceUnavailableError,
)
from sync_ledger.limits import DailyBudget
from sync_ledger.observing.tracing import span

from target_zoho.answers import (
    InvalidTokenError,
    NoPermissionError,
    RefusedError,
    ScopeError,
    credits_left,
    read_answer,
)
from target_zoho.calls import Call, querying, reading, writing
from target_zoho.pacing import BUSY_SECONDS, Pacing
from target_zoho.regions import API, UPLOAD, belongs_to_zoho, upload_address
from target_zoho.service import ZOHO

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    import requests
    from service_calls import (
        BusyError,
    )
    from sync_ledger.limits import AccountLimits

    from target_zoho.answers import Answer
    from target_zoho.calls import Params
    from target_zoho.oauth import ZohoOAuth

PAGE_SIZE: t.Final = 200
"""Most records a list returns in one page."""


class Rows(t.NamedTuple):
    """Rows of a COQL query.

    Attributes:
        rows: The rows.
        more: Whether others fulfil its condition too.
    """

    rows: list[dict[str, t.Any]]
    more: bool


_Taken = t.TypeVar("_Taken")
_encoder = msgspec.json.Encoder(decimal_format="number")


class ZohoClient:
    """Sends calls to one org; safe to share between threads.

    Args:
        auth: The access tokens; they also tell where the API is.
        api: Base address of the API in place of the one that comes with the token.
        upload: Base address for files in place of the one of the API's data center.
        timeout_seconds: How long an answer may take.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
        now: Current time in UTC.
    """

    def __init__(
        self,
        auth: ZohoOAuth,
        *,
        api: str | None = None,
        upload: str | None = None,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.auth = auth
        self._given_api = api
        self._given_upload = upload
        self._sleep = sleep
        self._transport = Transport(ZOHO, auth, timeout_seconds=timeout_seconds)
        self._clock = ServerClock(now)
        self._budget = DailyBudget(self._clock.now, rolling=True)
        self._pacing = Pacing(clock=clock, sleep=sleep)
        self._sent = Tally()
        self._lock = threading.RLock()
        self._stopped: ServiceError | None = None

    def __repr__(self) -> str:
        return f"ZohoClient({self._given_api or self.auth.accounts})"

    # -- calls -------------------------------------------------------------------------------------------------

    def get(self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET, repeated while that may help.

        Args:
            path: Path below `/crm/v8` such as `/Accounts`, or from `/crm/` on.
            params: Query parameters.
            headers: Headers such as `If-Modified-Since`.

        Returns:
            The answer; its `data` is None when there is nothing (204) or nothing new (304).

        Raises:
            RefusedError: If Zoho refuses the call itself.
            ServiceError: If it cannot be answered for reasons that concern more than this call.
            ConfigError: If there is no such module.
        """
        call = reading(path, params, headers)
        return self._patiently(call, _taker(call))

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, t.Any] | Sequence[t.Any] | None,
        *,
        records: int = 1,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a call that may change something; sent again only when it certainly had no effect.

        Args:
            method: HTTP method.
            path: Path below `/crm/v8` such as `/Accounts/upsert`, or from `/crm/` on.
            body: What is sent as JSON.
            records: Records it carries or deletes; its price goes by them.
            params: Query parameters.
            headers: Headers such as `X-EXTERNAL`.

        Returns:
            The answer, also when it tells of records that were refused: look at each item of `data["data"]`.

        Raises:
            RefusedError: If Zoho refuses the call as a whole for what is in it.
            LostAnswerError: If the effect is unknown.
            ServiceError: For what concerns more than this call.
            ConfigError: If there is no such module.
        """
        encoded = None if body is None else _encoder.encode(body)
        call = writing(method, path, encoded, records, params, headers)
        return self._patiently(call, _taker(call))

    def pages(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[list[dict[str, t.Any]]]:
        """Read a list page by page, 200 records each unless `params` has its own `per_page`.

        Goes by page token, which reaches 100,000 records; where a list has none (deleted records) by page number.

        Raises:
            RefusedError, ServiceError, ConfigError: As `get`.
        """
        query: dict[str, str | int] = {"per_page": PAGE_SIZE, **(params or {})}
        while True:
            answer = self.get(path, query, headers)
            if answer.data is None:
                return
            yield answer.data["data"]
            info = answer.data.get("info") or {}
            if not info.get("more_records"):
                return
            if info.get("next_page_token"):
                query.pop("page", None)  # both together are refused
                query["page_token"] = info["next_page_token"]
            else:
                query["page"] = int(info.get("page") or 1) + 1

    def coql(self, query: str) -> Rows:
        """Return the rows of a COQL query, and whether there are more; it sees a write made moments ago.

        Raises:
            RefusedError, ServiceError, ConfigError: As `get`.
        """
        call = querying(query, _encoder.encode({"select_query": query}))
        data = self._patiently(call, _taker(call)).data
        if data is None:
            return Rows([], more=False)
        if not isinstance(data, dict) or not isinstance(data.get("data"), list):
            raise ServiceUnavailableError(f"Zoho answers {call} without the rows asked for")
        return Rows(data["data"], more=bool((data.get("info") or {}).get("more_records")))

    def upload(self, content: bytes) -> str:
        """Upload a zip file for a bulk write and return its file id; one that is never used does no harm.

        Raises:
            RefusedError, ServiceError: As `get`.
        """
        headers = {"feature": "bulk-write", "X-CRM-ORG": str(self.org["zgid"])}
        call = Call("POST", UPLOAD, file=("rows.zip", content), headers=headers, url=f"{self.upload_address}{UPLOAD}")
        answer = self._patiently(call, _taker(call))
        return str(answer.data["details"]["file_id"])

    def download(self, url: str) -> bytes:
        """Return the file at an address that Zoho's answers name.

        Raises:
            RefusedError: If Zoho refuses it.
            ServiceError: If it cannot be had, or the address is not Zoho's: the token is not sent there.
        """
        address = urljoin(f"{self.address}/", url)
        if not self._ours(address):
            raise ServiceUnavailableError(
                f"Zoho names {urlsplit(address).hostname} for a file, which is none of its hosts; the token is not sent"
                " there"
            )
        call = Call("GET", urlsplit(address).path, url=address)
        return self._patiently(call, _content(call))

    # -- the org -----------------------------------------------------------------------------------------------

    @functools.cached_property
    def address(self) -> str:
        """Base address of the API: the one that came with the access token, unless the settings say otherwise."""
        return self._given_api or self.auth.tokens().api_domain

    @functools.cached_property
    def upload_address(self) -> str:
        """Base address that takes files."""
        return self._given_upload or upload_address(self.address)

    @property
    def org(self) -> Mapping[str, t.Any]:
        """What Zoho says of the org, `zgid` above all; asked once.

        Its edition tells how many calls may be under way at the same time.
        """
        with self._lock:
            return self._org

    @functools.cached_property
    def _org(self) -> Mapping[str, t.Any]:
        try:
            data = self.get("/org").data
            found = data["org"][0]
            found["zgid"]
        except RefusedError as error:
            raise ServiceUnavailableError(f"{self.address} does not say which org it is: {error}") from None
        except (KeyError, IndexError, TypeError):
            raise ServiceUnavailableError(
                f"{self.address} does not say which org it is; check api_url and data_center"
            ) from None
        self._pacing.know(found.get("license_details") or {})
        return t.cast("Mapping[str, t.Any]", found)

    # -- what was used -----------------------------------------------------------------------------------------

    def server_now(self) -> datetime:
        """Return the server's current time as far as its answers told it."""
        return self._clock.now()

    def by_server_clock(self, moment: datetime) -> datetime:
        """Return a moment of this machine's clock by the server's."""
        return self._clock.of(moment)

    @property
    def clock_ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's."""
        return self._clock.ahead

    @property
    def concurrency_limit(self) -> int:
        """Calls the org allows at the same time, by its edition as far as it is known."""
        return self._pacing.limit

    def usage(self) -> Usage:
        """Return what was sent so far, repeats included."""
        return Usage(*self._sent.sent, self._budget.left)

    def affords(self, credits_needed: int) -> bool:
        """Whether so many API credits are left, as far as the budget or Zoho's answers tell."""
        return self._budget.affords(credits_needed)

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the org's limits together with other processes from now on."""
        self._pacing.share(limits)
        self._budget.share(limits.budget())

    def close(self) -> None:
        """Close the connections of all threads and let go of what is held of the org's limits."""
        self._pacing.release()
        self._budget.close()
        self._transport.close()

    # -- one call ----------------------------------------------------------------------------------------------

    def _patiently(self, call: Call, take: Callable[[requests.Response], _Taken]) -> _Taken:
        try:
            return keep_trying(
                lambda: self._exchange(call, take), str(call), safe=call.safe, busy=self._busy, sleep=self._sleep
            )
        except TokenReplacedError:
            raise self._stop(
                CredentialsError(
                    f"{self.address} refuses a fresh access token of {self.auth.accounts} (INVALID_TOKEN): they belong"
                    " to different data centers; check api_url and data_center"
                )
            ) from None
        except NotSentError as error:
            where = self.upload_address if call.file else self.address
            raise ServiceUnavailableError(f"Zoho cannot be reached at {where}: {error}") from None
        except LostAnswerError as error:
            if not call.safe:
                raise
            raise ServiceUnavailableError(f"Zoho does not answer {call}: {error}") from None

    def _exchange(self, call: Call, take: Callable[[requests.Response], _Taken]) -> _Taken:
        """Send one call and read its answer, once."""
        try:
            response = self._send(call)
            try:
                return take(response)
            except InvalidTokenError:
                raise self.auth.refused(response) from None
            except BudgetExhaustedError as error:
                self._budget.exhausted(str(error))
                raise
        except (ScopeError, NoPermissionError):
            raise  # other calls may still be allowed
        except ServiceError as error:
            # Going on after a refused log-in or without credits would only make it worse.
            raise self._stop(error) from None

    def _send(self, call: Call) -> requests.Response:
        url = call.url or self._url(call.path)
        with self._pacing.slot(heavy=call.heavy):
            if self._stopped:
                raise type(self._stopped)(str(self._stopped))
            with self._budget.spend(call.cost) as spending:
                try:
                    with span("request", method=call.method, path=call.path, cost=call.cost) as told:
                        response = self._transport.send(
                            call.method, url, params=call.params, body=call.body, headers=call.headers, file=call.file
                        )
                        told["status"] = response.status_code
                except LostAnswerError:
                    self._sent.add(write=not call.safe, cost=call.cost)
                    raise
                except Exception:
                    spending.sent = False
                    raise
                turned_away = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                spending.sent = not turned_away
                self._budget.learn(spending, credits_left(response.headers))
        self._sent.add(write=not call.safe, cost=0 if turned_away else call.cost)
        self._clock.learn(response.headers)
        if not turned_away:
            self._pacing.answered()
        return response

    def _busy(self, error: BusyError, times: int) -> None:
        """Wait for a place among the calls under way at the same time; after five minutes it is the credits."""
        del error
        if self._pacing.busy_too_long(times):
            why = (
                f"Zoho has turned every call away for {BUSY_SECONDS / 60:.0f} min (429); the org's API credits of 24"
                " hours are most likely used up"
            )
            self._budget.exhausted(why)
            raise self._stop(BudgetExhaustedError(why))

    def _stop(self, error: ServiceError) -> ServiceError:
        """Let nothing more be sent."""
        self._stopped = self._stopped or error
        return error

    def _url(self, path: str) -> str:
        return f"{self.address}{path if path.startswith('/crm/') else API + path}"

    def _ours(self, address: str) -> bool:
        parts = urlsplit(address)
        own = {
            urlsplit(one)[:2] for one in (self.address, self.upload_address)
        }  # no other scheme: http is in the clear
        return parts[:2] in own or (parts.scheme == "https" and belongs_to_zoho(address))


def _taker(call: Call) -> Callable[[requests.Response], Answer]:
    return lambda response: read_answer(response, str(call), call.scopes, call.module)


def _content(call: Call) -> Callable[[requests.Response], bytes]:
    def take(response: requests.Response) -> bytes:
        if response.status_code == HTTPStatus.OK:
            return response.content
        read_answer(response, str(call), call.scopes, call.module)
        raise RefusedError(response.status_code, str(response.status_code), "there is no such file", {})

    return take
