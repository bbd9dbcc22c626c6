"""`sync-ledger`: what happened, what waits, and why."""

from __future__ import annotations

from sync_ledger.cli import (
    desk,  # noqa: F401 - its commands register themselves
    plans,  # noqa: F401 - its commands register themselves
)
from sync_ledger.cli.app import app

__all__ = ["app"]
