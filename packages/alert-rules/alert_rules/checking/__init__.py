"""Checking alert files before they are used: against the streams they look at, and on sample rows."""

from __future__ import annotations

from alert_rules.checking.checker import Checked, check
from alert_rules.checking.findings import Finding, Severity
from alert_rules.checking.sampling import Estimate

__all__ = ["Checked", "Estimate", "Finding", "Severity", "check"]
