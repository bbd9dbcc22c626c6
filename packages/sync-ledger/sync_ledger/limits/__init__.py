"""Limits of an account: requests in a burst window and a budget a day, shared by all processes on one ledger."""

from __future__ import annotations

from sync_ledger.limits.account import AccountLimits, SharesLimits
from sync_ledger.limits.budget import DailyBudget
from sync_ledger.limits.burst import BurstLimiter

__all__ = ["AccountLimits", "BurstLimiter", "DailyBudget", "SharesLimits"]
