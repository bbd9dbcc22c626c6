"""The form of a mapping: names, options, and what may stand where, whatever the tap and the destination are."""

from __future__ import annotations

import difflib
import typing as t

from sync_mapper.checking.plan import is_null
from sync_mapper.long_form import KEYS, TYPES
from sync_mapper.options import OPTIONS, meant

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_mapper.checking.findings import At
    from sync_mapper.checking.source import Source

_TABLE_FORMS: Mapping[str, frozenset[str]] = {
    "file": frozenset({"file", "code", "text"}),
    "stream": frozenset({"stream", "where", "code", "text"}),
    "udc": frozenset({"udc"}),
}
"""Code tables that are not written down here: the key that tells, and all keys they have."""


def check(source: Source) -> None:
    """Find what has not the form of a mapping."""
    for stream, definition in source.mapping.stream_maps.items():
        _stream(source, stream, definition)
    for name, expression in source.mapping.expressions.items():
        at = ("expressions", str(name))
        if not isinstance(name, str) or not name.isidentifier():
            source.add(at, "wrong_name", f"`{name}` cannot be used in an expression", "use letters, digits and _ only")
        elif not isinstance(expression, str):
            source.add(at, "wrong_form", "an expression is text", _quoted(expression))
    for name, table in source.mapping.code_tables.items():
        _table(source, ("code_tables", str(name)), table)


def _stream(source: Source, stream: t.Any, definition: t.Any) -> None:
    at = ("stream_maps", str(stream))
    if not isinstance(stream, str):
        source.add(at, "wrong_name", f"{stream!r} is no text to YAML", "put it in quotes")
    elif stream == "__else__":
        if not is_null(definition):
            source.add(at, "wrong_option", "only null is possible", "write `__else__: null`, or take it out")
    elif _is_option(stream):
        source.add(at, "unknown_option", f"`{stream}` is no option here", "on this level only `__else__` is one")
    elif isinstance(definition, dict):
        _properties(source, at, definition)
    elif not is_null(definition):
        message = f"a stream holds properties, or null to be left out, and not {definition!r}"
        source.add(at, "wrong_form", message, "name its properties below it")


def _properties(source: Source, stream: At, definition: Mapping[t.Any, t.Any]) -> None:
    if "__source__" in definition and "__alias__" in definition:
        message = "the map has both `__source__` and `__alias__`"
        source.add((*stream, "__alias__"), "wrong_option", message, "keep one of them")
    seen: dict[str, str] = {}
    for name, value in definition.items():
        at = (*stream, str(name))
        if not isinstance(name, str):
            source.add(at, "wrong_name", f"{name!r} is no text to YAML", "put it in quotes")
        elif name in OPTIONS:
            _option(source, at, name, value)
        elif meant(name) is not None:
            source.add(at, "unknown_option", f"`{name}` is no option", _nearest(name, OPTIONS))
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
        source.add(at, "wrong_form", "an expression is text", _quoted(value))
        return
    for key in value:
        if key not in KEYS:
            remedy = _nearest(str(key), KEYS)
            source.add((*at, str(key)), "unknown_option", f"`{key}` is no part of a property", remedy)
    if not isinstance(value.get("value"), str):
        source.add(at, "wrong_form", "a property that is written long needs a `value`", "give it an expression")
    kind = value.get("type")
    if "type" in value and not isinstance(kind, dict) and kind not in TYPES:
        remedy = f"{_nearest(str(kind), TYPES)}; or write a JSON Schema"
        source.add((*at, "type"), "unknown_type", f"there is no type {kind!r}", remedy)
    if "otherwise" in value and "lookup" not in value:
        message = "`otherwise` is for codes that are not in a table, and no `lookup` names one"
        source.add((*at, "otherwise"), "wrong_option", message, "add `lookup`, or use `when_null`")
    if "lookup" in value and value["lookup"] not in source.mapping.code_tables:
        remedy = _nearest(str(value["lookup"]), source.mapping.code_tables) or "define it under `code_tables`"
        source.add((*at, "lookup"), "unknown_table", f"there is no code table {value['lookup']!r}", remedy)


def _table(source: Source, at: At, table: t.Any) -> None:
    if not isinstance(table, dict):
        source.add(
            at, "wrong_form", "a code table is an object", "write `{code: text}`, or name a `file` or a `stream`"
        )
        return
    form = next((name for name in _TABLE_FORMS if name in table), None)
    if form is None or not isinstance(table[form], str):
        return
    known = _TABLE_FORMS[form]
    for key in table:
        if key not in known:
            remedy = _nearest(str(key), known)
            source.add((*at, str(key)), "unknown_option", f"`{key}` is no part of such a code table", remedy)
    missing = [key for key in sorted(known - {"where"}) if key not in table]
    if missing:
        remedy = "name the columns that hold the codes and their texts"
        source.add(at, "wrong_form", f"the code table lacks {', '.join(missing)}", remedy)


def _quoted(value: t.Any) -> str:
    return f"write `{value!r}` in quotes if it is a constant" if not isinstance(value, list) else "write it as text"


def _nearest(name: str, known: Iterable[str]) -> str:
    listed = list(known)
    near = difflib.get_close_matches(name, listed, n=2)
    if near:
        return f"did you mean {' or '.join(f'`{item}`' for item in near)}?"
    return f"there are {', '.join(sorted(listed))}" if listed else ""


def _is_option(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
