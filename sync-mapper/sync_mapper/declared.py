"""The schema to declare for a property in the long form that does not state its type."""

from __future__ import annotations

import typing as t

from sync_mapper.long_form import TYPES, fits, json_type

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_mapper.long_form import LongForm

_FORMATS = {schema["format"]: name for name, schema in TYPES.items() if "format" in schema}


def schema_of(form: LongForm, inferred: Mapping[str, t.Any], texts: Iterable[t.Any] | None) -> dict[str, t.Any]:
    """Return the schema of what a property becomes: of a code's text instead of the code, and of `when_null`.

    Args:
        form: The property.
        inferred: Schema of its expression.
        texts: What its code table holds; None where rows of the run fill it with texts.
    """
    schema = dict(inferred)
    if form.lookup is not None:
        types = {"string"} if texts is None else {json_type(value) for value in texts}
        types |= {json_type(form.otherwise), "null"}
        schema = {"type": sorted(types)}
    declared = schema.get("type")
    if form.when_null is None or declared is None or _takes(schema, form.when_null):
        return schema
    known = {declared} if isinstance(declared, str) else set(declared)
    return {"type": sorted({*known, json_type(form.when_null), "null"})}


def _takes(schema: Mapping[str, t.Any], value: t.Any) -> bool:
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    named = _FORMATS.get(schema.get("format", ""))
    return any(fits(named if named and name == "string" else name, value) for name in types if name != "null")
