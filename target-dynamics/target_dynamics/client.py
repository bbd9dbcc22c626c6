"""HTTP client of one Dataverse environment: paced, counted, retried where that is safe.

Reads are repeated after server errors, resets and time-outs. Writes are sent once: one whose answer was lost may have
been done. Only what certainly had no effect (429, a refused connection, an access token that had ended) is repeated for
both.
"""

from __future__ import annotations

import functools
import threading
import time
import typing as t
import uuid
from datetime import datetime, timezone
from http import HTTPStatus
from urllib.parse import quote, urlsplit

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
from sync_ledger.errors import ConfigError, CredentialsError, ServiceError, ServiceUnavailableError
from sync_ledger.limits import DailyBudget
from sync_ledger.observing.tracing import span

from target_dynamics import batches
from target_dynamics.addresses import API
from target_dynamics.answers import (
    CROWDED,
    InvalidTokenError,
    PrivilegeError,
    RefusedError,
    ThrottledError,
    read_answer,
)
from target_dynamics.pacing import Pacing
from target_dynamics.patience import GivenUpError, Patience
from target_dynamics.service import DYNAMICS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    import requests
    from service_calls import BusyError
    from sync_ledger.limits import AccountLimits

    from target_dynamics.answers import Answer
    from target_dynamics.batches import BatchAnswer, BatchRequest
    from target_dynamics.oauth import DynamicsOAuth

PAGE_SIZE: t.Final = 5000
"""Most rows of one page."""

