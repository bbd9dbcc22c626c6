"""Operators in an expression: arithmetic, comparisons, and looking for something in something."""

from __future__ import annotations

import ast
import functools
import typing as t

from sync_mapper.analysis import access, conversions, operators
from sync_mapper.analysis.library import OPERATORS, SIMPLER, in_words
from sync_mapper.analysis.shapes import ANY, Shape, join, of_kind, of_value

if t.TYPE_CHECKING:
    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow

_TRUTH = of_kind("boolean")


def unary(analyser: Analyser, node: ast.UnaryOp, flow: Flow) -> Shape:
    """Return the shape of `-a`, `+a`, `~a`, `not a`."""
    operand = analyser.shape(node.operand, flow)
    if isinstance(node.op, ast.Not):
        return _TRUTH
    operand = analyser.need(node.operand, operand, "arithmetic", node)
    symbol = OPERATORS[type(node.op)]
    fits = functools.partial(operators.takes, node.op)
    remedy = conversions.to_number(analyser, node.operand, operand)
    if operand.kinds is None or not analyser.fit(node.operand, operand, fits, f"takes no {symbol} before it", remedy):
        return ANY
    number = node.operand.value if isinstance(node.operand, ast.Constant) else None
    if isinstance(node.op, ast.USub) and isinstance(number, (int, float)):
        return of_value(-number)
    return of_kind(*("integer" if kind == "boolean" else kind for kind in operand.kinds if fits(kind)))


def binary(analyser: Analyser, node: ast.BinOp, flow: Flow) -> Shape:
    """Return the shape of `a + b` and the like."""
    left, right = analyser.shape(node.left, flow), analyser.shape(node.right, flow)
    if type(node.op) not in OPERATORS:
        name = type(node.op).__name__
        analyser.report("not_available", node, f"operator {name} is not part of the expression language", SIMPLER)
        return ANY
    pairs = [(one, other) for one in sorted(left.kinds or ()) for other in sorted(right.kinds or ())]
    results = [operators.binary(node.op, *pair) for pair in pairs]
    if results and not any(results):  # null makes it no worse
        _refuse(analyser, node, left, right, pairs[0], certain=True)
        return ANY
    filled_in = isinstance(node.op, ast.Mod) and "string" in (left.kinds or ())
    left = analyser.need(node.left, left, "arithmetic", node)
    right = analyser.need(node.right, right, "in text" if filled_in else "arithmetic", node)
    if left.kinds is None or right.kinds is None:
        return ANY
    if operators.mixed(left.kinds, right.kinds) and left.kinds | right.kinds <= {"decimal", "float", "integer"}:
        message = "numbers of the source with digits after the point are exact and cannot be mixed with float"
        analyser.report("mixed_numbers", node, message, "put float(...) around the source's field")
    if None in results:
        _refuse(analyser, node, left, right, pairs[results.index(None)], certain=False)
    kinds = {kind for kind in results if kind}
    items, least = None, 0
    if "array" in kinds:
        parts = [shape.items for shape in (left, right) if shape.items is not None and "array" in (shape.kinds or ())]
        items, least = join(*parts) if parts else None, left.least + right.least
    return Shape(kinds=frozenset(kinds), items=items, least=least)


def _refuse(
    analyser: Analyser, node: ast.BinOp, left: Shape, right: Shape, kinds: tuple[str, str], *, certain: bool
) -> None:
    """Note an operator that does not take the values beside it."""
    one, other = kinds
    message = f"{_word(one)} {OPERATORS[type(node.op)]} {_word(other)} is not possible"
    remedy = conversions.to_fit(analyser, node.op, (node.left, left, one), (node.right, right, other))
    analyser.report("wrong_type" if certain else "doubtful_type", node, message, remedy)


def compare(analyser: Analyser, node: ast.Compare, flow: Flow) -> Shape:
    """Return the shape of a comparison, of two values or more."""
    values = [node.left, *node.comparators]
    shapes = [analyser.shape(value, flow) for value in values]
    for index, operator in enumerate(node.ops):
        left, right = (values[index], shapes[index]), (values[index + 1], shapes[index + 1])
        if isinstance(operator, (ast.In, ast.NotIn)):
            _search(analyser, node, left, right)
        elif isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
            one = analyser.need(*left, "comparison", node)
            other = analyser.need(*right, "comparison", node)
            _compare_size(analyser, node, (left[0], one), (right[0], other))
    return _TRUTH


def _compare_size(
    analyser: Analyser, node: ast.Compare, left: tuple[ast.expr, Shape], right: tuple[ast.expr, Shape]
) -> None:
    pairs = [(mine, theirs) for mine in sorted(left[1].kinds or ()) for theirs in sorted(right[1].kinds or ())]
    unfit = [pair for pair in pairs if not operators.comparable(*pair)]
    if unfit:
        mine, theirs = unfit[0]
        certain = len(unfit) == len(pairs) and unfit != [("array", "array")]
        code = "wrong_type" if certain else "doubtful_type"
        message = f"{_word(mine)} cannot be compared with {_word(theirs)} by size"
        remedy = conversions.to_fit(analyser, node.ops[0], (*left, mine), (*right, theirs))
        analyser.report(code, node, message, remedy)


def _word(kind: str) -> str:
    return in_words(Shape(kinds=frozenset({kind})))


def _search(
    analyser: Analyser, node: ast.Compare, item: tuple[ast.expr, Shape], container: tuple[ast.expr, Shape]
) -> None:
    within = analyser.need(*container, "container", node)
    if within.kinds is None:
        return
    look = "look in a list, an object or a text"
    if not analyser.fit(container[0], within, operators.is_container, "cannot be looked in", look):
        return
    if "object" in within.kinds:
        access.check_key(analyser, *item)
    if "string" in within.kinds:
        sought = analyser.need(*item, "comparison", node)
        harm, remedy = "cannot be looked for in text", conversions.to_text(analyser, item[0], sought)
        analyser.fit(item[0], sought, lambda kind: kind == "string" or not within.is_only("string"), harm, remedy)
