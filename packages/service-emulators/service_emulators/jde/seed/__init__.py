"""Sample data: customers, suppliers, employees and what belongs to them, the same for the same seed and day."""

from __future__ import annotations

from service_emulators.jde.seed.bulk import seed_ledger
from service_emulators.jde.seed.company import seed_store

__all__ = ["seed_ledger", "seed_store"]
