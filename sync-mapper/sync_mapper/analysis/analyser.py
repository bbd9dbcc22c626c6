"""Walks through an expression as the engine would, with shapes in place of values."""

from __future__ import annotations

import ast
import difflib
import functools
import typing as t
from dataclasses import replace

from sync_mapper.analysis import access, calls, operators, unsafe
from sync_mapper.analysis.flow import Flow, assume
from sync_mapper.analysis.library import FUNCTIONS, NAMES, NODES, OPERATORS, in_words
from sync_mapper.analysis.model import Analysis, Problem
from sync_mapper.analysis.shapes import (
    ANY,
    NOTHING,
    Keys,
    Shape,
    array,
    from_schema,
    join,
    of_elements,
    of_fields,
    of_kind,
    of_value,
    to_schema,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sync_mapper.analysis.model import Scope

_LONGEST = 60
"""Characters of a part of an expression that a message repeats."""

_TRUTH = of_kind("boolean")
_TEXT = of_kind("string")


def parse(expression: str) -> ast.expr | Problem:
    """Return the tree of an expression, or what keeps it from being one."""
    try:
        body = ast.parse(expression).body
    except SyntaxError as error:
        lines = expression.splitlines(keepends=True)
        line = min((error.lineno or 1) - 1, max(len(lines) - 1, 0))
        before = sum(map(len, lines[:line]))
        column = min(before + max((error.offset or 1) - 1, 0), len(expression))
        return Problem("not_an_expression", f"not an expression: {error.msg}", _SYNTAX, column)
    except ValueError as error:  # a NUL character
        return Problem("not_an_expression", f"not an expression: {error}", _SYNTAX)
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return Problem("not_an_expression", "must be exactly one expression", _SYNTAX)
    return body[0].value


_SYNTAX = "correct it; text goes in quotes, such as `'text'`"


def analyse(expression: str, scope: Scope) -> Analysis:
    """Return what is known of an expression's value before there is a row.

    Args:
        expression: The expression.
        scope: What it can see.
    """
    tree = parse(expression)
    if isinstance(tree, Problem):
        return Analysis(None, nullable=True, problems=(tree,))
    analyser = Analyser(expression, scope)
    shape = analyser.shape(tree, Flow())
    schema = _declared(shape, expression, scope)
    if schema is None and scope.properties is not None and not analyser.explained:
        analyser.report("untyped", tree, "its type cannot be told from the source's types", _STATE_TYPE)
    return Analysis(
        schema=schema,
        nullable=shape.nullable,
        problems=tuple(sorted(analyser.problems.values(), key=lambda problem: problem.column)),
        shape=shape,
        uses=frozenset(analyser.uses),
        names=frozenset(analyser.names),
        inside={name: tuple(found.values()) for name, found in analyser.inside.items()},
    )


_STATE_TYPE = "state it: write the property long, with `value` and `type`; until then it is declared as any type"


def _declared(shape: Shape, expression: str, scope: Scope) -> dict[str, t.Any] | None:
    """Return the schema to declare; where the types do not tell, the SDK's rules do."""
    own = None if scope.own is None else to_schema(from_schema(scope.own))
    found = to_schema(shape)
    by_prefix = _by_prefix(expression)
    if found is None:
        return by_prefix or own
    if by_prefix is not None:
        return found  # the SDK does not keep the source's schema either: its length, say, is that of another field
    covered = set(own["type"]) if own else set()
    if covered >= set(found["type"]) - ({"integer"} if "number" in covered else set()):
        return own if own and own.get("format") == found.get("format") else found
    return found


_PREFIXES: tuple[tuple[tuple[str, ...], dict[str, t.Any]], ...] = (
    (("float(",), {"type": ["number", "null"]}),
    (("int(",), {"type": ["integer", "null"]}),
    (("str(", "json.dumps("), {"type": ["string", "null"]}),
    (("bool(",), {"type": ["boolean", "null"]}),
    (("datetime.date.", "datetime.date("), {"type": ["string", "null"], "format": "date"}),
    (("datetime.datetime.", "datetime.datetime("), {"type": ["string", "null"], "format": "date-time"}),
)


def _by_prefix(expression: str) -> dict[str, t.Any] | None:
    """Return the type that the SDK takes from how an expression begins or ends."""
    if expression.endswith(".date()"):
        return {"type": ["string", "null"], "format": "date"}
    if expression.startswith("'") and expression.endswith("'"):
        return {"type": ["string", "null"]}
    return next((dict(schema) for starts, schema in _PREFIXES if expression.startswith(starts)), None)


class Analyser:
    """Goes through one expression.

    Attributes:
        scope: What the expression can see.
        problems: What is wrong; one problem of a kind for each part of the expression.
        uses: Source properties it reads.
        inside: The same for the named expressions it uses, as they are used here.
        names: Named expressions and code tables it uses.
    """

    def __init__(self, text: str, scope: Scope, within: tuple[str, ...] = ()) -> None:
        self.scope = scope
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
        self._in_text: ast.JoinedStr | None = None

    # -- telling -----------------------------------------------------------------------------------------------

    @property
    def explained(self) -> bool:
        """Whether what was found tells already why nothing is known of the result."""
        found = [self.problems, *self.inside.values()]
        return any(it.is_error or it.code == "unknown_field" for problems in found for it in problems.values())

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
        if self._in_text is None or node is self._in_text or not isinstance(node, ast.expr):
            return place
        # Before Python 3.12 places inside f-strings are not reliable.
        outer, text = self._in_text, self.source(node)
        begin = self._starts[outer.lineno - 1] + outer.col_offset
        return place if self._text.startswith(text, place) else max(self._text.find(text, begin), begin)

    def source(self, node: ast.expr) -> str:
        """Return the text of a part, for messages."""
        text = None if self._in_text is not None else ast.get_source_segment(self._text, node)
        text = " ".join((text or ast.unparse(node)).split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

    def need(self, node: ast.expr, shape: Shape, use: str, around: ast.expr, function: str = "") -> Shape:
        """Note where a value that may be null is used so that null does harm; return it without null."""
        if shape.nullable:
            empty = next((_EMPTY[kind] for kind in sorted(shape.kinds or ()) if kind in _EMPTY), "0")
            names = self.source(node), self.source(around)
            message, remedy = unsafe.told(use, *names, function=function, empty=empty)
            is_field = isinstance(node, ast.Name) and node.id in self._properties and not self._within
            if is_field:
                remedy += "; or give the property `when_null`"
            self.report("null_unsafe", node, message, remedy, names[0] if is_field else None)
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
            self.report("not_available", node, f"{kind} is not part of the expression language", _SIMPLER)
            return ANY
        found = self._of(node, flow)
        known = flow.known(node)
        return found if known is None else known.applied(found)

    def _of(self, node: ast.expr, flow: Flow) -> Shape:
        handler = self._HANDLERS.get(type(node))
        return handler(self, node, flow) if handler else ANY

    def assume(self, node: ast.expr, truth: bool, flow: Flow) -> Flow | None:
        """Return what is known where a condition holds, or does not; None if that never is."""
        return assume(node, truth, flow, self._may_be_null)

    def _may_be_null(self, node: ast.expr, flow: Flow) -> bool:
        shape = self.quietly(node, flow)
        if shape.kinds is None or shape.nullable:
            return True
        if "array" in shape.kinds:
            return shape.items is None or shape.items.kinds is None or shape.items.nullable
        return False

    def _name(self, node: ast.Name, flow: Flow) -> Shape:
        name, scope = node.id, self.scope
        if name in flow.variables:
            return flow.variables[name]
        if name in {"record", "_"}:
            return self._record
        if name == "config":
            return of_value(scope.config)
        if name == "self" and scope.own is not None:
            return from_schema(scope.own)
        if name in (scope.properties or {}):
            self.uses.add(name)
            return self._properties[name]
        if name in scope.expressions:
            return self._named(name, flow)
        if name in NAMES:
            return NAMES[name]
        if name not in FUNCTIONS and name not in calls.helpers() and scope.properties is not None:
            self._unknown_name(node)
        return ANY

    @functools.cached_property
    def _properties(self) -> dict[str, Shape]:
        return {name: from_schema(schema) for name, schema in (self.scope.properties or {}).items()}

    @functools.cached_property
    def _record(self) -> Shape:
        keys = Keys.OPEN if not self.scope.properties else Keys.DECLARED
        return Shape(kinds=frozenset({"object"}), fields=self._properties, keys=keys)

    def _named(self, name: str, flow: Flow) -> Shape:
        """Return what a named expression gives here; its own problems are told where it stands."""
        self.names.add(("expression", name))
        text = self.scope.expressions[name]
        tree = parse(text)
        if name in self._within or isinstance(tree, Problem):
            return ANY
        other = Analyser(text, self.scope, (*self._within, name))
        shape = other.shape(tree, replace(flow, variables={}))
        self.uses |= other.uses
        self.names |= other.names
        if not self._silent:
            for inner, problems in ((name, other.problems), *other.inside.items()):
                self.inside.setdefault(inner, {}).update(problems)
        return shape

    def _unknown_name(self, node: ast.Name) -> None:
        name, scope = node.id, self.scope
        known = [*(scope.properties or ()), *scope.expressions]
        message, remedy = f"the source has no field `{name}`", self.nearest(name, known)
        if scope.is_open:
            message = f"the schema does not name the field `{name}`, which a row may lack"
            self.report("unknown_field", node, message, remedy or "read it with `record.get(...)`")
            return
        if name in scope.computed:
            message = f"`{name}` is computed by the same map, and expressions see the source's fields only"
            remedy = f"put its expression under `expressions` as a name of its own, and use that name in both. {remedy}"
        elif name in scope.streams:
            message = f"`{name}` is another stream, and expressions see one row of one stream"
            remedy = "join at the source (a composed stream), or look codes up in a code table"
        elif name == "self":
            message, remedy = "there is no `self`: the source has no field of the property's own name", ""
        elif not remedy:
            shown = sorted(scope.properties or ())[:_SHOWN]
            more = ", ..." if len(scope.properties or ()) > _SHOWN else ""
            remedy = f"it has {', '.join(shown)}{more}; text goes in quotes"
        self.report("unknown_name", node, message, remedy.strip() or "name a field of the source")

    def _unary(self, node: ast.UnaryOp, flow: Flow) -> Shape:
        operand = self.shape(node.operand, flow)
        if isinstance(node.op, ast.Not):
            return _TRUTH
        operand = self.need(node.operand, operand, "arithmetic", node)
        symbol = OPERATORS[type(node.op)]
        fits = functools.partial(operators.takes, node.op)
        if operand.kinds is None or not self.fit(node.operand, operand, fits, f"takes no {symbol} before it", _NUMBER):
            return ANY
        number = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if isinstance(node.op, ast.USub) and isinstance(number, (int, float)):
            return of_value(-number)
        return of_kind(*("integer" if kind == "boolean" else kind for kind in operand.kinds if fits(kind)))

    def _binary(self, node: ast.BinOp, flow: Flow) -> Shape:
        left, right = self.shape(node.left, flow), self.shape(node.right, flow)
        if type(node.op) not in OPERATORS:
            name = type(node.op).__name__
            self.report("not_available", node, f"operator {name} is not part of the expression language", _SIMPLER)
            return ANY
        filled_in = isinstance(node.op, ast.Mod) and "string" in (left.kinds or ())
        left = self.need(node.left, left, "arithmetic", node)
        right = self.need(node.right, right, "in text" if filled_in else "arithmetic", node)
        if left.kinds is None or right.kinds is None:
            return ANY
        if operators.mixed(left.kinds, right.kinds) and left.kinds | right.kinds <= {"decimal", "float", "integer"}:
            message = "numbers of the source with digits after the point are exact and cannot be mixed with float"
            self.report("mixed_numbers", node, message, "put float(...) around the source's field")
        pairs = [(one, other) for one in sorted(left.kinds) for other in sorted(right.kinds)]
        results = [operators.binary(node.op, *pair) for pair in pairs]
        kinds = {kind for kind in results if kind}
        if None in results:
            one, other = (Shape(kinds=frozenset({kind})) for kind in pairs[results.index(None)])
            message = f"{in_words(one)} {OPERATORS[type(node.op)]} {in_words(other)} is not possible"
            remedy = "convert one of them: str(...), int(...), float(...), datetime.date.fromisoformat(...)"
            self.report("doubtful_type" if kinds else "wrong_type", node, message, remedy)
            if not kinds:
                return ANY
        items, least = None, 0
        if "array" in kinds:
            parts = [
                shape.items for shape in (left, right) if shape.items is not None and "array" in (shape.kinds or ())
            ]
            items, least = join(*parts) if parts else None, left.least + right.least
        return Shape(kinds=frozenset(kinds), items=items, least=least)

    def _several(self, node: ast.BoolOp, flow: Flow) -> Shape:
        parts: list[Shape] = []
        is_and = isinstance(node.op, ast.And)
        before: Flow | None = flow
        for index, value in enumerate(node.values):
            if before is None:
                break
            shape = self.shape(value, before)
            if index < len(node.values) - 1:
                shape = shape.falsy() if is_and else shape.truthy()
                before = self.assume(value, is_and, before)
            parts.append(shape)
        return join(*parts)

    def _compare(self, node: ast.Compare, flow: Flow) -> Shape:
        values = [node.left, *node.comparators]
        shapes = [self.shape(value, flow) for value in values]
        for index, operator in enumerate(node.ops):
            left, right = (values[index], shapes[index]), (values[index + 1], shapes[index + 1])
            if isinstance(operator, (ast.In, ast.NotIn)):
                self._search(node, left, right)
            elif isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
                one = self.need(*left, "comparison", node)
                other = self.need(*right, "comparison", node)
                self._compare_size(node, one, other)
        return _TRUTH

    def _compare_size(self, node: ast.Compare, one: Shape, other: Shape) -> None:
        pairs = [(mine, theirs) for mine in sorted(one.kinds or ()) for theirs in sorted(other.kinds or ())]
        unfit = [pair for pair in pairs if not operators.comparable(*pair)]
        if unfit:
            mine, theirs = (in_words(Shape(kinds=frozenset({kind}))) for kind in unfit[0])
            certain = len(unfit) == len(pairs) and unfit != [("array", "array")]
            code = "wrong_type" if certain else "doubtful_type"
            message = f"{mine} cannot be compared with {theirs} by size"
            self.report(code, node, message, "convert one of them, such as int(...) or str(...)")

    def _search(self, node: ast.Compare, item: tuple[ast.expr, Shape], container: tuple[ast.expr, Shape]) -> None:
        within = self.need(*container, "container", node)
        if within.kinds is None:
            return
        look = "look in a list, an object or a text"
        if not self.fit(container[0], within, operators.is_container, "cannot be looked in", look):
            return
        if "object" in within.kinds:
            access.check_key(self, *item)
        if "string" in within.kinds:
            sought = self.need(*item, "comparison", node)
            harm, remedy = "cannot be looked for in text", "make text of it: `str(...)`"
            self.fit(item[0], sought, lambda kind: kind == "string" or not within.is_only("string"), harm, remedy)

    def _choice(self, node: ast.IfExp, flow: Flow) -> Shape:
        self.shape(node.test, flow)
        ways = ((node.body, self.assume(node.test, True, flow)), (node.orelse, self.assume(node.test, False, flow)))
        return join(*(self.shape(way, known) for way, known in ways if known is not None))

    def _text_with_values(self, node: ast.JoinedStr, flow: Flow) -> Shape:
        outside, self._in_text = self._in_text, self._in_text or node
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.need(part.value, self.shape(part.value, flow), "in text", part.value)
        self._in_text = outside
        return _TEXT

    def _object(self, node: ast.Dict, flow: Flow) -> Shape:
        fields: dict[t.Any, Shape] = {}
        keys, rests = Keys.CLOSED, []
        for key, value in zip(node.keys, node.values, strict=True):
            shape = self.shape(value, flow)
            if key is None:
                merged = self.need(value, shape, "merging", node)
                self.fit(value, merged, "object".__eq__, "cannot be put into an object", "give it an object")
                fields.update(merged.fields)
                keys = max(keys, merged.keys)
                rests += [merged.rest] if merged.rest is not None else []
            elif isinstance(key, ast.Constant):
                fields[key.value] = shape
            else:
                self.shape(key, flow)
                keys = Keys.OPEN
                rests.append(shape)
        if keys is Keys.CLOSED:
            return of_fields(fields)
        return Shape(kinds=frozenset({"object"}), fields=fields, keys=keys, rest=join(*rests) if rests else None)

    def _list(self, node: ast.List | ast.Tuple | ast.Set, flow: Flow) -> Shape:
        shapes: list[Shape] = []
        certain = 0
        for element in node.elts:
            if isinstance(element, ast.Starred):
                part = self.need(element.value, self.shape(element.value, flow), "unpacking", node)
                shapes.append(self._item(element.value, part))
            else:
                shapes.append(self.shape(element, flow))
                certain += 1
        return of_elements(shapes) if certain == len(shapes) else array(join(*shapes), certain)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, flow: Flow) -> Shape:
        for generator in node.generators:
            over = self.need(generator.iter, self.shape(generator.iter, flow), "iteration", node)
            item = self._item(generator.iter, over)
            flow = (self.assume(generator.iter, True, flow) or flow).bind(generator.target, item)
            for condition in generator.ifs:
                self.shape(condition, flow)
                flow = self.assume(condition, True, flow) or flow
        if isinstance(node, ast.DictComp):
            self.shape(node.key, flow)
            return Shape(kinds=frozenset({"object"}), rest=self.shape(node.value, flow))
        return array(self.shape(node.elt, flow))

    def _item(self, node: ast.expr, over: Shape) -> Shape:
        if over.kinds is None:
            return ANY
        items = [over.items or ANY] if "array" in over.kinds else []
        items += [_TEXT] if over.kinds & {"string", "object"} else []
        self.fit(node, over, {"array", "string", "object"}.__contains__, "cannot be gone through", "go through a list")
        return join(*items) if items else ANY

    def _slice(self, node: ast.Slice, flow: Flow) -> Shape:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.shape(part, flow)
        return NOTHING

    _HANDLERS: t.ClassVar[dict[type[ast.AST], t.Callable[[Analyser, t.Any, Flow], Shape]]] = {
        ast.Attribute: access.attribute,
        ast.BinOp: _binary,
        ast.BoolOp: _several,
        ast.Call: calls.call,
        ast.Compare: _compare,
        ast.Constant: lambda _, node, __: of_value(node.value),
        ast.Dict: _object,
        ast.DictComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.IfExp: _choice,
        ast.JoinedStr: _text_with_values,
        ast.List: _list,
        ast.ListComp: _comprehension,
        ast.Name: _name,
        ast.Set: _list,
        ast.Slice: _slice,
        ast.Subscript: access.subscript,
        ast.Tuple: _list,
        ast.UnaryOp: _unary,
    }


_EMPTY = {"array": "[]", "object": "{}", "string": "''"}
_NUMBER = "make a number of it: `int(...)` or `float(...)`"
_SIMPLER = "use conditions, comprehensions, methods and the functions there are"
_SHOWN = 12
