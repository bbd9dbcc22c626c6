"""Singer target that upserts into Zoho CRM by external ID."""

from __future__ import annotations
