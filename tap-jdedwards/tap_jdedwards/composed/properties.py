"""Reads the properties of a definition."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_jdedwards.composed.conditions import OPERATORS, Test
from tap_jdedwards.composed.definition import (
    Cell,
    Chosen,
    Codes,
    Count,
    Days,
    DefinitionError,
    Exists,
    Extreme,
    First,
    Object,
    Rows,
    Text,
    Total,
    Value,
)
from tap_jdedwards.dictionary import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_jdedwards.composed.definition import Part, Property

_CHOICE = frozenset({"where", "needs"})
_FORMS: dict[str, frozenset[str]] = {
    "first": frozenset(),
    "codes": frozenset({"columns"}),
    "exists": frozenset(),
    "value": _CHOICE,
    "text": _CHOICE,
    "object": _CHOICE | {"properties"},
    "list": _CHOICE | {"properties"},
    "sum": _CHOICE,
    "count": _CHOICE,
    "min": _CHOICE,
    "max": _CHOICE,
    "days_since": _CHOICE,
    "days_after": _CHOICE,
}
"""Further entries of a property by the word it begins with."""


class Checked:
    """Reads a part of a definition; every error it raises names the stream."""

    def __init__(self, stream: str) -> None:
        self.stream = stream

    def error(self, message: str) -> DefinitionError:
        """Make the error for a fault of the definition."""
        return DefinitionError(f"composed stream {self.stream}: {message}")

    def mapping(self, entry: Any, what: str) -> dict[str, Any]:
        """Take a mapping; its keys become text."""
        if not isinstance(entry, dict):
            raise self.error(f"{what} must be a mapping")
        return {str(name): value for name, value in entry.items()}

    def names(self, entry: Any, what: str) -> list[str]:
        """Take a list of names, not empty."""
        if not isinstance(entry, list) or not entry or not all(isinstance(name, str) for name in entry):
            raise self.error(f"{what} must be a list of names")
        return entry

    def shape(self, entry: Any, what: str, required: Iterable[str], optional: Iterable[str]) -> dict[str, Any]:
        """Take a mapping with certain entries and no others."""
        given = self.mapping(entry, what)
        lacking, unknown = set(required) - set(given), set(given) - set(required) - set(optional)
        if lacking:
            raise self.error(f"{what} lacks {', '.join(sorted(lacking))}")
        if unknown:
            allowed = ", ".join(sorted({*required, *optional}))
            raise self.error(f"{what} has unknown entries: {', '.join(sorted(unknown))} (there are {allowed})")
        return given

    def tests(self, entry: Any, what: str) -> tuple[Test, ...]:
        """Read comparisons: ``ALIAS: value``, ``ALIAS: [values]`` or ``ALIAS: {operator: value}``."""
        found: list[Test] = []
        for alias, wanted in self.mapping(entry, what).items():
            terms = wanted if isinstance(wanted, dict) else {"in" if isinstance(wanted, list) else "eq": wanted}
            if not terms or not set(terms) <= set(OPERATORS):
                raise self.error(f"{what}: {alias} must be a value, a list or have one of {', '.join(OPERATORS)}")
            for operator, given in terms.items():
                values = given if operator == "in" and isinstance(given, list) else [given]
                if not values or not all(isinstance(v, (int, float, str)) and not isinstance(v, bool) for v in values):
                    raise self.error(f"{what}: {alias} cannot be compared with {given!r}, only with numbers and text")
                plain = (Decimal(str(value)) if isinstance(value, float) else value for value in values)
                found.append(Test(alias, str(operator), tuple(plain)))
        return tuple(found)


class PropertyParser(Checked):
    """Reads the properties of one stream."""

    def __init__(self, stream: str, sources: Iterable[str]) -> None:
        super().__init__(stream)
        self._sources = set(sources)

    def parse(self, name: str, entry: Any) -> Property:
        """Read a property.

        Args:
            name: Its name.
            entry: What the definition says.

        Returns:
            The property.

        Raises:
            DefinitionError: When it says something impossible.
        """
        if isinstance(entry, str):
            return self._cell(name, entry)
        given = entry if isinstance(entry, dict) else {}
        form = next((word for word in _FORMS if word in given), None)
        if form is None:
            raise self.error(f"property {name} must be TABLE.ALIAS or have one of {', '.join(_FORMS)}")
        self.shape(entry, f"property {name}", {form}, _FORMS[form])
        return self._makers[form](self, name, entry)

    def _first(self, name: str, entry: dict[str, Any]) -> Property:
        return First(tuple(self._cell(name, cell) for cell in self.names(entry["first"], f"`first` of {name}")))

    def _codes(self, name: str, entry: dict[str, Any]) -> Property:
        try:
            aliases = tuple(expand(str(entry.get("columns", ""))))
        except ValueError as error:
            raise self.error(f"property {name}: {error}") from error
        if not aliases:
            raise self.error(f"property {name} lacks columns, like AC01..AC30")
        return Codes(self._source(name, entry["codes"]), aliases)

    def _exists(self, name: str, entry: dict[str, Any]) -> Property:
        return Exists(self._source(name, entry["exists"]))

    def _value(self, name: str, entry: dict[str, Any]) -> Property:
        cell = self._cell(name, entry["value"])
        return Value(cell.table, cell.alias, self._chosen(name, entry))

    def _text(self, name: str, entry: dict[str, Any]) -> Property:
        table, aliases = self._columns(name, self.names(entry["text"], f"`text` of {name}"))
        return Text(table, aliases, self._chosen(name, entry))

    def _object(self, name: str, entry: dict[str, Any]) -> Property:
        return Object(self._source(name, entry["object"]), self._parts(name, entry), self._chosen(name, entry))

    def _list(self, name: str, entry: dict[str, Any]) -> Property:
        return Rows(self._source(name, entry["list"]), self._parts(name, entry), self._chosen(name, entry))

    def _sum(self, name: str, entry: dict[str, Any]) -> Property:
        given = [entry["sum"]] if isinstance(entry["sum"], str) else self.names(entry["sum"], f"`sum` of {name}")
        table, aliases = self._columns(name, [text.lstrip("-") for text in given])
        signs = (-1 if text.startswith("-") else 1 for text in given)
        return Total(table, tuple(zip(aliases, signs, strict=True)), self._chosen(name, entry))

    def _count(self, name: str, entry: dict[str, Any]) -> Property:
        return Count(self._source(name, entry["count"]), self._chosen(name, entry))

    def _extreme(self, name: str, entry: dict[str, Any]) -> Property:
        highest = "max" in entry
        cell = self._cell(name, entry["max" if highest else "min"])
        return Extreme(cell.table, cell.alias, highest, self._chosen(name, entry))

    def _days(self, name: str, entry: dict[str, Any]) -> Property:
        after = "days_after" in entry
        cell = self._cell(name, entry["days_after" if after else "days_since"])
        return Days(cell.table, cell.alias, after, self._chosen(name, entry))

    _makers: dict[str, Callable[[PropertyParser, str, dict[str, Any]], Property]] = {  # noqa: RUF012 -- never changed
        "first": _first,
        "codes": _codes,
        "exists": _exists,
        "value": _value,
        "text": _text,
        "object": _object,
        "list": _list,
        "sum": _sum,
        "count": _count,
        "min": _extreme,
        "max": _extreme,
        "days_since": _days,
        "days_after": _days,
    }

    def _source(self, name: str, table: Any) -> str:
        if table not in self._sources:
            raise self.error(f"property {name} takes from {table}, which is not among its tables")
        return str(table)

    def _cell(self, name: str, text: Any) -> Cell:
        table, _, alias = str(text).partition(".")
        if table not in self._sources or not alias:
            raise self.error(f"property {name}: {text!r} is no TABLE.ALIAS of one of its tables")
        return Cell(table, alias)

    def _columns(self, name: str, texts: list[str]) -> tuple[str, tuple[str, ...]]:
        cells = [self._cell(name, text) for text in texts]
        if len({cell.table for cell in cells}) > 1:
            raise self.error(f"property {name} puts together columns of several tables; they must be of one")
        return cells[0].table, tuple(cell.alias for cell in cells)

    def _chosen(self, name: str, entry: dict[str, Any]) -> Chosen:
        needs = entry.get("needs")
        if needs is not None and not isinstance(needs, str):
            raise self.error(f"`needs` of {name} must be an alias")
        return Chosen(self.tests(entry.get("where", {}), f"`where` of {name}"), needs)

    def _parts(self, name: str, entry: dict[str, Any]) -> dict[str, Part]:
        if not entry.get("properties"):
            raise self.error(f"property {name} has no properties")
        parts = self.mapping(entry["properties"], f"the properties of {name}")
        for part, value in parts.items():
            if not isinstance(value, (str, list)):
                raise self.error(f"property {name}: {part} must be an alias or a list of aliases")
        return {
            part: tuple(self.names(value, f"{part} of {name}")) if isinstance(value, list) else value
            for part, value in parts.items()
        }
