"""What a destination says about its fields, printed so that mappings can be checked against it without the service."""

from __future__ import annotations

from sync_ledger.describing.command import describe_command
from sync_ledger.describing.snapshot import FORMAT, snapshot

__all__ = ["FORMAT", "describe_command", "snapshot"]
