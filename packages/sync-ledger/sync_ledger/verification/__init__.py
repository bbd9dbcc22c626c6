"""`sync-ledger verify`: is at the service what the ledger says was last written there?"""

from __future__ import annotations

from sync_ledger.verification.comparing import FieldDifference, compare, never_emptied, unjudged
from sync_ledger.verification.verifier import Finding, Kind, Report, Verifier

__all__ = ["FieldDifference", "Finding", "Kind", "Report", "Verifier", "compare", "never_emptied", "unjudged"]
