"""Reads the text of a COQL query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from service_emulators.zoho.coql.syntax import (
    DEFAULT_LIMIT,
    MAX_COLUMNS,
    MAX_CRITERIA,
    MAX_IN_VALUES,
    MAX_LIMIT,
    MAX_ORDER_COLUMNS,
    MAX_REACH,
    Criterion,
    Pair,
    Query,
    Value,
    over,
    refused,
)

if TYPE_CHECKING:
    from service_emulators.zoho.coql.syntax import Condition, Operator
    from service_emulators.zoho.errors import ApiError

_INVALID = "invalid query formed"
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[A-Za-z_$][A-Za-z0-9_$]*(?:\.[A-Za-z_$][A-Za-z0-9_$]*)*)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | '(?P<single>(?:[^']|'')*)'
    | "(?P<double>(?:[^"]|"")*)"
    | (?P<sign><=|>=|!=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_WORDS = "select from where and or not in is null like between order by asc desc limit offset group having as on"
_RESERVED = frozenset({*_WORDS.split(), "true", "false", "external"})
"""Words that must be quoted as the name of a column (Kaizen #171)."""
_MAX_DEPTH = 100
_SIGNS = frozenset({"=", "!=", "<", ">", "<=", ">="})


@dataclass(frozen=True)
class _Token:
    kind: Literal["name", "number", "string", "sign", "end"]
    text: str
    position: int

    def word(self) -> str:
        """Returns a keyword in lower case; nothing else equals one."""
        return self.text.lower() if self.kind in {"name", "sign"} else ""


def parse(text: str) -> Query:
    """Returns the query a text stands for.

    Args:
        text: the query, keywords in any case.

    Raises:
        ApiError: the text is not COQL, or asks for more than the language allows.
    """
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _split(text)
        self._at = 0
        self._criteria = 0
        self._depth = 0

    def query(self) -> Query:
        self._clause("select")
        columns = [self._column()]
        while self._take(","):
            columns.append(self._column())
        if len(columns) > MAX_COLUMNS:
            raise over("column", MAX_COLUMNS)
        _refuse_doubles(columns)
        self._clause("from")
        module = self._column()
        self._clause("where")
        where = self._condition()
        order = self._order()
        limit, offset = self._window()
        if self._here.kind != "end":
            raise self._syntax()
        return Query(tuple(columns), module, where, order, limit, offset)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, word: str) -> bool:
        if self._here.word() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._syntax()

    def _clause(self, word: str) -> None:
        """Takes the keyword a required clause begins with."""
        if self._take(word):
            return
        if any(token.word() == word for token in self._tokens[self._at :]):
            raise self._syntax()
        raise refused("SYNTAX_ERROR", "missing clause", {"clause": word})

    def _syntax(self) -> ApiError:
        before = self._text[: self._here.position]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        return refused("SYNTAX_ERROR", _INVALID, {"line": line, "column": column, "near": self._here.text})

    def _column(self) -> str:
        token = self._here
        named = token.kind == "name" and token.text.lower() not in _RESERVED
        if not named and not (token.kind == "string" and token.text):
            raise self._syntax()
        self._at += 1
        return token.text

    def _condition(self) -> Condition:
        """Reads one condition, or two joined; a third at the same level needs brackets of its own."""
        left = self._operand()
        word = self._here.word()
        if word not in {"and", "or"}:
            return left
        self._at += 1
        pair = Pair("and" if word == "and" else "or", left, self._operand())
        if self._here.word() in {"and", "or"}:
            raise self._syntax()
        return pair

    def _operand(self) -> Condition:
        if self._take("("):
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise self._syntax()
            inner = self._condition()
            self._need(")")
            self._depth -= 1
            return inner
        return self._criterion()

    def _criterion(self) -> Criterion:
        self._criteria += 1
        if self._criteria > MAX_CRITERIA:
            raise over("criteria", MAX_CRITERIA)
        column = self._column()
        operator = self._operator()
        if operator in {"is null", "is not null"}:
            return Criterion(column, operator, ())
        if operator in {"in", "not in"}:
            return Criterion(column, operator, self._list())
        values = [self._value()]
        if operator in {"between", "not between"}:
            self._need("and")
            values.append(self._value())
        return Criterion(column, operator, tuple(values))

    def _operator(self) -> Operator:
        token = self._here
        if token.kind == "sign" and token.text in _SIGNS:
            self._at += 1
            return cast("Operator", token.text)
        if self._take("is"):
            negated = self._take("not")
            self._need("null")
            return "is not null" if negated else "is null"
        negated = self._take("not")
        for word in ("in", "like", "between"):
            if self._take(word):
                return cast("Operator", f"not {word}" if negated else word)
        raise self._syntax()

    def _list(self) -> tuple[Value, ...]:
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        if len(values) > MAX_IN_VALUES:
            raise over("in values", MAX_IN_VALUES)
        return tuple(values)

    def _value(self) -> Value:
        token = self._here
        if token.kind not in {"string", "number"} and token.word() not in {"true", "false"}:
            raise self._syntax()
        self._at += 1
        return Value(token.text, token.kind == "string")

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._take("order"):
            return ()
        self._need("by")
        order: list[tuple[str, bool]] = []
        while True:
            column = self._column()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            order.append((column, descending))
            if not self._take(","):
                break
        if len(order) > MAX_ORDER_COLUMNS:
            raise over("order by", MAX_ORDER_COLUMNS)
        _refuse_doubles([column for column, _ in order])
        return tuple(order)

    def _window(self) -> tuple[int, int]:
        limit = self._whole() if self._take("limit") else DEFAULT_LIMIT
        offset = self._whole() if self._take("offset") else 0
        if limit > MAX_LIMIT:
            raise over("limit", MAX_LIMIT)
        if offset + limit > MAX_REACH:
            raise over("offset", MAX_REACH)
        return limit, offset

    def _whole(self) -> int:
        token = self._here
        if token.kind != "number" or not token.text.isdigit():
            raise self._syntax()
        self._at += 1
        return int(token.text)


def _split(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            before = text[:start]
            place = {"line": before.count("\n") + 1, "column": start - (before.rfind("\n") + 1) + 1}
            raise refused("SYNTAX_ERROR", _INVALID, {**place, "near": text[start : start + 20]})
        position = match.end()
        kind = str(match.lastgroup)
        content = match[kind]
        if kind == "single":
            tokens.append(_Token("string", content.replace("''", "'"), match.start(kind)))
        elif kind == "double":
            tokens.append(_Token("string", content.replace('""', '"'), match.start(kind)))
        else:
            tokens.append(_Token(cast("Literal['name', 'number', 'sign']", kind), content, match.start(kind)))
    tokens.append(_Token("end", "", end))
    return tokens


def _refuse_doubles(columns: list[str]) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise refused("DUPLICATE_DATA", "duplicate column names found", {"column_name": column})
