"""Normalised values to what Zoho takes, and its records back to normalised values.

The forms on the wire are those of the Zoho CRM sheet section 6; those of a bulk write file are plain text.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from decimal import Decimal

from sync_ledger.fields import FieldType

from target_zoho.fields import BIG_INTEGER, NO_CHOICE, USERS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.fields import Field

    from target_zoho.fields import ModuleFields

BETWEEN_OPTIONS: t.Final = ";"
"""Stands between the values of a multi-select field in a bulk write file ("Bulk Write")."""


def body(fields: ModuleFields, values: Mapping[str, t.Any], *, external_id: str | None = None) -> dict[str, t.Any]:
    """Build the object of a record for a create or an update.

    Args:
        fields: Fields of the module.
        values: Field name -> normalised value.
        external_id: External ID to write as well.
    """
    found = {} if external_id is None else {fields.key: external_id}
    for name, value in values.items():
        field = _known(fields, name)
        found[field.key] = _to_wire(fields, field, value)
    return found


def cells(fields: ModuleFields, values: Mapping[str, t.Any]) -> dict[str, str] | None:
    """Return API name -> text of the values in a bulk write file; None if one of them cannot be told there."""
    found: dict[str, str] = {}
    for name, value in values.items():
        field = _known(fields, name)
        text = _text(field, value)
        if text is None:
            return None
        if text:
            found[field.key] = text
    return found


def record_values(fields: ModuleFields, record: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the normalised values of a record by field name, for every field it came with."""
    return {
        field.name: _from_wire(field, record[field.key]) for field in fields.description.fields if field.key in record
    }


def external_id(fields: ModuleFields, record: Mapping[str, t.Any]) -> str | None:
    """Return the external ID a record carries, without blanks around it; None when its field is empty."""
    value = record.get(fields.key)
    return None if value is None else str(value).strip() or None


def moment(text: str) -> datetime:
    """Read one of Zoho's time stamps, which carry the organisation's offset."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def stamp(when: datetime) -> str:
    """Return a moment as Zoho takes it in headers and queries: whole seconds, with an offset."""
    return when.astimezone(timezone.utc).isoformat(timespec="seconds")


def _known(fields: ModuleFields, name: str) -> Field:
    field = fields.description.find(name)
    if field is None:
        raise KeyError(name)  # the engine only sends what describe() listed
    return field


def _to_wire(fields: ModuleFields, field: Field, value: t.Any) -> t.Any:
    kind = fields.kinds[field.key]
    if field.type is FieldType.BOOLEAN:
        return bool(value)  # a checkbox cannot be empty
    if field.type is FieldType.OPTIONS:
        return value or []
    if value is None:
        return None
    if field.type is FieldType.RELATION or kind in USERS:
        return {"id": str(value)}
    if field.type is FieldType.DATETIME:
        return value.replace("Z", "+00:00")
    return str(value) if kind == BIG_INTEGER else value


def _text(field: Field, value: t.Any) -> str | None:
    """Return a value as a cell has it: nothing for no value; None if a cell cannot hold it."""
    if value is None or value == []:
        return ""
    if field.type is FieldType.BOOLEAN:
        return "true" if value else "false"
    if field.type is FieldType.OPTIONS:
        return None if any(BETWEEN_OPTIONS in one for one in value) else BETWEEN_OPTIONS.join(value)
    text = str(value)
    if field.type is FieldType.NUMBER:
        return format(Decimal(text), "f")  # in digits throughout: 0.00001, not 1e-05
    if field.type is FieldType.DATETIME:
        return text.replace("Z", "+00:00")
    return text if text == text.strip() else None  # blanks around a cell are not kept


def _from_wire(field: Field, value: t.Any) -> t.Any:
    if field.type is FieldType.OPTIONS:
        return sorted(value) if value else None
    if value is None or value in ("", NO_CHOICE):
        return None
    if isinstance(value, dict):  # a lookup, an owner
        return None if value.get("id") is None else str(value["id"])
    if field.type is FieldType.INTEGER:
        return int(value)
    if field.type is FieldType.NUMBER:
        return float(value) if isinstance(value, str) else value
    if field.type is FieldType.DATETIME:
        return moment(value).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value
