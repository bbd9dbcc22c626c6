"""Uses that null does harm to: what happens then, and what to write instead.

A remedy names a whole that can be put in the place of what stands there now. Null is kept from everything that it would
do harm to on the way out: in `email.split('@')[-1]` the whole is guarded, and not `email.split('@')` inside it.
"""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.library import ARGUMENTS_MAY_BE_NULL, FUNCTIONS, TAKES_NULL
from sync_mapper.analysis.shapes import NUMERIC

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.shapes import Shape

HARMS: Mapping[str, str] = {
    "arithmetic": "it cannot be calculated with",
    "comparison": "it cannot be compared by size",
    "number": "{function}() fails on null",
    "text": "str() makes the text 'None' of it",
    "in text": "the text 'None' would stand in its place",
    "argument": "{function}() does not take null",
    "method": "null has no .{function}()",
    "part": "null has no parts",
    "item": "null has no items",
    "key": "null is no place in a list",
    "object key": "null is no key of an object",
    "iteration": "it cannot be gone through",
    "unpacking": "it cannot be gone through",
    "merging": "it cannot be put into another object",
    "container": "nothing can be looked for in it",
}
"""Use -> what null does there."""

_EMPTY = {"array": "[]", "object": "{}", "string": "''", **dict.fromkeys(NUMERIC, "0"), "boolean": "False"}
_HELPERS = {"int": "integer", "float": "number", "str": "text"}
_LONGEST = 200
"""Characters of a remedy from which on it shows dots in place of the whole."""


def told(
    analyser: Analyser, node: ast.expr, shape: Shape, use: str, around: ast.expr, function: str
) -> tuple[str, str]:
    """Return message and remedy for a value that may be null.

    Args:
        analyser: Knows the expression.
        node: The value.
        shape: Its shape.
        use: How it is used.
        around: The part of the expression that uses it.
        function: Function or method that is called.
    """
    message = f"`{analyser.source(node)}` may be null, and {HARMS[use].format(function=function)}"
    if use == "iteration":
        return message, f"write `for ... in {_operand(analyser, node)} or []`"
    if use == "unpacking":
        return message, f"write `*({_operand(analyser, node)} or [])`"
    if use == "merging":
        return message, f"write `**({_operand(analyser, node)} or {{}})`"
    ways = [guarded(analyser, node, around, truth=use in {"method", "part", "item"})]
    if use == "in text" and (there := _in_text(analyser, node)):
        ways.insert(0, f"{there} there")
    elif use in {"number", "text"} and isinstance(around, ast.Call) and whole(analyser, around) is around:
        ways.append(f"use `{_HELPERS[function]}({analyser.text(node)})`")
    elif use == "item" and _is_first(around) and whole(analyser, around) is around:
        ways.append(f"use `first({analyser.text(node)})`")
    elif instead := _INSTEAD.get(use, _nothing)(analyser, node, shape, around):
        ways.append(f"`{instead}`")
    return message, f"write {', or '.join(ways)}"


def guarded(analyser: Analyser, node: ast.expr, around: ast.expr, *, truth: bool) -> str:
    """Return what to write so that the value is only used where there is one.

    Args:
        analyser: Knows the expression.
        node: The value.
        around: The part of the expression that uses it.
        truth: Whether an empty value is to be kept away as well.
    """
    all_of_it = whole(analyser, around)
    condition = analyser.text(node) if truth else f"{_operand(analyser, node)} is not None"
    if truth and isinstance(node, ast.IfExp):
        condition = f"({condition})"
    form = "{condition} and {all}" if isinstance(all_of_it, ast.Compare) else "{all} if {condition} else None"
    form = f"({form})" if _is_torn(analyser.parent(all_of_it), all_of_it) else form
    text = form.format(condition=condition, all=analyser.text(all_of_it))
    if len(text) <= _LONGEST:
        return f"`{text}`"
    return f"`{form.format(condition=condition, all='...')}`, with what stands there now in place of the dots"


def _is_torn(parent: ast.AST | None, part: ast.expr) -> bool:
    """Return whether a condition in the place of a part needs brackets around it."""
    if isinstance(part, ast.Compare):
        return isinstance(parent, (ast.BinOp, ast.Compare, ast.Starred, ast.UnaryOp))
    if isinstance(parent, ast.IfExp):
        return part is not parent.orelse
    return isinstance(parent, (ast.BinOp, ast.BoolOp, ast.Compare, ast.Starred, ast.UnaryOp, ast.comprehension))


