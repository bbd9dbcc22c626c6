"""Reading the ledger: runs, open rows and the life of one record, as plain dictionaries for tables and JSON."""

from __future__ import annotations

import typing as t
from datetime import datetime

from sqlalchemy import func, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import intents, links, open_rows, outcomes, plan_rows, remote_index, run_counts, runs
from sync_ledger.ledger.trend import MOST_RUNS, trend
from sync_ledger.ledger.upsert import slices
from sync_ledger.privacy import mask_fields
from sync_ledger.rows import REMEDIES, Reason

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Engine, Row, Select

    from sync_ledger.ledger.desk import Selection

Record = dict[str, t.Any]


class History:
    """Queries over all destinations of a ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def database(self) -> Engine:
        """The database read."""
        return self._engine

    def runs(self, *, destination: str | None = None, limit: int = 20) -> list[Record]:
        """Return the last runs, oldest first, each with its outcomes summed over entities."""
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if destination:
            query = query.where(runs.c.destination == destination)
        found = list(reversed(self._read(query)))
        shown = self._shown(found)
        for run, item in zip(found, shown, strict=True):
            item["trend"] = trend(item, self._shown(self._before(run)))
        return shown

    def _shown(self, found: Sequence[Record]) -> list[Record]:
        counts = self._counts([run["id"] for run in found])
        return [_shown_run(run, counts.get(run["id"], [])) for run in found]

    def _before(self, run: Record) -> list[Record]:
        """Return runs before one, newest first; some more than are compared, since not all are of the same streams."""
        same = (runs.c[name] == run[name] for name in ("destination", "target", "mode"))
        query = select(runs).where(*same, runs.c.id < run["id"], runs.c.status == "succeeded")
        return self._read(query.order_by(runs.c.id.desc()).limit(3 * MOST_RUNS))

    def run(self, run_id: int) -> Record | None:
        """Return one run with its counts per entity, outcome and reason and its states; None if there is none."""
        found = self._read(select(runs).where(runs.c.id == run_id))
        if not found:
            return None
        counts = self._counts([run_id]).get(run_id, [])
        shown = _shown_run(found[0], counts)
        shown["trend"] = trend(shown, self._shown(self._before(found[0])))
        shown["counts"] = [{key: count[key] for key in ("entity", "outcome", "reason", "rows")} for count in counts]
        shown["state_in"] = found[0]["state_in"]
        shown["state_out"] = found[0]["state_out"]
        return shown

    def open_rows(self, selection: Selection | None = None, *, limit: int = 100) -> list[Record]:
        """Return rows that are held, rejected or failed and not settled since, oldest first, with a remedy each."""
        where = open_rows.c.closed_at.is_(None) if selection is None else selection.where()
        query = select(open_rows).where(where).order_by(open_rows.c.id).limit(limit)
        return [_with_remedy(row) for row in self._read(query)]

    def why(self, entity: str, external_id: str) -> Record:
        """Return the whole life of one external ID: its links, index entries, outcomes and open rows."""
        tried, waited = self._tries(entity, external_id)
        return {
            "entity": entity,
            "external_id": external_id,
            "links": self._of(links, entity, external_id),
            "index": self._of(remote_index, entity, external_id),
            "in_flight": self._of(intents, entity, external_id),
            "outcomes": tried,
            "open_rows": [_with_remedy(row) for row in waited],
            "plans": self._planned(entity, external_id),
        }

    def _tries(self, entity: str, external_id: str) -> tuple[list[Record], list[Record]]:
        """Return outcomes and open rows of an external ID, also of the key a row of it was held under at first."""
        tried = {row["id"]: row for row in self._of(outcomes, entity, external_id)}
        waited = {row["id"]: row for row in self._of(open_rows, entity, external_id)}
        elsewhere = {row["open_row_id"] for row in tried.values() if row["open_row_id"]} - waited.keys()
        for part in slices(sorted(elsewhere)):
            waited.update({row["id"]: row for row in self._read(select(open_rows).where(open_rows.c.id.in_(part)))})
        for part in slices(sorted(waited)):
            query = select(outcomes).where(outcomes.c.open_row_id.in_(part))
            tried.update({row["id"]: row for row in self._read(query)})
        return [tried[number] for number in sorted(tried)], [waited[number] for number in sorted(waited)]

    def entities_of(self, external_id: str) -> list[str]:
        """Return the entities in which an external ID is known."""
        with self._engine.connect() as connection:
            entities = list(connection.execute(select(run_counts.c.entity).distinct()).scalars())
            accounts = list(connection.execute(select(runs.c.destination).distinct()).scalars())
            return sorted(
                entity
                for entity in entities
                if any(
                    connection.execute(
                        select(table.c.external_id)
                        .where(
                            table.c.destination.in_(accounts),
                            table.c.entity == entity,
                            table.c.external_id == external_id,
                        )
                        .limit(1)
                    ).first()
                    for table in (links, outcomes, open_rows, remote_index)
                )
            )

    def _planned(self, entity: str, external_id: str) -> list[Record]:
        query = select(plan_rows).where(plan_rows.c.entity == entity, plan_rows.c.external_id == external_id)
        return [shown_plan_row(row) for row in self._read(query.order_by(plan_rows.c.id))]

    def _of(self, table: t.Any, entity: str, external_id: str) -> list[Record]:
        query = select(table).where(
            table.c.destination.in_(_accounts(table)), table.c.entity == entity, table.c.external_id == external_id
        )
        return self._read(query.order_by(table.c.id) if "id" in table.c else query)

    def _counts(self, run_ids: Sequence[int]) -> dict[int, list[Record]]:
        query = (
            select(run_counts)
            .where(run_counts.c.run_id.in_(run_ids))
            .order_by(run_counts.c.run_id, run_counts.c.entity, run_counts.c.outcome, run_counts.c.reason)
        )
        found: dict[int, list[Record]] = {}
        for count in self._read(query):
            found.setdefault(count["run_id"], []).append(count)
        return found

    def _read(self, query: Select[t.Any]) -> list[Record]:
        with self._engine.connect() as connection:
            return [plain(row) for row in connection.execute(query)]


def _accounts(table: t.Any) -> t.Any:
    """Select the destinations of a table, of which there are few, by one jump in its index for each."""
    column = table.c.destination
    first = select(func.min(column).label("destination")).cte("accounts", recursive=True)
    after = select(func.min(column)).where(column > first.c.destination).scalar_subquery()
    accounts = first.union_all(select(after).where(first.c.destination.is_not(None)))
    return select(accounts.c.destination).where(accounts.c.destination.is_not(None))


def plain(row: Row[t.Any]) -> Record:
    """Return a row of the ledger as a dictionary that JSON can hold."""
    record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public mapping view is named so
    for key, value in record.items():
        if isinstance(value, datetime):
            moment = as_utc(value)
            record[key] = moment.isoformat() if moment else None
    return record


def shown_plan_row(row: Record) -> Record:
    """Return a row of a plan as people may see it."""
    return _masked(row, ("payload", "changes"))


def _with_remedy(row: Record) -> Record:
    return {**_masked(row, ("payload", "payload_before")), "remedy": REMEDIES.get(Reason(row["reason"]))}


def _masked(row: Record, names: Iterable[str]) -> Record:
    # While a row waits its values are whole, so that it can be sent; they are shown as if they were not.
    hidden = row.pop("masked") or ()
    for name in names:
        if hidden and row[name]:
            row[name] = mask_fields(row[name], hidden)
    return row


def _shown_run(run: Record, counts: Iterable[Record]) -> Record:
    outcomes_of_run: dict[str, int] = {}
    for count in counts:
        outcomes_of_run[count["outcome"]] = outcomes_of_run.get(count["outcome"], 0) + count["rows"]
    seconds = None
    if run["ended_at"]:
        took = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
        seconds = round(took.total_seconds(), 3)
    names = ("id", "destination", "target", "mode", "status", "started_at", "ended_at")
    numbers = ("rows", "replayed", "calls", "writes", "cost", "budget_left", "error")
    streams: dict[str, int] = {}
    for count in counts:
        streams[count["entity"]] = streams.get(count["entity"], 0) + count["rows"]
    return {
        **{name: run[name] for name in names},
        "seconds": seconds,
        "rows_per_second": round((run["rows"] + run["replayed"]) / seconds, 1) if seconds else None,
        "streams": streams,
        **{name: run[name] for name in numbers},
        "outcomes": outcomes_of_run,
    }
