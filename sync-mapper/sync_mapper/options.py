"""Options of a stream's map, told apart from properties that only look like them."""

from __future__ import annotations

import difflib

NULL_STRING = "__NULL__"
"""What stands for null in settings that can only be texts, as in the SDK."""

OPTIONS = ("__alias__", "__else__", "__filter__", "__key_properties__", "__source__")
"""What may stand in a stream's map beside properties. Any other name is a property to the SDK, `__x__` too.

The SDK has constants for them; its import takes a second, which `sync-mapper check` does without.
"""


def meant(name: str) -> str | None:
    """Return the option that a property's name is likely a misspelling of, if any."""
    if not name.startswith("__"):
        return None
    return next(iter(difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.75)), None)
