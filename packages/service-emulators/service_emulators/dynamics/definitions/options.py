"""Query options of metadata: `$select`, `$filter`, `$expand`; nothing else (fact sheet section 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.definitions.conditions import condition
from service_emulators.dynamics.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TAKEN = frozenset({"$select", "$filter", "$expand"})
_KEY = "MetadataId"


@dataclass(frozen=True)
class Options:
    """What one level of a metadata query asks for.

    Attributes:
        select: names; None for all.
        filter: expression, or empty.
        expand: options of each property that is expanded, by its name.
    """

    select: list[str] | None = None
    filter: str = ""
    expand: dict[str, Options] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Options:
        """Reads query options.

        Raises:
            ApiError: 400, an option that metadata does not take, or an expansion that cannot be read.
        """
        for name in query:
            if name.startswith("$") and name not in _TAKEN:
                raise bad_query(f"The query parameter {name} is not supported")
        select = query.get("$select")
        names = None if select is None else [name.strip() for name in select.split(",") if name.strip()]
        return cls(names, query.get("$filter", ""), _expansions(query.get("$expand", "")))

    def chosen(self, items: Iterable[dict[str, Any]], names: set[str]) -> list[dict[str, Any]]:
        """Returns the items that meet the filter.

        Args:
            items: whole items.
            names: properties they have.
        """
        if not self.filter:
            return list(items)
        meets = condition(self.filter, names)
        return [item for item in items if meets(item)]

    def cut(self, item: dict[str, Any], names: set[str], type_name: str) -> dict[str, Any]:
        """Returns an item with what `$select` names, its type and its MetadataId.

        Raises:
            ApiError: 400, a name is no property of the type.
        """
        if self.select is None:
            return item
        for name in self.select:
            if name not in names:
                raise bad_query(
                    f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{type_name}'."
                )
        wanted = {*self.select, _KEY}
        return {name: value for name, value in item.items() if name.startswith("@") or name in wanted}


def _expansions(text: str) -> dict[str, Options]:
    found = {}
    for part in _split(text, ","):
        name, bracket, rest = part.strip().partition("(")
        if bracket and not rest.endswith(")"):
            raise bad_query(f"Syntax error in the expansion '{text}'.")
        inner = dict(option.strip().partition("=")[::2] for option in _split(rest[:-1], ";")) if bracket else {}
        found[name.strip()] = Options.of(inner)
    return found


def _split(text: str, sign: str) -> list[str]:
    """Splits at a sign outside of brackets and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == sign and not depth:
                parts.append(text[start:place])
                start = place + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]
