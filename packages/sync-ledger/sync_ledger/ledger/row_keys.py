"""Looking for rows by their key, as JSON in the order of its names, or by a part of it."""

from __future__ import annotations

import json
import typing as t

from sqlalchemy import and_, or_

if t.TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def of_row(column: ColumnElement[str], given: str) -> ColumnElement[bool]:
    """Return the condition for rows with a key.

    Args:
        column: Where keys are.
        given: A whole key as JSON; an object with some of its names; or any part of the text of one.
    """
    try:
        parts = json.loads(given)
    except ValueError:
        parts = None
    if not isinstance(parts, dict) or not parts:
        return column.contains(given, autoescape=True)
    pairs = [json.dumps({name: value}, ensure_ascii=False)[1:-1] for name, value in parts.items()]
    # A value ends where the next begins or the key does: 4711 is no beginning of 47110.
    ends = [or_(*(column.contains(f"{pair}{end}", autoescape=True) for end in (",", "}"))) for pair in pairs]
    return or_(column == given, and_(*ends))
