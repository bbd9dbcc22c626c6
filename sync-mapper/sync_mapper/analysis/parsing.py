"""The text of an expression as a tree."""

from __future__ import annotations

import ast
import re

from sync_mapper.analysis.model import Problem

_SYNTAX = "correct it; text goes in quotes, such as `'text'`"


def parse(expression: str) -> ast.expr | Problem:
    """Return the tree of an expression, or what keeps it from being one."""
    try:
        body = ast.parse(expression).body
    except SyntaxError as error:
        lines = expression.splitlines(keepends=True)
        line = min((error.lineno or 1) - 1, max(len(lines) - 1, 0))
        before = sum(map(len, lines[:line]))
        column = min(before + max((error.offset or 1) - 1, 0), len(expression))
        return Problem("not_an_expression", f"not an expression: {error.msg.rstrip('?.')}", _remedy(expression), column)
    except ValueError as error:  # a NUL character
        return Problem("not_an_expression", f"not an expression: {error}", _SYNTAX)
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return Problem("not_an_expression", "must be exactly one expression", _remedy(expression))
    return body[0].value


_FOREIGN = (
    (r"\bthen\b|\?[^:]*:", "write `this if condition else that`"),
    (r"&&|\|\|", "write `and`, `or` in words"),
    (r"<>|!(?!=)", "write `!=` for different, `not` for the opposite"),
    (r"^[^()]*(?<![=!<>])=(?!=)", "write `==` to compare"),
)
"""Ways to write it in other languages, and in this one."""


def _remedy(expression: str) -> str:
    outside_text = re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)
    return next((remedy for found, remedy in _FOREIGN if re.search(found, outside_text)), _SYNTAX)
