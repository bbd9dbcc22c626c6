"""`sync-ledger`: what happened, what waits, and why."""

from __future__ import annotations

from sync_ledger.cli import desk, plans, purging, verifying  # noqa: F401 - their commands register themselves
from sync_ledger.cli.app import app

__all__ = ["app"]
