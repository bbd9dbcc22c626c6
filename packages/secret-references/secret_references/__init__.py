"""Settings that say where a secret is instead of holding it."""

from __future__ import annotations

from secret_references.errors import SecretError
from secret_references.resolving import Resolver
from secret_references.settings import resolved, without_secrets

__all__ = ["Resolver", "SecretError", "resolved", "without_secrets"]
