"""Reads of one entity: the sweep for the index, records by id, and the search for a create whose answer was lost."""

from __future__ import annotations

import itertools
import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from sync_ledger.adapter import IndexEntry, NewRecord, RemoteRecord, Sweep

from target_pipedrive.answers import RefusedError
from target_pipedrive.costs import IDS_PER_CALL, SINGLE_READS
from target_pipedrive.values import external_id, record_values

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_pipedrive.answers import Answer
    from target_pipedrive.client import PipedriveClient
    from target_pipedrive.entity import Entity
    from target_pipedrive.fields import EntityFields

GONE: t.Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""How Pipedrive answers for a record that is no more; which one for a deleted record is not documented."""

DELTA_MARGIN: t.Final = timedelta(seconds=60)
"""How far a delta sweep reaches back behind the start of the sweep before it."""

LOST_MARGIN: t.Final = timedelta(seconds=60)
"""How far behind the sending of a lost create its record may be dated, clock differences included."""

RECENT: t.Final = timedelta(minutes=15)
"""How far back creates are looked for whose time of sending is not known."""


MOST_CUSTOM_FIELDS: t.Final = 15
"""Custom fields a list can be narrowed to; beyond that it brings all of them."""


def sweep(
    client: PipedriveClient,
    entity: Entity,
    fields: EntityFields,
    since: datetime | None,
    wanted: Sequence[str] = (),
) -> Sweep:
    """List the external IDs of all records, or of those changed since a moment (whole seconds, inclusive).

    Pages go by id, so that records changed or created meanwhile neither hide others nor come twice. Deleted records
    are in no list; they show when an update finds them gone.

    Args:
        client: Client of the account.
        entity: Definition of the entity.
        fields: Its fields in the account.
        since: Start of the changes wanted; None for all records.
        wanted: Names of further fields whose values the entries carry.
    """
    holder = fields.description.external_id_field
    named = {field.key for name in wanted if (field := fields.description.find(name)) is not None}
    if holder is None and not named:
        return Sweep((), None)  # its records say nothing of an external ID
    custom = sorted({*(() if holder is None else (holder.key,)), *(named & fields.custom_keys)})
    params: dict[str, str | int] = {"sort_by": "id"}
    if custom and len(custom) <= MOST_CUSTOM_FIELDS:
        params["custom_fields"] = ",".join(custom)
    if since is not None:
        params["updated_since"] = _rfc3339(since)
    pages = itertools.chain.from_iterable(client.pages(path, params) for path in entity.list_paths)
    first = next(pages)
    entries = itertools.chain.from_iterable(_entries(fields, page, wanted) for page in itertools.chain([first], pages))
    return Sweep(entries, None if first.server_time is None else first.server_time - DELTA_MARGIN)


def read(
    client: PipedriveClient, entity: Entity, fields: EntityFields, remote_ids: Sequence[str]
) -> dict[str, RemoteRecord]:
    """Read records by id, the cheapest way in tokens; deleted ones are absent."""
    if len(remote_ids) <= SINGLE_READS or not entity.ids_listed:
        one_by_one = (_one(client, entity, remote_id) for remote_id in remote_ids)
        raw = [record for record in one_by_one if record is not None]
    else:
        raw = list(_many(client, entity, remote_ids))
    return {str(record["id"]): _remote(fields, record) for record in raw if not record.get("is_deleted")}


def records(client: PipedriveClient, entity: Entity, fields: EntityFields) -> Iterator[RemoteRecord]:
    """List all records with their values, 500 a call; deleted ones are in no list."""
    order = {"sort": "id ASC"} if _of_v1(entity) else {"sort_by": "id"}
    for page in client.pages(entity.path, order):
        for record in page.data or []:
            if not record.get("is_deleted"):
                yield _remote(fields, record)


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
    order: dict[str, str | int] = {"sort_by": "id", "sort_direction": "desc"}
    if _of_v1(entity):
        order = {"sort": "id DESC"}
    for path in entity.list_paths:
        for page in client.pages(path, {**order, **params}):
            yield page
            if page.data and _moment(page.data[-1]["update_time"]) < since:
                break


def _of_v1(entity: Entity) -> bool:
    return entity.path.startswith("/v1/")


def _entries(fields: EntityFields, page: Answer, wanted: Sequence[str] = ()) -> Iterator[IndexEntry]:
    for record in page.data or []:
        found = record_values(fields, record) if wanted else {}
        yield IndexEntry(
            str(record["id"]),
            external_id(fields, record),
            bool(record.get("is_deleted")),
            {name: found[name] for name in wanted if name in found},
            record.get("add_time"),
        )


def _remote(fields: EntityFields, record: Mapping[str, t.Any]) -> RemoteRecord:
    return RemoteRecord(str(record["id"]), external_id(fields, record), record_values(fields, record))


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
