"""Reads of one table: the sweep for the index, rows by id and by external ID, and all of them."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from urllib.parse import quote

from sync_ledger.adapter import IndexEntry, RemoteRecord, Sweep

from target_dynamics import queries
from target_dynamics.refusals import concerning
from target_dynamics.values import external_id, record_values

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sync_ledger.fields import Field

    from target_dynamics.client import DynamicsClient
    from target_dynamics.fields import TableFields

    Row = Mapping[str, t.Any]

DELTA_MARGIN: t.Final = timedelta(minutes=5)
"""How far a delta sweep reaches back behind the start of the sweep before it.

`modifiedon` is set when a transaction begins to write, and one that lasts becomes visible later than others that were
written after it (Dataverse sheet section 14); none lasts longer than the two minutes of a message.
"""

ANNOTATIONS: t.Final = {"Prefer": 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'}
"""Asks which table a lookup points to."""

_CHANGED: t.Final = "modifiedon"
_MADE: t.Final = "createdon"


def sweep(client: DynamicsClient, fields: TableFields, since: datetime | None, wanted: Sequence[str] = ()) -> Sweep:
    """List the external IDs of all rows, or of those changed since a moment.

    Deleted rows are not listed: only change tracking tells of them, whose token is no moment. The engine finds out when
    it reads the rows, and with the next full sweep.

    Args:
        client: Client of the environment.
        fields: Columns of the table.
        since: Start of the changes wanted; None for all rows.
        wanted: Names of further fields whose values the entries carry.
    """
    start = client.server_now()
    found = [field for name in wanted if (field := fields.description.find(name)) is not None]
    columns = properties(fields, found)
    if wanted:
        columns.append(_MADE)
    select = list(dict.fromkeys([fields.table.id, fields.key, *columns]))
    where = None if since is None else queries.since(_CHANGED, since)
    if where is None and not wanted:
        where = f"{fields.key} ne null"  # rows of the users' own need no place in the index
    entries = (_entry(fields, row, wanted) for row in _rows(client, fields, select, where))
    return Sweep(entries, start - DELTA_MARGIN)


def find(client: DynamicsClient, fields: TableFields, external_ids: Sequence[str]) -> dict[str, list[str]]:
    """Look external IDs up in the rows themselves."""
    found: dict[str, list[str]] = {}
    wanted = set(external_ids)
    for row in _among(client, fields, fields.key, external_ids, [fields.table.id, fields.key]):
        carried = external_id(fields, row)
        if carried in wanted:  # the database leaves case aside when it compares
            found.setdefault(carried or "", []).append(_id(fields, row))
    return found


def carriers(client: DynamicsClient, fields: TableFields, external_ids: Sequence[str]) -> dict[str, str]:
    """Return external ID as it is carried -> id, for rows whose key Dataverse takes for equal to one of these."""
    rows = _among(client, fields, fields.key, external_ids, [fields.table.id, fields.key])
    return {carried: _id(fields, row) for row in rows if (carried := external_id(fields, row))}


def read(
    client: DynamicsClient, fields: TableFields, remote_ids: Sequence[str], more: Iterable[str] = ()
) -> dict[str, RemoteRecord]:
    """Read rows by id with all columns that can be written; those that are gone are absent.

    Args:
        client: Client of the environment.
        fields: Columns of the table.
        remote_ids: The rows.
        more: Names of further properties wanted.
    """
    select = list(dict.fromkeys([*fields.properties, *more]))
    rows = _among(client, fields, fields.table.id, remote_ids, select)
    return {_id(fields, row): _remote(fields, row) for row in rows}


def properties(fields: TableFields, wanted: Iterable[Field]) -> list[str]:
    """Return the properties that fields are read by; none of those of a type that cannot be read."""
    return [fields.columns[field.key].property for field in wanted if field.key in fields.columns]


def reads(fields: TableFields, rows: int) -> int:
    """Return how many calls it takes to read so many rows by id."""
    sample = ["0" * 8 + "-0000" * 3 + "-" + "0" * 12] * rows
    return sum(1 for _ in queries.groups(sample, _room(fields.properties)))


def records(client: DynamicsClient, fields: TableFields) -> Iterator[RemoteRecord]:
    """List all rows with the values of all columns that can be written, 5,000 a call."""
    for row in _rows(client, fields, fields.properties, None):
        yield _remote(fields, row)


def _rows(client: DynamicsClient, fields: TableFields, select: Sequence[str], where: str | None) -> Iterator[Row]:
    params = {"$select": ",".join(select), "$orderby": f"{fields.table.id} asc"}
    if where is not None:
        params["$filter"] = where
    with concerning(f"the rows of {fields.table.entity}"):
        for page in client.pages(f"/{fields.table.entity}", params, headers=ANNOTATIONS):
            yield from page


def _among(
    client: DynamicsClient, fields: TableFields, column: str, values: Sequence[str], select: Sequence[str]
) -> Iterator[Row]:
    """Return the rows in which a column has one of some values."""
    for part in queries.groups(values, _room(select)):
        params = {"$select": ",".join(select), "$filter": queries.within(column, part)}
        with concerning(f"rows of {fields.table.entity} by {column}"):
            for page in client.pages(f"/{fields.table.entity}", params, headers=ANNOTATIONS):
                yield from page


def _room(select: Sequence[str]) -> int:
    return max(queries.LONGEST_QUERY - len(quote(",".join(select), safe="")), queries.LONGEST_QUERY // 3)


def _id(fields: TableFields, row: Row) -> str:
    return str(row[fields.table.id]).lower()


def _entry(fields: TableFields, row: Row, wanted: Sequence[str]) -> IndexEntry:
    found = record_values(fields, row) if wanted else {}
    values = {name: found[name] for name in wanted if name in found}
    return IndexEntry(_id(fields, row), external_id(fields, row), values=values, added_at=row.get(_MADE))


def _remote(fields: TableFields, row: Row) -> RemoteRecord:
    return RemoteRecord(_id(fields, row), external_id(fields, row), record_values(fields, row))
