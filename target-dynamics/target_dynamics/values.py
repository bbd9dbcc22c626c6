"""Normalised values to what Dataverse takes, and its rows back to normalised values (Dataverse sheet section 7)."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from sync_ledger.fields import FieldType

from target_dynamics.fields import LOOKUPS, OWNER, STATECODE, STATUSCODE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_ledger.fields import Field

    from target_dynamics.fields import Column, TableFields

    Row = Mapping[str, t.Any]
    Path = Callable[[Column, str], str]

LOOKUP_TABLE: t.Final = "@Microsoft.Dynamics.CRM.lookuplogicalname"
"""Annotation that says which table a lookup points to."""

_BETWEEN_OPTIONS: t.Final = ","


def body(
    fields: TableFields, values: Mapping[str, t.Any], path_of: Path, *, external_id: str | None = None
) -> dict[str, t.Any]:
    """Build the object of a row for a create or an update.

    Args:
        fields: Columns of the table.
        values: Field name -> normalised value.
        path_of: Returns the path of a row that a lookup points to, by its id.
        external_id: External ID to write as well.
    """
    found: dict[str, t.Any] = {} if external_id is None else {fields.key: external_id}
    emptied: dict[str, str] = {}
    bound: set[str] = set()
    for name, value in values.items():
        field = _known(fields, name)
        column = fields.columns[field.key]
        if column.kind not in LOOKUPS:
            found[field.key] = _to_wire(field, value)
        elif value is None:
            emptied[column.logical] = field.key
        else:
            bound.add(column.logical)
            found[f"{field.key}@odata.bind"] = f"/{path_of(column, str(value))}"
    # A lookup to several tables has one value: emptied for one table, it must not empty what it is given for another.
    found.update({f"{key}@odata.bind": None for logical, key in emptied.items() if logical not in bound})
    return found


def with_status(fields: TableFields, record: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the object of a row with a status beside its state: the default one where a row names none.

    Dataverse wants the two together (Dataverse sheet section 4).
    """
    states = fields.states
    if states is None:
        return record
    state, status = record.get(STATECODE), record.get(STATUSCODE)
    if state is not None and status is None and state in states.defaults:
        return {**record, STATUSCODE: states.defaults[state]}
    if status is not None and state is None and status in states.of_status:
        return {**record, STATECODE: states.of_status[status]}
    return record


def without_state(fields: TableFields, record: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Split the object of a new row into what can be created, and what has to be set right afterwards.

    A state is not valid for a create; a row in the state new rows have needs nothing afterwards.
    """
    full = with_status(fields, record)
    if STATECODE not in full:
        return full, {}
    rest = {name: value for name, value in full.items() if name not in {STATECODE, STATUSCODE}}
    after: dict[str, t.Any] = {name: full[name] for name in (STATECODE, STATUSCODE) if name in full}
    if full[STATECODE] == 0:
        status = {STATUSCODE: full[STATUSCODE]} if STATUSCODE in record else {}
        return {**rest, **status}, {}
    return rest, after


def record_values(fields: TableFields, row: Row) -> dict[str, t.Any]:
    """Return the normalised values of a row by field name, for every column it came with."""
    found = {}
    for field in fields.description.fields:
        column = fields.columns.get(field.key)
        if column is not None and column.property in row:
            found[field.name] = _from_wire(field, column, row)
    return found


def external_id(fields: TableFields, row: Row) -> str | None:
    """Return the external ID a row carries, without blanks around it; None when its column is empty."""
    value = row.get(fields.key)
    return None if value is None else str(value).strip() or None


def moment(text: str) -> datetime:
    """Read one of Dataverse's time stamps; one without an offset is in UTC."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _known(fields: TableFields, name: str) -> Field:
    field = fields.description.find(name)
    if field is None or field.key not in fields.columns:
        raise KeyError(name)  # the engine only sends what describe() listed as writable
    return field


def _to_wire(field: Field, value: t.Any) -> t.Any:
    if field.type is FieldType.OPTIONS:
        return _BETWEEN_OPTIONS.join(str(one) for one in value) if value else None
    return value


def _from_wire(field: Field, column: Column, row: Row) -> t.Any:
    value = row[column.property]
    if value is None or value == "":
        return None
    if column.kind in LOOKUPS:
        if column.several and column.kind != OWNER and row.get(f"{column.property}{LOOKUP_TABLE}") != column.table:
            return None
        return str(value).lower()
    if field.type is FieldType.OPTIONS:
        return sorted(int(one) for one in str(value).split(_BETWEEN_OPTIONS))
    if field.type in {FieldType.INTEGER, FieldType.OPTION}:
        return int(value)
    if field.type is FieldType.NUMBER:
        value = float(value) if isinstance(value, str) else value
    elif field.type is FieldType.DATE:
        return str(value)[:10]
    elif field.type is FieldType.DATETIME:
        return moment(str(value)).isoformat(timespec="seconds").replace("+00:00", "Z")
    if field.type is FieldType.NUMBER and isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if field.kept_as is None else field.kept_as(value)
