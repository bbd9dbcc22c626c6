"""JSON schemas of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jdedwards.columns import property_schema
from tap_jdedwards.composed.definition import (
    Cell,
    Codes,
    CodeText,
    Count,
    Days,
    Description,
    Exists,
    Extreme,
    First,
    Object,
    Rows,
    Text,
    Total,
    Value,
)
from tap_jdedwards.composed.loading import STAMP_PROPERTIES
from tap_jdedwards.dictionary import Kind

if TYPE_CHECKING:
    from tap_jdedwards.composed.definition import Chosen, Definition, Part, Property


def document_schema(definition: Definition) -> dict[str, Any]:
    """Describe the documents of a stream.

    Args:
        definition: The stream; with titles when the server has told them.

    Returns:
        Its JSON schema. Every property is described by the column it comes from.
    """
    schemas = _Schemas(definition)
    properties = {name: schemas.of(entry) for name, entry in definition.properties.items()}
    for name in definition.key:
        properties[name]["type"] = [properties[name]["type"][0]]
    day, at = STAMP_PROPERTIES
    watched = ", ".join(source.name for source in definition.sources.values() if source.emits)
    properties[day] = property_schema(Kind.DATE, description=f"Day of the latest change in {watched}")
    properties[at] = property_schema(Kind.TIME, description="Time of that change")
    return {"type": "object", "properties": properties}


class _Schemas:
    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._kinds = definition.kinds

    def of(self, entry: Property) -> dict[str, Any]:
        if isinstance(entry, (Cell, Value)):
            return property_schema(self._kinds[entry.alias], description=self._told(entry))
        if isinstance(entry, First):
            told = " or ".join(self._title(cell.table, cell.alias) for cell in entry.cells)
            return property_schema(self._kinds[entry.cells[0].alias], description=told)
        if isinstance(entry, (Codes, Object, Rows)):
            return self._nested(entry)
        if isinstance(entry, Description):
            return self._description(entry)
        return {"type": [*_TYPES[type(entry)], "null"], **self._format(entry), "description": self._told(entry)}

    def _nested(self, entry: Codes | Object | Rows) -> dict[str, Any]:
        table = entry.table
        if isinstance(entry, Codes):
            codes = {
                alias: property_schema(Kind.STRING, description=self._title(table, alias)) for alias in entry.aliases
            }
            return {"type": ["object", "null"], "properties": codes, "description": f"Codes of {table} that are set"}
        parts = {name: self._part(table, part) for name, part in entry.properties.items()}
        told = self._told(entry)
        if isinstance(entry, Object):
            return {"type": ["object", "null"], "properties": parts, "description": told}
        return {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": parts},
            "description": f"{told}, in the order of {', '.join(self._definition.sources[table].key)}",
        }

    def _part(self, table: str, part: Part) -> dict[str, Any]:
        if isinstance(part, str):
            return property_schema(self._kinds[part], description=self._title(table, part))
        if isinstance(part, CodeText):
            told = f"What {table}.{part.alias} means, by user defined codes {part.code_type}"
            return property_schema(Kind.STRING, description=told)
        told = ", ".join(f"{table}.{alias}" for alias in part)
        items = property_schema(Kind.STRING, nullable=False)
        return {"type": ["array", "null"], "items": items, "description": f"{told}, those not blank"}

    def _description(self, entry: Description) -> dict[str, Any]:
        if isinstance(entry.of, Codes):
            texts = {
                alias: property_schema(
                    Kind.STRING, description=f"What the code means, by user defined codes {code_type}"
                )
                for alias, code_type in entry.code_types.items()
            }
            told = f"What the codes of {entry.of.table} mean"
            return {"type": ["object", "null"], "properties": texts, "description": told}
        told = " and ".join(f"{column} by user defined codes {code}" for column, code in entry.code_types.items())
        return property_schema(Kind.STRING, description=f"What the code means: {told}")

    def _format(self, entry: Property) -> dict[str, Any]:
        if not isinstance(entry, Extreme):
            return {}
        schema = property_schema(self._kinds[entry.alias])
        return {name: schema[name] for name in ("type", "format") if name in schema}

    def _told(self, entry: Any) -> str:
        """Describe a property by the columns and rows it comes from."""
        what = self._what(entry)
        return what if isinstance(entry, (Cell, Exists)) else f"{what}{_choice(entry.chosen)}"

    def _what(self, entry: Any) -> str:
        if isinstance(entry, (Cell, Value, Extreme, Days)):
            return self._of_column(entry)
        if isinstance(entry, Text):
            return " and ".join(f"{entry.table}.{alias}" for alias in entry.aliases)
        if isinstance(entry, Total):
            terms = " ".join(f"{'+' if sign > 0 else '-'} {entry.table}.{alias}" for alias, sign in entry.terms)
            return f"Sum of {terms.removeprefix('+ ')}"
        words = {Exists: "Whether there is a row", Count: "Number of rows", Object: "Row", Rows: "Rows"}
        return f"{words[type(entry)]} of {entry.table}"

    def _of_column(self, entry: Cell | Value | Extreme | Days) -> str:
        title = self._title(entry.table, entry.alias)
        if isinstance(entry, Extreme):
            return f"{'Highest' if entry.highest else 'Lowest'} {title}"
        if isinstance(entry, Days):
            return f"Days from {title} to the server's day{', 0 before it' if entry.after else ''}"
        return title

    def _title(self, source: str, alias: str) -> str:
        table = self._definition.sources[source].table
        title = self._definition.titles.get(f"{table}.{alias}", "")
        return f"{source}.{alias} {title}".rstrip()


_TYPES: dict[type, list[str]] = {
    Exists: ["boolean"],
    Text: ["string"],
    Total: ["number"],
    Count: ["integer"],
    Extreme: [],
    Days: ["integer"],
}


def _choice(chosen: Chosen) -> str:
    """Say which rows count, for a description."""
    terms = [
        f"{test.column} {test.operator} {', '.join(str(value) or 'blank' for value in test.values)}"
        for test in chosen.tests
    ]
    if chosen.needs is not None:
        terms.append(f"{chosen.needs} not blank")
    return f", where {' and '.join(terms)}" if terms else ""
