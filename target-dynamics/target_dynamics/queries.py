"""Text of OData queries (Dataverse sheet sections 12 and 14)."""

from __future__ import annotations

import typing as t
from datetime import timezone
from urllib.parse import quote

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

MOST_VALUES: t.Final = 500
LONGEST_QUERY: t.Final = 12_000
"""Characters one query has at most, encoded: a GET takes 32 KB by the sheet (section 13, unverified), proxies less."""


def text(value: str) -> str:
    """Return a text as a literal: quotes in it are doubled."""
    return "'" + value.replace("'", "''") + "'"


def within(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has one of some values."""
    listed = ",".join(text(value) for value in values)
    return f"Microsoft.Dynamics.CRM.In(PropertyName={text(column)},PropertyValues=[{listed}])"


def since(column: str, moment: datetime) -> str:
    """Return the condition that a time stamp is not before a moment; whole seconds, as on the wire."""
    return f"{column} ge {moment.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')}"


def groups(values: Sequence[str], room: int = LONGEST_QUERY) -> Iterator[Sequence[str]]:
    """Cut values into slices that fit into one query each.

    Args:
        values: Texts to compare a column with.
        room: Characters there are for them, encoded.
    """
    start, length = 0, 0
    for number, value in enumerate(values):
        size = len(quote(text(value) + ",", safe=""))
        if number > start and (length + size > room or number - start >= MOST_VALUES):
            yield values[start:number]
            start, length = number, 0
        length += size
    if start < len(values):
        yield values[start:]
