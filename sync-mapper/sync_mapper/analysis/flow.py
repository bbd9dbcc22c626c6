"""What is known at one place of an expression because of the conditions that lead there."""

from __future__ import annotations

import ast
import enum
import re
import typing as t
from dataclasses import dataclass, field, replace

from sync_mapper.analysis.shapes import NULL, Shape

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Known(enum.IntEnum):
    """What is known about the value of a part of the expression."""

    NULL = 0
    PRESENT = 1  # not null
    TRUTHY = 2

    def applied(self, shape: Shape) -> Shape:
        """Return what is left of a shape."""
        if self is Known.NULL:
            return NULL
        return shape.present() if self is Known.PRESENT else shape.truthy()


@dataclass(frozen=True)
class Flow:
    """Facts and loop variables that hold at one place.

    Attributes:
        facts: Text of a part of the expression -> what is known about its value. Expressions change nothing, so that
            the same text has the same value everywhere.
        variables: Variables of comprehensions around the place.
    """

    facts: Mapping[str, Known] = field(default_factory=dict)
    variables: Mapping[str, Shape] = field(default_factory=dict)

    def known(self, node: ast.expr) -> Known | None:
        """Return what is known about a part of the expression."""
        if not self.facts or isinstance(node, ast.Constant):
            return None
        return self.facts.get(ast.unparse(node))

    def learn(self, node: ast.expr, known: Known) -> Flow:
        """Return the flow with one more fact and what follows from it."""
        flow = self
        if known is not Known.NULL:
            for base, more in _implied(node, known):
                flow = flow.learn(base, more)
        text = ast.unparse(node)
        if flow.facts.get(text, Known.NULL) > known:
            return flow
        return replace(flow, facts={**flow.facts, text: known})

    def bind(self, target: ast.expr, item: Shape) -> Flow:
        """Return the flow inside a comprehension; what was known about variables of the same name is forgotten."""
        if isinstance(target, ast.Name):
            name = re.compile(rf"\b{target.id}\b")
            facts = {text: known for text, known in self.facts.items() if not name.search(text)}
            return Flow(facts, {**self.variables, target.id: item})
        flow = self
        parts = list(getattr(target, "elts", ()))
        elements = item.elements if item.elements is not None and len(item.elements) == len(parts) else None
        for index, part in enumerate(parts):
            flow = flow.bind(part, elements[index] if elements else item.items or Shape())
        return flow

    def outside(self) -> Flow:
        """Return the flow as a named expression sees it: it knows nothing of loop variables."""
        names = [re.compile(rf"\b{name}\b") for name in self.variables]
        return Flow({text: known for text, known in self.facts.items() if not any(it.search(text) for it in names)})

    def either(self, other: Flow | None) -> Flow:
        """Return what holds whichever of two ways led here."""
        if other is None:
            return self
        both = self.facts.keys() & other.facts.keys()
        pairs = ((text, self.facts[text], other.facts[text]) for text in both)
        return replace(self, facts={text: min(one, two) for text, one, two in pairs if (one is two) or min(one, two)})


class Judge(t.Protocol):
    """Knows what stands in an expression."""

    def may_be_null(self, node: ast.expr, flow: Flow) -> bool:
        """Return whether a part of the expression, or an item of it if it is a list, may be null."""

    def meaning(self, node: ast.expr, flow: Flow) -> ast.expr | None:
        """Return the named expression that a part stands for, if it is the name of one."""


def _implied(node: ast.expr, known: Known) -> list[tuple[ast.expr, Known]]:
    """Return what must hold for other parts so that this part has a value at all."""
    if isinstance(node, (ast.Subscript, ast.Attribute)):
        return [_base(node.value)]
    if not isinstance(node, ast.Call):
        return []
    if isinstance(node.func, ast.Attribute):
        return [_base(node.func.value)]
    # Functions give null for null or fail on it, so that what they give is true only for a value; but str() does not.
    silent = isinstance(node.func, ast.Name) and node.func.id == "str"
    return [(node.args[0], Known.PRESENT)] if known is Known.TRUTHY and len(node.args) == 1 and not silent else []


