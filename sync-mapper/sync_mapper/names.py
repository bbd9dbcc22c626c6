"""What expressions see: the row, the configuration, and the named expressions of the mapping."""

from __future__ import annotations

import ast
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_mapper import mapping_file

Evaluate = t.Callable[["ast.Expr", "Names"], t.Any]


class Names(dict[str, t.Any]):
    """Names of one row. A named expression is evaluated when it is asked for, once.

    Args:
        known: What is known without evaluating.
        expressions: Named expressions.
        evaluate: Evaluates one of them.
    """

    __slots__ = ("_evaluate", "_expressions")

    def __init__(
        self, known: Mapping[str, t.Any], expressions: Mapping[str, ast.Expr], evaluate: Callable[[str, Names], t.Any]
    ) -> None:
        super().__init__(known)
        self._expressions = expressions
        self._evaluate = evaluate

    def __missing__(self, name: str) -> t.Any:
        if name not in self._expressions:
            raise KeyError(name)
        value = self[name] = self._evaluate(name, self)
        return value


def parsed(mapping: mapping_file.Mapping) -> dict[str, ast.Expr]:
    """Return the named expressions of a mapping that `definitions.check` has found in order, parsed."""
    return {name: t.cast("ast.Expr", ast.parse(text).body[0]) for name, text in mapping.expressions.items()}
