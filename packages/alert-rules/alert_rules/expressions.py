"""Expressions over the fields of a row, evaluated by `simpleeval` within bounds; never by Python itself.

What is null makes a comparison false instead of an error (`amount >= 50000` of an order without amount), and arithmetic
with it null, as in SQL. Decimals of a row and of an expression are compared exactly. A field the row does not have is
an error that names it.
"""

from __future__ import annotations

import ast
import difflib
import functools
import threading
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal, DecimalException

import simpleeval  # type: ignore[import-untyped]
from safe_expressions import limits

from alert_rules.errors import BadRowError, BadValueError
from alert_rules.functions import with_clock

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, tzinfo

Row: t.TypeAlias = "Mapping[str, t.Any]"

_ORDERING: t.Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ARITHMETIC: t.Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_CONSTANTS: t.Final = {"true": True, "false": False, "null": None, "none": None, "True": True, "False": False}
_ALLOWED: t.Final = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, *_ARITHMETIC),
    *(ast.Compare, *_ORDERING, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.IfExp, ast.Call),
    *(ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Subscript),
)
_LONGEST: t.Final = 4_000
_DEEPEST: t.Final = 100
"""Far within what the evaluation of each level takes of Python's stack."""


class Moment:
    """How late it is for functions such as `today()`; the clock of a run.

    Args:
        zone: Time zone of days.
    """

    def __init__(self, zone: tzinfo = timezone.utc) -> None:
        self.zone = zone
        self.now = datetime.now(timezone.utc)

    def today(self) -> date:
        """Return the day it is."""
        return self.now.astimezone(self.zone).date()


