"""The form of a mapping: names, options, and what may stand where, whatever the tap and the destination are."""

from __future__ import annotations

import typing as t

from sync_mapper.checking import forms
from sync_mapper.checking.plan import is_null
from sync_mapper.options import OPTIONS, meant

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_mapper.checking.findings import At
    from sync_mapper.checking.source import Source


def check(source: Source, *, look_alikes: bool = True) -> None:
    """Find what has not the form of a mapping.

    Args:
        source: The mapping.
        look_alikes: Whether to tell of properties whose names look like those of options, too. To the SDK they are
            properties.
    """
    for stream, definition in source.mapping.stream_maps.items():
        _stream(source, stream, definition, look_alikes=look_alikes)
    for name, expression in source.mapping.expressions.items():
        at = ("expressions", str(name))
        if not isinstance(name, str) or not name.isidentifier():
            source.add(at, "wrong_name", f"`{name}` cannot be used in an expression", "use letters, digits and _ only")
        elif not isinstance(expression, str):
            source.add(at, "wrong_form", "an expression is text", forms.quoted(expression))
    for name, table in source.mapping.code_tables.items():
        at = ("code_tables", str(name))
        for key, *told in forms.code_table(table, source.spelt(at)):
            source.add((*at, key) if key else at, *told)


def _stream(source: Source, stream: t.Any, definition: t.Any, *, look_alikes: bool) -> None:
    at = ("stream_maps", str(stream))
    if not isinstance(stream, str):
        source.add(at, "wrong_name", f"{stream!r} is no text to YAML", "put it in quotes")
    elif stream == "__else__":
        if not is_null(definition):
            source.add(at, "wrong_option", "only null is possible", "write `__else__: null`, or take it out")
    elif _is_option(stream):
        source.add(at, "unknown_option", f"`{stream}` is no option here", "on this level only `__else__` is one")
    elif isinstance(definition, dict):
        _properties(source, at, definition, look_alikes=look_alikes)
    elif not is_null(definition):
        message = f"a stream holds properties, or null to be left out, and not {definition!r}"
        source.add(at, "wrong_form", message, "name its properties below it")


def _properties(source: Source, stream: At, definition: Mapping[t.Any, t.Any], *, look_alikes: bool) -> None:
    if "__source__" in definition and "__alias__" in definition:
        message = "the map has both `__source__` and `__alias__`"
        source.add((*stream, "__alias__"), "wrong_option", message, "keep one of them")
    seen: dict[str, str] = {}
    spelt, strings = source.spelt(stream), set(map(str, definition))
    odd = iter([name for name in spelt if name not in strings])
    for name, value in definition.items():
        at = (*stream, str(name))
        if not isinstance(name, str):
            at = at if str(name) in spelt else (*stream, next(odd, str(name)))
            source.add(at, "wrong_name", f"`{at[-1]}` is {name!r} to YAML, and no text", "put it in quotes")
        elif name in OPTIONS:
            _option(source, at, name, value)
        elif look_alikes and meant(name) is not None:
            source.add(at, "unknown_option", f"`{name}` is no option", forms.nearest(name, OPTIONS))
        else:
            _property(source, at, value)
            other = seen.setdefault(" ".join(name.casefold().split()), name)
            if other != name:
                remedy = "take one out, if they are meant to be one"
                message = f"`{name}` differs from `{other}` only by capitals or blanks"
                source.add(at, "duplicate_name", message, remedy, error=False)


def _option(source: Source, at: At, name: str, value: t.Any) -> None:
    if name == "__else__":
        if not is_null(value):
            source.add(at, "wrong_option", "only null is possible", "write `__else__: null`, or take it out")
    elif value is None and name in {"__filter__", "__key_properties__"}:
        return  # to the SDK: no filter, and a stream without key properties
    elif name == "__key_properties__":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            source.add(at, "wrong_option", "must be a list of property names", "write `__key_properties__: [name]`")
    elif not isinstance(value, str) or not value:
        source.add(at, "wrong_option", "must be text", "write a name or an expression")


def _property(source: Source, at: At, value: t.Any) -> None:
    if isinstance(value, str) or value is None:
        return
    if not isinstance(value, dict):
        source.add(at, "wrong_form", "an expression is text", forms.quoted(value))
        return
    for key, *told in forms.property_in_long_form(value, source.mapping.code_tables):
        source.add((*at, key) if key else at, *told)


def _is_option(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
