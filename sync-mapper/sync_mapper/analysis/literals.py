"""Values that an expression makes: texts with values in them, lists, objects, and loops over something."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.shapes import ANY, NOTHING, Keys, Shape, array, join, of_elements, of_fields, of_kind

if t.TYPE_CHECKING:
    from sync_mapper.analysis.analyser import Analyser
    from sync_mapper.analysis.flow import Flow

_TEXT = of_kind("string")


def text(analyser: Analyser, node: ast.JoinedStr, flow: Flow) -> Shape:
    """Return the shape of an f-string."""
    outside, analyser.in_text = analyser.in_text, analyser.in_text or node
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            analyser.need(part.value, analyser.shape(part.value, flow), "in text", part.value)
    analyser.in_text = outside
    return _TEXT


def mapping(analyser: Analyser, node: ast.Dict, flow: Flow) -> Shape:
    """Return the shape of `{key: value, **other}`."""
    fields: dict[t.Any, Shape] = {}
    keys, rests = Keys.CLOSED, []
    for key, value in zip(node.keys, node.values, strict=True):
        shape = analyser.shape(value, flow)
        if key is None:
            merged = analyser.need(value, shape, "merging", node)
            analyser.fit(value, merged, "object".__eq__, "cannot be put into an object", "give it an object")
            fields.update(merged.fields)
            keys = max(keys, merged.keys)
            rests += [merged.rest] if merged.rest is not None else []
        elif isinstance(key, ast.Constant):
            fields[key.value] = shape
        else:
            analyser.shape(key, flow)
            keys = Keys.OPEN
            rests.append(shape)
    if keys is Keys.CLOSED:
        return of_fields(fields)
    return Shape(kinds=frozenset({"object"}), fields=fields, keys=keys, rest=join(*rests) if rests else None)


def sequence(analyser: Analyser, node: ast.List | ast.Tuple | ast.Set, flow: Flow) -> Shape:
    """Return the shape of `[a, b, *others]`."""
    shapes: list[Shape] = []
    certain = 0
    for element in node.elts:
        if isinstance(element, ast.Starred):
            part = analyser.need(element.value, analyser.shape(element.value, flow), "unpacking", node)
            shapes.append(_item(analyser, element.value, part))
        else:
            shapes.append(analyser.shape(element, flow))
            certain += 1
    return of_elements(shapes) if certain == len(shapes) else array(join(*shapes), certain)


def comprehension(analyser: Analyser, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, flow: Flow) -> Shape:
    """Return the shape of what a loop makes."""
    for generator in node.generators:
        over = analyser.need(generator.iter, analyser.shape(generator.iter, flow), "iteration", node)
        item = _item(analyser, generator.iter, over)
        flow = (analyser.assume(generator.iter, True, flow) or flow).bind(generator.target, item)
        for condition in generator.ifs:
            analyser.shape(condition, flow)
            flow = analyser.assume(condition, True, flow) or flow
    if isinstance(node, ast.DictComp):
        analyser.shape(node.key, flow)
        return Shape(kinds=frozenset({"object"}), rest=analyser.shape(node.value, flow))
    return array(analyser.shape(node.elt, flow))


def _item(analyser: Analyser, node: ast.expr, over: Shape) -> Shape:
    if over.kinds is None:
        return ANY
    items = [over.items or ANY] if "array" in over.kinds else []
    items += [_TEXT] if over.kinds & {"string", "object"} else []
    analyser.fit(node, over, {"array", "string", "object"}.__contains__, "cannot be gone through", "go through a list")
    return join(*items) if items else ANY


def part(analyser: Analyser, node: ast.Slice, flow: Flow) -> Shape:
    """Go through `a:b` of `value[a:b]`, which has no value of its own."""
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            analyser.shape(part, flow)
    return NOTHING
