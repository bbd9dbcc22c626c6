"""The one error of this package."""

from __future__ import annotations


class SecretError(Exception):
    """A secret cannot be had; the text is one line that names the reference and the remedy, never a value."""
