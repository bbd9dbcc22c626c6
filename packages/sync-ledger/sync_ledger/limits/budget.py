"""The daily budget of an account: what may still be spent, known before a request is sent.

Three sources, any of which may be missing: the budget the user set, counted over all processes on the ledger; what the
service says is left with its answers; and the refusal of a request for want of budget, after which nothing is tried any
more in this run. Of what is known, `reserve` is left to others.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.limits.budget_book import day_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_ledger.limits.budget_book import BudgetBook

_SMALLEST_PART = 20
_LARGEST_PART = 1000
_PARTS = 100


@dataclass(eq=False)
class Spending:
    """One request's price while it is under way.

    Attributes:
        number: Counts requests in the order they were let through.
        cost: Its price.
        ended_before: What had been spent by requests that were over when it was let through.
        sent: Whether it left this machine; cleared for one that certainly did not.
    """

    number: int
    cost: int
    ended_before: int
    sent: bool = True


class DailyBudget:
    """What this process may spend of an account's daily budget; safe to share between threads.

    Args:
        now: The service's present time; its days are those of UTC.
        rolling: The service counts any 24 hours, not days.
    """

    def __init__(
        self, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc), *, rolling: bool = False
    ) -> None:
        self._now = now
        self._rolling = rolling
        self._begun = now()
        self._lock = threading.Lock()
        self._under_way: dict[int, Spending] = {}
        self._number = 0
        self._ended = 0  # what requests that are over have spent
        self._told: int | None = None  # what the service says is left, less what was sent since
        self._told_by = 0
        self._book: BudgetBook | None = None
        self._day = ""
        self._part = 0  # tokens of the day that this process has put aside and not spent
        self._unbooked = 0
        self._refused: str | None = None

    def share(self, book: BudgetBook) -> None:
        """Count over all processes from now on; what was spent before is booked."""
        with self._lock:
            self._book = book
            self._open_day()

    @property
    def left(self) -> int | None:
        """What is left of the day for everybody, the reserve included; None when nobody knows."""
        with self._lock:
            counted = None
            if self._book is not None and self._book.budget is not None and self._day:
                counted = max(0, self._book.budget - self._book.used + self._part)
            known = [value for value in (self._told, counted) if value is not None]
            return max(0, min(known)) if known else None

    def affords(self, cost: int) -> bool:
        """Whether so much is left beside the reserve, as far as anybody knows; nothing is put aside."""
        left = self.left
        with self._lock:
            reserve = self._book.reserve if self._book else 0
            return self._refused is None and (left is None or left - cost >= reserve)

    @contextlib.contextmanager
    def spend(self, cost: int) -> Iterator[Spending]:
        """Spend the price of one request, before it is sent.

        Raises:
            BudgetExhaustedError: If it is not there; nothing was sent.
        """
        spending = self._take(cost)
        try:
            yield spending
        finally:
            with self._lock:
                del self._under_way[spending.number]
                if spending.sent:
                    self._ended += cost
                else:
                    if self._book is None:
                        self._unbooked -= cost
                    else:
                        self._part += cost
                    if self._told is not None:
                        self._told += cost

    def learn(self, spending: Spending, left: int | None) -> None:
        """Take over what the answer to one request said is left of the day."""
        with self._lock:
            if left is None or spending.number < self._told_by:
                return  # answers may overtake each other; the request sent last knows best
            self._told_by = spending.number
            # Whether the service has counted those it met on the way is not known, nor of those that are over by now,
            # whose answers may have told nothing: as if it had not.
            met = sum(other.cost for other in self._under_way.values() if other is not spending)
            self._told = left - met - (self._ended - spending.ended_before)

    def exhausted(self, why: str) -> None:
        """Note that the service refuses requests for want of budget: nothing more is sent, by no process."""
        with self._lock:
            self._told = 0
            self._refused = self._refused or why
            if self._book is not None and self._day:
                self._book.note_exhausted(self._day, self._now())

    def close(self) -> None:
        """Give back what was put aside and not spent."""
        with self._lock:
            book, self._book = self._book, None
            if book is not None and self._day:
                book.give_back(self._day, self._part)
            self._part = 0

    def _take(self, cost: int) -> Spending:
        with self._lock:
            if self._refused:
                raise BudgetExhaustedError(self._refused)
            reserve = self._book.reserve if self._book else 0
            if self._told is not None and self._told - cost < reserve:
                kept = f", {reserve} of it are kept for others (budget_reserve)" if reserve else ""
                self._refused = f"the service says {self._told} of the daily budget are left{kept}"
                raise BudgetExhaustedError(self._refused)
            self._take_counted(cost)
            if self._told is not None:
                self._told -= cost
            self._number += 1
            spending = self._under_way[self._number] = Spending(self._number, cost, self._ended)
            return spending

    def _take_counted(self, cost: int) -> None:
        """Take the price from what is put aside, putting aside more when that is too little."""
        book = self._book
        if book is None:
            self._unbooked += cost
            return
        if self._today() != self._day:
            book.give_back(self._day, self._part)
            self._told = None
            self._open_day()
        if self._part < cost:
            self._part += book.put_aside(self._day, max(cost, _part_of(book.budget)))
            if book.exhausted_since(self._begun):
                self._refused = "another process was told that the daily budget of the account is used up"
            elif self._part < cost:
                self._refused = f"{book.used - self._part} of the {book.budget} a day (daily_budget) are used" + (
                    f", {book.reserve} are kept for others (budget_reserve)" if book.reserve else ""
                )
                if self._part:
                    self._refused += f", and the next request takes {cost}"
            if self._refused:
                raise BudgetExhaustedError(self._refused)
        self._part -= cost

    def _open_day(self) -> None:
        self._day = self._today()
        self._part = 0
        if self._book is not None and self._unbooked:
            self._book.note_spent(self._day, self._unbooked)
            self._unbooked = 0

    def _today(self) -> str:
        return day_of(self._now(), rolling=self._rolling)


def _part_of(budget: int | None) -> int:
    """Return how much is put aside at once: worth about a second of writing, lost when the process dies."""
    return _LARGEST_PART if budget is None else max(_SMALLEST_PART, min(_LARGEST_PART, budget // _PARTS))
