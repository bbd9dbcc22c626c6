"""Settling a batch: outcomes, counts, links, open rows and the end of intents, all in the caller's transaction."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from sqlalchemy import Text, and_, cast, null, or_, select, update

from sync_ledger.engine.payload import payload_hash, to_json_text
from sync_ledger.ledger.claims import note_claims
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.plans import note_plan_rows
from sync_ledger.ledger.storable import storable
from sync_ledger.ledger.tables import intents, links, open_rows, outcomes, remote_index, run_counts, runs, sweeps
from sync_ledger.ledger.upsert import insert, upsert
from sync_ledger.rows import DELETIONS_LEFT_ALONE, MAPPED_AWAY, OPEN_OUTCOMES, Outcome, Reason, Tally

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from sync_ledger.adapter import Usage
    from sync_ledger.privacy import Masks
    from sync_ledger.rows import Settled, SourceRow

_KNOWN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})
_WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED})
_NEW_TO_THE_INDEX = frozenset({Reason.ADOPTED, Reason.ALREADY_THERE})
_UNDECIDED = frozenset({Reason.UNKNOWN_RESULT, Reason.AMBIGUOUS_CREATE})
_LASTING = select(runs.c.id).where(runs.c.status == "running")

DELETE = "delete"
"""What `links.deleted_as` says of a record that was deleted, or found gone, once its source row was."""


def settle(
    connection: Connection,
    destination: str,
    run_id: int,
    batch: Sequence[Settled],
    usage: Usage,
    masks: Masks,
    *,
    mode: str = "apply",
    plan_id: int | None = None,
) -> None:
    """Write one batch of outcomes; each entity's rows carry distinct external IDs, skipped ones aside."""
    moment = now()
    whole = [storable(item) for item in batch]
    by_entity: dict[str, list[Settled]] = {}
    for item in whole:
        by_entity.setdefault(item.row.entity, []).append(item)
    for entity, unmasked in by_entity.items():
        items = [masks.settled(item) for item in unmasked]
        _write_outcomes(connection, destination, run_id, entity, items, moment)
        note_plan_rows(connection, destination, plan_id, entity, unmasked, masks)
        if mode == "plan":
            continue  # a plan leaves no trace but itself
        _write_links(connection, destination, run_id, entity, items, moment, masks)
        note_claims(connection, destination, run_id, entity, items)
        _write_open_rows(connection, destination, run_id, entity, _deciding(items, mode), moment, masks)
        # A write whose result is still unknown stays noted: the next run looks for it before it sends it again.
        # Rows skipped for a newer one of the same key say nothing of that one's write.
        known = [
            item.row.external_id
            for item in items
            if item.reason not in _UNDECIDED and item.outcome is not Outcome.SKIPPED
        ]
        _end_intents(connection, destination, entity, intents.c.run_id == run_id, known)
        if mode == "apply":
            # What a run that died was doing to a record is known when the record itself has been looked at.
            sure = [item.row.external_id for item in items if item.outcome in _KNOWN]
            _end_intents(connection, destination, entity, intents.c.run_id.not_in(_LASTING), sure)
    _count(connection, run_id, whole)
    _progress(connection, run_id, whole, usage, moment)


def _deciding(items: Sequence[Settled], mode: str) -> list[Settled]:
    """Return the rows that open or close open rows.

    A row that was only linked has not been written: one of the same key that waits goes on waiting. A row of a plan
    that failed stays in its plan instead.
    """
    if mode == "adopt":
        return [item for item in items if item.outcome in OPEN_OUTCOMES]
    return [item for item in items if item.row.planned is None or item.outcome is not Outcome.FAILED]


def _write_outcomes(
    connection: Connection,
    destination: str,
    run_id: int,
    entity: str,
    items: Iterable[Settled],
    moment: datetime,
) -> None:
    rows = [
        {
            "run_id": run_id,
            "destination": destination,
            "entity": entity,
            "external_id": item.row.external_id,
            "outcome": item.outcome.value,
            "reason": item.reason.value,
            "field": item.field,
            "text": item.text,
            "remote_id": item.remote_id,
            "changes": {name: list(pair) for name, pair in item.changes.items()} if item.changes else None,
            "matched_by": item.matched_by,
            "answers": [dict(answer) for answer in item.answers] or None,
            "open_row_id": item.row.open_row_id,
            "at": moment,
        }
        for item in items
        if item.outcome is not Outcome.UNCHANGED or item.matched_by or item.row.open_row_id or item.deleted_as
    ]
    if rows:
        connection.execute(outcomes.insert(), rows)