def _base(node: ast.expr) -> tuple[ast.expr, Known]:
    """Return what a part was taken from; of `(x or {})` it can only be x."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and all(map(_is_empty, node.values[1:])):
        return node.values[0], Known.TRUTHY
    return node, Known.PRESENT


def _is_empty(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return not node.value
    return not getattr(node, "elts", getattr(node, "keys", [None]))


def assume(node: ast.expr, truth: bool, flow: Flow, judge: Judge) -> Flow | None:
    """Return what is known where a condition holds (or does not).

    Args:
        node: The condition.
        truth: Whether it holds.
        flow: What is known before it.
        judge: Knows what stands in the expression.

    Returns:
        The flow behind the condition; None if it is never reached.
    """
    if isinstance(node, ast.Constant):
        return flow if bool(node.value) is truth else None
    if isinstance(node, (ast.List, ast.Tuple, ast.Dict)) and _is_empty(node):
        return None if truth else flow
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return assume(node.operand, not truth, flow, judge)
    if special := _CONDITIONS.get(type(node)):
        return special(node, truth, flow, judge)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "bool" and node.args:
        return assume(node.args[0], truth, flow, judge)
    if (meaning := judge.meaning(node, flow)) is not None:
        behind = assume(meaning, truth, flow, judge)
        if behind is None:
            return None
        flow = behind
    return flow.learn(node, Known.TRUTHY) if truth else flow


def _assume_several(node: ast.BoolOp, truth: bool, flow: Flow, judge: Judge) -> Flow | None:
    before: Flow | None = flow
    if isinstance(node.op, ast.And) is truth:  # each of them decides
        for value in node.values:
            before = before and assume(value, truth, before, judge)
        return before
    ways: Flow | None = None
    for value in node.values:  # one of them decides, those before it did not
        if before is None:
            break
        way = assume(value, truth, before, judge)
        ways = way.either(ways) if way is not None else ways
        before = assume(value, not truth, before, judge)
    return ways


def _assume_choice(node: ast.IfExp, truth: bool, flow: Flow, judge: Judge) -> Flow | None:
    ways: Flow | None = None
    for value, holds in ((node.body, True), (node.orelse, False)):
        before = assume(node.test, holds, flow, judge)
        way = before and assume(value, truth, before, judge)
        ways = way.either(ways) if way is not None else ways
    return ways.learn(node, Known.TRUTHY) if truth and ways is not None else ways


def _assume_comparison(node: ast.Compare, truth: bool, flow: Flow, judge: Judge) -> Flow:
    if len(node.ops) != 1:
        return flow
    left, right, operator = node.left, node.comparators[0], node.ops[0]
    if isinstance(operator, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
        same = isinstance(operator, (ast.Is, ast.Eq)) is truth
        for one, other in ((left, right), (right, left)):
            if isinstance(one, ast.Constant) and one.value is None:
                return flow.learn(other, Known.NULL if same else Known.PRESENT)
            if same and not judge.may_be_null(one, flow):
                flow = flow.learn(other, Known.PRESENT)
        return flow
    if isinstance(operator, (ast.In, ast.NotIn)):
        flow = flow.learn(right, Known.PRESENT)
        found = isinstance(operator, ast.In) is truth
        return flow.learn(left, Known.PRESENT) if found and not judge.may_be_null(right, flow) else flow
    return flow.learn(left, Known.PRESENT).learn(right, Known.PRESENT)


_CONDITIONS: Mapping[type[ast.expr], Callable[[t.Any, bool, Flow, Judge], Flow | None]] = {
    ast.BoolOp: _assume_several,
    ast.Compare: _assume_comparison,
    ast.IfExp: _assume_choice,
}
