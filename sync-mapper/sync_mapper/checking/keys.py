"""Keys of the streams that go on: whether each is among what goes on, is never null, and can be a key."""

from __future__ import annotations

import ast
import difflib
import re
import typing as t

from sync_mapper.analysis import parse
from sync_mapper.analysis.library import in_words

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_mapper.analysis.shapes import Shape
    from sync_mapper.checking.plan import Property, StreamPlan
    from sync_mapper.checking.source import Source

_NO_KEYS = frozenset({"array", "object"})


def check(source: Source, plan: StreamPlan, keys: tuple[str, ...], output: Mapping[str, Shape]) -> None:
    """Find what is wrong with the key of a stream whose source is known.

    Args:
        source: The mapping.
        plan: The map of the stream.
        keys: Properties of its key.
        output: Shapes of all properties that go on.
    """
    for index, key in enumerate(keys):
        if key in plan.dropped:
            _left_out(source, plan, key)
        elif key not in output:
            _missing(source, plan, index, key, output)
        elif key in plan.properties:
            _check_value(source, plan.properties[key], key, output[key], nullable=output[key].nullable)


def check_alone(
    source: Source, plan: StreamPlan, computed: Mapping[str, Shape], expressions: Mapping[str, str]
) -> None:
    """Find what is wrong with the key that a map names, whatever its source is.

    Args:
        source: The mapping.
        plan: The map.
        computed: Shapes of the properties it computes.
        expressions: Named expressions of the mapping.
    """
    for index, key in enumerate(plan.keys or ()):
        if key in plan.dropped:
            _left_out(source, plan, key)
        elif key in plan.properties:
            place = plan.properties[key]
            nullable = computed[key].nullable and _states_null(place, expressions)
            _check_value(source, place, key, computed[key], nullable=nullable)
        elif plan.only_named:
            _missing(source, plan, index, key, computed)


def _left_out(source: Source, plan: StreamPlan, key: str) -> None:
    remedy = "keep it, or name other keys with `__key_properties__`"
    source.add(plan.dropped[key], "wrong_key", f"`{key}` is a key and cannot be left out", remedy)


def _missing(source: Source, plan: StreamPlan, index: int, key: str, output: Iterable[str]) -> None:
    message = f"the key `{key}` is not among the properties that go on"
    if plan.keys is None:
        remedy = f"add `{key}: {key}` to the map, or name another key with `__key_properties__`"
        source.add(plan.at, "wrong_key", message, remedy)
        return
    remedy = nearest(key, output) or f"add `{key}: ...` to the map, or name another key"
    source.add((*plan.at, "__key_properties__", str(index)), "wrong_key", message, remedy)


def _check_value(source: Source, place: Property, key: str, shape: Shape, *, nullable: bool) -> None:
    if nullable:
        message = f"the key `{key}` may be null, and a row without its key cannot be written"
        remedy = "take it from a field that is never null, or leave such rows out with `__filter__`"
        source.add(place.value_at, "nullable_key", message, remedy, error=False, offset=0)
    if shape.kinds and shape.kinds <= _NO_KEYS:
        message = f"the key `{key}` is {in_words(shape)}, by which no row can be found again"
        remedy = "make text of its parts: `join('-', ...)`"
        source.add(place.value_at, "wrong_key", message, remedy, error=False, offset=0)


def _states_null(place: Property, expressions: Mapping[str, str]) -> bool:
    """Return whether a property itself says that it is null for some rows, whatever the fields hold."""
    if place.when_null is not None:
        return False
    if place.lookup is not None and place.otherwise is None:
        return True
    return _gives_null(parse(place.value), expressions)


def _gives_null(node: t.Any, expressions: Mapping[str, str]) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None
    if isinstance(node, ast.IfExp):
        return _gives_null(node.body, expressions) or _gives_null(node.orelse, expressions)
    if isinstance(node, ast.BoolOp):
        parts = node.values[-1:] if isinstance(node.op, ast.Or) else node.values
        return any(_gives_null(part, expressions) for part in parts)
    if isinstance(node, ast.Name) and node.id in expressions:
        given = list(expressions)
        above = {name: expressions[name] for name in given[: given.index(node.id)]}
        return _gives_null(parse(expressions[node.id]), above)
    return isinstance(node, ast.Call) and _looks_up(node)


def _looks_up(call: ast.Call) -> bool:
    """Return whether a call looks up what need not be there, and says nothing for that case."""
    if isinstance(call.func, ast.Name):
        return call.func.id == "lookup" and len(call.args) + len(call.keywords) == len(("table", "code"))
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "get" or len(call.args) != 1:
        return False
    base = call.func.value
    while isinstance(base, (ast.Attribute, ast.Subscript)):
        base = base.value
    return isinstance(base, ast.Dict) or (isinstance(base, ast.Name) and base.id == "config")


def nearest(name: str, known: t.Iterable[str]) -> str:
    """Return a question for the names most like one, empty if none is."""
    listed = {item.casefold(): item for item in known if not _only_numbered_otherwise(name, item)}
    near = difflib.get_close_matches(name.casefold(), listed, n=3)
    return f"did you mean {' or '.join(f'`{listed[item]}`' for item in near)}?" if near else ""


def _only_numbered_otherwise(one: str, other: str) -> bool:
    """Return whether two names differ by their numbers only: F0101 and F0111 are two tables."""
    letters = [re.sub(r"\d", "", name.casefold()) for name in (one, other)]
    return letters[0] == letters[1] and one.casefold() != other.casefold()
