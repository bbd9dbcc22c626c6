"""What an expression reads from a row."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WHOLE_ROW = ("record", "_")


@dataclass(frozen=True)
class Input:
    """A value that an expression reads.

    Attributes:
        name: As the expression writes it, like `address['city']`.
        value: What stands there in the row.
        expression: What a named expression stands for.
    """

    name: str
    value: t.Any
    expression: str | None = None


def names_in(expression: str) -> set[str]:
    """Return all names that an expression uses, those of functions too."""
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


def inputs_of(expression: str, names: Mapping[str, t.Any]) -> list[Input]:
    """Return what an expression reads, in the order it is written, each once.

    Args:
        expression: In the syntax of stream maps.
        names: What it sees by name: the properties of the row, `record`, `config` and so on.
    """
    tree = ast.parse(expression)
    found: dict[str, Input] = {}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node, root, path in _paths(tree):
        if root in names and root not in bound and (path or root not in {*_WHOLE_ROW, "config"}):
            text = ast.unparse(node)
            found.setdefault(text, Input(text, _walk(names[root], path)))
    # An object that is null tells why nothing is in it; one that is there is told by what is read of it.
    deeper = {text.partition("[")[0].partition(".")[0] for text in found if not text.isidentifier()}
    return [one for one in found.values() if one.name not in deeper or not isinstance(one.value, dict)]


def _paths(node: ast.AST) -> Iterator[tuple[ast.AST, str, list[t.Any]]]:
    """Return each name with the constant steps that follow it, the longest way."""
    steps = _steps(node)
    if steps is not None:
        yield node, *steps
        return
    called = node.func if isinstance(node, ast.Call) else None
    for child in ast.iter_child_nodes(node):
        # The last step to a method is no part of the row.
        yield from _paths(child.value if child is called and isinstance(child, ast.Attribute) else child)


def _steps(node: ast.AST) -> tuple[str, list[t.Any]] | None:
    match node:
        case ast.Name(id=name):
            return name, []
        case ast.Subscript(value=of, slice=ast.Constant(value=step)):
            pass
        case ast.Attribute(value=of, attr=step):
            pass
        case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=step), *_]):
            pass
        case _:
            return None
    above = _steps(of)
    return (above[0], [*above[1], step]) if above else None


def _walk(value: t.Any, path: list[t.Any]) -> t.Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