def whole(analyser: Analyser, part: ast.expr) -> ast.expr:
    """Return the largest part of the expression that null would do harm to if a part of it became null."""
    while isinstance(parent := analyser.parent(part), ast.expr) and _harmed(parent, part):
        part = parent
    return part


def _harmed(parent: ast.expr, part: ast.expr) -> bool:
    if isinstance(parent, ast.Call):
        return part is parent.func or not _takes_null(parent)
    if isinstance(parent, ast.Compare):
        sizes = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
        searched = isinstance(parent.ops[-1], (ast.In, ast.NotIn)) and part is parent.comparators[-1]
        return searched or any(isinstance(operator, sizes) for operator in parent.ops)
    if isinstance(parent, ast.UnaryOp):
        return not isinstance(parent.op, ast.Not)
    return isinstance(parent, (ast.Attribute, ast.Subscript, ast.BinOp, ast.FormattedValue, ast.JoinedStr))


def _takes_null(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in ARGUMENTS_MAY_BE_NULL
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return name in TAKES_NULL or name not in FUNCTIONS


def _operand(analyser: Analyser, node: ast.expr) -> str:
    """Return the text of a value as it can stand beside an operator."""
    text = analyser.text(node)
    return f"({text})" if isinstance(node, (ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp)) else text


def _nothing(analyser: Analyser, node: ast.expr, shape: Shape, around: ast.expr) -> str | None:
    del analyser, node, shape, around
    return None


def _empty(analyser: Analyser, shape: Shape) -> str | None:
    """Return what can stand in for null: a value of the same kind that is empty."""
    found = {_EMPTY.get(kind) for kind in shape.kinds or ()}
    empty = found.pop() if len(found) == 1 else None
    return _quotes(analyser) if empty == "''" else empty


def _quotes(analyser: Analyser) -> str:
    """Return empty text; inside an f-string with the quotes that do not end it."""
    return '""' if analyser.in_text is not None and "'" in analyser.opening(analyser.in_text) else "''"


def _filled(analyser: Analyser, node: ast.expr, shape: Shape, around: ast.expr) -> str | None:
    """Return the part of the expression with something empty in place of null."""
    del around
    empty = _empty(analyser, shape)
    return None if empty is None else f"({_operand(analyser, node)} or {empty})"


def _method(analyser: Analyser, node: ast.expr, shape: Shape, around: ast.expr) -> str | None:
    """Return the whole, which begins with the value, with something empty in place of null."""
    it, empty = analyser.text(node), _empty(analyser, shape)
    text = next(
        (text for part in (whole(analyser, around), around) if (text := analyser.text(part)).startswith(it)), ""
    )
    if empty is None or empty in {"0", "False"} or not text:
        return None
    return f"({_operand(analyser, node)} or {empty}){text[len(it) :]}"


def _part(analyser: Analyser, node: ast.expr, shape: Shape, around: ast.expr) -> str | None:
    """Return how a part is read of something that may be null."""
    if shape.is_only("string") and isinstance(around, ast.Subscript) and isinstance(around.slice, ast.Slice):
        return _method(analyser, node, shape, around)
    if not shape.is_only("object") or whole(analyser, around) is not around:
        return None
    if isinstance(around, ast.Attribute):
        return f"({_operand(analyser, node)} or {{}}).get('{around.attr}')"
    if isinstance(around, ast.Subscript) and not isinstance(around.slice, ast.Slice):
        return f"({_operand(analyser, node)} or {{}}).get({analyser.text(around.slice)})"
    return None


def _key(analyser: Analyser, node: ast.expr, shape: Shape, around: ast.expr) -> str | None:
    """Return how an object is read under a key that may be null."""
    del shape
    if not isinstance(around, ast.Subscript) or whole(analyser, around) is not around:
        return None
    return f"{analyser.text(around.value)}.get({analyser.text(node)})"


_INSTEAD: Mapping[str, Callable[[Analyser, ast.expr, Shape, ast.expr], str | None]] = {
    "arithmetic": _filled,
    "comparison": _filled,
    "container": _filled,
    "method": _method,
    "part": _part,
    "object key": _key,
}
"""Use -> another way to write it."""


def _is_first(around: ast.expr) -> bool:
    place = around.slice if isinstance(around, ast.Subscript) else None
    return isinstance(place, ast.Constant) and place.value == 0


def _in_text(analyser: Analyser, node: ast.expr) -> str | None:
    """Return what to write in an f-string, unless null is to be shown in a format that text has not."""
    value = analyser.parent(node)
    if not isinstance(value, ast.FormattedValue) or value.format_spec is not None or analyser.in_text is None:
        return None
    return f"`{_operand(analyser, node)} or {_quotes(analyser)}`"
