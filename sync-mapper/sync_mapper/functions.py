"""Functions for expressions beside those of the SDK."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Helper:
    """A function for expressions.

    Attributes:
        function: What is called.
        returns: JSON type of what it gives; None if that depends on what it is given.
        nullable: Whether it may give null.
        null_safe: Whether it takes null.
        doc: What it does.
    """

    function: Callable[..., t.Any]
    returns: str | None
    nullable: bool
    null_safe: bool
    doc: str


HELPERS: dict[str, Helper] = {}
"""Name -> function."""
