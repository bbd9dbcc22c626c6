"""Sample data: customers, suppliers, employees and what belongs to them, the same for the same seed and day."""

from __future__ import annotations

from service_emulators.jde.seed.bulk import seed_ledger
from service_emulators.jde.seed.company import seed_store
from service_emulators.jde.seed.documents import seed_documents
from service_emulators.jde.seed.odd import seed_odd

__all__ = ["seed_documents", "seed_ledger", "seed_odd", "seed_store"]
