"""Reads of one entity: the sweep for the index, records by id, and the search for a create whose answer was lost."""

from __future__ import annotations

import itertools
import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from sync_ledger.adapter import IndexEntry, NewRecord, RemoteRecord, Sweep

from target_pipedrive.answers import RefusedError
from target_pipedrive.values import external_id, record_values

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_pipedrive.answers import Answer
    from target_pipedrive.client import PipedriveClient
    from target_pipedrive.entity import Entity
    from target_pipedrive.fields import EntityFields

GONE: t.Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""How Pipedrive answers for a record that is no more; which one for a deleted record is not documented."""

IDS_PER_CALL: t.Final = 100
SINGLE_READS: t.Final = 9
"""Up to so many records are cheaper one by one (1 token each) than as a list (10 tokens)."""

DELTA_MARGIN: t.Final = timedelta(seconds=60)
"""How far a delta sweep reaches back behind the start of the sweep before it."""

LOST_MARGIN: t.Final = timedelta(seconds=60)
"""How far behind the sending of a lost create its record may be dated, clock differences included."""

RECENT: t.Final = timedelta(minutes=15)
"""How far back creates are looked for whose time of sending is not known."""


def sweep(client: PipedriveClient, entity: Entity, fields: EntityFields, since: datetime | None) -> Sweep:
    """List the external IDs of all records, or of those changed since a moment (whole seconds, inclusive).

    Pages go by id, so that records changed or created meanwhile neither hide others nor come twice. Deleted records
    are in no list; they show when an update finds them gone.
    """
    holder = fields.description.external_id_field
    if holder is None:
        return Sweep((), None)  # its records say nothing of an external ID
    params: dict[str, str | int] = {"sort_by": "id", "custom_fields": holder.key}
    if since is not None:
        params["updated_since"] = _rfc3339(since)
    pages = itertools.chain.from_iterable(client.pages(path, params) for path in entity.list_paths)
    first = next(pages)
    entries = itertools.chain.from_iterable(_entries(fields, page) for page in itertools.chain([first], pages))
    return Sweep(entries, None if first.server_time is None else first.server_time - DELTA_MARGIN)


def read(
    client: PipedriveClient, entity: Entity, fields: EntityFields, remote_ids: Sequence[str]
) -> dict[str, RemoteRecord]:
    """Read records by id, the cheapest way in tokens; deleted ones are absent."""
    if len(remote_ids) <= SINGLE_READS or not entity.ids_listed:
        raw = (_one(client, entity, remote_id) for remote_id in remote_ids)
        records = [record for record in raw if record is not None]
    else:
        records = list(_many(client, entity, remote_ids))
    return {
        str(record["id"]): RemoteRecord(str(record["id"]), external_id(fields, record), record_values(fields, record))
        for record in records
        if not record.get("is_deleted")
    }


def recent(
    client: PipedriveClient, entity: Entity, fields: EntityFields, wanted: set[str], since: datetime
) -> dict[str, list[str]]:
    """Find external IDs among the records added since a moment.

    Lists are read from the records themselves; the search index runs seconds behind (fact sheet sections 7 and 9).
    """
    found: dict[str, list[str]] = {}
    holder = fields.description.external_id_field
    for page in _newest_pages(client, entity, since, {} if holder is None else {"custom_fields": holder.key}):
        for entry in _entries(fields, page):
            one = entry.external_id or ""
            # A record added meanwhile shifts the pages, so one may be met twice.
            if one in wanted and not entry.deleted and entry.remote_id not in found.setdefault(one, []):
                found[one].append(entry.remote_id)
    return found


def newest(
    client: PipedriveClient, entity: Entity, fields: EntityFields, since: datetime, user_id: int
) -> list[NewRecord]:
    """List the records a user has made since a moment."""
    found: dict[str, NewRecord] = {}
    for page in _newest_pages(client, entity, since, {}):
        for record in page.data or []:
            made, changed = _moment(record["add_time"]), _moment(record["update_time"])
            if changed < since or record.get(entity.creator or "", user_id) != user_id:
                continue
            # A record with a time of adding of its own, as notes may have, is told by its time of change alone.
            found[str(record["id"])] = NewRecord(str(record["id"]), record_values(fields, record), made != changed)
    return list(found.values())


def _newest_pages(
    client: PipedriveClient, entity: Entity, since: datetime, params: Mapping[str, str | int]
) -> Iterator[Answer]:
    """Read lists from the highest id down, until a record was last touched before a moment.

    Not by `add_time`: a create may set that to a time long past.
    """
    v1 = entity.path.startswith("/v1/")
    order: dict[str, str | int] = {"sort": "id DESC"} if v1 else {"sort_by": "id", "sort_direction": "desc"}
    for path in entity.list_paths:
        for page in client.pages(path, {**order, **params}):
            yield page
            if page.data and _moment(page.data[-1]["update_time"]) < since:
                break


def _entries(fields: EntityFields, page: Answer) -> Iterator[IndexEntry]:
    for record in page.data or []:
        yield IndexEntry(str(record["id"]), external_id(fields, record), bool(record.get("is_deleted")))


def _one(client: PipedriveClient, entity: Entity, remote_id: str) -> Mapping[str, t.Any] | None:
    try:
        data = client.read(entity.record_path, id_=remote_id).data
    except RefusedError as error:
        if error.status in GONE:
            return None
        raise
    return data if isinstance(data, dict) else None


def _many(client: PipedriveClient, entity: Entity, remote_ids: Sequence[str]) -> Iterator[Mapping[str, t.Any]]:
    for start in range(0, len(remote_ids), IDS_PER_CALL):
        ids = ",".join(remote_ids[start : start + IDS_PER_CALL])
        for path in entity.list_paths:
            for page in client.pages(path, {"ids": ids, "limit": IDS_PER_CALL}):
                yield from page.data or []


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))  # API v1 writes UTC without saying so
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
