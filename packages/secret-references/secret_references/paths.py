"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from secret_references.errors import SecretError


def expanded(path: str) -> Path:
    """Return a path with the home folder in place of `~`.

    Raises:
        SecretError: There is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SecretError("there is no home folder for ~; give the whole path") from None
