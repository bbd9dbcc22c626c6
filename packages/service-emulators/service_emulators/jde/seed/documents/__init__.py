"""Orders, vouchers, invoices and their ledger lines, with the items and accounts they name."""

from __future__ import annotations

from service_emulators.jde.seed.documents.whole import seed_documents

__all__ = ["seed_documents"]
