"""Singer target that upserts into Dynamics 365 (Dataverse) by external ID."""

from __future__ import annotations
