"""Conditions on the rows of a table: the same rule as a query for the server and as a test of rows already here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from jde_ais import AllOf, AnyOf, Condition, in_list, is_blank, not_blank, pad_business_unit, parse_date, trim

from tap_jdedwards.dictionary import Kind, load_dictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from jde_ais import Operator, Where

TODAY = "today"
"""Stands for the server's day in conditions on dates."""

OPERATORS: dict[str, Operator] = {
    "eq": "EQUAL",
    "ne": "NOT_EQUAL",
    "lt": "LESS",
    "le": "LESS_EQUAL",
    "gt": "GREATER",
    "ge": "GREATER_EQUAL",
    "in": "LIST",
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: bool(value == wanted),
    "ne": lambda value, wanted: bool(value != wanted),
    "lt": lambda value, wanted: bool(value < wanted),
    "le": lambda value, wanted: bool(value <= wanted),
    "gt": lambda value, wanted: bool(value > wanted),
    "ge": lambda value, wanted: bool(value >= wanted),
}
_TEXTS = {Kind.STRING, Kind.CHARACTER}


@dataclass(frozen=True)
class Test:
    """One comparison of a column.

    Attributes:
        column: Alias.
        operator: One of :data:`OPERATORS`.
        values: The values it is compared with; several for ``in`` only. For dates ISO text or :data:`TODAY`.
    """

    column: str
    operator: str
    values: tuple[int | Decimal | str, ...]

    __test__ = False  # no test case, whatever pytest thinks of the name

    def fault(self, kind: Kind) -> str | None:
        """Tell what is wrong with the comparison of a column of a kind; None when nothing is."""
        is_text = kind in _TEXTS
        if self.operator in {"lt", "le", "gt", "ge"} and is_text:
            return "text has no order that all servers share: only eq, ne and in compare it"
        for value in self.values:
            if is_text and not isinstance(value, str):
                return f"holds text: put {value!r} in quotes"
            if kind is Kind.DATE and not _is_day(value):
                return f"holds dates: {value!r} is neither one like 2026-11-20 nor {TODAY}"
            if not is_text and kind is not Kind.DATE and isinstance(value, str):
                return f"holds numbers, {value!r} is none"
        return None

    def where(self, kind: Kind, today: date) -> Where:
        """Write the comparison as a query.

        Args:
            kind: What the column holds.
            today: The server's day.

        Returns:
            The condition; blank text counts as blank, whether it is stored as blanks or null.
        """
        if kind not in _TEXTS:
            wanted = tuple(_day(value, today) if kind is Kind.DATE else value for value in self.values)
            return Condition(self.column, OPERATORS[self.operator], wanted)
        if self.operator != "ne":
            return any_of(self.column, self.values)
        if self.values == ("",):
            return not_blank(self.column)
        return AnyOf(
            Condition(self.column, "NOT_EQUAL", (literal(self.column, self.values[0]),)), is_blank(self.column)
        )

    def holds(self, kind: Kind) -> Callable[[Mapping[str, Any], date], bool]:
        """Return a function that tests a raw row, by the server's day; an empty number or date meets nothing."""
        column, read = self.column, matcher(self.column, kind)
        values = tuple(str(value).strip() if kind in _TEXTS else value for value in self.values)
        if self.operator == "in" or (kind is not Kind.DATE and self.operator == "eq"):
            days = kind is Kind.DATE

            def among(row: Mapping[str, Any], today: date) -> bool:
                value = read(row.get(column))
                return value is not None and value in ([_day(one, today) for one in values] if days else values)

            return among
        compare, (wanted,) = _COMPARE[self.operator], values

        def compared(row: Mapping[str, Any], today: date) -> bool:
            value = read(row.get(column))
            return value is not None and compare(value, _day(wanted, today) if kind is Kind.DATE else wanted)

        return compared


def all_of(tests: Sequence[Test], kinds: Mapping[str, Kind], today: date) -> Where | None:
    """Write several comparisons, all of which must hold, as one query; None for no comparison."""
    return AllOf(*(test.where(kinds[test.column], today) for test in tests)) if tests else None


def both(*parts: Where | None) -> Where | None:
    """Put conditions together that must all hold; None stands for no condition."""
    given = [part for part in parts if part is not None]
    return AllOf(*given) if len(given) > 1 else given[0] if given else None


def meets(tests: Sequence[Test], kinds: Mapping[str, Kind]) -> Callable[[Mapping[str, Any], date], bool]:
    """Return a function that tells whether a raw row meets all of some comparisons on the server's day."""
    checks = [test.holds(kinds[test.column]) for test in tests]
    return lambda row, today: all(check(row, today) for check in checks)


def any_of(column: str, values: Sequence[Any]) -> Where:
    """Ask for the rows in which a column has one of some values; blank text is a value.

    Args:
        column: Alias.
        values: At least one; business units and their like in any padding.

    Returns:
        The condition.
    """
    given = [literal(column, value) for value in values if value != ""]
    if not given:
        return is_blank(column)
    found: Where = in_list(column, given) if len(given) > 1 else Condition(column, "EQUAL", (given[0],))
    return AnyOf(found, is_blank(column)) if len(given) < len(values) else found


def literal(column: str, value: Any) -> Any:
    """Write a value as the database holds it: business units and their like right-justified."""
    width = load_dictionary().widths.get(column)
    return pad_business_unit(value, width) if width and isinstance(value, str) else value


def matcher(column: str, kind: Kind) -> Callable[[Any], Any]:
    """Return the function that makes raw values of a column comparable with those of another one.

    Args:
        column: Alias; in right-justified texts leading blanks do not count.
        kind: What it holds.

    Returns:
        A function of a raw value. Blank text becomes "", an empty number or date None.
    """
    if kind in _TEXTS:
        return _stripped if column in load_dictionary().widths else _trimmed
    return parse_date if kind is Kind.DATE else _same


def _stripped(value: Any) -> str:
    return "" if value is None else trim(str(value)).lstrip(" ")


def _trimmed(value: Any) -> str:
    return "" if value is None else trim(str(value))


def _same(value: Any) -> Any:
    return value


def _is_day(value: Any) -> bool:
    try:
        return value == TODAY or bool(date.fromisoformat(str(value)))
    except ValueError:
        return False


def _day(value: Any, today: date) -> date:
    return today if value == TODAY else date.fromisoformat(str(value))
