"""Schema changes of the ledger, oldest first, applied when a ledger is opened."""

from __future__ import annotations
