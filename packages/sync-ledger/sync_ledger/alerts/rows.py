"""Records of alerts as rows of the ledger's tables, and back."""

from __future__ import annotations

import dataclasses
import typing as t
from decimal import Decimal

from alert_rules.records import Code, Status

from sync_ledger.ledger.clock import as_utc

if t.TYPE_CHECKING:
    from sqlalchemy import RowMapping

Kept = t.TypeVar("Kept")


def values_of(one: t.Any) -> dict[str, t.Any]:
    """Return a record as a row: codes as their words, decimals exact."""
    row = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    for name, value in row.items():
        if isinstance(value, (Status, Code)):
            row[name] = value.value
        elif isinstance(value, Decimal):
            row[name] = f"{value:f}"
        elif isinstance(value, str):
            row[name] = value.replace("\0", "")  # PostgreSQL keeps none
    return row


def read(kind: type[Kept], row: RowMapping) -> Kept:
    """Return a row, by the names of its columns, as a record."""
    return kind(**{str(name): _value(str(name), value) for name, value in row.items()})


def _value(name: str, value: t.Any) -> t.Any:
    if value is None:
        return None
    reader = _READERS.get(name)
    return reader(value) if reader is not None else value


def _pairs(value: t.Any) -> t.Any:
    return tuple(tuple(one) for one in value) if isinstance(value, list) else value


_READERS: t.Final[dict[str, t.Callable[[t.Any], t.Any]]] = {
    "status": Status,
    "told_status": Status,
    "why": Code,
    "code": Code,
    "amount": Decimal,
    "members": _pairs,
    "matchers": tuple,
    "labels": _pairs,
    **dict.fromkeys(("known_at", "baselined_at", "last_row_at", "since", "seen_at", "row_at", "fired_at"), as_utc),
    **dict.fromkeys(("ending_since", "resolved_at", "acknowledged_at", "notified_at", "repeat_at"), as_utc),
    **dict.fromkeys(("opened_at", "due_at", "starts", "until", "first_at", "last_at"), as_utc),
}
