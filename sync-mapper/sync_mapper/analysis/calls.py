"""Calls: the SDK's functions, this package's helpers, and methods of values."""

from __future__ import annotations

import ast
import inspect
import typing as t

from sync_mapper.analysis import access, conversions
from sync_mapper.analysis.library import ARGUMENTS_MAY_BE_NULL, FUNCTIONS, METHODS, TAKES_NULL, in_words
from sync_mapper.analysis.shapes import (
    ANY,
    NULL,
    NUMERIC,
    Keys,
    Shape,
    array,
    join,
    of_elements,
    of_kind,
    of_value,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow
    from sync_mapper.functions import Helper

_USES = {"int": "number", "float": "number", "str": "text"}
_OF_NUMBERS = frozenset({"number", "integer", "money", "text"})
"""Helpers that give null for null and blank only, so that a number is never null to them."""


def helpers() -> Mapping[str, Helper]:
    """Return this package's own functions."""
    from sync_mapper.functions import HELPERS  # noqa: PLC0415 - only where an expression calls one

    return HELPERS


def call(analyser: Analyser, node: ast.Call, flow: Flow) -> Shape:
    """Return the shape of a call."""
    if isinstance(node.func, ast.Attribute):
        return _method(analyser, node, node.func, flow)
    values = _arguments(analyser, node, flow)
    if not isinstance(node.func, ast.Name):
        message = "only functions and methods can be called"
        analyser.report("not_available", node, message, "use a condition or a method")
        return ANY
    name = node.func.id
    if name in FUNCTIONS:
        return _function(analyser, node, name, values)
    if name in helpers():
        return _helper(analyser, node, name, values)
    known = [*FUNCTIONS, *helpers()]
    remedy = analyser.nearest(name, known) or f"there are {', '.join(sorted(known))}"
    analyser.report("unknown_function", node, f"there is no function {name}()", remedy.strip())
    return ANY


def _arguments(analyser: Analyser, node: ast.Call, flow: Flow) -> list[tuple[ast.expr, Shape]]:
    found: list[tuple[ast.expr, Shape]] = []
    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
        if isinstance(argument, ast.Starred):
            shape = analyser.shape(argument.value, flow)
            analyser.need(argument.value, shape, "unpacking", node)
        else:
            found.append((argument, analyser.shape(argument, flow)))
    return found


def _function(analyser: Analyser, node: ast.Call, name: str, values: list[tuple[ast.expr, Shape]]) -> Shape:
    if name not in TAKES_NULL:
        values = [(item, analyser.need(item, shape, _USES.get(name, "argument"), node, name)) for item, shape in values]
    first = values[0][1] if values else None
    if first is None or first.kinds is None:
        return FUNCTIONS[name]
    if name in _TAKES:
        it = values[0][0]
        kinds, remedy = _TAKES[name]
        remedy = conversions.taken_apart(analyser, it, first) or remedy.format(it=analyser.text(it))
        analyser.fit(it, first, kinds.__contains__, f"is nothing that {name}() takes", remedy)
    if name in {"list", "tuple", "set"} and "array" in first.kinds:
        return array(first.items or ANY, first.least)
    if name == "str" and first.exact:
        return of_values(str(value) for value in first.constants)
    return FUNCTIONS[name]


_TO_NUMBER = (NUMERIC | {"string", "boolean"}, "give it a number, or text that reads as one")
_TO_LIST = (frozenset({"array", "string", "object"}), "write `[{it}]` for a list of one")
_TAKES: Mapping[str, tuple[AbstractSet[str], str]] = {
    **dict.fromkeys(("int", "float"), _TO_NUMBER),
    **{name: (frozenset({"string"}), f"write `{name}(str({{it}}))`") for name in ("md5", "sha256")},
    **dict.fromkeys(("list", "tuple", "set"), _TO_LIST),
}
"""Functions that do not take everything: kinds they take, and what to do with others."""


def of_values(values: t.Iterable[t.Any]) -> Shape:
    """Return the shape of something that is one of these values."""
    shapes = [of_value(value) for value in values]
    return join(*shapes) if shapes else NULL


def _helper(analyser: Analyser, node: ast.Call, name: str, values: list[tuple[ast.expr, Shape]]) -> Shape:
    helper = helpers()[name]
    if problem := _refused_call(helper, node):
        analyser.report("wrong_call", node, f"{name}(): {problem}", f"write `{name}({helper.arguments})`")
        return ANY
    if not helper.null_safe:
        values = [(item, analyser.need(item, shape, "argument", node, name)) for item, shape in values]
    shapes = [shape for _, shape in values]
    if name == "lookup":
        return _lookup(analyser, node, values)
    if name == "coalesce" and shapes:
        return _first_of(shapes)
    if name == "first" and shapes:
        return (shapes[0].items or ANY).present().or_null() if shapes[0].is_only("array") else ANY
    nullable = helper.nullable
    if name in _OF_NUMBERS and shapes and shapes[0].kinds and not shapes[0].nullable:
        nullable = not shapes[0].kinds <= NUMERIC
    if name == "join":
        nullable = all(shape.nullable or not _is_filled(shape) for shape in shapes[1:])
    if helper.returns is None:
        return Shape(nullable=nullable)
    return of_kind("float" if helper.returns == "number" else helper.returns, nullable=nullable)


def _refused_call(helper: Helper, node: ast.Call) -> str | None:
    """Return why a function cannot be called with these arguments."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return None
    try:
        inspect.signature(helper.function or _lookup_form).bind(
            *node.args, **{item.arg or "": item.value for item in node.keywords}
        )
    except TypeError as error:
        return str(error)
    return None


def _lookup_form(table: t.Any, code: t.Any, otherwise: t.Any = None) -> None:
    """Stand in for `lookup`, which is made for each mapping, to check how it is called."""


def _is_filled(shape: Shape) -> bool:
    """Return whether a value is certainly not blank."""
    if shape.exact:
        return bool(shape.constants) and all(str(value).strip() for value in shape.constants)
    return bool(shape.kinds) and not (shape.kinds or set()) & {"string", "array", "object"}


def _first_of(shapes: list[Shape]) -> Shape:
    """Return what is left of several values of which the first one that is not blank is taken."""
    filled = any(not shape.nullable and _is_filled(shape) for shape in shapes)
    joined = join(*(shape.present() for shape in shapes))
    return joined if filled else joined.or_null()


def _lookup(analyser: Analyser, node: ast.Call, values: list[tuple[ast.expr, Shape]]) -> Shape:
    table = node.args[0] if node.args else None
    otherwise = values[2][1] if len(values) > 2 else NULL  # noqa: PLR2004 - table, code, otherwise
    if not isinstance(table, ast.Constant):
        return join(of_kind("string"), otherwise)
    name = str(table.value)
    tables = analyser.scope.tables
    if name not in tables:
        remedy = analyser.nearest(name, tables) or "define it under `code_tables`"
        analyser.report("unknown_table", table, f"there is no code table {name!r}", remedy.strip())
        return join(of_kind("string"), otherwise)
    analyser.names.add(("table", name))
    return looked_up(tables[name], values[1][1], otherwise)


def looked_up(table: Mapping[t.Any, t.Any] | None, code: Shape, otherwise: Shape) -> Shape:
    """Return what a code table gives for a code; null for one that is null or blank, unless blank is a code of it."""
    found = join(texts_of(table), otherwise)
    return found if _is_filled(code.present()) and not code.nullable else found.or_null()


def texts_of(table: Mapping[t.Any, t.Any] | None) -> Shape:
    """Return the texts of a code table."""
    return of_kind("string") if table is None else of_values(dict.fromkeys(table.values()))


def _method(analyser: Analyser, node: ast.Call, function: ast.Attribute, flow: Flow) -> Shape:
    name = function.attr
    value = analyser.shape(function.value, flow)
    arguments = _arguments(analyser, node, flow)
    if access.is_hidden(name):
        message = f"`.{name}()` is not part of the expression language"
        analyser.report("not_available", node, message, "use an f-string, such as f'{a} {b}'")
        return ANY
    kinds = value.kinds
    having = {kind for kind in kinds or () if name in METHODS.get(kind, ()) or kind not in METHODS}
    if "object" in (kinds or ()) and name in value.fields:
        having.add("object")
    methods = [method for kind in kinds or () for method in METHODS.get(kind, ())]
    remedy = analyser.nearest(name, methods) or _converted(analyser, function, value)
    if not analyser.fit(function.value, value, having.__contains__, f"has no .{name}()", remedy.strip()):
        return ANY
    value = analyser.need(function.value, value, "method", node, name)
    if name not in ARGUMENTS_MAY_BE_NULL:
        arguments = [(item, analyser.need(item, shape, "argument", node, name)) for item, shape in arguments]
    if not having or any(name not in METHODS.get(kind, ()) for kind in having):
        return ANY
    return join(*(_method_result(analyser, node, kind, value, arguments) for kind in sorted(having)))


def _converted(analyser: Analyser, function: ast.Attribute, value: Shape) -> str:
    it, name = analyser.source(function.value), function.attr
    if name in METHODS["string"] and value.kinds and not value.kinds & {"array", "object"}:
        return f"make text of it first: `str({it}).{name}(...)`"
    if name in METHODS["datetime"] and value.is_only("string"):
        return f"make a date of it first: `datetime.date.fromisoformat({it}).{name}(...)`"
    return "use another method, or a condition"


def _method_result(
    analyser: Analyser, node: ast.Call, kind: str, value: Shape, arguments: list[tuple[ast.expr, Shape]]
) -> Shape:
    function = t.cast("ast.Attribute", node.func)
    name = function.attr
    if kind == "object":
        return _object_method(analyser, node, function, value, arguments)
    if kind == "array" and name in {"copy", "pop"}:
        return value if name == "copy" else value.items or ANY
    if kind == "json module" and name == "dumps" and arguments:
        _check_dumped(analyser, *arguments[0])
    if kind == "string" and name == "join" and arguments:
        _check_joined(analyser, function.value, *arguments[0])
    return METHODS[kind][name]


def _check_dumped(analyser: Analyser, node: ast.expr, shape: Shape) -> None:
    """Note what json.dumps() cannot write."""
    if _holds(shape, {"date", "datetime", "time", "timedelta", "bytes"}):
        message = "json.dumps() cannot write dates and times"
        analyser.report("wrong_type", node, message, "make text of them: `.isoformat()`")
    elif _holds(shape, {"decimal"}):
        message = "json.dumps() cannot write numbers of the source with digits after the point"
        remedy = "put float(...) around them, or leave out json.dumps() and give the property the type object"
        analyser.report("doubtful_type", node, message, remedy)


def _holds(shape: Shape, kinds: AbstractSet[str]) -> bool:
    """Return whether there may be a value of some kinds in a value."""
    parts = [*shape.fields.values(), *(it for it in (shape.rest, shape.items) if it is not None)]
    return bool((shape.kinds or set()) & kinds) or any(_holds(part, kinds) for part in parts)


def _check_joined(analyser: Analyser, separator: ast.expr, node: ast.expr, shape: Shape) -> None:
    items = shape.items
    able = {"array", "string", "object"}
    fit = analyser.fit(node, shape, able.__contains__, "is nothing that .join() takes", "give it a list")
    if not fit or "array" not in (shape.kinds or ()) or items is None:
        return
    if items.nullable:
        remedy = f"leave such items out: write `join({analyser.text(separator)}, {analyser.text(node)})`"
        analyser.report("null_unsafe", node, "an item of the list may be null, and .join() takes text only", remedy)
    if any(kind != "string" for kind in items.kinds or ()):
        message = f".join() takes text only, and items of the list are {in_words(items)}"
        code = "doubtful_type" if "string" in (items.kinds or ()) else "wrong_type"
        analyser.report(code, node, message, "make text of them: `[str(item) for item in ...]`")


def _object_method(
    analyser: Analyser, node: ast.Call, function: ast.Attribute, value: Shape, arguments: list[tuple[ast.expr, Shape]]
) -> Shape:
    name = function.attr
    every = access.any_value(value)
    if name == "keys":
        return array(of_kind("string"))
    if name == "values":
        return array(every)
    if name == "items":
        return array(of_elements([of_kind("string"), every]))
    if name == "copy":
        return value
    if name not in {"get", "pop", "setdefault"} or not arguments:
        return METHODS["object"][name]
    key = node.args[0] if node.args else None
    default = arguments[1][1] if len(arguments) > 1 else NULL
    if not isinstance(key, ast.Constant):
        access.check_key(analyser, *arguments[0])
        return join(every, default)
    access.note_get(analyser, node, function.value, key.value, value)
    if key.value in value.fields:
        # The default stands in for a missing key only; a null that is there stays null.
        return value.fields[key.value]
    return (
        default if value.keys is Keys.CLOSED and value.rest is None else join(access.field(value, key.value), default)
    )