def _write_links(
    connection: Connection,
    destination: str,
    run_id: int,
    entity: str,
    items: Iterable[Settled],
    moment: datetime,
    masks: Masks,
) -> None:
    linked = [item for item in items if item.outcome in _KNOWN and item.values is not None and item.remote_id]
    rows = [
        {
            "destination": destination,
            "entity": entity,
            "external_id": item.row.external_id,
            "remote_id": item.remote_id,
            "payload_hash": payload_hash(item.values or {}),
            "payload": masks.payload(entity, item.values or {}),
            "erased": False,
            "written_at": moment,
            "run_id": run_id,
            "deleted_as": item.deleted_as,
        }
        for item in linked
    ]
    upsert(connection, links, rows)
    _note_origin(connection, destination, entity, linked)
    new_there = [item for item in linked if item.outcome is Outcome.CREATED or item.reason in _NEW_TO_THE_INDEX]
    if new_there:
        sweep = connection.execute(
            select(sweeps.c.sweep).where(sweeps.c.destination == destination, sweeps.c.entity == entity)
        ).scalar()
        upsert(
            connection,
            remote_index,
            [
                {
                    "destination": destination,
                    "entity": entity,
                    "remote_id": item.remote_id,
                    "external_id": item.row.external_id,
                    "sweep": sweep or 0,
                }
                for item in new_there
            ],
        )
    gone = [
        item for item in items if (item.reason is Reason.RECORD_DELETED or item.deleted_as == DELETE) and item.remote_id
    ]
    if gone:
        where = and_(
            remote_index.c.destination == destination,
            remote_index.c.entity == entity,
            remote_index.c.remote_id.in_([item.remote_id for item in gone]),
        )
        connection.execute(remote_index.delete().where(where))


def _note_origin(connection: Connection, destination: str, entity: str, linked: Iterable[Settled]) -> None:
    """Note how a link came to be; later writes leave that alone."""
    origins: dict[str, list[str]] = {}
    for item in linked:
        if item.outcome is Outcome.CREATED or item.matched_by:
            origin = "adopted" if item.matched_by else "created"
            origins.setdefault(origin, []).append(item.row.external_id)
    for origin, keys in origins.items():
        where = and_(links.c.destination == destination, links.c.entity == entity, links.c.external_id.in_(keys))
        connection.execute(update(links).where(where).values(origin=origin))


def _write_open_rows(
    connection: Connection,
    destination: str,
    run_id: int,
    entity: str,
    items: Sequence[Settled],
    moment: datetime,
    masks: Masks,
) -> None:
    decided = [item for item in items if _decides(item)]
    own = {item.row.open_row_id: item for item in decided if item.row.open_row_id}
    keys = [item.row.external_id for item in decided]
    keyless = [to_json_text(item.row.payload) for item in decided if not item.row.external_id]
    where = and_(
        open_rows.c.destination == destination,
        open_rows.c.entity == entity,
        or_(
            open_rows.c.external_id.in_([key for key in keys if key]),
            # Rows without a key have nothing in common, unless they are the same.
            and_(open_rows.c.external_id == "", cast(open_rows.c.payload, Text).in_(keyless)),
        ),
        open_rows.c.closed_at.is_(None),
    )
    outcome_of = {item.row.external_id: item for item in decided}
    columns = [open_rows.c[name] for name in ("id", "external_id", "edited_at", "reason", "updated_at", "last_run_id")]
    query = select(*columns)
    found = {row.id: row for row in connection.execute(query.where(where))}
    if anew := [row_id for row_id, item in own.items() if item.row.original is not None]:  # perhaps under another key
        still = and_(open_rows.c.id.in_(anew), open_rows.c.closed_at.is_(None))
        found.update({row.id: row for row in connection.execute(query.where(still))})
    waited = [
        row.external_id for row in found.values() if row.reason == Reason.BUSY.value and row.last_run_id != run_id
    ]
    begun = _begun(connection, destination, run_id, entity, waited) if waited else {}
    for row_id, row in found.items():
        item = own.get(row_id) or outcome_of[row.external_id]
        if _came_later(item.row, row) or (row.external_id in begun and row.updated_at >= begun[row.external_id]):
            continue
        waiting = row_id in own and (item.outcome in OPEN_OUTCOMES or waits(item))
        change = _still_open(item, run_id, moment) if waiting else _closed(item, row_id, moment)
        if row_id in own and item.row.original is not None:
            change.update(_mapped_anew(item, masks))
        connection.execute(update(open_rows).where(open_rows.c.id == row_id).values(change))
        if row_id in own and item.row.external_id != row.external_id:
            _link_first_try(connection, destination, entity, row.external_id, row_id)
    fresh = [
        {
            "destination": destination,
            "entity": entity,
            "external_id": item.row.external_id,
            "outcome": (Outcome.FAILED if waits(item) else item.outcome).value,
            "reason": item.reason.value,
            "field": item.field,
            "text": item.text,
            "candidates": list(item.candidates) or None,
            "payload": dict(item.row.payload),
            "deletion": item.row.deleted,
            "attempts": 0 if waits(item) else 1,
            "first_run_id": run_id,
            "last_run_id": run_id,
            "masked": sorted(masks.hidden(item)) or None,
            "origin": asdict(item.row.origin) if item.row.origin else None,
            "opened_at": moment,
            "updated_at": moment,
        }
        for item in decided
        if (item.outcome in OPEN_OUTCOMES or waits(item)) and not item.row.open_row_id
    ]
    if fresh:
        connection.execute(open_rows.insert(), fresh)


