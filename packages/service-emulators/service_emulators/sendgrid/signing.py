"""Signature of the Event Webhook: ECDSA P-256 with SHA-256 over timestamp and raw body (fact sheet section 16)."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Order of the group of P-256: private keys are smaller.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class EventKey:
    """The key of an account; it follows from the seed.

    Attributes:
        public: what settings show: DER SubjectPublicKeyInfo as base64.
    """

    def __init__(self, seed: int) -> None:
        digest = int.from_bytes(hashlib.sha256(f"{seed}/event key".encode()).digest(), "big")
        self._key = ec.derive_private_key(digest % (_ORDER - 1) + 1, ec.SECP256R1())
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = base64.b64encode(der).decode()

    def sign(self, timestamp: str, body: bytes) -> str:
        """Returns the signature of a request."""
        signed = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signed).decode()
