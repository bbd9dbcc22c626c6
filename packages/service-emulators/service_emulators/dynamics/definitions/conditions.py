"""`$filter` of metadata queries: comparisons of properties with literals, joined by `and`, `or`, `not`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from service_emulators.dynamics.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Callable

    Condition = Callable[[dict[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<enum>[A-Za-z_][\w.]*)?'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+(?:\.\d+)?)(?![\w-])"
    r"|(?P<word>[A-Za-z_@][\w./-]*|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})|(?P<sign>[(),]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left is not None and left > right,
    "ge": lambda left, right: left is not None and left >= right,
    "lt": lambda left, right: left is not None and left < right,
    "le": lambda left, right: left is not None and left <= right,
}
_CONSTANTS = {"true": True, "false": False, "null": None}
_MATCH: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def condition(text: str, names: set[str]) -> Condition:
    """Reads a `$filter`.

    Args:
        text: the expression.
        names: properties it may name.

    Returns:
        What tells whether an item meets it.

    Raises:
        ApiError: 400, it cannot be read or names something else.
    """
    parser = _Parser(text, names)
    found = parser.either()
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, text: str, names: set[str]) -> None:
        self._text = text
        self._names = names
        self._tokens: list[tuple[str, Any]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error()
            position = match.end()
            if match["text"] is not None:
                self._tokens.append(("literal", match["text"].replace("''", "'")))
            elif match["number"] is not None:
                self._tokens.append(("literal", float(match["number"])))
            else:
                self._tokens.append(("word", match["word"]) if match["word"] else ("sign", match["sign"]))
        self._place = 0

    def either(self) -> Condition:
        parts = [self._both()]
        while self._take("word", "or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def expect_end(self) -> None:
        if self._place != len(self._tokens):
            raise self._error()

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take("word", "and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _one(self) -> Condition:
        if self._take("word", "not"):
            inner = self._one()
            return lambda item: not inner(item)
        if self._take("sign", "("):
            inner = self.either()
            self._need("sign", ")")
            return inner
        name = self._word()
        if name in _MATCH and self._take("sign", "("):
            return self._matching(_MATCH[name])
        path = self._path(name)
        compare = _COMPARE.get(self._word())
        if compare is None:
            raise self._error()
        value = self._literal()
        return lambda item: compare(_at(item, path), value)

    def _matching(self, match: Callable[[str, str], bool]) -> Condition:
        path = self._path(self._word())
        self._need("sign", ",")
        value = str(self._literal())
        self._need("sign", ")")
        return lambda item: match(str(_at(item, path) or ""), value)

    def _path(self, name: str) -> list[str]:
        path = name.split("/")
        if path[0] not in self._names:
            raise bad_query(f"Could not find a property named '{path[0]}'.")
        return path

    def _word(self) -> str:
        if self._place >= len(self._tokens) or self._tokens[self._place][0] != "word":
            raise self._error()
        self._place += 1
        return str(self._tokens[self._place - 1][1])

    def _literal(self) -> Any:
        if self._place >= len(self._tokens):
            raise self._error()
        kind, value = self._tokens[self._place]
        self._place += 1
        if kind == "literal":
            return value
        if kind == "word":
            return _CONSTANTS.get(value, value)  # a GUID stands without quotes
        raise self._error()

    def _take(self, kind: str, value: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == (kind, value):
            self._place += 1
            return True
        return False

    def _need(self, kind: str, value: str) -> None:
        if not self._take(kind, value):
            raise self._error()

    def _error(self) -> Exception:
        return bad_query(f"Syntax error in the filter '{self._text}'.")


def _at(item: dict[str, Any], path: list[str]) -> Any:
    value: Any = item
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
