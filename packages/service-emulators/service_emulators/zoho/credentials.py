"""Credentials of an emulated org; nothing real hangs on them."""

from __future__ import annotations

import hashlib

from service_emulators.handed_out import hand_out

_HALF = 32


def digest(seed: int, purpose: str) -> str:
    """Returns 64 hexadecimal digits that the seed and the purpose decide."""
    return hashlib.sha256(f"zoho/{seed}/{purpose}".encode()).hexdigest()


def secret(seed: int, purpose: str) -> str:
    """Returns a client secret."""
    return hand_out(digest(seed, purpose)[:42], f"{purpose} of Zoho CRM")


def token(seed: int, purpose: str) -> str:
    """Returns a token in the shape of Zoho's: `1000.` and two halves."""
    digits = digest(seed, purpose)
    return hand_out(f"1000.{digits[:_HALF]}.{digits[_HALF:]}", f"{purpose} of Zoho CRM")
