"""Walks through an expression as the engine would, with shapes in place of values."""

from __future__ import annotations

import ast
import difflib
import functools
import typing as t
from dataclasses import replace

from sync_mapper.analysis import access, calls, choices, literals, names, operations, unsafe
from sync_mapper.analysis.flow import Flow, assume
from sync_mapper.analysis.library import NODES, SIMPLER, in_words
from sync_mapper.analysis.model import Problem
from sync_mapper.analysis.parsing import parse
from sync_mapper.analysis.shapes import ANY, Keys, Shape, from_schema, of_value

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sync_mapper.analysis.model import Scope

_LONGEST = 60
"""Characters of a part of an expression that a message repeats."""


class Analyser:
    """Goes through one expression.

    Args:
        text: The expression.
        tree: The same, parsed.
        scope: What it can see.
        within: Named expressions it is part of.

    Attributes:
        scope: What the expression can see.
        problems: What is wrong; one problem of a kind for each part of the expression.
        uses: Source properties it reads.
        inside: The same for the named expressions it uses, as they are used here.
        names: Named expressions and code tables it uses.
        in_text: The f-string under way, if any.
    """

    def __init__(self, text: str, tree: ast.expr, scope: Scope, within: tuple[str, ...] = ()) -> None:
        self.scope = scope
        self._tree = tree
        self.problems: dict[tuple[str, str], Problem] = {}
        self.inside: dict[str, dict[tuple[str, str], Problem]] = {}
        self.uses: set[str] = set()
        self.names: set[tuple[str, str]] = set()
        self._within = within
        self._text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = text.splitlines(keepends=True)
        self._silent = 0
        self.in_text: ast.JoinedStr | None = None

    # -- telling -----------------------------------------------------------------------------------------------

    @property
    def explained(self) -> bool:
        """Whether what was found tells already why nothing is known of the result."""
        found = [self.problems, *self.inside.values()]
        told = {"unknown_field", "absent_field"}
        return any(it.is_error or it.code in told for problems in found for it in problems.values())

    def report(self, code: str, node: ast.AST, message: str, remedy: str, field: str | None = None) -> None:
        """Note a problem at a part of the expression, once for the same part."""
        if not self._silent:
            key = (code, ast.unparse(node) if isinstance(node, ast.expr) else message)
            self.problems.setdefault(key, Problem(code, message, remedy, self.offset(node), field))

    def offset(self, node: ast.AST) -> int:
        """Return how many characters of the expression come before a part of it."""
        line, column = getattr(node, "lineno", 1) - 1, getattr(node, "col_offset", 0)
        if line >= len(self._lines):
            return 0
        place = self._starts[line] + len(self._lines[line].encode()[:column].decode(errors="ignore"))
        if self.in_text is None or node is self.in_text or not isinstance(node, ast.expr):
            return place
        # Before Python 3.12 places inside f-strings are not reliable.
        outer, text = self.in_text, self.source(node)
        begin = self._starts[outer.lineno - 1] + outer.col_offset
        return place if self._text.startswith(text, place) else max(self._text.find(text, begin), begin)

    def source(self, node: ast.expr) -> str:
        """Return the text of a part, for messages."""
        text = self.text(node)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def text(self, node: ast.expr) -> str:
        """Return the text of a part as it can be written again, in one line."""
        text = None if self.in_text is not None else ast.get_source_segment(self._text, node)
        return " ".join((text or ast.unparse(node)).split())

    def opening(self, node: ast.expr) -> str:
        """Return how a part begins, such as `f'` of an f-string."""
        return self._text[self.offset(node) :][:3]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a part is directly part of."""
        return self._parents.get(node)

    @functools.cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: parent for parent in ast.walk(self._tree) for child in ast.iter_child_nodes(parent)}

    def need(self, node: ast.expr, shape: Shape, use: str, around: ast.expr, function: str = "") -> Shape:
        """Note where a value that may be null is used so that null does harm; return it without null."""
        if shape.nullable and not self._silent:
            is_field = isinstance(node, ast.Name) and node.id in self.properties and not self._within
            message, remedy = unsafe.told(self, node, shape, use, around, function)
            self.report("null_unsafe", node, message, remedy, self.text(node) if is_field else None)
        return shape.present()

    def fit(self, node: ast.expr, shape: Shape, fits: Callable[[str], bool], harm: str, remedy: str) -> bool:
        """Note where a value is of a kind that cannot be used so; return whether some kind can.

        Args:
            node: What is used.
            shape: Its shape.
            fits: Tells whether a kind of value can be used so.
            harm: What is wrong with those that cannot, such as "has no parts".
            remedy: What to do about it.
        """
        unfit = frozenset(kind for kind in shape.kinds or () if not fits(kind))
        if not unfit:
            return True
        words = in_words(Shape(kinds=unfit))
        if unfit == shape.kinds:
            self.report("wrong_type", node, f"{words} {harm}", remedy)
            return False
        self.report("doubtful_type", node, f"`{self.source(node)}` may be {words}, which {harm}", remedy)
        return True

    def nearest(self, name: str, known: Iterable[t.Any]) -> str:
        """Return a question for the names most like one, empty if none is."""
        near = difflib.get_close_matches(name, [item for item in known if isinstance(item, str)], n=3, cutoff=0.65)
        return f"did you mean {' or '.join(f'`{item}`' for item in near)}?" if near else ""

    def quietly(self, node: ast.expr, flow: Flow) -> Shape:
        """Return the shape of a part that is told about elsewhere."""
        self._silent += 1
        try:
            return self.shape(node, flow)
        finally:
            self._silent -= 1

    # -- shapes ------------------------------------------------------------------------------------------------

    def shape(self, node: ast.expr, flow: Flow) -> Shape:
        """Return the shape of a part of the expression."""
        if not isinstance(node, NODES):
            kind = type(node).__name__
            self.report("not_available", node, f"{kind} is not part of the expression language", SIMPLER)
            return ANY
        found = self._of(node, flow)
        known = flow.known(node)
        return found if known is None else known.applied(found)

    def _of(self, node: ast.expr, flow: Flow) -> Shape:
        handler = self._HANDLERS.get(type(node))
        return handler(self, node, flow) if handler else ANY

    def assume(self, node: ast.expr, truth: bool, flow: Flow) -> Flow | None:
        """Return what is known where a condition holds, or does not; None if that never is."""
        return assume(node, truth, flow, self)

    def beginning(self) -> Flow:
        """Return what is known before the expression is evaluated: its map's filter holds."""
        condition = self.scope.condition
        tree = None if condition is None else parse(condition)
        if condition is None or tree is None or isinstance(tree, Problem):
            return Flow()
        other = Analyser(condition, tree, replace(self.scope, own=None, condition=None))
        other._silent += 1
        return other.assume(tree, True, Flow()) or Flow()

    def may_be_null(self, node: ast.expr, flow: Flow) -> bool:
        """Return whether a part of the expression, or an item of it if it is a list, may be null."""
        shape = self.quietly(node, flow)
        if shape.kinds is None or shape.nullable:
            return True
        if "array" in shape.kinds:
            return shape.items is None or shape.items.kinds is None or shape.items.nullable
        return False

    def meaning(self, node: ast.expr, flow: Flow) -> ast.expr | None:
        """Return the named expression that a part stands for, if it is the name of one that means the same here."""
        expressions = self.scope.expressions
        if not isinstance(node, ast.Name) or node.id not in expressions or node.id in flow.variables:
            return None
        tree = parse(expressions[node.id])
        if node.id in (self.scope.properties or ()) or isinstance(tree, Problem):
            return None
        given = list(expressions)
        own = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}
        others = {*given[given.index(node.id) :], *flow.variables}  # those below it would need it again
        return None if own & others else tree

    def expression(self, name: str, flow: Flow) -> Shape:
        """Return what a named expression gives here; its own problems are told where it stands."""
        self.names.add(("expression", name))
        text = self.scope.expressions[name]
        tree = parse(text)
        if name in self._within or isinstance(tree, Problem):
            return ANY
        other = Analyser(text, tree, self.scope, (*self._within, name))
        shape = other.shape(tree, flow.outside())
        self.uses |= other.uses
        self.names |= other.names
        if not self._silent:
            for inner, problems in ((name, other.problems), *other.inside.items()):
                self.inside.setdefault(inner, {}).update(problems)
        return shape

    @functools.cached_property
    def properties(self) -> dict[str, Shape]:
        """Shapes of the source's properties."""
        return {name: from_schema(schema) for name, schema in (self.scope.properties or {}).items()}

    @functools.cached_property
    def record(self) -> Shape:
        """Shape of the whole row."""
        keys = Keys.OPEN if not self.scope.properties or self.scope.is_open else Keys.DECLARED
        return Shape(kinds=frozenset({"object"}), fields=self.properties, keys=keys)

    _HANDLERS: t.ClassVar[dict[type[ast.AST], t.Callable[[Analyser, t.Any, Flow], Shape]]] = {
        ast.Attribute: access.attribute,
        ast.BinOp: operations.binary,
        ast.BoolOp: choices.several,
        ast.Call: calls.call,
        ast.Compare: operations.compare,
        ast.Constant: lambda _, node, __: of_value(node.value),
        ast.Dict: literals.mapping,
        ast.DictComp: literals.comprehension,
        ast.GeneratorExp: literals.comprehension,
        ast.IfExp: choices.choice,
        ast.JoinedStr: literals.text,
        ast.List: literals.sequence,
        ast.ListComp: literals.comprehension,
        ast.Name: names.named,
        ast.Set: literals.sequence,
        ast.Slice: literals.part,
        ast.Subscript: access.subscript,
        ast.Tuple: literals.sequence,
        ast.UnaryOp: operations.unary,
    }
