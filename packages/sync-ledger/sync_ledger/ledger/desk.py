"""What people do with open rows: choose, edit, mark for replay, discard."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from sqlalchemy import and_, select, update

from sync_ledger.errors import InputError
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.descriptions import Descriptions
from sync_ledger.ledger.tables import open_rows, runs
from sync_ledger.rows import Reason

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Row

    from sync_ledger.fields import EntityDescription

_CHUNK: t.Final = 500


@dataclass(frozen=True)
class Selection:
    """Which open rows are meant; every part that is given narrows it.

    Attributes:
        ids: Numbers of open rows; empty for any.
        outcome: `held`, `rejected` or `failed`.
        reason: Reason code.
        entity: Entity, which is the stream.
        since: Opened at this moment or later.
        until: Opened before this moment.
    """

    ids: Sequence[int] = ()
    outcome: str | None = None
    reason: str | None = None
    entity: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self != Selection()

    def where(self) -> ColumnElement[bool]:
        """Return the condition on `open_rows`, ids left out."""
        parts: list[ColumnElement[bool]] = [open_rows.c.closed_at.is_(None)]
        for column, wanted in (("outcome", self.outcome), ("reason", self.reason), ("entity", self.entity)):
            if wanted is not None:
                parts.append(open_rows.c[column] == wanted)
        if self.since is not None:
            parts.append(open_rows.c.opened_at >= self.since)
        if self.until is not None:
            parts.append(open_rows.c.opened_at < self.until)
        return and_(*parts)


@dataclass
class Chosen:
    """Open rows of one account.

    Attributes:
        destination: The account.
        target: Target that met them last.
        ids: Their numbers.
    """

    destination: str
    target: str
    ids: list[int] = field(default_factory=list)


class Desk:
    """Open rows of all destinations of a ledger, for people."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def choose(self, selection: Selection, left_out: list[int] | None = None, *, to_map: bool = False) -> list[Chosen]:
        """Return the rows meant, by account; of rows not meant by number, those that can be replayed.

        Rows that could not be mapped are left out unless they are asked for.

        Args:
            selection: Which rows.
            left_out: Gets the numbers of rows that cannot be replayed, as those without a key, unless they were asked
                for by number.
            to_map: Only rows that came as rows a mapper could not map, to map them anew.

        Raises:
            InputError: If a number given is no open row, or a row can be neither edited nor replayed.
        """
        chosen: dict[tuple[str, str], Chosen] = {}
        met: set[int] = set()
        for row in self._rows(selection):
            unmapped = row.reason == Reason.UNMAPPED.value
            if to_map and not (unmapped or row.came_unmapped):
                continue
            if unmapped and not (to_map or selection.ids or selection.reason):
                continue
            met.add(row.id)
            try:
                if not to_map:
                    self._check(row)
            except InputError:
                if selection.ids or unmapped:
                    raise
                if left_out is not None:
                    left_out.append(row.id)
                continue  # rows chosen by what they have in common are not kept back by one of them
            key = (row.destination, row.target)
            chosen.setdefault(key, Chosen(*key)).ids.append(row.id)
        self._all_met(selection, met)
        return list(chosen.values())

    def mark(self, ids: Sequence[int]) -> None:
        """Let rows be tried again by the next run, whatever their outcome; guards do not stop them."""
        self._change(ids, {"replay": True, "updated_at": now()})

    def discard(self, selection: Selection, note: str) -> list[int]:
        """Close rows for good, with a note why; return their numbers.

        Raises:
            InputError: If a number given is no open row.
        """
        ids = [row.id for row in self._rows(selection)]
        self._all_met(selection, set(ids))
        moment = now()
        self._change(ids, {"closed_at": moment, "closed_as": "discarded", "updated_at": moment, "note": note})
        return ids

    def editable(self, row_id: int) -> tuple[Mapping[str, t.Any], EntityDescription | None]:
        """Return the payload of a row, and the fields of its entity when they are known.

        Raises:
            InputError: If it is no open row, or its external ID is what is wrong with it.
        """
        (chosen,) = self.choose(Selection(ids=(row_id,)))
        with self._engine.connect() as connection:
            row = connection.execute(
                select(open_rows.c.entity, open_rows.c.payload).where(open_rows.c.id == row_id)
            ).one()
        return row.payload, Descriptions(self._engine, chosen.destination).find(row.entity)

    def edit(self, row_id: int, payload: Mapping[str, t.Any], note: str | None) -> None:
        """Give a row another payload and let the next run try it; the first payload is kept."""
        moment = now()
        values: dict[str, t.Any] = {"payload": dict(payload), "replay": True, "edited_at": moment, "updated_at": moment}
        if note is not None:
            values["note"] = note
        with self._engine.begin() as connection:
            of_row = and_(open_rows.c.id == row_id, open_rows.c.closed_at.is_(None))
            row = connection.execute(select(open_rows.c.payload, open_rows.c.payload_before).where(of_row)).one()
            if row.payload_before is None:
                values["payload_before"] = row.payload
            connection.execute(update(open_rows).where(of_row).values(values))

    def _rows(self, selection: Selection) -> Iterator[Row[t.Any]]:
        query = (
            select(
                open_rows.c.id,
                open_rows.c.destination,
                open_rows.c.entity,
                open_rows.c.external_id,
                open_rows.c.reason,
                open_rows.c.field,
                open_rows.c.origin.is_not(None).label("came_unmapped"),
                runs.c.target,
            )
            .join(runs, runs.c.id == open_rows.c.last_run_id)
            .where(selection.where())
            .order_by(open_rows.c.id)
        )
        parts = [selection.ids[start : start + _CHUNK] for start in range(0, len(selection.ids), _CHUNK)]
        with self._engine.connect() as connection:
            for part in parts:
                yield from connection.execute(query.where(open_rows.c.id.in_(part)))
            if not parts:
                yield from connection.execute(query)

    def _all_met(self, selection: Selection, met: set[int]) -> None:
        if missing := [str(number) for number in selection.ids if number not in met]:
            raise InputError(
                f"There is no open row {', '.join(missing)} of that kind; `sync-ledger held` lists those there are"
            )

    def _check(self, row: Row[t.Any]) -> None:
        """Refuse a row that would become another record, or say something else, than its source means.

        Raises:
            InputError: Naming the row.
        """
        if row.reason == Reason.UNMAPPED.value:
            raise InputError(
                f"Open row {row.id} ({row.entity} {row.external_id}) could not be mapped: correct the mapping, then "
                f"send it with sync-ledger replay {row.id} --mapping FILE"
            )
        if self._keyless(row):
            raise InputError(
                f"Open row {row.id} ({row.entity}, {row.reason}) has no key it could be written under: correct the "
                "mapping and let the row come again, or discard it"
            )

    def _keyless(self, row: Row[t.Any]) -> bool:
        """Tell whether the key is what is wrong with a row: without the right one it would become another record."""
        description = Descriptions(self._engine, row.destination).find(row.entity)
        key = None if description is None else description.external_id_field
        return bool(row.reason == Reason.MISSING_KEY.value or (key is not None and row.field == key.name))

    def _change(self, ids: Sequence[int], values: Mapping[str, t.Any]) -> None:
        with self._engine.begin() as connection:
            for start in range(0, len(ids), _CHUNK):
                which = and_(open_rows.c.id.in_(ids[start : start + _CHUNK]), open_rows.c.closed_at.is_(None))
                connection.execute(update(open_rows).where(which).values(values))
