"""What all processes on a ledger have used of an account's budget, day by day."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from sqlalchemy import and_, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import budget_days
from sync_ledger.ledger.transactions import exclusive
from sync_ledger.ledger.upsert import upsert

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


_DAY: t.Final = "%Y-%m-%d"
_HOUR: t.Final = "%Y%m%d%H"  # as long as a day, which the column was made for


def day_of(moment: datetime, *, rolling: bool) -> str:
    """Return the name tokens spent at a moment are booked under: its day or, where any 24 hours count, its hour."""
    return moment.strftime(_HOUR if rolling else _DAY)


def days_of(name: str) -> list[str]:
    """Return the names whose tokens count against the budget at a time with a name: a day, or an hour and 24 more."""
    if "-" in name:
        return [name]
    hour = datetime.strptime(name, _HOUR).replace(tzinfo=timezone.utc)
    return [(hour - timedelta(hours=back)).strftime(_HOUR) for back in range(25)]


class BudgetBook:
    """The days of one account.

    Where the service counts any 24 hours, tokens are booked by the hour, and the hour it is and the 24 before it stand
    for the day: what was sent in any 24 hours is never more than the book says.

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
        self._own = 0  # the part of `used` that is booked under the day or hour it is
        self._exhausted_at: datetime | None = None

    def put_aside(self, day: str, wanted: int) -> int:
        """Put tokens aside for this process; returns how many there are, which may be fewer than wanted."""
        with self._alone() as connection:
            self._read(connection, day)
            free = wanted if self.budget is None else self.budget - self.reserve - self.used
            granted = max(0, min(wanted, free))
            self._write(connection, day, granted)
        return granted

    def give_back(self, day: str, unspent: int) -> None:
        """Give back tokens that were put aside and not spent."""
        if unspent:
            self.note_spent(day, -unspent)

    def note_spent(self, day: str, tokens: int) -> None:
        """Book tokens that were spent before they could be put aside."""
        with self._alone() as connection:
            self._read(connection, day)
            self._write(connection, day, tokens)

    def note_exhausted(self, day: str, at: datetime) -> None:
        """Note that the service said the day's budget is used up."""
        with self._alone() as connection:
            self._read(connection, day)
            self._write(connection, day, 0, left_told=0, told_at=at)

    def exhausted_since(self, moment: datetime) -> bool:
        """Whether any process was told so after a moment, as last seen."""
        return self._exhausted_at is not None and self._exhausted_at >= moment

    def _alone(self) -> t.Any:
        return exclusive(self._engine, f"{self._destination} budget")

    def _read(self, connection: Connection, day: str) -> None:
        where = and_(budget_days.c.destination == self._destination, budget_days.c.day.in_(days_of(day)))
        rows = connection.execute(select(budget_days).where(where)).all()
        self.used = sum(row.used for row in rows)
        self._own = sum(row.used for row in rows if row.day == day)
        told = [as_utc(row.told_at) for row in rows if row.left_told == 0]
        self._exhausted_at = max((moment for moment in told if moment is not None), default=None)

    def _write(self, connection: Connection, day: str, more: int, **told: t.Any) -> None:
        own = max(0, self._own + more)
        row = {"destination": self._destination, "day": day, "used": own, **told}
        upsert(connection, budget_days, [row])
        self.used += own - self._own
        self._own = own
