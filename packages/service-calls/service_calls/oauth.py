"""OAuth access tokens, renewed in time and shared by any number of threads and processes.

What the token endpoint answers is in the token file before it is used. Processes that share the file take turns with a
lock beside it and take over what another has fetched. Where a service gives only so many access tokens in a time, every
question is noted in the file before it is sent, so that all processes together stay below, also when they are killed.
"""

from __future__ import annotations

import logging
import threading
import time
import typing as t

import backoff
import requests
from filelock import FileLock, Timeout
from requests.auth import AuthBase

from service_calls.faults import LostAnswerError, NotSentError
from service_calls.token_file import Kept, keep_tokens, kept_tokens
from service_calls.transport import transport_error

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from service_calls.service import Service
    from service_calls.token_file import Tokens

EARLY_SECONDS: t.Final = 120
"""So long before its end a token is renewed, so that none expires under way."""

MAX_TRIES: t.Final = 4
LONGEST_ANSWER: t.Final = 20
"""Seconds the token endpoint may take at the most, as other processes wait meanwhile."""

LOCK_SECONDS: t.Final = 180

_log = logging.getLogger(__name__)


class TokenReplacedError(Exception):
    """The access token was refused, without any effect, and there is another one now.

    Attributes:
        fresh: The other one was fetched for this request; no better one can be had.
    """

    def __init__(self, *, fresh: bool) -> None:
        super().__init__("401: the access token was replaced")
        self.fresh = fresh


class TokenLimit(t.NamedTuple):
    """How often a service gives an access token.

    Attributes:
        times: So many times.
        seconds: In any period so long.
        patience_seconds: How long to wait for the next one at the most; when it takes longer, the run ends.
    """

    times: int
    seconds: float
    patience_seconds: float


