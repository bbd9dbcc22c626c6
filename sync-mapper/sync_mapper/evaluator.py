"""The evaluator of expressions: the SDK's, with bounds, and told apart what is a field and what a function."""

from __future__ import annotations

import functools
import typing as t

import simpleeval  # type: ignore[import-untyped]
from safe_expressions import limits
from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import _MapperEval

from sync_mapper.functions import HELPERS

if t.TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from sync_mapper.names import Names


class Evaluator(_MapperEval):
    """The SDK's evaluator, for which a function of ours is no value: a field a row lacks must not become one.

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

    def _eval_name(self, node: ast.Name) -> t.Any:
        try:
            return self.names[node.id]
        except KeyError:
            if node.id in HELPERS:
                raise simpleeval.NameNotDefined(node.id, self.expr) from None
        return super()._eval_name(node)

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
