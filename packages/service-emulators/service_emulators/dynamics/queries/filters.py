"""`$filter` of rows: read as OData, carried out as SQL.

Comparisons, `and`, `or`, `not`, brackets, `contains`, `startswith`, `endswith`, one navigation property in front of a
name (`sdkmessageid/name`), parameter aliases (`@m`), and the query functions `In` and `NotIn` of Dataverse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, not_, or_, select
from sqlalchemy.sql.elements import Grouping

from service_emulators.dynamics.errors import bad_query
from service_emulators.dynamics.schema.model import CHOICES, TEXTS
from service_emulators.dynamics.times import parse_date, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from service_emulators.dynamics.schema.model import Column, Table

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<time>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?![\w-])"
    r"|(?P<word>@?[A-Za-z_][\w./]*)"
    r"|(?P<sign>[(),=\[\]]))"
)
_SIGNS = {"eq": "__eq__", "ne": "__ne__", "gt": "__gt__", "ge": "__ge__", "lt": "__lt__", "le": "__le__"}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
_TEXT_FUNCTIONS = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
_NAMESPACE = "Microsoft.Dynamics.CRM."
_DEEPEST = 100
_WIDEST = 8


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class _Operand:
    """A property: its column, and the lookups on the way to it."""

    table: Table
    column: Column
    via: tuple[tuple[Table, str, Table], ...] = ()

    def where(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Returns a condition on the property as one on the row that is asked for."""
        for source, column, target in reversed(self.via):
            ids = select(target.sql.c[target.id_column]).where(condition)
            condition = source.sql.c[column].in_(ids)
        return condition


def condition(
    text: str, table: Table, tables: Mapping[str, Table], aliases: Mapping[str, str] | None = None
) -> ColumnElement[bool]:
    """Returns the SQL condition of a `$filter`.

    Args:
        text: the expression.
        table: table of the rows.
        tables: all tables by logical name, for navigation properties.
        aliases: values of parameter aliases by name with `@`, as they were sent.

    Raises:
        ApiError: 400, it cannot be read, or names what is not there.
    """
    parser = _Parser(text, table, tables, aliases or {})
    found = parser.either()
    parser.expect_end()
    return found


