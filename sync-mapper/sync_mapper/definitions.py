"""Checks stream maps before the first message: what can never work is refused at once, with its place."""

from __future__ import annotations

import ast
import typing as t

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
)

from sync_mapper import long_form
from sync_mapper.errors import MappingError
from sync_mapper.functions import HELPERS
from sync_mapper.options import OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_mapper.mapping_file import Mapping


def check(mapping: Mapping) -> None:
    """Refuse what the SDK's engine would fail on at every row.

    Raises:
        MappingError: With every problem found.
    """
    problems = [f"{mapping.where(*at)}: {text}" for at, text in _problems(mapping.stream_maps)]
    problems += [
        f"{mapping.where(str(name), section='expressions')}: {text}"
        for name, text in _expression_problems(mapping.expressions)
    ]
    if problems:
        raise MappingError(*problems)


def _problems(stream_maps: dict[t.Any, t.Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for stream, definition in stream_maps.items():
        if not isinstance(stream, str):
            yield (str(stream),), f"{stream!r} is no text to YAML; put it in quotes"
        elif stream == MAPPER_ELSE_OPTION:
            if not _is_null(definition):
                yield (stream,), "only null is possible: leave out all streams not named here"
        elif _is_option(stream):
            yield (stream,), "unknown option; on this level only __else__ is one"
        elif isinstance(definition, dict):
            yield from _stream_problems(stream, definition)
        elif not _is_null(definition):
            yield (stream,), f"must hold properties, or null to leave the stream out, not {definition!r}"


def _expression_problems(expressions: dict[t.Any, t.Any]) -> Iterator[tuple[t.Any, str]]:
    for name, expression in expressions.items():
        if not isinstance(name, str) or not name.isidentifier():
            yield name, "an expression that others use needs a name of letters, digits and underscores"
        elif not isinstance(expression, str):
            yield name, f"an expression is text; write it in quotes instead of {expression!r}"
        elif problem := expression_problem(expression):
            yield name, problem
        elif any(isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(ast.parse(expression))):
            yield name, "self is another value in each property that uses the expression; name the field instead"


def _stream_problems(stream: str, definition: dict[t.Any, t.Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    if MAPPER_SOURCE_OPTION in definition and MAPPER_ALIAS_OPTION in definition:
        yield (stream,), "has both __source__ and __alias__; keep one"
    for name, value in definition.items():
        at = (stream, str(name))
        if not isinstance(name, str):
            yield at, f"{name!r} is no text to YAML; put it in quotes"
        elif name in OPTIONS:
            if problem := _option_problem(name, value):
                yield at, problem
        elif isinstance(value, str):
            if value != NULL_STRING and (problem := expression_problem(value)):
                yield at, problem
        elif isinstance(value, dict):
            found = long_form.problems(value)
            yield from (((*at, key) if key else at, text) for key, text in found)
            if not found and (problem := expression_problem(value["value"])):
                yield (*at, "value"), problem
        elif value is not None:
            yield at, f"an expression is text; write it in quotes instead of {value!r}"


def _option_problem(name: str, value: t.Any) -> str | None:
    if name == MAPPER_ELSE_OPTION:
        return None if _is_null(value) else "only null is possible: leave out all properties not named here"
    if value is None and name in {MAPPER_FILTER_OPTION, MAPPER_KEY_PROPERTIES_OPTION}:
        return None  # to the SDK: no filter, and a stream without key properties
    if name == MAPPER_KEY_PROPERTIES_OPTION:
        is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if is_list else "must be a list of property names"
    if not isinstance(value, str) or not value:
        return "must be text"
    return expression_problem(value) if name == MAPPER_FILTER_OPTION else None


def expression_problem(expression: str) -> str | None:
    """Return why an expression can never be evaluated, None if nothing speaks against it."""
    try:
        body = ast.parse(expression).body
    except (SyntaxError, ValueError) as error:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        return f"not an expression: {text}: {expression}"
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return f"must be exactly one expression: {expression}"
    return next(_unknown(body[0]), None)


def _unknown(tree: ast.Expr) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and type(node) not in _ENGINE.nodes and not isinstance(node, ast.Starred):
            yield f"{type(node).__name__} is not part of the expression language"
        if isinstance(node, (ast.BinOp, ast.UnaryOp)) and type(node.op) not in _ENGINE.operators:
            yield f"operator {type(node.op).__name__} is not part of the expression language"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _FUNCTIONS:
            yield f"there is no function {node.func.id}(); there are {', '.join(sorted(_FUNCTIONS))}"


def _is_null(value: t.Any) -> bool:
    return value is None or value == NULL_STRING


def _is_option(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class _NoFaker(CustomStreamMap):
    def _init_faker_instance(self) -> None:
        return


_ENGINE = _NoFaker(
    stream_alias="",
    map_config={},
    faker_config={},
    raw_schema={"properties": {}},
    key_properties=[],
    map_transform={},
    flattening_options=None,
).expr_evaluator
"""The SDK's evaluator, asked for its nodes, operators and functions so that this module cannot drift from it."""

_FUNCTIONS = frozenset(_ENGINE.functions) | frozenset(HELPERS)
