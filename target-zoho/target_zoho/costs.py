"""What each call costs of the org's API credits (Zoho CRM API fact sheet section 10).

Credits are counted over a rolling 24 hours. Zoho tells the balance only once half of it is used, so the sum
kept here is what a run goes by until then.
"""

from __future__ import annotations

import re
import typing as t

RECORDS_PER_CREDIT: t.Final = 10
"""Records of an insert, update or upsert that cost one credit."""

DELETED_PER_CREDIT: t.Final = 100
BULK_WRITE: t.Final = 500
BULK_READ: t.Final = 50
COQL_DEFAULT_LIMIT: t.Final = 200

SUB_CONCURRENCY: t.Final = 10
"""Calls of the kinds `heavy` tells that may be under way at the same time, whatever the edition."""

_FROM: t.Final = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_LIMIT: t.Final = re.compile(r"\blimit\s+(\d+)(?:\s*,\s*(\d+))?", re.IGNORECASE)


def read_credits(params: t.Mapping[str, t.Any] | None = None) -> int:
    """Return the price of a GET."""
    return 3 if params and "cvid" in params else 1


def write_credits(method: str, path: str, records: int) -> int:
    """Return the price of a call that may change something.

    Args:
        method: HTTP method.
        path: Path below `/crm/v8`, or from `/crm/` on.
        records: Records it carries, or deletes.
    """
    if path.startswith("/crm/bulk/"):
        return BULK_WRITE if path.endswith("/write") else BULK_READ
    if path.startswith(("/settings/", "/actions/")):
        return 1
    return max(1, -(-records // (DELETED_PER_CREDIT if method == "DELETE" else RECORDS_PER_CREDIT)))


def coql_credits(query: str) -> int:
    """Return the price of a COQL query, by the rows it asks for."""
    found = _LIMIT.search(query)
    rows = COQL_DEFAULT_LIMIT if found is None else int(found[2] or found[1])  # `limit OFFSET, ROWS` or `limit ROWS`
    return 1 if rows <= 200 else 2 if rows <= 1000 else 3  # noqa: PLR2004 - the price list itself


def heavy_write(path: str, records: int) -> bool:
    """Whether a write counts against the sub-concurrency limit: insert, update or upsert of more than 10 records."""
    return records > RECORDS_PER_CREDIT and not path.startswith(("/crm/", "/settings/", "/actions/"))


def heavy_read(path: str, params: t.Mapping[str, t.Any] | None = None) -> bool:
    """Whether a read does: a search, or a list by custom view."""
    return path.endswith("/search") or bool(params and "cvid" in params)


def module_of(query: str) -> str:
    """Return the API name of the module a COQL query reads; empty when it names none."""
    found = _FROM.search(query)
    return found[1] if found else ""
