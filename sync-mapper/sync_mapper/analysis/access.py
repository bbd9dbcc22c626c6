"""Parts of values: `address['city']`, `address.city`, `phones[0]`, `name[:10]`."""

from __future__ import annotations

import ast
import difflib
import typing as t

from sync_mapper.analysis import unsafe
from sync_mapper.analysis.library import ATTRIBUTES, HIDDEN_METHODS, METHODS
from sync_mapper.analysis.shapes import ANY, NOTHING, NUMERIC, Keys, array, join, of_kind

if t.TYPE_CHECKING:
    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow
    from sync_mapper.analysis.shapes import Shape

_TEXT = of_kind("string")


def subscript(analyser: Analyser, node: ast.Subscript, flow: Flow) -> Shape:
    """Return the shape of `value[key]`."""
    value = analyser.shape(node.value, flow)
    key = analyser.shape(node.slice, flow)
    use = "item" if value.is_only("array") else "part"
    nullable, value = value.nullable, analyser.need(node.value, value, use, node)
    if not isinstance(node.slice, ast.Slice):
        key = analyser.need(node.slice, key, "object key" if value.is_only("object") else "key", node)
    if value.kinds is None:
        return ANY
    found: list[Shape] = []
    is_slice = isinstance(node.slice, ast.Slice)
    if "object" in value.kinds and not is_slice:
        found.append(_under_key(analyser, node, value, flow))
    if "array" in value.kinds and _is_place(key):
        found.append(_at_place(analyser, node, value, told=nullable))
    if "string" in value.kinds and _is_place(key):
        found.append(_TEXT)
        if not nullable:
            _check_filled(analyser, node, value)
    places = {"array", "string"} if is_slice else {"object", "array", "string"} if _is_place(key) else {"object"}
    it = analyser.source(node.value)
    remedy = "name the field that holds an object or a list"
    if "array" in value.kinds:
        remedy = f"take one of its items, such as `{it}[0][...]`, or go through them: `[item[...] for item in {it}]`"
    analyser.fit(
        node.value,
        value,
        places.__contains__,
        "has no named parts" if "array" in value.kinds else "has no parts",
        remedy,
    )
    return join(*found) if found else ANY


def _is_place(key: Shape) -> bool:
    """Return whether a key may be the place of an item."""
    return not key.kinds or bool(key.kinds & (NUMERIC | {"boolean"}))


def _under_key(analyser: Analyser, node: ast.Subscript, value: Shape, flow: Flow) -> Shape:
    if not isinstance(node.slice, ast.Constant):
        check_key(analyser, node.slice, analyser.quietly(node.slice, flow))
        return any_value(value)
    name = node.slice.value
    if name not in value.fields:
        _note_unknown(analyser, node, node.value, name, value)
    _note_use(analyser, node.value, name)
    return field(value, name)


def check_key(analyser: Analyser, node: ast.expr, key: Shape) -> None:
    """Note a key that no object can have."""
    scalar = {"array", "object"}.__contains__
    analyser.fit(node, key, lambda kind: not scalar(kind), "is no key of an object", "look up text or a number")


def _at_place(analyser: Analyser, node: ast.Subscript, value: Shape, *, told: bool) -> Shape:
    items = value.items or ANY
    if isinstance(node.slice, ast.Slice):
        return array(items)
    place = _whole_number(node.slice)
    if place is None:
        return items
    if value.elements is not None and -len(value.elements) <= place < len(value.elements):
        return value.elements[place]
    if not told:
        _check_filled(analyser, node, value)
    return items


def _check_filled(analyser: Analyser, node: ast.Subscript, value: Shape) -> None:
    """Note where the first or last item of something that may be empty is taken."""
    place = _whole_number(node.slice)
    if place not in {0, -1} or value.least:
        return
    it = analyser.text(node.value)
    remedy = f"write {unsafe.guarded(analyser, node.value, node, truth=True)}"
    if value.is_only("string"):
        remedy += f", or `{it}[{':1' if place == 0 else '-1:'}]`"
    elif place == 0 and unsafe.whole(analyser, node) is node:
        remedy += f", or `first({it})`"
    message = f"`{analyser.source(node.value)}` may be empty, and then there is no item to take"
    analyser.report("may_be_empty", node, message, remedy)


def _whole_number(node: ast.expr) -> int | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    return sign * node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def field(value: Shape, name: t.Any) -> Shape:
    """Return what an object has under a key."""
    if name in value.fields:
        return value.fields[name]
    return value.rest or ANY


