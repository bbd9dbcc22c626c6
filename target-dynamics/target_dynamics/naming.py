"""Names of columns this target makes: a label, and the logical name with the publisher's prefix that goes with it."""

from __future__ import annotations

import re
import typing as t

_LONGEST: t.Final = 50
"""Characters of a logical name at most, the prefix left out; longer ones are cut, as the maker portal does."""


def schema_name(label: str, prefix: str) -> str:
    """Return the schema name of a column with a label: `JDE Number` with the prefix `jde` is `jde_Number`.

    A label that begins with the prefix does not carry it twice.

    Args:
        label: What users see.
        prefix: Prefix of the publisher.
    """
    words = re.findall(r"[A-Za-z0-9]+", label)
    if len(words) > 1 and words[0].casefold() == prefix.casefold():
        words = words[1:]
    name = "".join(word[:1].upper() + word[1:] for word in words)[:_LONGEST]
    return f"{prefix}_{name or 'Column'}"


def logical_name(label: str, prefix: str) -> str:
    """Return the logical name of a column with a label: the schema name in small letters."""
    return schema_name(label, prefix).lower()


def key_schema_name(column: str) -> str:
    """Return the schema name of the alternate key on a column."""
    return f"{column}_key"