class _Evaluator(simpleeval.EvalWithCompoundTypes):  # type: ignore[misc]
    """`simpleeval` with nulls as in SQL, exact decimals, and bounds."""

    def _eval_constant(self, node: ast.Constant) -> t.Any:
        return _exact(super()._eval_constant(node))

    def _eval_name(self, node: ast.Name) -> t.Any:
        if node.id in self.names:
            return _exact(self.names[node.id])
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        raise simpleeval.NameNotDefined(node.id, self.expr)

    def _eval_compare(self, node: ast.Compare) -> bool:
        left = self._eval(node.left)
        for operation, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._eval(comparator)
            if None in (left, right) and isinstance(operation, _ORDERING):
                return False
            if right is None and isinstance(operation, (ast.In, ast.NotIn)):
                return isinstance(operation, ast.NotIn)
            if not self.operators[type(operation)](left, right):
                return False
            left = right
        return True

    def _eval_binop(self, node: ast.BinOp) -> t.Any:
        left, right = self._eval(node.left), self._eval(node.right)
        return None if left is None or right is None else self.operators[type(node.op)](left, right)

    def _eval_unaryop(self, node: ast.UnaryOp) -> t.Any:
        value = self._eval(node.operand)
        return None if value is None and not isinstance(node.op, ast.Not) else self.operators[type(node.op)](value)

    def _eval_subscript(self, node: ast.Subscript) -> t.Any:
        held, key = self._eval(node.value), self._eval(node.slice)
        if held is None:
            return None
        try:
            return _exact(held[key])
        except (KeyError, IndexError):
            return None


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read.

    Attributes:
        text: As it was written.
        tree: Its syntax.
        names: Fields it uses.
        moment: Clock of its functions.
    """

    text: str
    tree: ast.expr
    names: frozenset[str]
    moment: Moment
    _evaluators: threading.local = field(default_factory=threading.local, compare=False, repr=False)

    def value(self, row: Row) -> t.Any:
        """Return its value for a row.

        Raises:
            BadRowError: It has none: a field is missing, or of the wrong type.
        """
        evaluator = self._evaluator()
        evaluator.names = row
        try:
            return evaluator._eval(self.tree)  # noqa: SLF001 - a tree that was parsed once, not the text each time
        except simpleeval.NameNotDefined as error:
            missing = str(error.name)
            problem = f"the row has no field {missing!r}, which the expression `{self.text}` uses"
            raise BadRowError(problem, _near(missing, row), field=missing) from error
        except (simpleeval.InvalidExpression, TypeError, ValueError, ArithmeticError, LookupError) as error:
            problem = f"the expression `{self.text}` cannot be evaluated: {_reason(error)}"
            remedy = "number(...) makes a number of a text; `field != null and ...` leaves out what is null"
            name = next(iter(self.names)) if len(self.names) == 1 else None
            raise BadRowError(problem, remedy, field=name) from error

    def holds(self, row: Row) -> bool:
        """Return whether it is true of a row.

        Raises:
            BadRowError: It has no value.
        """
        return bool(self.value(row))

    def _evaluator(self) -> t.Any:
        found = getattr(self._evaluators, "one", None)
        if found is None:
            functions = {**with_clock(self.moment), "int": limits.WholeNumber}
            found = _Evaluator(operators=_operators(), functions=functions)
            found.expr = self.text
            self._evaluators.one = found
        return found


def expression(text: str, moment: Moment) -> Expression:
    """Read an expression.

    Raises:
        BadValueError: It is none, or uses what expressions have not.
    """
    if not text.strip():
        raise BadValueError("an expression is empty", _HINT)
    if len(text) > _LONGEST:
        raise BadValueError(f"an expression has {len(text):,} characters", f"write one of at most {_LONGEST:,}")
    # A line break within a text of YAML is a blank to people; brackets make it one to Python.
    source = f"({text}\n)"
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadValueError(
            f"`{text}` is no expression: {_syntax(error)}", _HINT, offset=_offset(text, error)
        ) from error
    if (deep := _depth(tree)) > _DEEPEST:
        raise BadValueError(f"an expression is nested {deep} deep", f"write one nested at most {_DEEPEST} deep")
    functions = with_clock(moment)
    names: set[str] = set()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        at = _character(source, node) - 1
        value = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(node, _ALLOWED) or not isinstance(value, (str, int, float, type(None))):
            what = type(node if value is None else value).__name__
            raise BadValueError(f"`{text}` uses what expressions have not ({what})", _HINT, offset=at)
        if isinstance(node, ast.Call):
            _check_call(text, node, functions, at)
        elif isinstance(node, ast.Name) and node.id not in _CONSTANTS and id(node) not in called:
            names.add(node.id)
    return Expression(text, tree, frozenset(names), moment)


_HINT: t.Final = "it compares fields: amount >= 50000 and status not in ['980', '999']"


def _check_call(text: str, node: ast.Call, functions: Mapping[str, t.Any], at: int) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in functions or node.keywords:
        near = difflib.get_close_matches(name or "", functions, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(functions))}"
        raise BadValueError(f"`{text}` calls {name or 'a method'}, which is none of the functions", remedy, offset=at)


def _depth(tree: ast.expr) -> int:
    deepest, left = 0, [(t.cast("ast.AST", tree), 1)]
    while left:
        node, depth = left.pop()
        deepest = max(deepest, depth)
        left += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return deepest


@functools.lru_cache(maxsize=1)
def _operators() -> dict[type[ast.AST], Callable[..., t.Any]]:
    return {**limits.OPERATORS}


def _exact(value: t.Any) -> t.Any:
    """Return decimals as such: 0.1 of a row and of an expression are the same."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _near(name: str, row: Row) -> str:
    near = difflib.get_close_matches(name, list(row), n=1)
    return f"did you mean {near[0]!r}?" if near else "name one of the stream's fields"


def _reason(error: Exception) -> str:
    """Return why, without values of the row."""
    if isinstance(error, DecimalException):
        return "a number is out of range"
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, TypeError):
        return "values of different types are compared or reckoned with"
    return str(error)


def _syntax(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else "it cannot be read"


def _offset(text: str, error: BaseException) -> int | None:
    if not isinstance(error, SyntaxError) or error.lineno is None or error.offset is None:
        return None
    lines = f"({text}".splitlines(keepends=True)
    before = sum(map(len, lines[: error.lineno - 1])) + error.offset - 2
    return min(max(before, 0), len(text))


def _character(source: str, node: ast.AST) -> int:
    """Return the character of a text at which a part of its syntax begins."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 1)
    lines = source.splitlines(keepends=True)
    in_line = len(lines[line - 1].encode()[:column].decode(errors="ignore")) if line <= len(lines) else 0
    return sum(map(len, lines[: line - 1])) + in_line
