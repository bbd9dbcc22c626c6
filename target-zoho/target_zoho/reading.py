"""Reads of one module: the sweep for the index, records by id and by external ID, and all of them."""

from __future__ import annotations

import itertools
import logging
import typing as t
from datetime import timedelta

from sync_ledger.adapter import IndexEntry, RemoteRecord, Sweep
from sync_ledger.errors import ServiceUnavailableError

from target_zoho import coql
from target_zoho.answers import RefusedError
from target_zoho.refusals import concerning
from target_zoho.values import external_id, record_values, stamp

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from target_zoho.client import Rows, ZohoClient
    from target_zoho.fields import ModuleFields

    Row = Mapping[str, t.Any]

DELTA_MARGIN: t.Final = timedelta(seconds=60)
"""How far a delta sweep reaches back behind the start of the sweep before it."""

IDS_PER_CALL: t.Final = 50
"""Records asked for by id in one call: Zoho's documents say 100, its OpenAPI file of 2026 that `ids` has at most 1,024
characters, which are 51 ids.
"""

FIELDS_PER_CALL: t.Final = 50
"""Fields a list brings at most."""

_LONGEST: t.Final = 1024
"""Characters of the parameters `ids` and `fields` by the OpenAPI file of 2026."""

_CHANGED: t.Final = "Modified_Time"
_MADE: t.Final = "Created_Time"

_log = logging.getLogger(__name__)


def sweep(client: ZohoClient, fields: ModuleFields, since: datetime | None, wanted: Sequence[str] = ()) -> Sweep:
    """List the external IDs of all records, or of those changed since a moment, and what was deleted since.

    Args:
        client: Client of the organisation.
        fields: Fields of the module.
        since: Start of the changes wanted; None for all records.
        wanted: Names of further fields whose values the entries carry.
    """
    start = client.server_now()
    found = (fields.description.find(name) for name in wanted)
    columns = list(dict.fromkeys(["id", fields.key, *(field.key for field in found if field is not None)]))
    if wanted:
        columns.append(_MADE)
    where = coql.ALL if since is None else f"{_CHANGED} >= {coql.quoted(stamp(since))}"
    first = coql.MAX_ROWS if since is None else coql.SMALL
    rows = _rows(client, fields.description.entity, columns, where, first=first)
    living = (_entry(fields, row, wanted) for row in rows)
    # Those deleted come first: a record that was restored since is listed as living as well.
    gone: Iterable[IndexEntry] = () if since is None else _deleted(client, fields.description.entity, since)
    return Sweep(itertools.chain(gone, living), start - DELTA_MARGIN)


def find(client: ZohoClient, fields: ModuleFields, external_ids: Sequence[str]) -> dict[str, list[str]]:
    """Look external IDs up in the records themselves."""
    found: dict[str, list[str]] = {}
    wanted = set(external_ids)
    for start in range(0, len(external_ids), coql.MAX_VALUES):
        where = coql.within(fields.key, external_ids[start : start + coql.MAX_VALUES])
        for row in _query(client, ("id", fields.key), fields.description.entity, where, coql.SMALL).rows:
            carried = external_id(fields, row)
            if carried in wanted:  # the comparison in the query may leave case aside
                found.setdefault(carried or "", []).append(str(row["id"]))
    return found


def read(
    client: ZohoClient, fields: ModuleFields, remote_ids: Sequence[str], more: Iterable[str] = ()
) -> dict[str, RemoteRecord]:
    """Read records by id with all fields that can be written; deleted ones are absent.

    Args:
        client: Client of the organisation.
        fields: Fields of the module.
        remote_ids: The records.
        more: API names of further fields wanted.
    """
    parts = field_groups(fields, more)
    found: dict[str, RemoteRecord] = {}
    for start in range(0, len(remote_ids), IDS_PER_CALL):
        ids = ",".join(remote_ids[start : start + IDS_PER_CALL])
        with concerning(f"to read records of {fields.description.entity}"):
            answers = [
                client.get(f"/{fields.description.entity}", {"ids": ids, "fields": ",".join(part)}).data
                for part in parts
            ]
        for row in _merged([(data or {}).get("data", ()) for data in answers]):
            found[str(row["id"])] = _remote(fields, row)
    return found


