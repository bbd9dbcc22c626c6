"""What a run tells the outside at its end: notices and metrics. Nothing here ever lets a run fail."""

from __future__ import annotations

from sync_ledger.observing.observer import Observer, observing_settings

__all__ = ["Observer", "observing_settings"]
