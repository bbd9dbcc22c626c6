"""The query options of a list, checked (fact sheet section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service_emulators.dynamics.errors import bad_query

if TYPE_CHECKING:
    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.schema.model import Column, Table

MOST = 5000
"""Most rows of a page, and of a count."""

_KNOWN = frozenset({"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken"})
_EXPANDED = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(\s*\$select\s*=\s*([\w\s,]*)\))?\s*(?:,|$)")


@dataclass(frozen=True)
class Options:
    """What a list is to hold.

    Attributes:
        filter: `$filter`, or None.
        order: columns and whether they are in descending order.
        top: `$top`, or None.
        count: the number of rows is wanted.
        expand: properties wanted by navigation property; None for all of them.
        page_size: rows of a page.
        skip_token: from a nextLink, or None.
        delta_token: from a deltaLink, or None.
        track: change tracking is asked for.
        aliases: values of parameter aliases.
    """

    filter: str | None
    order: tuple[tuple[Column, bool], ...]
    top: int | None
    count: bool
    expand: dict[str, list[str] | None]
    page_size: int
    skip_token: str | None
    delta_token: str | None
    track: bool
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, call: Call, table: Table) -> Options:
        """Returns the options of a request.

        Raises:
            ApiError: 400, an option is unknown, not supported, or cannot be read.
        """
        query = call.query
        for name in query:
            if name in {"$skip", "$apply", "$search", "$compute"}:
                raise bad_query(f"The query parameter {name} is not supported.")
            if name.startswith("$") and name not in _KNOWN:
                raise bad_query(f"The query parameter {name} is not supported.")
        preferred = call.preferences.get("odata.maxpagesize")
        top = _number("$top", query.get("$top"))
        count = query.get("$count")
        if count not in {None, "true", "false"}:
            raise bad_query("Invalid value for $count; it must be true or false.")
        return cls(
            filter=query.get("$filter"),
            order=tuple(_order(table, query.get("$orderby", ""))),
            top=None if preferred is not None else top,  # documents: $top is ignored beside maxpagesize
            count=count == "true",
            expand=_expand(query.get("$expand", "")),
            page_size=_page_size(preferred),
            skip_token=query.get("$skiptoken"),
            delta_token=query.get("$deltatoken"),
            track="odata.track-changes" in call.preferences,
            aliases={name: value for name, value in query.items() if name.startswith("@")},
        )


def _page_size(text: str | None) -> int:
    if text is None or not text.isdigit() or int(text) < 1:  # a preference that cannot be met is passed over
        return MOST
    return min(int(text), MOST)


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise bad_query(f"Invalid value '{text}' for {name}; it must be a positive whole number.")
    return int(text)


def _order(table: Table, text: str) -> list[tuple[Column, bool]]:
    found: list[tuple[Column, bool]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        column = table.properties.get(name)
        if column is None:
            raise bad_query(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'.")
        if direction.strip() not in {"", "asc", "desc"}:
            raise bad_query(f"Syntax error in $orderby at '{part}'.")
        found.append((column, direction.strip() == "desc"))
    return found


def _expand(text: str) -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    position = 0
    while position < len(text):
        match = _EXPANDED.match(text, position)
        if match is None or match.end() == position:
            raise bad_query(f"Syntax error in $expand at '{text[position : position + 50]}'.")
        names = match[2]
        found[match[1]] = None if names is None else [name.strip() for name in names.split(",") if name.strip()]
        position = match.end()
    return found
