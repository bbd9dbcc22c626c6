"""What tables, views and their columns are called, at the AIS Server and in streams."""

from __future__ import annotations

from typing import Literal


def target_type(name: str) -> Literal["table", "view"]:
    """Tell tables and business views apart by the first letter, as JD Edwards names them.

    Args:
        name: Like ``F0101`` or ``V0101A``.

    Returns:
        What the AIS Server is to be told.
    """
    return "view" if name.startswith("V") else "table"


def property_name(alias: str) -> str:
    """Name the property of a column: columns of a view may be called ``F4301.AN8``, which becomes ``F4301_AN8``."""
    return alias.replace(".", "_")
