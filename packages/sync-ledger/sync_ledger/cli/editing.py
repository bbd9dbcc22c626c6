"""Editing the payload of an open row, checked as the engine will check it."""

from __future__ import annotations

import typing as t

import click
import msgspec

from sync_ledger.engine.payload import from_json_text
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.engine.work import check_properties
from sync_ledger.errors import InputError
from sync_ledger.fields import AmbiguousFieldError, FieldType

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_ledger.fields import EntityDescription

_NO_TEXT = frozenset(
    {FieldType.NUMBER, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.OBJECT, FieldType.LIST, FieldType.OPTIONS}
)
"""Types whose values are written as JSON; those of the others are taken as they stand."""

_PRETTY = msgspec.json.Encoder(decimal_format="number")


def with_settings(
    payload: Mapping[str, t.Any], settings: Sequence[str], description: EntityDescription | None
) -> dict[str, t.Any]:
    """Return a payload with fields set: each setting is `field=value`, `null` empties.

    Raises:
        InputError: If a setting is not of that form.
    """
    changed = dict(payload)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--set takes field=value, not {setting!r}")
        changed[name.strip()] = _value(name.strip(), text, description)
    return changed


def in_editor(payload: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Let a person change a payload in $EDITOR.

    Raises:
        InputError: If nothing was saved, or what was saved is no JSON object.
    """
    text = click.edit(msgspec.json.format(_PRETTY.encode(payload), indent=2).decode() + "\n", extension=".json")
    if text is None:
        raise InputError("Nothing was changed: the editor saved nothing. Use --set field=value without one")
    try:
        found = from_json_text(text)
    except msgspec.DecodeError as error:
        raise InputError(f"Nothing was changed: what was saved is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError("Nothing was changed: what was saved is no JSON object of field and value")
    return found


def check(payload: Mapping[str, t.Any], description: EntityDescription) -> None:
    """Check a payload against the fields the entity had when a run last looked.

    Raises:
        ConfigError: If it names a field that does not exist or cannot be written.
        InputError: If the service would refuse a value.
    """
    check_properties(description, payload)
    for field in description.fields:
        if field.required and payload.get(field.name, payload.get(field.key)) is None:
            raise InputError(f"Nothing was changed: {field.name} is required and has no value")
    try:
        normalise(description, payload)
    except Invalid as problem:
        raise InputError(f"Nothing was changed: {problem.text}") from problem


def _value(name: str, text: str, description: EntityDescription | None) -> t.Any:
    if text == "null":
        return None
    try:
        field = description.find(name) if description else None
    except AmbiguousFieldError:
        field = None
    if field is not None and field.type not in _NO_TEXT:
        return text
    try:
        return from_json_text(text)
    except msgspec.DecodeError:
        return text