def _joined(word: str, parts: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Returns conditions joined by `and` or `or`, in brackets of halves where there are many.

    SQLite makes a row of them a tree as deep as the row is long, and takes none deeper than 1,000. `and_` and `or_`
    would take the brackets away.
    """
    if len(parts) <= _WIDEST:
        return and_(*parts) if word == "and" else or_(*parts)
    middle = len(parts) // 2
    first, second = _joined(word, parts[:middle]), _joined(word, parts[middle:])
    return Grouping(Grouping(first).bool_op(word.upper())(Grouping(second)))


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise bad_query(f"Syntax error at position {position} in '{text[:200]}'.")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str, table: Table, tables: Mapping[str, Table], aliases: Mapping[str, str]) -> None:
        self._text = text
        self._table = table
        self._tables = tables
        self._aliases = aliases
        self._tokens = _tokens(text)
        self._place = 0
        self._depth = 0

    def either(self) -> ColumnElement[bool]:
        parts = [self._both()]
        while self._take("word", "or"):
            parts.append(self._both())
        return _joined("or", parts)

    def expect_end(self) -> None:
        if self._place != len(self._tokens):
            raise self._error()

    def _both(self) -> ColumnElement[bool]:
        parts = [self._one()]
        while self._take("word", "and"):
            parts.append(self._one())
        return _joined("and", parts)

    def _one(self) -> ColumnElement[bool]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise bad_query("The query is nested too deeply.")
        try:
            if self._take("word", "not"):
                return not_(self._one())
            if self._take("sign", "("):
                found = self.either()
                self._need("sign", ")")
                return found
            name = self._need("word").text
            if self._peek("sign", "("):
                return self._function(name)
            return self._comparison(self._operand(name))
        finally:
            self._depth -= 1

    def _comparison(self, operand: _Operand) -> ColumnElement[bool]:
        sign = self._need("word").text
        if sign not in _SIGNS:
            raise self._error()
        value = self._literal(operand.column)
        sql = operand.table.sql.c[operand.column.name]
        if value is None:
            if sign not in {"eq", "ne"}:
                raise self._error()
            return operand.where(sql.is_(None) if sign == "eq" else sql.is_not(None))
        compared = getattr(sql, _SIGNS[sign])(value)
        # A row without a value is not equal to one; SQL alone would leave it out.
        return operand.where(or_(compared, sql.is_(None)) if sign == "ne" else compared)

    def _function(self, name: str) -> ColumnElement[bool]:
        self._need("sign", "(")
        if name in _TEXT_FUNCTIONS:
            operand = self._operand(self._need("word").text)
            if operand.column.type not in TEXTS:
                raise bad_query(f"No function signature for the function with name '{name}' matches the arguments.")
            self._need("sign", ",")
            part = self._literal(operand.column)
            self._need("sign", ")")
            escaped = re.sub(r"([\\%_])", r"\\\1", str(part))
            sql = operand.table.sql.c[operand.column.name]
            return operand.where(sql.like(_TEXT_FUNCTIONS[name].format(escaped), escape="\\"))
        if name in {f"{_NAMESPACE}In", f"{_NAMESPACE}NotIn"}:
            return self._within(inside=name.endswith(".In"))
        raise bad_query(f"An unknown function with name '{name}' was found.")

    def _within(self, *, inside: bool) -> ColumnElement[bool]:
        self._argument("PropertyName")
        operand = self._operand(_unquoted(self._need("text").text))
        self._need("sign", ",")
        self._argument("PropertyValues")
        self._need("sign", "[")
        texts: list[str] = []
        while not self._take("sign", "]"):
            if texts:
                self._need("sign", ",")
            texts.append(_unquoted(self._need("text").text))
        self._need("sign", ")")
        values = [_typed(operand.column, text) for text in texts]
        if any(value is None for value in values):
            raise bad_query(f"A value of PropertyValues does not fit '{operand.column.property_name}'.")
        found = operand.where(operand.table.sql.c[operand.column.name].in_(values))
        return found if inside else not_(found)

    def _argument(self, name: str) -> None:
        if self._need("word").text != name:
            raise self._error()
        self._need("sign", "=")

    def _operand(self, path: str) -> _Operand:
        *steps, name = path.split("/")
        table, via = self._table, []
        for step in steps:
            relation = table.relations.get(step)
            target = self._tables.get(relation.target) if relation else None
            if relation is None or target is None:
                raise self._unknown(table, step)
            via.append((table, relation.column, target))
            table = target
        column = table.properties.get(name)
        if column is None:
            raise self._unknown(table, name)
        return _Operand(table, column, tuple(via))

    @staticmethod
    def _unknown(table: Table, name: str) -> Exception:
        return bad_query(f"Could not find a property named '{name}' on type '{_NAMESPACE}{table.name}'.")

    def _literal(self, column: Column) -> Any:
        token = self._next()
        if token.kind == "word" and token.text.startswith("@"):
            if token.text not in self._aliases:
                raise bad_query(f"The parameter alias '{token.text}' has no value.")
            inner = _tokens(self._aliases[token.text])
            if len(inner) != 1:
                raise self._error()
            token = inner[0]
        if token.kind == "word" and token.text in _CONSTANTS:
            value = _CONSTANTS[token.text]
            if value is not None and column.type != "Boolean":
                raise self._mismatch(column)
            return value
        value = _fitting(column, token)
        if value is None:
            raise self._mismatch(column)
        return value

    @staticmethod
    def _mismatch(column: Column) -> Exception:
        return bad_query(
            "A binary operator with incompatible types was detected: the literal does not fit the property "
            f"'{column.property_name}'."
        )

    # -- tokens --------------------------------------------------------------------------------------------------

    def _peek(self, kind: str, text: str) -> bool:
        if self._place >= len(self._tokens):
            return False
        token = self._tokens[self._place]
        return token.kind == kind and token.text == text

    def _take(self, kind: str, text: str) -> bool:
        if not self._peek(kind, text):
            return False
        self._place += 1
        return True

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise self._error()
        self._place += 1
        return self._tokens[self._place - 1]

    def _need(self, kind: str, text: str | None = None) -> _Token:
        token = self._next()
        if token.kind != kind or (text is not None and token.text != text):
            self._place -= 1
            raise self._error()
        return token

    def _error(self) -> Exception:
        at = self._tokens[self._place].at if self._place < len(self._tokens) else len(self._text)
        return bad_query(f"Syntax error at position {at} in '{self._text[:200]}'.")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text[1:-1]


def _fitting(column: Column, token: _Token) -> Any:
    """Returns the value of a literal, or None if its kind is not that of the column."""
    kind = column.type
    if kind in TEXTS or kind == "MultiSelectPicklist":
        return _unquoted(token.text) if token.kind == "text" and token.text.startswith("'") else None
    wanted = {"DateTime": "time", "Boolean": ""}.get(kind, "number" if _is_number(kind) else "guid")
    return _typed(column, token.text) if token.kind == wanted else None


def _is_number(kind: str) -> bool:
    return kind in CHOICES or kind in {"Integer", "BigInt", "Decimal", "Double", "Money"}


def _typed(column: Column, text: str) -> Any:
    """Returns a text as a value of a column, or None if it is none."""
    kind = column.type
    if kind in TEXTS or kind == "MultiSelectPicklist":
        return text
    if kind in {"Decimal", "Double", "Money"}:
        return float(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else None
    if _is_number(kind):
        return int(text) if re.fullmatch(r"-?\d+", text) else None
    if kind == "Boolean":
        return _CONSTANTS.get(text.lower())
    if kind == "DateTime":
        if column.behavior == "DateOnly":
            return parse_date(text)
        return parse_time(text) or parse_time(f"{text}T00:00:00Z")
    return text.lower()
