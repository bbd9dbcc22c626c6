"""Privacy: fields whose values the ledger does not keep, and erasing what it kept."""

from __future__ import annotations

from sync_ledger.privacy.masking import MASK, Masks, mask_fields

__all__ = ["MASK", "Masks", "mask_fields"]
