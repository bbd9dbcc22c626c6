"""What the `doctor` command of a plug-in finds, and how it tells it."""

from __future__ import annotations

from doctor_findings.checks import clock, reach
from doctor_findings.findings import Finding, Status, failed, good, of_error, tell, warning

__all__ = ["Finding", "Status", "clock", "failed", "good", "of_error", "reach", "tell", "warning"]
