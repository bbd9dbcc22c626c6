"""`sync-ledger`: what happened, what waits, and why."""

from __future__ import annotations

from sync_ledger.cli import verifying  # noqa: F401 - its commands register themselves
from sync_ledger.cli.app import app

__all__ = ["app"]