_Params = t.Mapping[str, "str | int"]
_Taken = t.TypeVar("_Taken")
_ALWAYS: t.Final = {"OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_JSON: t.Final = {"Content-Type": "application/json; charset=utf-8"}
_CONTINUE: t.Final = "odata.continue-on-error"
_encoder = msgspec.json.Encoder(decimal_format="number")


class _Call(t.NamedTuple):
    """One request.

    Attributes:
        method: HTTP method.
        target: Path and query below the host.
        body: What is sent.
        headers: Headers beside those every request has.
        cost: Its price in API requests of the entitlement: each row written counts.
        safe: Whether a second effect does no harm, so that it may be sent again after a lost answer.
        name: What it is called in messages.
    """

    method: str
    target: str
    body: bytes | None
    headers: Mapping[str, str]
    cost: int
    safe: bool
    name: str


class DynamicsClient:
    """Sends requests to one environment; safe to share between threads.

    Args:
        auth: The access tokens.
        address: Address of the environment or of what stands before it, without a path.
        timeout_seconds: How long an answer may take.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
        now: Current time in UTC.
    """

    def __init__(
        self,
        auth: DynamicsOAuth,
        address: str,
        *,
        timeout_seconds: float = 120,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.auth = auth
        self.address = address
        self._ticks = clock
        self._sleep = sleep
        # Without the cookie of one web server requests spread over all, each of which has limits of its own.
        self._transport = Transport(DYNAMICS, auth, timeout_seconds=timeout_seconds, cookies=False)
        self._clock = ServerClock(now)
        self._budget = DailyBudget(self._clock.now, rolling=True)
        self._pacing = Pacing(clock=clock, sleep=sleep)
        self._sent = Tally()
        self._lock = threading.RLock()
        self._stopped: ServiceError | None = None

    def __repr__(self) -> str:
        return f"DynamicsClient({self.address})"

    # -- requests ----------------------------------------------------------------------------------------------

    def get(self, path: str, params: _Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET, repeated while that may help.

        Args:
            path: Path below the API's address such as `/accounts`.
            params: Query options.
            headers: Further headers.

        Raises:
            RefusedError: If Dataverse refuses the request itself.
            PrivilegeError: If the application user may not read that.
            ServiceError: If it cannot be answered for reasons that concern more than this request.
        """
        return self._answer("GET", path, params, None, headers, cost=1, safe=True)

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, t.Any] | None,
        headers: Mapping[str, str] | None = None,
        *,
        records: int = 1,
        params: _Params | None = None,
    ) -> Answer:
        """Send a request that may change something; sent again only when it certainly had no effect.

        Args:
            method: HTTP method.
            path: Path below the API's address.
            body: What is sent as JSON.
            headers: Further headers.
            records: Rows it writes; each counts against the entitlement.
            params: Query options.

        Raises:
            RefusedError: If Dataverse refuses it for what is in it, a missing privilege included.
            NotSentError: If it certainly had no effect and was turned away for too long.
            LostAnswerError: If the effect is unknown.
            ServiceError: For what concerns more than this request.
        """
        return self._answer(method, path, params, body, headers, cost=max(1, records), safe=False)

    def pages(
        self,
        path: str,
        params: _Params | None = None,
        page_size: int = PAGE_SIZE,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[list[dict[str, t.Any]]]:
        """Read a list page by page.

        Args:
            path: Path below the API's address.
            params: Query options.
            page_size: Rows of a page.
            headers: Further headers; a `Prefer` among them is kept.

        Raises:
            RefusedError, PrivilegeError, ServiceError: As `get`.
        """
        own = dict(headers or {})
        size = f"odata.maxpagesize={page_size}"
        own["Prefer"] = f"{own['Prefer']},{size}" if "Prefer" in own else size
        target = self._target(path, params)
        while True:
            call = _Call("GET", target, None, own, 1, safe=True, name=f"GET {path}")
            data = self._patiently(call, _taker(call)).data
            if not isinstance(data, dict) or not isinstance(data.get("value"), list):
                raise ServiceUnavailableError(f"Dataverse answers GET {path} without a list of rows; check org_url")
            yield data["value"]
            following = data.get("@odata.nextLink")
            if not following:
                return
            # What follows the host is the service's own and stays as it is; the host stays the one the token is for.
            parts = urlsplit(str(following))
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path

    def batch(self, items: Sequence[BatchRequest]) -> list[BatchAnswer]:
        """Send up to 1,000 requests as one; each is carried out whatever becomes of the others.

        Those the service turns away for its limits are sent again.

        Args:
            items: The requests; if all of them are reads, the batch is repeated like one.

        Returns:
            An answer for each, in order.

        Raises:
            RefusedError: If Dataverse refuses the batch as a whole.
            NotSentError: If it certainly had no effect and was turned away for too long.
            LostAnswerError: If the effects are unknown.
            ServiceError: For what concerns more than this batch.
        """
        patience = Patience(self._ticks)

        def hold_back(error: ThrottledError) -> bool:
            try:
                self._hold_back(error, patience)
            except GivenUpError:
                return False
            return True

        return batches.send(items, self._batch, hold_back)

    def _batch(self, items: Sequence[BatchRequest]) -> list[BatchAnswer]:
        """Send requests as one."""
        safe = all(item.method == "GET" for item in items)
        body, content_type = batches.written(items, API)
        headers = {"Content-Type": content_type, "Prefer": _CONTINUE}
        name = f"POST /$batch ({items[0].method} {items[0].path.partition('?')[0]} ...)"
        call = _Call("POST", f"{API}/$batch", body, headers, len(items), safe, name)

        def take(response: requests.Response) -> list[BatchAnswer]:
            kind = response.headers.get("content-type") or ""
            if response.status_code == HTTPStatus.OK and kind.lower().startswith("multipart/"):
                return batches.read(response.content, kind, len(items))
            read_answer(response, name, safe=safe)
            raise LostAnswerError("unreadable", f"HTTP {response.status_code} to a batch without parts")

        return self._patiently(call, take)

    # -- the environment ---------------------------------------------------------------------------------------

    @property
    def organisation(self) -> str:
        """Id of the environment's organisation."""
        return str(self.who_am_i["OrganizationId"])

    @property
    def who_am_i(self) -> Mapping[str, t.Any]:
        """`UserId`, `BusinessUnitId` and `OrganizationId`, asked once."""
        with self._lock:
            return self._who_am_i

    @functools.cached_property
    def _who_am_i(self) -> Mapping[str, t.Any]:
        try:
            data = self.get("/WhoAmI").data
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise ConfigError(
                    f"{self.address} has no Web API of Dataverse (404); check settings org_url and api_url"
                ) from None
            raise ServiceUnavailableError(f"Dataverse does not say who signs in: {error}") from None
        if not isinstance(data, dict) or not data.get("OrganizationId") or not data.get("UserId"):
            raise ServiceUnavailableError(
                f"{self.address} does not answer as Dataverse does; check org_url and api_url"
            )
        return data

    # -- what was used -----------------------------------------------------------------------------------------

    def server_now(self) -> datetime:
        """Return the server's current time as far as its answers told it."""
        return self._clock.now()

    @property
    def recommended_concurrency(self) -> int | None:
        """Requests at the same time that the service recommends, once it has said so."""
        return self._pacing.hint

    @property
    def limits_left(self) -> tuple[int | None, float | None]:
        """Requests and seconds of execution time left of five minutes, as the last answer told; None if it did not."""
        return self._pacing.left

    @property
    def clock_ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's."""
        return self._clock.ahead

    def usage(self) -> Usage:
        """Return what was sent so far, repeats included."""
        return Usage(*self._sent.sent, self._budget.left)

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the limits together with other processes from now on."""
        self._pacing.share(limits)
        self._budget.share(limits.budget())

    def close(self) -> None:
        """Close the connections of all threads and let go of what is held of the limits."""
        self._pacing.release()
        self._budget.close()
        self._transport.close()

    # -- one request -------------------------------------------------------------------------------------------

    def _answer(
        self,
        method: str,
        path: str,
        params: _Params | None,
        body: Mapping[str, t.Any] | None,
        headers: Mapping[str, str] | None,
        *,
        cost: int,
        safe: bool,
    ) -> Answer:
        encoded = None if body is None else _encoder.encode(body)
        own = {**(_JSON if encoded is not None else {}), **(headers or {})}
        call = _Call(method, self._target(path, params), encoded, own, cost, safe, f"{method} {path}")
        return self._patiently(call, _taker(call))

    def _target(self, path: str, params: _Params | None) -> str:
        """Return path and query; blanks as `%20`, since `+` may be read as itself."""
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (params or {}).items())
        return f"{API}{path}{'?' if query else ''}{query}"

    def _patiently(self, call: _Call, take: Callable[[requests.Response], _Taken]) -> _Taken:
        patience = Patience(self._ticks)

        def busy(error: BusyError, _: int) -> None:
            self._hold_back(error, patience)

        try:
            return keep_trying(
                lambda: self._exchange(call, take), call.name, safe=call.safe, busy=busy, sleep=self._sleep
            )
        except TokenReplacedError:
            raise self._stop(
                CredentialsError(
                    f"{self.address} refuses a fresh access token (401): the application is no user of that"
                    " environment,"
                    " or org_url is another environment than the token is for; check org_url and tenant_id, and add the"
                    " application user"
                )
            ) from None
        except GivenUpError as error:
            if not call.safe:
                raise
            raise ServiceUnavailableError(f"Dataverse does not let {call.name} through: {error}") from None
        except NotSentError as error:
            raise ServiceUnavailableError(f"Dataverse cannot be reached at {self.address}: {error}") from None
        except LostAnswerError as error:
            if not call.safe:
                raise
            raise ServiceUnavailableError(f"Dataverse does not answer {call.name}: {error}") from None

    def _hold_back(self, error: BusyError, patience: Patience) -> None:
        """Let every thread wait before a request that was turned away is sent again."""
        if isinstance(error, ThrottledError) and error.code == CROWDED:
            self._pacing.crowded()
        self._pacing.pause(patience.wait(error))

    def _exchange(self, call: _Call, take: Callable[[requests.Response], _Taken]) -> _Taken:
        """Send one request and read its answer, once."""
        try:
            response = self._send(call)
            try:
                return take(response)
            except InvalidTokenError:
                raise self.auth.refused(response) from None
        except PrivilegeError:
            raise  # other requests may still be allowed
        except ServiceError as error:
            raise self._stop(error) from None  # going on after a refused sign-in would only make it worse

    def _send(self, call: _Call) -> requests.Response:
        with self._pacing.slot() as learn:
            if self._stopped:
                raise type(self._stopped)(str(self._stopped))
            with self._budget.spend(call.cost) as spending:
                headers = {**_ALWAYS, "x-ms-client-request-id": str(uuid.uuid4()), **call.headers}
                try:
                    with span("request", method=call.method, path=call.target.partition("?")[0]) as told:
                        response = self._transport.send(
                            call.method, f"{self.address}{call.target}", body=call.body, headers=headers
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
            learn(response.headers)
        if not turned_away:
            self._pacing.answered()
        self._sent.add(write=not call.safe, cost=0 if turned_away else call.cost)
        self._clock.learn(response.headers)
        return response

    def _stop(self, error: ServiceError) -> ServiceError:
        """Let nothing more be sent."""
        self._stopped = self._stopped or error
        return error


def _taker(call: _Call) -> Callable[[requests.Response], Answer]:
    return lambda response: read_answer(response, call.name, safe=call.safe)
