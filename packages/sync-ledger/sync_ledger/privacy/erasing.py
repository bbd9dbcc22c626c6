"""Erasing values from the ledger: by age, or of one person.

Links, hashes, counts and reasons stay, so that nothing is written twice and the books still balance. A row that waits
and has lost its values can no longer be sent; it stays on the list of held rows and says so.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sqlalchemy import Text, and_, cast, func, null, or_, select, text, update

from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import intents, links, match_index, open_rows, outcomes, plan_rows, plans, runs
from sync_ledger.privacy.erasing_alerts import erase_alerts
from sync_ledger.privacy.erasing_messages import erase_messages
from sync_ledger.privacy.masking import has_mask, mask_fields, masked
from sync_ledger.rows import Outcome, Reason

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql.elements import ColumnElement

    from sync_ledger.engine.undo_file import Removal

_CHUNK = 500
_WHY = "its values were erased from the ledger before it was written"


@dataclass(frozen=True)
class Selection:
    """What to erase; conditions add up.

    Attributes:
        before: Only what is older.
        external_id: Only what belongs to this external ID.
        entity: Only of this entity.
        destination: Only of this account.
    """

    before: datetime | None = None
    external_id: str | None = None
    entity: str | None = None
    destination: str | None = None

    def of(self, table: t.Any, moment: t.Any = None) -> ColumnElement[bool]:
        """Return the condition for the rows of a table, given its column of time."""
        conditions = [
            table.c[name] == wanted
            for name in ("external_id", "entity", "destination")
            if (wanted := getattr(self, name)) is not None and name in table.c
        ]
        if self.before is not None and moment is not None:
            conditions.append(moment < self.before)
        return and_(True, *conditions)

    def takes(self, item: Removal) -> bool:
        """Whether a record of the undo file belongs to it, whatever its age."""
        wanted = (self.external_id, self.entity, self.destination)
        having = (item.external_id, item.entity, item.destination)
        return all(one is None or one == other for one, other in zip(wanted, having, strict=True))


class Eraser:
    """Erases values from a ledger.

    Args:
        engine: Its database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def erase(self, selection: Selection, *, dry_run: bool = False) -> dict[str, int]:
        """Erase values and return how many rows of each table had any; a dry run only counts them."""
        return {
            "outcomes": self._outcomes(selection, dry_run=dry_run),
            "links": self._links(selection, dry_run=dry_run),
            "open_rows": self._open_rows(selection, dry_run=dry_run),
            "plan_rows": self._plan_rows(selection, dry_run=dry_run),
            "match_index": self._match_index(selection, dry_run=dry_run),
            "intents": self._intents(selection, dry_run=dry_run),
            **erase_alerts(self._engine, selection, dry_run=dry_run),
            **erase_messages(self._engine, selection, dry_run=dry_run),
        }

    def mask_closed(self) -> None:
        """Mask the masked fields of rows that no longer wait."""
        wanted = and_(open_rows.c.masked.is_not(None), open_rows.c.closed_at.is_not(None))
        columns = (open_rows.c.id, open_rows.c.payload, open_rows.c.payload_before, open_rows.c.masked)
        with self._engine.begin() as connection:
            for row in connection.execute(select(*columns).where(wanted)).all():
                change = {
                    "payload": mask_fields(row.payload, row.masked),
                    "payload_before": mask_fields(row.payload_before, row.masked) if row.payload_before else null(),
                    "masked": None,
                }
                connection.execute(update(open_rows).where(open_rows.c.id == row.id).values(change))

    def compact(self) -> None:
        """Give erased values' room back to the system, so that they are in no page of the file any more."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))
            if connection.dialect.name == "sqlite":
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def _outcomes(self, selection: Selection, *, dry_run: bool) -> int:
        """Erase old and new values, texts and answers; by age a run at a time, each run once."""
        if selection.external_id is not None:
            return self._blank_outcomes(selection.of(outcomes, outcomes.c.at), dry_run=dry_run)
        fresh = and_(runs.c.erased_at.is_(None), runs.c.ended_at.is_not(None), selection.of(runs, runs.c.ended_at))
        with self._engine.connect() as connection:
            found = connection.execute(select(runs.c.id).where(fresh)).scalars().all()
        erased = 0
        for run_id in found:
            where = and_(outcomes.c.run_id == run_id, selection.of(outcomes))
            erased += self._blank_outcomes(where, dry_run=dry_run)
            if not dry_run and selection.entity is None:
                with self._engine.begin() as connection:
                    connection.execute(update(runs).where(runs.c.id == run_id).values(erased_at=now()))
        return erased

    def _blank_outcomes(self, where: ColumnElement[bool], *, dry_run: bool) -> int:
        change = {"changes": null(), "text": None, "answers": null()}
        kept = or_(outcomes.c.text.is_not(None), _holds(outcomes.c.changes), _holds(outcomes.c.answers))
        return self._change(outcomes, and_(where, kept), change, dry_run=dry_run)

    def _links(self, selection: Selection, *, dry_run: bool) -> int:
        """Mask payloads; keys of the payload and its hash stay."""
        where = and_(~links.c.erased, selection.of(links, links.c.written_at))
        if dry_run:
            return self._count(links, where)
        erased = 0
        keys = (links.c.destination, links.c.entity, links.c.external_id)
        query = select(*keys, links.c.payload).where(where).limit(_CHUNK)
        while True:
            with self._engine.begin() as connection:
                rows = connection.execute(query).all()
                for row in rows:
                    this = and_(*(column == row[place] for place, column in enumerate(keys)))
                    connection.execute(update(links).where(this).values(payload=masked(row.payload), erased=True))
            erased += len(rows)
            if len(rows) < _CHUNK:
                return erased

    def _open_rows(self, selection: Selection, *, dry_run: bool) -> int:
        """Mask payloads, of rows that wait as well: those can then only come again from the source."""
        where = selection.of(open_rows, func.coalesce(open_rows.c.closed_at, open_rows.c.opened_at))
        columns = (open_rows.c.id, open_rows.c.payload, open_rows.c.closed_at, open_rows.c.deletion)
        erased = after = 0
        while True:
            query = select(*columns).where(where, open_rows.c.id > after).order_by(open_rows.c.id).limit(_CHUNK)
            with self._engine.begin() as connection:
                rows = connection.execute(query).all()
                whole = [row for row in rows if not _masked_whole(row.payload)]
                erased += len(whole)
                if not dry_run:
                    for row in whole:
                        self._erase_open_row(connection, row)
            if len(rows) < _CHUNK:
                return erased
            after = rows[-1].id

    def _erase_open_row(self, connection: Connection, row: t.Any) -> None:
        change: dict[str, t.Any] = {
            "payload": masked(row.payload),
            "payload_before": null(),
            "masked": None,
            "text": None,
        }
        if row.closed_at is None and not row.deletion:  # to delete a record takes no values
            change.update(
                outcome=Outcome.HELD.value, reason=Reason.PAYLOAD_ERASED.value, field=None, text=_WHY, replay=False
            )
        connection.execute(update(open_rows).where(open_rows.c.id == row.id).values(change))

    def _plan_rows(self, selection: Selection, *, dry_run: bool) -> int:
        """Erase values of plans; what was still to be applied is refused from then on."""
        of_plan = select(plans.c.id).where(selection.of(plans, plans.c.made_at))
        where = and_(
            plan_rows.c.plan_id.in_(of_plan),
            selection.of(plan_rows),
            plan_rows.c.reason != Reason.PAYLOAD_ERASED.value,
        )
        if not dry_run:
            refused = and_(where, plan_rows.c.status == "planned")
            self._change(plan_rows, refused, {"status": "refused"}, dry_run=False)
        change = {"changes": null(), "payload": {}, "text": _WHY, "reason": Reason.PAYLOAD_ERASED.value}
        return self._change(plan_rows, where, change, dry_run=dry_run)

    def _match_index(self, selection: Selection, *, dry_run: bool) -> int:
        """Drop what match rules know of one person's record; it is linked and needs no match any more."""
        if selection.external_id is None:
            return 0
        mine = select(links.c.remote_id).where(
            selection.of(links),
            links.c.destination == match_index.c.destination,
            links.c.entity == match_index.c.entity,
            links.c.remote_id == match_index.c.remote_id,
        )
        where = mine.exists()
        if dry_run:
            return self._count(match_index, where)
        with self._engine.begin() as connection:
            return connection.execute(match_index.delete().where(where)).rowcount

    def _intents(self, selection: Selection, *, dry_run: bool) -> int:
        """Drop the notes of one person's writes that hold values; those that hold none are needed and stay.

        Others last no longer than to the next run anyway.
        """
        if selection.external_id is None:
            return 0
        where = and_(selection.of(intents, intents.c.at), _holds(intents.c.payload))
        if dry_run:
            return self._count(intents, where)
        with self._engine.begin() as connection:
            return connection.execute(intents.delete().where(where)).rowcount

    def _change(self, table: t.Any, where: ColumnElement[bool], change: dict[str, t.Any], *, dry_run: bool) -> int:
        if dry_run:
            return self._count(table, where)
        with self._engine.begin() as connection:
            return connection.execute(update(table).where(where).values(change)).rowcount

    def _count(self, table: t.Any, where: ColumnElement[bool]) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())


def _holds(column: t.Any) -> ColumnElement[bool]:
    """Whether a JSON column has a value; none is stored as null of SQL or of JSON."""
    return func.coalesce(cast(column, Text), "null") != "null"


def _masked_whole(payload: t.Any) -> bool:
    """Whether nothing of a payload is left but its shape."""
    if isinstance(payload, dict):
        return all(_masked_whole(item) for item in payload.values())
    if isinstance(payload, (list, tuple)):
        return all(_masked_whole(item) for item in t.cast("Sequence[t.Any]", payload))
    return payload is None or has_mask(payload)
