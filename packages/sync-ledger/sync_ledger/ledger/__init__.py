"""The ledger: runs, outcomes, links and open rows in an SQL database."""

from __future__ import annotations

from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.store import Ledger

__all__ = ["Ledger", "open_engine"]
