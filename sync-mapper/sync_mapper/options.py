"""Options of a stream's map, told apart from properties that only look like them."""

from __future__ import annotations

import difflib

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)

OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
"""What may stand in a stream's map beside properties. Any other name is a property to the SDK, `__x__` too."""


def meant(name: str) -> str | None:
    """Return the option that a property's name is likely a misspelling of, if any."""
    if not name.startswith("__"):
        return None
    return next(iter(difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.75)), None)
