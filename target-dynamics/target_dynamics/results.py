"""What Dataverse's answer to one row means (Dataverse sheet section 3). Codes count, not statuses."""

from __future__ import annotations

import re
import typing as t
from http import HTTPStatus

from sync_ledger.adapter import Action, Result, WriteResult

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.adapter import Operation

    from target_dynamics.fields import TableFields

ROW_GONE: t.Final = "0x80040217"
KEY_GONE: t.Final = "0x80060891"
KEY_TAKEN: t.Final = frozenset({"0x80060892", "0x80040237"})
DUPLICATE: t.Final = "0x80040333"
TOO_LONG: t.Final = "0x80044331"
OUT_OF_RANGE: t.Final = frozenset({"0x8004432f", "0x80044330"})
WRONG_PAYLOAD: t.Final = "0x80048d19"
UNEXPECTED: t.Final = "0x80040216"
NO_PRIVILEGE: t.Final = "0x80040220"
REFERENCED: t.Final = "0x80040227"
CHANGED: t.Final = "0x80060882"
THROTTLED: t.Final = frozenset({"0x80072321", "0x80072322", "0x80072326"})

_GUID: t.Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED: t.Final = (
    re.compile(r"[Tt]he length of the '(?P<column>\w+)' attribute"),
    re.compile(r"'(?P<column>\w+)' (?:attribute|column|property)"),
    re.compile(r"(?:attribute|column|property|for) '?(?P<column>\w+)'?"),
)
_LONGEST_TEXT: t.Final = 400

_REMEDIES: t.Final[Mapping[str, str]] = {
    TOO_LONG: "shorten it in the mapping",
    DUPLICATE: "merge the rows, link this one by its external ID, or set duplicate_detection to false",
    NO_PRIVILEGE: "give the application user's security role that privilege, and the access level it needs",
    REFERENCED: "other rows refer to it: deactivate it instead (on_deleted: archive)",
    **dict.fromkeys(OUT_OF_RANGE, "map a value within the range of the column"),
}


def refused(
    fields: TableFields, operation: Operation, status: int, code: str, text: str, record: Mapping[str, t.Any]
) -> WriteResult:
    """Return what the refusal of one row means.

    Args:
        fields: Columns of the table.
        operation: What was asked for.
        status: HTTP status.
        code: Dataverse's code, or the status as text.
        text: Its words.
        record: What was sent.
    """
    words = " ".join(text.split())[:_LONGEST_TEXT]
    code = code.lower() if code.startswith(("0x", "0X")) else code
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in THROTTLED:
        return WriteResult(Result.UNSENT, code=code, text=words)
    if code == CHANGED:
        return WriteResult(Result.POSTPONED, code=code, text=words)
    if code in {ROW_GONE, KEY_GONE} or (status == HTTPStatus.NOT_FOUND and code == str(int(status))):
        return _gone(fields, operation, code, words, record)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code not in {DUPLICATE, *_REMEDIES}:
        return WriteResult(Result.UNKNOWN, code=code, text=words)
    column = column_in(fields, words, record)
    remedy = _REMEDIES.get(code)
    own = (operation.remote_id or "").lower()
    found = [one.lower() for one in _GUID.findall(words)] if code == DUPLICATE else []
    return WriteResult(
        Result.REJECTED,
        code=code,
        text=f"{words}; {remedy}" if remedy else words,
        field=column,
        candidates=tuple(dict.fromkeys(one for one in found if one != own)),
    )


def key_taken(status: int, code: str) -> bool:
    """Whether a row of the same key is there already."""
    return code.lower() in KEY_TAKEN and status != HTTPStatus.TOO_MANY_REQUESTS


def column_in(fields: TableFields, text: str, record: Mapping[str, t.Any]) -> str | None:
    """Return the name of the field an error speaks of: the one it names, or the lookup whose row it misses."""
    for pattern in _NAMED:
        for hit in pattern.finditer(text):
            if (name := fields.name(hit["column"])) is not None:
                return name
    ids = {one.lower() for one in _GUID.findall(text)}
    for key, value in record.items():
        if key.endswith("@odata.bind") and value and ids & {one.lower() for one in _GUID.findall(str(value))}:
            return fields.name(key.removesuffix("@odata.bind"))
    return None


def _gone(fields: TableFields, operation: Operation, code: str, words: str, record: Mapping[str, t.Any]) -> WriteResult:
    """Tell a row that is gone from one whose lookup points to a row that is."""
    ids = {one.lower() for one in _GUID.findall(words)}
    own = (operation.remote_id or "").lower()
    if operation.action is not Action.CREATE and (not ids or own in ids):
        return WriteResult(Result.GONE, code=code, text=words)
    text = f"{words}; the row it refers to is gone: restore it, or let its source row make it anew"
    return WriteResult(Result.REJECTED, code=code, text=text, field=column_in(fields, words, record))


def made(headers: Mapping[str, str]) -> str | None:
    """Return the id of the row that was made, which the header `OData-EntityId` names; None if it does not."""
    hits = _GUID.findall(headers.get("OData-EntityId") or "")
    return hits[-1].lower() if hits else None
