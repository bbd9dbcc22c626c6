"""Singer target that upserts into Pipedrive by external ID."""

from __future__ import annotations
