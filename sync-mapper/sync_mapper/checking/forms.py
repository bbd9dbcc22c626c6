"""The form of what may be written in more than one way: properties in the long form, and code tables."""

from __future__ import annotations

import difflib
import typing as t

from sync_mapper.code_tables import FORMS
from sync_mapper.functions import text
from sync_mapper.long_form import KEYS, TYPES

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Wrong(t.NamedTuple):
    """Something that has not the form it must have.

    Attributes:
        key: Key of the definition where it stands; empty for the whole.
        code: What kind of finding.
        message: What is wrong.
        remedy: What to do about it.
    """

    key: str
    code: str
    message: str
    remedy: str


def property_in_long_form(definition: Mapping[t.Any, t.Any], tables: Iterable[t.Any]) -> Iterator[Wrong]:
    """Return what is wrong with a property in the long form.

    Args:
        definition: The property.
        tables: Names of the mapping's code tables.
    """
    for key in definition:
        if key not in KEYS:
            yield Wrong(str(key), "unknown_option", f"`{key}` is no part of a property", nearest(str(key), KEYS))
    if "value" not in definition:
        remedy = "give it an expression; an expression that begins with `{` stands in quotes"
        yield Wrong("", "wrong_form", "a property that is written long needs a `value`", remedy)
    elif not isinstance(definition["value"], str):
        yield Wrong("value", "wrong_form", "an expression is text", quoted(definition["value"]))
    if definition.get("type") is not None:
        yield from _type(definition["type"])
    if "otherwise" in definition and "lookup" not in definition:
        message = "`otherwise` is for codes that are not in a table, and no `lookup` names one"
        yield Wrong("otherwise", "wrong_option", message, "add `lookup`, or use `when_null`")
    if "lookup" in definition:
        names = [str(name) for name in tables]
        name = definition["lookup"]
        if not isinstance(name, str):
            yield Wrong("lookup", "wrong_form", "`lookup` must be the name of a code table", nearest("", names))
        elif name not in names:
            remedy = nearest(name, names) or "define it under `code_tables`"
            yield Wrong("lookup", "unknown_table", f"there is no code table {name!r}", remedy)


def _type(stated: t.Any) -> Iterator[Wrong]:
    if isinstance(stated, dict):
        import jsonschema  # noqa: PLC0415 - 50 ms that most mappings can do without

        try:
            jsonschema.Draft202012Validator.check_schema(stated)
        except jsonschema.SchemaError as error:
            yield Wrong("type", "unknown_type", f"not a JSON Schema: {error.message}", "name a type, or correct it")
    elif stated not in TYPES:
        name = str(stated)
        remedy = f"{nearest(_OTHER_NAMES.get(name.casefold(), name), TYPES)} A JSON Schema may stand there as well"
        yield Wrong("type", "unknown_type", f"there is no type {stated!r}", remedy)


_OTHER_NAMES = {
    **dict.fromkeys(("text", "str", "varchar"), "string"),
    **dict.fromkeys(("float", "decimal", "double", "numeric"), "number"),
    "int": "integer",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "timestamp": "datetime",
}
"""Names that types have elsewhere."""


def code_table(definition: t.Any, spelt: Iterable[str]) -> Iterator[Wrong]:
    """Return what is wrong with a code table.

    Args:
        definition: The table.
        spelt: Its keys as they are spelt in the file; none if that is not known.
    """
    if not isinstance(definition, dict):
        remedy = "write `{code: text}`, or name a `file`, a `stream` or `udc`"
        yield Wrong("", "wrong_form", "a code table holds codes with their texts, or says where they are", remedy)
        return
    form = next((name for name in FORMS if isinstance(definition.get(name), str)), None)
    if form is None:
        yield from _misread(definition, list(spelt))
        return
    for key in definition:
        if key not in FORMS[form]:
            remedy = nearest(str(key), FORMS[form])
            yield Wrong(str(key), "unknown_option", f"`{key}` is no part of a code table with `{form}`", remedy)
    for key in ("code", "text"):
        if key in FORMS[form] and not isinstance(definition.get(key), str):
            place = key if key in definition else ""
            yield Wrong(place, "wrong_form", f"`{key}` must name a column", f"write `{key}: COLUMN`")
    if not isinstance(definition.get("where") or {}, dict):
        message = "`where` holds columns with the values that rows must have"
        yield Wrong("where", "wrong_form", message, "write `where: {COLUMN: value}`")
    if form == "udc" and not all(part.strip() for part in definition["udc"].partition("/")):
        message = f"{definition['udc']!r} names no user defined codes"
        yield Wrong("udc", "wrong_form", message, "write product code and type, like 01/ST")


def _misread(definition: Mapping[t.Any, t.Any], spelt: list[str]) -> Iterator[Wrong]:
    """Return the first code that YAML reads as something else than it is spelt: NO is false to it, 01 the number 1."""
    for code in definition:
        if spelt and not isinstance(code, str) and text(code) not in spelt:
            message = f"a code is {code!r} to YAML, which is not how it is spelt"
            yield Wrong("", "wrong_form", message, "put the codes in quotes")
            return


def quoted(value: t.Any) -> str:
    """Return what to write instead of a value that should be an expression."""
    if isinstance(value, list):
        return "put the expression in quotes, since `[` begins a list of YAML"
    return f"write `{value!r}` in quotes if it is a constant"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of a name: those most like it, else all there are."""
    listed = list(known)
    near = difflib.get_close_matches(name, listed, n=2)
    if near:
        return f"did you mean {' or '.join(f'`{item}`' for item in near)}?"
    return f"there are {', '.join(sorted(listed))}" if listed else ""
