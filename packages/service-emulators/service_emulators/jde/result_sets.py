"""Open result sets behind next-page links (AIS fact sheet section 4)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from service_emulators.jde.errors import ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from service_emulators.clock import EmulatorClock
    from service_emulators.jde.conditions import Target
    from service_emulators.jde.dictionary import Column, Table
    from service_emulators.jde.sessions import Session

_EXPIRED = "JAS_MSG347: The query results expired.  Refresh them by clicking Find again."


@dataclass
class ResultSet:
    """The rows a query found, as row numbers of the database, and how far they were read."""

    session: Session
    target: Target
    columns: list[Column]
    output: str
    page_size: int
    stack_id: int
    rows: list[int] = field(repr=False)
    touched: datetime
    position: int = 0
    state_id: int = 1
    rid: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def table(self) -> Table:
        """The table or view."""
        return self.target.table

    @property
    def more(self) -> bool:
        """Whether rows remain to be read."""
        return self.position < len(self.rows)

    def take(self, now: datetime) -> list[int]:
        """Return the row numbers of the next page; the one after it has another state."""
        page = self.rows[self.position : self.position + self.page_size]
        self.position += len(page)
        self.state_id += 1
        self.touched = now
        return page


class ResultSets:
    """All open result sets. Thread-safe."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, ResultSet] = {}
        self._opened = 0

    def next_stack_id(self) -> int:
        """Return the number of the next form opened on this server."""
        with self._lock:
            self._opened += 1
            return self._opened

    def keep(self, result: ResultSet, seconds: int) -> None:
        """Keep a result set open; those long expired are forgotten."""
        oldest = self._clock.now() - timedelta(seconds=seconds)
        with self._lock:
            self._open = {rid: one for rid, one in self._open.items() if one.touched >= oldest}
            self._open[result.rid] = result

    def find(
        self, session: Session, rid: str, stack_id: str, state_id: str, seconds: int
    ) -> tuple[ResultSet, list[int]]:
        """Return the result set a next-page link names, and the row numbers of that page: a link works once.

        Raises:
            ServiceError: 500 JAS_MSG347: expired, of another session, or its pages are not asked for in order.
        """
        with self._lock:
            result = self._open.get(rid)
            if (
                not result
                or result.session is not session
                or (stack_id, state_id) != (str(result.stack_id), str(result.state_id))
                or self._clock.now() - result.touched > timedelta(seconds=seconds)
            ):
                raise expired()
            return result, result.take(self._clock.now())

    def close(self, result: ResultSet) -> None:
        """Forget a result set that was read to its end."""
        with self._lock:
            self._open.pop(result.rid, None)

    def expire_all(self) -> int:
        """Let all open result sets die now; returns how many there were."""
        with self._lock:
            count = len(self._open)
            self._open.clear()
        return count


def expired() -> ServiceError:
    """Return the answer to a page of a result set that is gone."""
    return ServiceError(500, _EXPIRED, body={"sysErrors": [{"TITLE": _EXPIRED, "DESC": _EXPIRED}]})
