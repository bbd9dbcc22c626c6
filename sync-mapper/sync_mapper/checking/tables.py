"""Code tables and named expressions: whether they can be had, and whether anything uses them."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper import code_tables
from sync_mapper.analysis import analyse, parse
from sync_mapper.analysis.model import Scope
from sync_mapper.checking import forms

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from sync_mapper.checking.catalog import Catalog
    from sync_mapper.checking.findings import At
    from sync_mapper.checking.source import Source

Tables = dict[str, "Mapping[t.Any, t.Any] | None"]
"""Code tables; None for those that are only known in a run."""


def read(source: Source, catalog: Catalog | None) -> Tables:
    """Return the code tables; tell of those that cannot be had."""
    found: Tables = {}
    for name, table in source.mapping.code_tables.items():
        at = ("code_tables", str(name))
        found[str(name)] = None
        if not isinstance(table, dict) or any(forms.code_table(table, source.spelt(at))):
            continue  # structure tells what is wrong with it
        if isinstance(table.get("file"), str):
            found[str(name)] = _from_file(source, at, table)
        elif isinstance(table.get("udc"), str):
            where = dict(zip(("SY", "RT"), table["udc"].split("/"), strict=False))
            _check_stream(source, at, {"stream": "F0005", "where": where, "code": "KY", "text": "DL01"}, catalog)
        elif isinstance(table.get("stream"), str):
            _check_stream(source, at, table, catalog)
        else:
            found[str(name)] = table
    return found


def _from_file(source: Source, at: At, table: Mapping[str, t.Any]) -> Mapping[t.Any, t.Any] | None:
    try:
        return code_tables.from_file(table, source.mapping.folder)
    except ValueError as error:
        remedy = "its path counts from the folder of the mapping file"
        source.add((*at, "file"), "unreadable_table", str(error), remedy)
        return None


def _check_stream(source: Source, at: At, table: Mapping[str, t.Any], catalog: Catalog | None) -> None:
    if catalog is None:
        return
    place = next((key for key in ("stream", "udc") if (*at, key) in getattr(source.places, "keys", {})), "")
    where = (*at, place) if place else at
    name = table["stream"]
    stream = catalog.streams.get(name)
    if stream is None:
        remedy = f"add {name} to the tap's streams, or write the codes into the table"
        source.add(where, "unknown_stream", f"the tap sends no stream `{name}`, so the table stays empty", remedy)
        return
    conditions = table.get("where")
    for column in [table.get("code"), table.get("text"), *(conditions if isinstance(conditions, dict) else ())]:
        if isinstance(column, str) and stream.properties and column not in stream.properties:
            remedy = f"it has {', '.join(stream.properties)}"
            source.add(where, "unknown_field", f"stream `{name}` has no field `{column}`", remedy)


def check_use(source: Source, used: AbstractSet[tuple[str, str]]) -> None:
    """Tell of code tables and named expressions that nothing uses."""
    for name in source.mapping.code_tables:
        if ("table", str(name)) not in used:
            remedy = "take it out, or use it with `lookup`"
            source.add(
                ("code_tables", str(name)), "unused_table", f"no map uses the table `{name}`", remedy, error=False
            )
    for name in source.mapping.expressions:
        if ("expression", str(name)) not in used:
            remedy = "take it out, or use its name in a map"
            message = f"no map uses the expression `{name}`"
            source.add(("expressions", str(name)), "unused_expression", message, remedy, error=False)


def expressions(source: Source) -> dict[str, str]:
    """Return the named expressions; tell of those that can never be evaluated, and of those that need a later one."""
    given = {str(name): text for name, text in source.mapping.expressions.items() if isinstance(text, str)}
    for index, (name, text) in enumerate(given.items()):
        at = ("expressions", name)
        tables = dict.fromkeys(str(name) for name in source.mapping.code_tables)
        analysis = analyse(text, Scope(config=source.mapping.stream_map_config, expressions=given, tables=tables))
        for problem in analysis.problems:
            if problem.is_error:
                source.add(at, problem.code, problem.message, problem.remedy, offset=problem.column)
        if _names_self(text):
            message = "`self` is another value in each property that uses the expression"
            source.add(at, "not_available", message, "name the field instead")
        needed = {other for kind, other in analysis.names if kind == "expression"}
        later = [other for other in list(given)[index + 1 :] if other in needed]
        remedy = "an expression sees those above it only; change the order, or write it out"
        if name in needed:
            source.add(at, "cyclic_expression", f"`{name}` needs itself", remedy)
        elif later:
            source.add(at, "later_expression", f"`{name}` uses `{later[0]}`, which stands below it", remedy)
    return given


def _names_self(expression: str) -> bool:
    tree = parse(expression)
    nodes = ast.walk(tree) if isinstance(tree, ast.expr) else ()
    return any(isinstance(node, ast.Name) and node.id == "self" for node in nodes)
