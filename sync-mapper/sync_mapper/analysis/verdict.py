"""What is known of a whole expression: its type, as it is declared, and what is wrong with it."""

from __future__ import annotations

import typing as t

from sync_mapper.analysis.analyser import Analyser
from sync_mapper.analysis.model import Analysis, Problem
from sync_mapper.analysis.parsing import parse
from sync_mapper.analysis.shapes import from_schema, to_schema

if t.TYPE_CHECKING:
    from sync_mapper.analysis.model import Scope
    from sync_mapper.analysis.shapes import Shape


def analyse(expression: str, scope: Scope) -> Analysis:
    """Return what is known of an expression's value before there is a row.

    Args:
        expression: The expression.
        scope: What it can see.
    """
    tree = parse(expression)
    if isinstance(tree, Problem):
        return Analysis(None, nullable=True, problems=(tree,))
    analyser = Analyser(expression, tree, scope)
    shape = analyser.shape(tree, analyser.beginning())
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