class OAuth(AuthBase):
    """Puts a valid access token into every request; a plug-in says how the token endpoint is asked.

    Args:
        service: Who is spoken to.
        token_file: Where the tokens in use are kept; setting `token_file` in messages.
        origin: Mark of the settings of the log-in (see `mark`): tokens kept under another one are not used.
        timeout_seconds: How long the token endpoint may take.
        clock: Seconds since 1970.
        sleep: Waits that many seconds.
    """

    scheme: t.ClassVar[str] = "Bearer"
    """What stands before the token in the header."""

    limit: t.ClassVar[TokenLimit | None] = None
    """How often the service gives a token to one log-in; None when it does not matter."""

    def __init__(
        self,
        service: Service,
        token_file: Path,
        origin: str,
        *,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = service
        self._file = token_file
        self._origin = origin
        self._timeout = timeout_seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._fetched = 0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request about to be sent."""
        request.headers["authorization"] = f"{self.scheme} {self.tokens().access_token}"
        return request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def fetch(self, kept: Tokens | None) -> Tokens:
        """Get new tokens by `ask`; called by one process at a time.

        Args:
            kept: The tokens the file has of this log-in, whose access token is of no use any more.

        Raises:
            Exception: One of the plug-in's, if the log-in is refused.
        """
        raise NotImplementedError

    def tokens(self) -> Tokens:
        """Return tokens that are good for some time yet.

        Raises:
            Exception: What `fetch` raises, or one of the service's own if the file cannot be used, another process
                holds it for too long, or the token endpoint does not answer.
        """
        with self._lock:
            if self._tokens is None or self._ends_soon(self._tokens):
                self._tokens = self._renewed(None)
            return self._tokens

    def refused(self, response: requests.Response) -> TokenReplacedError:
        """Get another access token, as the service has refused the one a request had.

        Args:
            response: The refusal.

        Returns:
            What to raise, so that the request is sent again with the other one (see `keep_trying`).

        Raises:
            Exception: As `tokens`.
        """
        stale = response.request.headers.get("authorization", "").removeprefix(f"{self.scheme} ")
        with self._lock:
            fetched = self._fetched
            if self._tokens is not None and self._tokens.access_token == stale:
                self._tokens = self._renewed(stale)
            return TokenReplacedError(fresh=self._fetched > fetched)

    def ask(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        read: Callable[[requests.Response, float], Tokens | None],
        auth: tuple[str, str] | None = None,
    ) -> Tokens:
        """Ask the token endpoint, a few times if it does not answer.

        Args:
            url: Its address.
            form: Fields of the form; they hold secrets and stay out of the address.
            read: Gets the answer and when it was asked for (seconds since 1970); returns None for one that says nothing
                of the log-in, and raises if the log-in is refused.
            auth: Name and password of the app, where the service wants them in a header.
        """
        waits = backoff.expo(base=2, factor=0.5, max_value=8)
        next(waits)  # the generator's first value only primes it
        problem = ""
        for tries in range(1, MAX_TRIES + 1):
            self._note_question()
            begun = self._clock()
            try:
                response = requests.post(
                    url,
                    data=form,
                    auth=auth or _no_netrc,
                    headers={"accept": "application/json", "user-agent": self._service.agent},
                    timeout=min(self._timeout, LONGEST_ANSWER),
                    allow_redirects=False,  # a redirect would carry the secrets to another host
                )
            except requests.RequestException as error:
                found = transport_error(error, self._service)
                if not isinstance(found, LostAnswerError):
                    self._take_back_question()
                if not isinstance(found, (LostAnswerError, NotSentError)):
                    raise found from None
                problem = str(found)
            else:
                tokens = read(response, begun)
                if tokens is not None:
                    return tokens
                problem = f"HTTP {response.status_code}"
            _log.warning("%s's token endpoint: %s (try %d of %d)", self._service.name, problem, tries, MAX_TRIES)
            if tries < MAX_TRIES:
                self._sleep(backoff.full_jitter(next(waits)))
        raise self._service.unavailable_error(f"{self._service.name}'s token endpoint does not answer: {problem}")

    def _ends_soon(self, tokens: Tokens) -> bool:
        return tokens.expires_at - EARLY_SECONDS <= self._clock()

    def _renewed(self, stale: str | None) -> Tokens:
        path = self._file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock", timeout=LOCK_SECONDS, mode=0o600):
                kept = self._kept().tokens
                if kept is not None and kept.access_token != stale and not self._ends_soon(kept):
                    return kept  # another process was faster
                tokens = self.fetch(kept)
                self._fetched += 1
                self._keep(tokens, self._kept().asked_at)
                return tokens
        except Timeout:
            raise self._service.unavailable_error(
                f"another process has held {path}.lock for {LOCK_SECONDS} s; if none is running, delete that file"
            ) from None
        except OSError as error:
            raise self._service.setting_error(
                f"setting token_file: {path} cannot be used: {error.strerror or error}"
            ) from None

    def _note_question(self) -> None:
        """Write down that the token endpoint is asked, once that is allowed."""
        if self.limit is None:
            return
        while True:
            kept, now = self._kept(), self._clock()
            # A moment that is yet to come was written by a clock that was set back since; it counts once more.
            recent = sorted(min(moment, now) for moment in kept.asked_at if moment > now - self.limit.seconds)
            if len(recent) < self.limit.times:
                self._keep(kept.tokens, [*recent, now])
                return
            wait = recent[-self.limit.times] + self.limit.seconds - now
            if wait > self.limit.patience_seconds:
                raise self._service.unavailable_error(
                    f"{self._service.name} gives {self.limit.times} access tokens in {self.limit.seconds / 60:.0f} min,"
                    f" and as many were asked for; runs that share {self._file} share one, so keep that file between"
                    f" runs, and start the next one in {wait / 60:.0f} min"
                )
            _log.warning("%s gives the next access token in %.0f s", self._service.name, wait)
            self._sleep(wait)

    def _take_back_question(self) -> None:
        """Strike out a question that certainly did not reach the token endpoint."""
        if self.limit is not None:
            kept = self._kept()
            self._keep(kept.tokens, kept.asked_at[:-1])

    def _kept(self) -> Kept:
        return kept_tokens(self._file).get(self._origin) or Kept()

    def _keep(self, tokens: Tokens | None, asked_at: list[float]) -> None:
        keep_tokens(self._file, self._origin, Kept(tokens, asked_at), now=self._clock())


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from adding credentials of a `.netrc`."""
    return request
