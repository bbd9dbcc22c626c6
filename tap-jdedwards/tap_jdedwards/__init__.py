"""Singer tap for Oracle JD Edwards EnterpriseOne through the AIS Server."""

from __future__ import annotations