def any_value(value: Shape) -> Shape:
    """Return what an object has under a key that is not known yet."""
    shapes = [*value.fields.values(), *([value.rest] if value.rest is not None else [])]
    if value.keys is not Keys.CLOSED and value.rest is None:
        return ANY
    return join(*shapes) if shapes else NOTHING


def _note_unknown(analyser: Analyser, node: ast.expr, base: ast.expr, name: t.Any, value: Shape) -> None:
    """Tell of a key that an object does not have."""
    if value.keys is Keys.OPEN:
        return
    it = analyser.source(base)
    near = analyser.nearest(str(name), value.fields)
    known = ", ".join(str(item) for item in value.fields)
    remedy = near or (f"it has {known}" if known else "it is empty")
    if value.keys is Keys.CLOSED:
        message = f"`{it}` has no key {name!r}"
        analyser.report("unknown_config" if _is_config(base) else "wrong_type", node, message, remedy)
    else:
        analyser.report("unknown_field", node, f"`{it}` has no field `{name}` in the source's schema", remedy)


def _is_config(node: ast.expr) -> bool:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "config"


def _note_use(analyser: Analyser, base: ast.expr, name: t.Any) -> None:
    if _is_row(base) and isinstance(name, str):
        analyser.uses.add(name)


def note_get(analyser: Analyser, node: ast.Call, base: ast.expr, name: t.Any, value: Shape) -> None:
    """Note what `.get(name)` asks an object for."""
    _note_use(analyser, base, name)
    if name in value.fields or value.keys is not Keys.DECLARED:
        return
    if _is_row(base) and not difflib.get_close_matches(str(name), value.fields, cutoff=_MISSPELT):
        # Which fields come depends on the tap's settings, and this is the way to read one that may not.
        message = f"the source does not send the field `{name}`, and it is null to the expression"
        remedy = "if it is to come, check its name, and that the tap has the settings of the run"
        analyser.report("absent_field", node, message, remedy)
        return
    _note_unknown(analyser, node, base, name, value)


_MISSPELT = 0.85
"""Likeness (0 to 1) from which on one name is taken for a misspelling of another."""


def _is_row(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"record", "_"}


def is_hidden(name: str) -> bool:
    """Return whether the engine refuses an attribute, whatever has it."""
    return name.startswith(("_", "func_")) or name in HIDDEN_METHODS


def attribute(analyser: Analyser, node: ast.Attribute, flow: Flow) -> Shape:
    """Return the shape of `value.name`, where it is no call."""
    value = analyser.shape(node.value, flow)
    name = node.attr
    if is_hidden(name):
        message = f"`.{name}` is not part of the expression language"
        analyser.report(
            "not_available", node, message, "use an f-string such as f'{x}', or `record['...']` for a field"
        )
        return ANY
    value = analyser.need(node.value, value, "part", node)
    if value.kinds is None:
        return ANY
    found: list[Shape] = []
    if "object" in value.kinds and name not in METHODS["object"]:
        if name not in value.fields:
            _note_unknown(analyser, node, node.value, name, value)
        _note_use(analyser, node.value, name)
        found.append(field(value, name))
    having = {kind for kind in value.kinds if name in ATTRIBUTES.get(kind, ()) or kind not in _KNOWN}
    found += [ATTRIBUTES.get(kind, {}).get(name, ANY) for kind in sorted(having)]
    if "object" in value.kinds and name not in METHODS["object"]:
        having.add("object")
    _refuse_attribute(analyser, node, value, having)
    return join(*found) if found else ANY


_KNOWN = frozenset({*METHODS, *ATTRIBUTES})


def _refuse_attribute(analyser: Analyser, node: ast.Attribute, value: Shape, having: set[str]) -> None:
    it, name = analyser.source(node.value), node.attr
    harm, remedy = f"has no `.{name}`", "name the field that holds an object"
    lacking = (value.kinds or frozenset()) - having
    if any(name in METHODS.get(kind, ()) for kind in lacking):
        harm, remedy = f"has `.{name}` as a method and not as a value", f"write `{it}.{name}(...)` to call it"
        if name in value.fields:
            remedy = f"write `{it}['{name}']` for the field of that name"
    elif "array" in lacking:
        remedy = f"take one of its items, such as `{it}[0].{name}`, or go through them"
    analyser.fit(node, value, having.__contains__, harm, remedy)
