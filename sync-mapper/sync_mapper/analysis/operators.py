"""Operators: what they give for two kinds of values."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.shapes import NUMERIC

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

_WHOLE = frozenset({"integer", "boolean"})
_NUMERIC = NUMERIC | {"boolean"}
_TIMES: Mapping[tuple[type[ast.AST], str, str], str] = {
    (ast.Add, "date", "timedelta"): "date",
    (ast.Add, "datetime", "timedelta"): "datetime",
    (ast.Add, "timedelta", "date"): "date",
    (ast.Add, "timedelta", "datetime"): "datetime",
    (ast.Add, "timedelta", "timedelta"): "timedelta",
    (ast.Sub, "date", "date"): "timedelta",
    (ast.Sub, "date", "timedelta"): "date",
    (ast.Sub, "datetime", "datetime"): "timedelta",
    (ast.Sub, "datetime", "timedelta"): "datetime",
    (ast.Sub, "timedelta", "timedelta"): "timedelta",
    (ast.Mult, "timedelta", "integer"): "timedelta",
    (ast.Mult, "integer", "timedelta"): "timedelta",
    (ast.Div, "timedelta", "timedelta"): "float",
    (ast.Div, "timedelta", "integer"): "timedelta",
    (ast.FloorDiv, "timedelta", "timedelta"): "integer",
}
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_BITWISE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)


def mixed(left: AbstractSet[str], right: AbstractSet[str]) -> bool:
    """Return whether a fraction of the source would meet a float, which Python refuses."""
    return ("decimal" in left and "float" in right) or ("float" in left and "decimal" in right)


def takes(operator: ast.unaryop, kind: str) -> bool:
    """Return whether a sign can stand before a value."""
    return kind in _WHOLE if isinstance(operator, ast.Invert) else kind in _NUMERIC or kind == "timedelta"


def binary(operator: ast.operator, left: str, right: str) -> str | None:
    """Return the kind of value that an operator gives; None if it does not take these two."""
    kind = type(operator)
    if found := _TIMES.get((kind, left, right)):
        return found
    if left in _NUMERIC and right in _NUMERIC:
        return _of_numbers(kind, left, right)
    if kind is ast.Mod and left == "string":
        return "string"
    if kind is ast.Add and left == right and left in {"string", "array", "bytes"}:
        return left
    if kind is ast.Mult and {left, right} & _WHOLE:
        return next((other for other in (left, right) if other in {"string", "array"}), None)
    if kind is ast.BitOr and left == right == "object":
        return "object"
    return None


def _of_numbers(kind: type[ast.AST], left: str, right: str) -> str | None:
    both = {left, right}
    if kind in _BITWISE:
        return ("boolean" if both == {"boolean"} else "integer") if both <= _WHOLE else None
    if kind not in _ARITHMETIC:
        return None
    if both <= _WHOLE:
        return {ast.Div: "float", ast.Pow: "number"}.get(kind, "integer")
    return next(found for found in ("float", "decimal", "number") if found in both)


_COMPARABLE = (_NUMERIC, {"string"}, {"date"}, {"datetime"}, {"time"}, {"timedelta"}, {"bytes"})


def comparable(left: str, right: str) -> bool:
    """Return whether a value of one kind can be less than one of another; of lists, that depends on their items."""
    return any(left in group and right in group for group in _COMPARABLE)


def is_container(kind: str) -> bool:
    """Return whether `in` can be asked of a value."""
    return kind in {"string", "array", "object", "bytes"}
