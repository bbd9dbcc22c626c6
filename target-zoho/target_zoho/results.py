"""What Zoho's answer to one record means (Zoho CRM sheet section 3)."""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import Action, Result, WriteResult

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.adapter import Operation

    from target_zoho.fields import ModuleFields

DUPLICATE: t.Final = "DUPLICATE_DATA"
NOT_YET: t.Final = frozenset({"RECORD_LOCKED", "NOT_APPROVED", "NOT_REVIEWED", "DEPENDENT_SERVICE_ERROR"})
"""Codes that pass without anybody changing the row: a lock, an approval, a service behind Zoho."""

_SEVERAL: t.Final = "MULTIPLE_OR_MULTI_ERRORS"
_LOST: t.Final = frozenset({"INTERNAL_ERROR", "INTERNAL_SERVER_ERROR"})
_TOO_MANY: t.Final = "TOO_MANY_REQUESTS"
PASSING: t.Final = frozenset({*NOT_YET, *_LOST, _TOO_MANY})
"""Codes that say nothing against a row itself."""
_LONGEST_TEXT: t.Final = 400


def written(fields: ModuleFields, operation: Operation, item: t.Any) -> WriteResult:
    """Return what became of one record, by its item in `data[]`."""
    if not isinstance(item, dict):
        return WriteResult(Result.UNKNOWN, code="unreadable", text="the answer says nothing of this record")
    details = _details(item)
    if item.get("status") == "success" or item.get("code") == "SUCCESS":
        remote_id = details.get("id") or operation.remote_id
        if remote_id is None:
            return WriteResult(Result.UNKNOWN, code="unreadable", text="the answer to the create names no record")
        created = item.get("action") == "insert" if operation.action is Action.CREATE and item.get("action") else None
        return WriteResult(Result.WRITTEN, remote_id=str(remote_id), created=created)
    return _refused(fields, operation, item)


def duplicate_of(item: t.Any) -> str | None:
    """Return the id of the record that has the value already, when an item says so."""
    for error in _errors(item) if isinstance(item, dict) else ():
        if error.get("code") == DUPLICATE:
            details = _details(error)
            other = details.get("duplicate_record")
            found = details.get("id") or (other.get("id") if isinstance(other, dict) else None)
            return str(found) if found else None
    return None


def _refused(fields: ModuleFields, operation: Operation, item: Mapping[str, t.Any]) -> WriteResult:
    errors = _errors(item)
    codes = [str(error.get("code")) for error in errors]
    code, first = codes[0], _details(errors[0])
    text = "; ".join(dict.fromkeys(_words(fields, error) for error in errors))[:_LONGEST_TEXT]
    if code in NOT_YET:
        return WriteResult(Result.POSTPONED, code=code, text=text)
    if code in _LOST:
        return WriteResult(Result.UNKNOWN, code=code, text=text)
    if code == _TOO_MANY:
        return WriteResult(Result.UNSENT, code=code, text=text)
    if code == "INVALID_DATA" and operation.action is not Action.CREATE and _is_the_record(first):
        return WriteResult(Result.GONE, code=code, text=text)
    name = first.get("api_name")
    return WriteResult(Result.REJECTED, code=code, text=text, field=fields.name(str(name)) if name else None)


def _is_the_record(details: Mapping[str, t.Any]) -> bool:
    """Whether a complaint is about the id of the record itself: there is no such record (any more)."""
    return details.get("api_name") == "id" or ("id" in details and "api_name" not in details)


def _errors(item: Mapping[str, t.Any]) -> list[Mapping[str, t.Any]]:
    """Return the errors of an item, which may hold several."""
    if item.get("code") != _SEVERAL:
        return [item]
    listed = item.get("errors") or _details(item).get("errors") or ()
    return [error for error in listed if isinstance(error, dict)] or [item]


def _details(error: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    details = error.get("details")
    return details if isinstance(details, dict) else {}


def _words(fields: ModuleFields, error: Mapping[str, t.Any]) -> str:
    """Return an error in words: field, Zoho's message, and what helps."""
    details = _details(error)
    name = details.get("api_name")
    parts = [f"{fields.name(str(name))}: " if name else "", str(error.get("message") or error.get("code"))]
    if (longest := details.get("maximum_length")) is not None:
        parts.append(f" (it takes {longest})")
    if wanted := details.get("expected_data_type"):
        parts.append(f" (it wants {wanted})")
    if values := details.get("supported_values"):
        parts.append(f" (it takes {', '.join(map(str, values)) if isinstance(values, list) else values})")
    if error.get("code") == DUPLICATE and (other := duplicate_of(error)):
        parts.append(f"; record {other} of {fields.description.entity} has this value: merge the two, or correct one")
    return "".join(parts)
