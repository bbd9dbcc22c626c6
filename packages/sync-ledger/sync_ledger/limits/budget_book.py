"""What all processes on a ledger have used of an account's budget, day by day."""

from __future__ import annotations

import typing as t

from sqlalchemy import and_, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import budget_days
from sync_ledger.ledger.transactions import exclusive
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine


class BudgetBook:
    """The days of one account.

    Tokens are put aside before they are spent, a part of the day at once, and what is not spent is given back: what
    the book says is used is never less than what was sent.

    Args:
        engine: The ledger's database.
        destination: Account the budget belongs to; no secret.
        budget: Tokens of a day; None counts only.
        reserve: Tokens of a day that are left to others.

    Attributes:
        used: Tokens used or put aside by all processes, as last seen.
    """

    def __init__(self, engine: Engine, destination: str, *, budget: int | None = None, reserve: int = 0) -> None:
        self._engine = engine
        self._destination = destination
        self.budget = budget
        self.reserve = reserve
        self.used = 0
        self._exhausted_at: datetime | None = None

    def put_aside(self, day: str, wanted: int) -> int:
        """Put tokens aside for this process; returns how many there are, which may be fewer than wanted."""
        with self._alone() as connection:
            self._read(connection, day)
            free = wanted if self.budget is None else self.budget - self.reserve - self.used
            granted = max(0, min(wanted, free))
            self._write(connection, day, self.used + granted)
        return granted

    def give_back(self, day: str, unspent: int) -> None:
        """Give back tokens that were put aside and not spent."""
        if unspent:
            self.note_spent(day, -unspent)

    def note_spent(self, day: str, tokens: int) -> None:
        """Book tokens that were spent before they could be put aside."""
        with self._alone() as connection:
            self._read(connection, day)
            self._write(connection, day, max(0, self.used + tokens))

    def note_exhausted(self, day: str, at: datetime) -> None:
        """Note that the service said the day's budget is used up."""
        with self._alone() as connection:
            self._read(connection, day)
            self._write(connection, day, self.used, left_told=0, told_at=at)

    def exhausted_since(self, moment: datetime) -> bool:
        """Whether any process was told so after a moment, as last seen."""
        return self._exhausted_at is not None and self._exhausted_at >= moment

    def _alone(self) -> t.Any:
        return exclusive(self._engine, f"{self._destination} budget")

    def _read(self, connection: Connection, day: str) -> None:
        where = and_(budget_days.c.destination == self._destination, budget_days.c.day == day)
        row = connection.execute(select(budget_days).where(where)).one_or_none()
        self.used = row.used if row else 0
        self._exhausted_at = as_utc(row.told_at) if row and row.left_told == 0 else None

    def _write(self, connection: Connection, day: str, used: int, **told: t.Any) -> None:
        row = {"destination": self._destination, "day": day, "used": used, **told}
        upsert(connection, budget_days, [row])
        self.used = used
