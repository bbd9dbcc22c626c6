"""Choices between values: `a or b`, `a and b`, `a if condition else b`."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.shapes import join

if t.TYPE_CHECKING:
    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow
    from sync_mapper.analysis.shapes import Shape


def several(analyser: Analyser, node: ast.BoolOp, flow: Flow) -> Shape:
    """Return the shape of `a or b`, `a and b`."""
    parts: list[Shape] = []
    is_and = isinstance(node.op, ast.And)
    before: Flow | None = flow
    for index, value in enumerate(node.values):
        if before is None:
            break
        shape = analyser.shape(value, before)
        if index < len(node.values) - 1:
            shape = shape.falsy() if is_and else shape.truthy()
            before = analyser.assume(value, is_and, before)
        parts.append(shape)
    return join(*parts)


def choice(analyser: Analyser, node: ast.IfExp, flow: Flow) -> Shape:
    """Return the shape of `a if condition else b`."""
    analyser.shape(node.test, flow)
    ways = ((node.body, analyser.assume(node.test, True, flow)), (node.orelse, analyser.assume(node.test, False, flow)))
    return join(*(analyser.shape(way, known) for way, known in ways if known is not None))
