"""What a destination needs to keep an account's limits together with other processes on the same ledger."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sync_ledger.limits.budget_book import BudgetBook
from sync_ledger.limits.leases import NEWCOMERS, Lease

if t.TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class AccountLimits:
    """The limits of one account, kept in the ledger.

    The account is known by its destination name, so that processes with different credentials of one account share.

    Attributes:
        engine: The ledger's database.
        destination: Name of the account.
        daily_budget: Tokens of a day as set; None when not.
        budget_reserve: Tokens of a day that are left to others.
    """

    engine: Engine
    destination: str
    daily_budget: int | None = None
    budget_reserve: int = 0

    def lease(self, bucket: str, *, window_seconds: float, newcomers: int = NEWCOMERS) -> Lease:
        """Return this process's share of a burst window (see `BurstLimiter.share`)."""
        return Lease(self.engine, self.destination, bucket, window_seconds=window_seconds, newcomers=newcomers)

    def budget(self) -> BudgetBook:
        """Return the book of the daily budget (see `DailyBudget.share`)."""
        return BudgetBook(self.engine, self.destination, budget=self.daily_budget, reserve=self.budget_reserve)


@t.runtime_checkable
class SharesLimits(t.Protocol):
    """A destination whose limits are shared; called once, when its name is known and before the first row."""

    def share_limits(self, limits: AccountLimits) -> None:
        """Keep to the account's limits together with other processes from now on."""
