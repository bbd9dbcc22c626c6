"""Repeats a request as long as that is safe and may help."""

from __future__ import annotations

import logging
import time
import typing as t

import backoff

from service_calls.faults import BusyError, LostAnswerError, NotSentError
from service_calls.oauth import TokenReplacedError

if t.TYPE_CHECKING:
    from collections.abc import Callable

MAX_TRIES: t.Final = 5
MOST_TOKENS: t.Final = 3
"""Access tokens a request is tried with after its first; others may have fetched one that is refused as well."""

_log = logging.getLogger(__name__)
_Answer = t.TypeVar("_Answer")


def keep_trying(
    exchange: Callable[[], _Answer],
    name: str,
    *,
    safe: bool,
    busy: Callable[[BusyError, int], None],
    max_tries: int = MAX_TRIES,
    sleep: Callable[[float], None] = time.sleep,
) -> _Answer:
    """Send a request until it is answered.

    What certainly had no effect is sent again, after a wait that doubles and is spread at random (full jitter). What
    may have had one is sent again only if `safe`. A call refused for its access token is sent again with another, until
    one is refused that was fetched for it.

    Args:
        exchange: Sends the request once.
        name: What is sent, for the log: method and path.
        safe: Whether a second effect does no harm: a read.
        busy: Told of each `BusyError` and how many there were of this request; waits, or raises if it is to end.
        max_tries: How often a request is sent at the most, those turned away as busy not counted.
        sleep: Waits that many seconds.

    Raises:
        NotSentError: If it certainly had no effect and the tries are used up.
        LostAnswerError: If it may have had one.
        TokenReplacedError: If the service refuses a fresh access token as well.
    """
    waits = backoff.expo(base=2, factor=0.5, max_value=8)
    next(waits)  # the generator's first value only primes it
    tries, turned_away, replaced, fresh = 1, 0, 0, False
    while True:
        try:
            return exchange()
        except BusyError as error:
            turned_away += 1
            _log.warning("%s: %s (%d times)", name, error, turned_away)
            busy(error, turned_away)
            continue
        except TokenReplacedError as error:
            if fresh or replaced >= MOST_TOKENS:
                raise
            fresh, replaced = error.fresh, replaced + 1
            _log.warning("%s: %s", name, error)
            continue
        except NotSentError as error:
            problem: Exception = error
        except LostAnswerError as error:
            if not safe:
                raise
            problem = error
        if tries >= max_tries:
            raise problem
        _log.warning("%s: %s (try %d of %d)", name, problem, tries, max_tries)
        sleep(backoff.full_jitter(next(waits)))
        tries += 1
