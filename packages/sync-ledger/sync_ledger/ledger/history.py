"""Reading the ledger: runs, open rows and the life of one record, as plain dictionaries for tables and JSON."""

from __future__ import annotations

import typing as t
from datetime import datetime

from sqlalchemy import func, select

from sync_ledger.ledger.clock import as_utc
from sync_ledger.ledger.tables import intents, links, open_rows, outcomes, remote_index, run_counts, runs
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

    def runs(self, *, destination: str | None = None, limit: int = 20) -> list[Record]:
        """Return the last runs, oldest first, each with its outcomes summed over entities."""
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if destination:
            query = query.where(runs.c.destination == destination)
        found = list(reversed(self._read(query)))
        counts = self._counts([run["id"] for run in found])
        return [_shown_run(run, counts.get(run["id"], [])) for run in found]

    def run(self, run_id: int) -> Record | None:
        """Return one run with its counts per entity, outcome and reason and its states; None if there is none."""
        found = self._read(select(runs).where(runs.c.id == run_id))
        if not found:
            return None
        counts = self._counts([run_id]).get(run_id, [])
        shown = _shown_run(found[0], counts)
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
        return {
            "entity": entity,
            "external_id": external_id,
            "links": self._of(links, entity, external_id),
            "index": self._of(remote_index, entity, external_id),
            "in_flight": self._of(intents, entity, external_id),
            "outcomes": self._of(outcomes, entity, external_id),
            "open_rows": [_with_remedy(row) for row in self._of(open_rows, entity, external_id)],
        }

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


def _with_remedy(row: Record) -> Record:
    return {**row, "remedy": REMEDIES.get(Reason(row["reason"]))}


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
    return {
        **{name: run[name] for name in names},
        "seconds": seconds,
        **{name: run[name] for name in numbers},
        "outcomes": outcomes_of_run,
    }
