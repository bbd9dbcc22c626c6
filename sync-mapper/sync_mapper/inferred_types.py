"""Types of computed properties, where the expression itself shows them.

The SDK infers a type from the first characters of an expression and falls back to string. An object or a list written
in a map would so be declared as a string, and a target that checks records against their SCHEMA would refuse the row.
"""

from __future__ import annotations

import ast
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_CASTS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object", "list": "array"}
_LITERALS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
_SHAPES: dict[type[ast.AST], str] = {
    ast.Dict: "object",
    ast.DictComp: "object",
    ast.List: "array",
    ast.ListComp: "array",
    ast.GeneratorExp: "array",
    ast.Tuple: "array",
    ast.JoinedStr: "string",
    ast.Compare: "boolean",
}


def infer(expression: str, properties: Mapping[str, t.Any]) -> set[str] | None:
    """Return the JSON types an expression can have.

    Args:
        expression: A valid expression.
        properties: Properties of the source stream's schema.

    Returns:
        JSON Schema type names, or None when the expression does not show them.
    """
    return _of(ast.parse(expression, mode="eval").body, properties)


def widen(schema: Mapping[str, t.Any], types: set[str] | None) -> dict[str, t.Any] | None:
    """Return the schema to declare instead of `schema`, or None if that one already covers `types`."""
    declared = schema.get("type")
    if types is None or declared is None:
        return None
    covered = {declared} if isinstance(declared, str) else set(declared)
    if "number" in covered:
        covered.add("integer")
    if types - {"null"} <= covered:
        return None
    return {"type": sorted(types | {"null"})}


def _of(node: ast.expr, properties: Mapping[str, t.Any]) -> set[str] | None:
    if shape := _SHAPES.get(type(node)):
        return {shape}
    if isinstance(node, ast.Constant):
        literal = _LITERALS.get(type(node.value))
        return {literal} if literal else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return {"boolean"}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CASTS:
        return {_CASTS[node.func.id]}
    if isinstance(node, ast.IfExp):
        return _either([node.body, node.orelse], properties)
    if isinstance(node, ast.BoolOp):
        return _either(node.values, properties)
    if isinstance(node, ast.Name):
        declared = properties.get(node.id, {}).get("type")
        return None if declared is None else {declared} if isinstance(declared, str) else set(declared)
    return None


def _either(nodes: list[ast.expr], properties: Mapping[str, t.Any]) -> set[str] | None:
    found: set[str] = set()
    for node in nodes:
        types = _of(node, properties)
        if types is None:
            return None
        found |= types
    return found
