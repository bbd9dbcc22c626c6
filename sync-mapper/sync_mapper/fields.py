"""Which fields of the row an expression reads."""

from __future__ import annotations

import ast
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Container, Mapping

_ROW = ("record", "_")
"""Names of the whole row in expressions."""


class Possible:
    """What may be a field of the row: what the schema names, and names it does not know but a row may have.

    Args:
        properties: Properties of the source stream's schema.
        expressions: Named expressions.
    """

    def __init__(self, properties: Container[str], expressions: Container[str]) -> None:
        self._properties = properties
        self._expressions = expressions

    def __contains__(self, name: object) -> bool:
        """Return whether a name may be that of a field."""
        return name in self._properties or name not in self._expressions


def read_by(tree: ast.AST, own: str, properties: Container[str], expressions: Mapping[str, ast.Expr]) -> frozenset[str]:
    """Return the fields of the row that an expression reads, by itself or through named expressions.

    Args:
        tree: The expression.
        own: Property it is for, which it may call `self`.
        properties: What is a field.
        expressions: Named expressions.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if node.id == "self":
                found.add(own)
            elif node.id in properties:
                found.add(node.id)
            elif node.id in expressions:
                found |= read_by(expressions[node.id], own, properties, expressions)
        elif (field := _of_row(node, properties)) is not None:
            found.add(field)
    return frozenset(found)


def _of_row(node: ast.AST, properties: Container[str]) -> str | None:
    """Return the field of `record['a']`, `record.a` and `record.get('a')`."""
    if isinstance(node, ast.Attribute) and _is_row(node.value):
        return node.attr if node.attr in properties else None  # else a method of the row
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _is_row(node.value):
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_row(node.func.value):
        key = node.args[0] if node.func.attr == "get" and node.args else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _is_row(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _ROW
