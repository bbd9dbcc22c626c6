"""Names: fields of the row, named expressions, what the engine brings, and what is none of these."""

from __future__ import annotations

import typing as t

from sync_mapper.analysis import calls
from sync_mapper.analysis.library import FUNCTIONS, NAMES
from sync_mapper.analysis.shapes import ANY, from_schema, of_value

if t.TYPE_CHECKING:
    import ast

    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow
    from sync_mapper.analysis.shapes import Shape

_FOREIGN = {"null": "None", "nil": "None", "true": "True", "false": "False"}
"""Constants as other languages have them."""

_SHOWN = 12
"""Fields that a message lists."""


def named(analyser: Analyser, node: ast.Name, flow: Flow) -> Shape:
    """Return the shape of what a name stands for."""
    name, scope = node.id, analyser.scope
    if name in flow.variables:
        return flow.variables[name]
    if name in {"record", "_"}:
        return analyser.record
    if name == "config":
        return of_value(scope.config)
    if name == "self" and scope.own is not None:
        return from_schema(scope.own)
    if name in (scope.properties or {}):
        analyser.uses.add(name)
        return analyser.properties[name]
    if name in scope.expressions:
        return analyser.expression(name, flow)
    if name in NAMES:
        return NAMES[name]
    if name not in FUNCTIONS and name not in calls.helpers() and scope.properties is not None:
        _unknown_name(analyser, node)
    return ANY


def _unknown_name(analyser: Analyser, node: ast.Name) -> None:
    name, scope = node.id, analyser.scope
    known = [*(scope.properties or ()), *scope.expressions]
    message, remedy = f"the source has no field `{name}`", analyser.nearest(name, known)
    if scope.is_open:
        message = f"the schema does not name the field `{name}`, which a row may lack"
        analyser.report("unknown_field", node, message, remedy or "read it with `record.get(...)`")
        return
    if name in scope.computed:
        message = f"`{name}` is computed by the same map, and expressions see the source's fields only"
        remedy = f"put its expression under `expressions` as a name of its own, and use that name in both. {remedy}"
    elif name in scope.streams:
        message = f"`{name}` is another stream, and expressions see one row of one stream"
        remedy = "join at the source (a composed stream), or look codes up in a code table"
    elif name == "self":
        message, remedy = "there is no `self`: the source has no field of the property's own name", ""
    elif name.casefold() in _FOREIGN:
        remedy = f"write `{_FOREIGN[name.casefold()]}`"
    elif not remedy:
        shown = sorted(scope.properties or ())[:_SHOWN]
        more = ", ..." if len(scope.properties or ()) > _SHOWN else ""
        remedy = f"it has {', '.join(shown)}{more}; text goes in quotes: `'{name}'`"
    analyser.report("unknown_name", node, message, remedy.strip() or "name a field of the source")
