"""Normalised values to request bodies, and records back to normalised values.

The wire forms are those of the Pipedrive API fact sheet sections 5 and 6.
"""

from __future__ import annotations

import typing as t

from sync_ledger.fields import FieldType

from target_pipedrive.entity import Wire

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.fields import Field

    from target_pipedrive.fields import EntityFields


def body(fields: EntityFields, values: Mapping[str, t.Any], *, external_id: str | None = None) -> dict[str, t.Any]:
    """Build the body of a create (with `external_id`) or of an update.

    A create leaves nulls out: they are what a new record has anyway, and lists and addresses do not take them.
    """
    standard: dict[str, t.Any] = {}
    custom: dict[str, t.Any] = {}
    for name, value in values.items():
        if external_id is not None and value is None:
            continue
        field = fields.description.find(name)
        if field is None:
            raise KeyError(name)  # the engine only sends what describe() listed
        if field.key in fields.custom_keys:
            custom[field.key] = _custom_to_wire(field, value)
        else:
            standard.update(_standard_to_wire(fields, field, value))
    holder = fields.description.external_id_field
    if external_id is not None and holder is not None:
        custom[holder.key] = external_id
    if custom:
        standard["custom_fields"] = custom
    return standard


def record_values(fields: EntityFields, record: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the normalised values of a record by field name, for every field it came with."""
    custom = record.get("custom_fields") or {}
    found: dict[str, t.Any] = {}
    for field in fields.description.fields:
        source = custom if field.key in fields.custom_keys else record
        if field.key in source:
            found[field.name] = _from_wire(fields, field, source[field.key])
    return found


def external_id(fields: EntityFields, record: Mapping[str, t.Any]) -> str | None:
    """Return the external ID a record carries, without blanks around it; None when its field is empty."""
    holder = fields.description.external_id_field
    value = None if holder is None else (record.get("custom_fields") or {}).get(holder.key)
    return None if value is None else str(value).strip() or None


def _custom_to_wire(field: Field, value: t.Any) -> t.Any:
    if field.type is FieldType.OPTIONS and not value:
        return None  # an empty list is refused: null clears a multiple-choice field
    if field.type is FieldType.RELATION and value is not None:
        return int(value)
    return _without_nulls(value)


def _standard_to_wire(fields: EntityFields, field: Field, value: t.Any) -> dict[str, t.Any]:
    wire = fields.wires.get(field.key)
    if wire is Wire.PARTICIPANT:
        people = [] if value is None else [{"person_id": int(value), "primary": True}]
        return {"participants": people}
    if wire is Wire.FLAG:
        return {field.key: int(value)}
    if wire is Wire.V1_TIME:
        return {field.key: value.replace("T", " ").removesuffix("Z")}
    if value is None and field.type in {FieldType.LIST, FieldType.OPTIONS}:
        return {field.key: []}
    if field.type is FieldType.RELATION and value is not None:
        return {field.key: int(value)}
    return {field.key: _without_nulls(value)}


def _without_nulls(value: t.Any) -> t.Any:
    """Leave null parts out of addresses, e-mails and the like: none takes null, and a part left out is emptied."""
    if isinstance(value, dict):
        return {part: item for part, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _from_wire(fields: EntityFields, field: Field, value: t.Any) -> t.Any:
    if field.type is FieldType.OPTIONS:
        return sorted(value) if value else None
    if value is None:
        return None
    if field.key in fields.wires:
        return _from_own_form(fields.wires[field.key], value)
    if field.type is FieldType.TIME and len(value) == len("HH:MM"):
        return f"{value}:00"
    if field.type is FieldType.RELATION:
        return str(value)
    if field.type is FieldType.LIST and field.items:
        return [{part: item[part] for part in item if part in field.items} for item in value]
    return value


def _from_own_form(wire: Wire, value: t.Any) -> t.Any:
    if wire is Wire.FLAG:
        return bool(value)
    if wire is Wire.V1_TIME:
        return f"{value.replace(' ', 'T')}Z"
    if wire is Wire.NUMBER_TEXT:
        return int(value) if str(value).isdigit() else value
    return str(value)
