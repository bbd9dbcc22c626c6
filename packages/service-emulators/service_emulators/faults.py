"""What may go wrong on request: faults a test or a user injects into a running emulator."""

from __future__ import annotations

import itertools
import random
import re
import threading
from typing import Any, Literal

import msgspec

FaultKind = Literal["status", "reset", "slow", "truncate", "timeout"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule: which requests it hits and what happens to them.

    Attributes:
        kind: `status` answers with `status`/`body`/`headers`; `reset` resets the TCP connection without an answer;
            `slow` waits `delay_ms` and goes on; `truncate` sends half the real answer under its full Content-Length and
            closes; `timeout` never answers (with `delay_ms` it closes the connection after that time).
        method: HTTP method it applies to; None for all.
        path: regular expression searched in the path.
        when: `before`: the request has no effect; `after`: the effect happens and only the answer is lost or replaced.
            A truncated answer is always one whose effect happened.
        skip: matching requests to let through first.
        times: requests to hit; None for all of them.
        probability_percent: share of the matching requests to hit, by a generator of fixed seed.
        delay_ms: milliseconds to wait before anything else happens (before the effect or after it, by `when`).
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
    probability_percent: int = 100
    delay_ms: int = 0
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
    """The faults in force; the first one that matches a request takes it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)
        # Not for secrets: a fixed seed makes a failing test fail again.
        self._random = random.Random(1)  # noqa: S311 - chances of faults, the same in every run; not secrets

    def add(self, fault: Fault) -> Fault:
        """Puts a fault in force and gives it a number.

        Raises:
            ValueError: `path` is not a regular expression.
        """
        try:
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error
        with self._lock:
            fault.id = next(self._numbers)
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
                if self._random.randrange(100) >= fault.probability_percent:
                    continue
                fault.hits += 1
                return fault
        return None
