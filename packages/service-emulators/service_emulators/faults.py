"""What may go wrong on request: faults a test or a user injects into a running emulator."""

from __future__ import annotations

import itertools
import random
import re
import threading
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

FaultKind = Literal["status", "reset", "slow", "truncate", "timeout", "sign_off", "partial"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule: which requests it hits and what happens to them.

    Attributes:
        kind: `status` answers with `status`/`body`/`headers`; `reset` resets the TCP connection without an answer;
            `slow` waits `delay_ms` and goes on; `truncate` sends half the real answer under its full Content-Length and
            closes; `timeout` never answers (with `delay_ms` it closes the connection after that time); `sign_off`
            ends all sessions before the request is handled, where the service has sessions; `partial` lets the service
            refuse some records of a batch, where it takes batches.
        method: HTTP method it applies to; None for all.
        path: regular expression searched in the path.
        when: `before`: the request has no effect; `after`: the effect happens and only the answer is lost or replaced.
            A truncated answer is always one whose effect happened.
        skip: matching requests to let through first.
        times: requests to hit; None for all of them.
        probability_percent: share of the matching requests to hit, by a generator of the fault's own.
        seed: decides which requests that share are; the same for the same sequence of requests.
        delay_ms: milliseconds to wait before anything else happens (before the effect or after it, by `when`).
        every: `partial` refuses every so many-th record of a batch, and the first.
        id: number given by the plan.
        hits: requests hit so far.
    """

    kind: FaultKind
    method: str | None = None
    path: str = ""
    status: int = 500
    body: dict[str, Any] | list[Any] | str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    when: Literal["before", "after"] = "before"
    skip: int = 0
    times: int | None = 1
    probability_percent: float = 100
    seed: int = 1
    delay_ms: int = 0
    every: int = 2
    id: int = 0
    hits: int = 0

    def answer(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Returns status, headers and body of an injected answer."""
        if self.body is None:
            content, kind = b"", "text/plain; charset=utf-8"
        elif isinstance(self.body, str):
            content, kind = self.body.encode(), "text/plain; charset=utf-8"
        else:
            content, kind = msgspec.json.encode(self.body), "application/json; charset=utf-8"
        headers = {"content-type": kind, **{name.lower(): value for name, value in self.headers.items()}}
        headers["content-length"] = str(len(content))
        return (
            self.status,
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            content,
        )


class FaultPlan:
    """The faults in force; the first one that matches a request takes it. Thread-safe.

    Args:
        sign_off: ends all sessions of the service, if it has any.
        batches: the service takes batches that may fail in part.
    """

    def __init__(self, sign_off: Callable[[], object] | None = None, *, batches: bool = False) -> None:
        self.sign_off = sign_off
        self._batches = batches
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)
        self._chances: dict[int, random.Random] = {}

    def add(self, fault: Fault) -> Fault:
        """Puts a fault in force and gives it a number.

        Raises:
            ValueError: `path` is not a regular expression, or the service has no sessions to end or no batches.
        """
        if fault.kind == "sign_off" and self.sign_off is None:
            raise ValueError("this service has no sessions that could end")
        if fault.kind == "partial" and not (self._batches and fault.every > 0):
            raise ValueError("this service has no batches that could fail in part, or `every` is not positive")
        try:
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error
        with self._lock:
            fault.id = next(self._numbers)
            # Not for secrets: a fixed seed makes a failing test fail again, whatever other faults are in force.
            self._chances[fault.id] = random.Random(fault.seed)  # noqa: S311 - see above
            self._faults.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """Returns the faults in the order they were added, used-up ones included."""
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Takes all faults out of force."""
        with self._lock:
            self._faults.clear()
            self._chances.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Returns the fault that hits this request, counting the hit, or None."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                if (fault.method is not None and fault.method.upper() != method) or not re.search(fault.path, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if self._chances[fault.id].random() * 100 >= fault.probability_percent:
                    continue
                fault.hits += 1
                return fault
        return None
