"""The criteria language of searches: `((Last_Name:equals:Ruiz)and(Email:starts_with:ana))`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service_emulators.zoho.errors import ApiError, invalid

MAX_CRITERIA = 10
OPERATORS = frozenset(
    {
        "equals",
        "not_equal",
        "starts_with",
        "in",
        "between",
        "greater_than",
        "greater_equal",
        "less_than",
        "less_equal",
    }
)
_SEVERAL = frozenset({"in", "between"})


@dataclass(frozen=True)
class Criterion:
    """One comparison.

    Attributes:
        field: API name.
        operator: one of `OPERATORS`.
        values: one value; several for `in` and `between`.
    """

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Comparisons that hold together.

    Attributes:
        operator: how they are joined.
        parts: comparisons and groups.
    """

    operator: Literal["and", "or"]
    parts: tuple[Group | Criterion, ...]


def parse_criteria(text: str) -> Group | Criterion:
    r"""Reads criteria; `\` before one of `( ) , \` takes that character as part of a value.

    Raises:
        ApiError: they are not well-formed, or more than ten.
    """
    parser = _Parser(text)
    parsed = parser.group()
    if parser.rest():
        raise _malformed(text)
    if parser.count > MAX_CRITERIA:
        raise ApiError(400, "LIMIT_EXCEEDED", "limit exceeded", {"param_name": "criteria", "limit": MAX_CRITERIA})
    return parsed


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self.count = 0

    def rest(self) -> str:
        return self._text[self._place :].strip()

    def group(self) -> Group | Criterion:
        """Reads `( … )`: one comparison, or several joined by and/or."""
        self._take("(")
        if not self.rest().startswith("("):
            return self._criterion()
        parts = [self.group()]
        operators: list[Literal["and", "or"]] = []
        while not self.rest().startswith(")"):
            operators.append(self._operator())
            parts.append(self.group())
        self._take(")")
        if len(set(operators)) > 1:
            raise _malformed(self._text)  # which of the two binds closer must be told by parentheses
        return parts[0] if len(parts) == 1 else Group(operators[0], tuple(parts))

    def _operator(self) -> Literal["and", "or"]:
        rest = self.rest().lower()
        self._skip()
        if rest.startswith("and"):
            self._place += 3
            return "and"
        if rest.startswith("or"):
            self._place += 2
            return "or"
        raise _malformed(self._text)

    def _criterion(self) -> Criterion:
        self.count += 1
        pieces: list[str] = [""]
        while True:
            if self._place >= len(self._text):
                raise _malformed(self._text)
            character = self._text[self._place]
            self._place += 1
            if character == "\\" and self._text[self._place : self._place + 1] in {"(", ")", ",", "\\"}:
                pieces[-1] += self._text[self._place]
                self._place += 1
            elif character == ")":
                break
            elif character == "(":
                raise _malformed(self._text)
            elif character == ",":
                pieces.append("")
            else:
                pieces[-1] += character
        field, _, behind = pieces[0].partition(":")
        operator, colon, first = behind.partition(":")
        if not field.strip() or operator not in OPERATORS or not colon or not first:
            raise _malformed(self._text)
        if len(pieces) > 1 and operator not in _SEVERAL:
            raise _malformed(self._text)
        return Criterion(field.strip(), operator, (first, *pieces[1:]))

    def _skip(self) -> None:
        while self._text[self._place : self._place + 1] == " ":
            self._place += 1

    def _take(self, character: str) -> None:
        self._skip()
        if self._text[self._place : self._place + 1] != character:
            raise _malformed(self._text)
        self._place += 1


def _malformed(text: str) -> ApiError:
    return invalid({"param_name": "criteria", "value": text}, "the criteria given seems to be invalid")