def field_groups(fields: ModuleFields, more: Iterable[str] = ()) -> list[list[str]]:
    """Return the fields a record is read with, a call each.

    Args:
        fields: Fields of the module.
        more: API names of further fields wanted.
    """
    groups: list[list[str]] = [[]]
    for name in dict.fromkeys([*fields.written, *more]):
        if len(groups[-1]) >= FIELDS_PER_CALL or len(",".join([*groups[-1], name])) > _LONGEST:
            groups.append([])
        groups[-1].append(name)
    return groups


def records(client: ZohoClient, fields: ModuleFields) -> Iterator[RemoteRecord]:
    """List all records with the values of all fields that can be written, 2,000 a call."""
    for row in _rows(client, fields.description.entity, fields.written, coql.ALL, first=coql.MAX_ROWS):
        yield _remote(fields, row)


def _rows(client: ZohoClient, module: str, columns: Sequence[str], where: str, *, first: int) -> Iterator[Row]:
    """Return the rows of a query in the order of their ids, whatever their number.

    Args:
        client: Client of the organisation.
        module: API name of the module.
        columns: API names of the fields wanted.
        where: Condition they fulfil.
        first: Rows asked for in the first call; small calls cost less.
    """
    last: str | None = None
    limit = first
    head, *rest = coql.groups(columns)
    while True:
        page, more = _query(client, head, module, coql.both(where, coql.after(last)), limit)
        if not page:
            return
        end = str(page[-1]["id"])
        span = coql.both(where, coql.both(coql.after(last), f"id <= {coql.quoted(end)}"))
        yield from _merged([page, *(_query(client, part, module, span, limit).rows for part in rest)])
        # Not by the number of rows: a call brings 2,000 by Zoho's documents, and 200 by its OpenAPI file of 2026.
        if not more:
            return
        last, limit = end, coql.MAX_ROWS


def _query(client: ZohoClient, columns: Sequence[str], module: str, where: str, limit: int) -> Rows:
    with concerning(f"a query of {module}"):
        return client.coql(coql.select(columns, module, where, limit))


def _merged(parts: Sequence[Sequence[Row]]) -> Sequence[Row]:
    if len(parts) == 1:
        return parts[0]
    by_id = [{str(row["id"]): row for row in rows} for rows in parts]
    # A record deleted between the calls is missing in a later one.
    common = [remote_id for remote_id in by_id[0] if all(remote_id in rows for rows in by_id)]
    return [{name: value for rows in by_id for name, value in rows[remote_id].items()} for remote_id in common]


def _deleted(client: ZohoClient, module: str, since: datetime) -> Iterator[IndexEntry]:
    """Tell of the records deleted since a moment, as far as Zoho lists them."""
    listed = 0
    try:
        for page in client.pages(f"/{module}/deleted", {"type": "all"}, {"If-Modified-Since": stamp(since)}):
            for row in page:
                yield IndexEntry(str(row["id"]), None, deleted=True)
            listed += len(page)
    except RefusedError as error:
        if not listed:
            raise ServiceUnavailableError(f"Zoho refuses to list deleted records of {module}: {error}") from None
        # How many are listed is not documented; the others show when their records are read.
        _log.warning("Zoho lists no more than %d deleted records of %s (%s)", listed, module, error.code)


def _entry(fields: ModuleFields, row: Row, wanted: Sequence[str]) -> IndexEntry:
    found = record_values(fields, row) if wanted else {}
    values = {name: found[name] for name in wanted if name in found}
    return IndexEntry(str(row["id"]), external_id(fields, row), values=values, added_at=row.get(_MADE))


def _remote(fields: ModuleFields, row: Row) -> RemoteRecord:
    return RemoteRecord(str(row["id"]), external_id(fields, row), record_values(fields, row))
