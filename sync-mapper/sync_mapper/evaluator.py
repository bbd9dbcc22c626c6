"""The evaluator of expressions: the SDK's, with bounds, and told apart what is a field and what a function."""

from __future__ import annotations

import functools
import typing as t

import simpleeval  # type: ignore[import-untyped]
from safe_expressions import limits

from sync_mapper.errors import MapExpressionError
from sync_mapper.functions import HELPERS

if t.TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from sync_mapper.names import Names


class Evaluator(simpleeval.EvalWithCompoundTypes):  # type: ignore[misc]  # simpleeval has no types
    """The SDK's evaluator, for which a function of ours is no value: a field a row lacks must not become one.

    It stands on the same class of the same library as `singer_sdk.mapper._MapperEval`, and like that leaves out the
    check of every value: a row is JSON and holds no modules, and the modules among the functions are wrapped.

    Args:
        functions: Functions that expressions may call.
    """

    def __init__(self, functions: Mapping[str, Callable[..., t.Any]]) -> None:
        super().__init__(operators=limits.OPERATORS, functions={**functions, "int": limits.WholeNumber})

    def value(self, expression: str, tree: ast.expr, names: Names) -> t.Any:
        """Evaluate a parsed expression.

        Raises:
            MapExpressionError: The expression language does not allow it, or it names what is not there.
        """
        self.names = names
        self.expr = expression
        self._max_count = 0
        try:
            return self._eval(tree)
        except (simpleeval.InvalidExpression, SyntaxError) as error:
            raise MapExpressionError(f"Failed to evaluate simpleeval expressions {expression}.") from error

    def _check_disallowed_items(self, item: t.Any) -> None:
        """Let every value pass."""

    def _eval(self, node: ast.AST) -> t.Any:
        handler = self.nodes.get(type(node))
        if handler is None:
            raise simpleeval.FeatureNotAvailable(f"Sorry, {type(node).__name__} is not available in this evaluator")
        return handler(node)

    def _eval_name(self, node: ast.Name) -> t.Any:
        try:
            return self.names[node.id]
        except KeyError:
            if node.id in HELPERS or node.id not in self.functions:
                raise simpleeval.NameNotDefined(node.id, self.expr) from None
        return self.functions[node.id]

    def _eval_attribute(self, node: ast.Attribute) -> t.Any:
        found = super()._eval_attribute(node)
        bounded = limits.METHODS.get(node.attr)
        if bounded is None or not isinstance(getattr(found, "__self__", None), (str, bytes, int)):
            return found
        return functools.partial(bounded, found)

    def _eval_formattedvalue(self, node: ast.FormattedValue) -> t.Any:
        if node.format_spec is None:
            return self._eval(node.value)
        spec = self._eval(node.format_spec)
        return limits.formatted(self._eval(node.value), spec)


def alias_of(expression: str, stream_name: str) -> str:
    """Return the name an `__alias__` gives a stream: its value, or itself where it is a plain name.

    Raises:
        MapExpressionError: The expression language does not allow it.
    """
    evaluator = Evaluator(simpleeval.DEFAULT_FUNCTIONS)
    evaluator.names = {"__stream_name__": stream_name}  # type: ignore[assignment]  # no row here
    try:
        return t.cast("str", evaluator.eval(expression))
    except simpleeval.NameNotDefined:
        return expression
    except (simpleeval.InvalidExpression, SyntaxError) as error:
        raise MapExpressionError(f"Failed to evaluate simpleeval expressions {expression}.") from error
