"""What tables, views and their columns are called, at the AIS Server and in streams."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def target_type(name: str) -> Literal["table", "view"]:
    """Tell tables and business views apart by the first letter, as JD Edwards names them.

    Args:
        name: Like ``F0101`` or ``V0101A``.

    Returns:
        What the AIS Server is to be told.
    """
    return "view" if name.startswith("V") else "table"


def data_item(alias: str) -> str:
    """Drop the table that columns of views have in front: ``F4301.AN8`` is an ``AN8``."""
    return alias.rpartition(".")[2]


def property_names(aliases: Iterable[str]) -> dict[str, str]:
    """Name the properties of columns.

    Args:
        aliases: Aliases as discovered; those of a view have their table in front.

    Returns:
        Alias by property: ``AN8``, or ``F4301_AN8`` where two tables of a view have one.
    """
    listed = list(aliases)
    times = Counter(map(data_item, listed))
    return {data_item(one) if times[data_item(one)] == 1 else one.replace(".", "_"): one for one in listed}


def as_property(given: str, properties: Mapping[str, str]) -> str:
    """Read the name of a column as a user writes it.

    Args:
        given: ``AN8``, ``F4301.AN8`` or ``F4301_AN8``.
        properties: Aliases by property.

    Returns:
        The property; what is none is returned as a property would be written.
    """
    text = given.strip().upper()
    return next((name for name, alias in properties.items() if alias == text), text.replace(".", "_"))