def _begun(
    connection: Connection, destination: str, run_id: int, entity: str, external_ids: Sequence[str]
) -> dict[str, datetime]:
    """Return when this run began to write some external IDs: what another run had to put off since then is newer."""
    query = select(intents.c.external_id, intents.c.at).where(
        intents.c.destination == destination,
        intents.c.entity == entity,
        intents.c.run_id == run_id,
        intents.c.external_id.in_(external_ids),
    )
    return {row.external_id: row.at for row in connection.execute(query)}


def _came_later(tried: SourceRow, row: t.Any) -> bool:
    """Whether an open row says something newer than one that was tried again: it came, or was edited, meanwhile."""
    if tried.open_row_id is None:
        return False
    return bool(row.id > tried.open_row_id or (row.id == tried.open_row_id and row.edited_at != tried.edited_at))


def waits(item: Settled) -> bool:
    """Whether a row was put off to the end of the run: skipped for now, and open until then."""
    return item.reason is Reason.DELETION_WAITS


def _decides(item: Settled) -> bool:
    """Whether an outcome says what is to become of open rows of the same external ID."""
    if item.outcome is Outcome.SKIPPED:
        return waits(item) or item.reason in DELETIONS_LEFT_ALONE or item.reason in MAPPED_AWAY
    return item.outcome is not Outcome.PLANNED


def _still_open(item: Settled, run_id: int, moment: datetime) -> dict[str, t.Any]:
    return {
        "outcome": (Outcome.FAILED if waits(item) else item.outcome).value,
        "reason": item.reason.value,
        "field": item.field,
        "text": item.text,
        "candidates": list(item.candidates) or None,
        "attempts": open_rows.c.attempts + 1,
        "replay": open_rows.c.replay if item.outcome is Outcome.FAILED else False,
        "last_run_id": run_id,
        "updated_at": moment,
    }


def _mapped_anew(item: Settled, masks: Masks) -> dict[str, t.Any]:
    """Return what a row has now that came as one that could not be mapped: what was made of it, or what it was."""
    mapped = item.reason is not Reason.UNMAPPED
    original = dict(item.row.original or {})
    return {
        "external_id": item.row.external_id,
        "payload": dict(item.row.payload) if mapped else original,
        "payload_before": original if mapped else null(),
        "deletion": item.row.deleted,
        "masked": sorted(masks.hidden(item)) or None,
    }


def _link_first_try(connection: Connection, destination: str, entity: str, external_id: str, open_row_id: int) -> None:
    """Let the outcome a row was held with tell of the row, whose external ID is another one now."""
    first = select(open_rows.c.first_run_id).where(open_rows.c.id == open_row_id).scalar_subquery()
    where = and_(
        outcomes.c.destination == destination,
        outcomes.c.entity == entity,
        outcomes.c.external_id == external_id,
        outcomes.c.run_id == first,
        outcomes.c.reason == Reason.UNMAPPED.value,
        outcomes.c.open_row_id.is_(None),
    )
    connection.execute(update(outcomes).where(where).values(open_row_id=open_row_id))


def _closed(item: Settled, open_row_id: int, moment: datetime) -> dict[str, t.Any]:
    if item.row.open_row_id != open_row_id:
        closed_as = "superseded"
    elif item.reason in MAPPED_AWAY:
        closed_as = item.reason.value
    else:
        closed_as = "written" if item.outcome in _WRITTEN else "unchanged"
    return {"closed_at": moment, "closed_as": closed_as, "updated_at": moment}


def _end_intents(
    connection: Connection, destination: str, entity: str, whose: ColumnElement[bool], external_ids: Sequence[str]
) -> None:
    where = and_(
        whose,
        intents.c.destination == destination,
        intents.c.entity == entity,
        intents.c.external_id.in_(external_ids),
    )
    connection.execute(intents.delete().where(where))


def _count(connection: Connection, run_id: int, batch: Iterable[Settled]) -> None:
    tally = Tally()
    for item in batch:
        tally.add(item)
    rows = [
        {"run_id": run_id, "entity": entity, "outcome": outcome.value, "reason": reason.value, "rows": count}
        for (entity, outcome, reason), count in tally.counts.items()
    ]
    statement = insert(connection, run_counts)
    statement = statement.on_conflict_do_update(
        index_elements=["run_id", "entity", "outcome", "reason"],
        set_={"rows": run_counts.c.rows + statement.excluded.rows},
    )
    connection.execute(statement, rows)


def _progress(connection: Connection, run_id: int, batch: Sequence[Settled], usage: Usage, moment: datetime) -> None:
    replayed = sum(1 for item in batch if item.row.open_row_id)
    values = {
        "rows": runs.c.rows + len(batch) - replayed,
        "replayed": runs.c.replayed + replayed,
        "calls": usage.calls,
        "writes": usage.writes,
        "cost": usage.cost,
        "budget_left": usage.budget_left,
        "heartbeat_at": moment,
    }
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))
