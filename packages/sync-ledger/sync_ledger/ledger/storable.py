"""Texts as both databases can keep them: PostgreSQL takes no NUL and bounds keys and short texts."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import replace

if t.TYPE_CHECKING:
    from sync_ledger.rows import Settled

_LONGEST = 255
"""Length of the ledger's short text columns; external IDs are held to it as well, because they are indexed."""

_DIGEST_BYTES = 8


def storable(settled: Settled) -> Settled:
    """Return a settled row with texts any database takes.

    Only rows that were held for their key, and what a mapper says of rows it could not map, ever need a change.
    """
    row = settled.row
    entity, external_id = _short(row.entity), _short(row.external_id)
    if entity != row.entity or external_id != row.external_id:
        settled = replace(settled, row=replace(row, entity=entity, external_id=external_id))
    field = None if settled.field is None else _short(settled.field)
    text = None if settled.text is None else _clean(settled.text)
    if field != settled.field or text != settled.text:
        settled = replace(settled, field=field, text=text)
    return settled


def _clean(text: str) -> str:
    return text.replace("\0", "\\0")


def _short(text: str) -> str:
    """Shorten a text; different ones stay different and equal ones equal."""
    text = _clean(text)
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: _LONGEST - len(digest) - 1]}…{digest}"
