"""What to write where a value is of a kind that cannot be used so."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.shapes import NUMERIC

if t.TYPE_CHECKING:
    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.shapes import Shape

_DATES = frozenset({"date", "datetime"})
_NUMBERS = NUMERIC | {"boolean"}

Operand = tuple[ast.expr, "Shape", str]
"""A value beside an operator: as it is written, its shape, and the kind of it that does not fit."""


def to_number(analyser: Analyser, node: ast.expr, shape: Shape) -> str:
    """Return how a number is made of a value."""
    return taken_apart(analyser, node, shape) or f"make a number of it: `float({analyser.text(node)})`"


def to_text(analyser: Analyser, node: ast.expr, shape: Shape) -> str:
    """Return how text is made of a value."""
    return taken_apart(analyser, node, shape) or f"make text of it: `str({analyser.text(node)})`"


def to_fit(analyser: Analyser, operator: ast.AST, left: Operand, right: Operand) -> str:
    """Return how one of two values is converted, so that an operator takes both.

    Args:
        analyser: Knows the expression.
        operator: The operator.
        left: The value before it.
        right: The value behind it.
    """
    for node, shape, kind in (left, right):
        if kind in {"object", "array"}:
            return taken_apart(analyser, node, shape) or ""
    for (node, _, kind), (_, _, other) in ((left, right), (right, left)):
        it = analyser.text(node)
        if kind == "string" and other in _DATES:
            return f"convert `{it}`: `datetime.{other}.fromisoformat({it})`"
        if kind in _NUMBERS and other in _DATES:
            return f"convert `{it}` to a span of time: `datetime.timedelta({it})`"
        if kind == "string" and other in _NUMBERS and not isinstance(operator, ast.Add):
            return f"convert `{it}`: `float({it})`"
        if kind != "string" and other == "string" and isinstance(operator, ast.Add):
            return f"convert `{it}`: `str({it})`"
    return "convert one of them, so that both are of one kind"


def taken_apart(analyser: Analyser, node: ast.expr, shape: Shape) -> str | None:
    """Return how something is taken out of a value that has parts; None if it has none."""
    it, kinds = analyser.text(node), shape.kinds or frozenset()
    if "object" in kinds:
        part = next((f", such as `{it}['{name}']`" for name in shape.fields), "")
        return f"take one of its parts{part}"
    return f"take one of its items, such as `first({it})`" if "array" in kinds else None
