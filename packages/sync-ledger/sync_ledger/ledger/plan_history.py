"""Reading plans and adoptions, as plain dictionaries for tables and JSON."""

from __future__ import annotations

import typing as t

from sqlalchemy import and_, func, select

from sync_ledger.ledger.history import plain, shown_plan_row
from sync_ledger.ledger.tables import links, match_index, outcomes, plan_rows, plans, remote_index, run_counts, runs
from sync_ledger.rows import Outcome, Reason

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine, Select

    from sync_ledger.ledger.history import Record

_LINKED = frozenset({Outcome.UPDATED.value, Outcome.UNCHANGED.value})


class PlanHistory:
    """Queries over the plans and adoptions of all destinations of a ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def plans(self, *, limit: int = 20) -> list[Record]:
        """Return the last plans, oldest first, each with its rows by action and status."""
        found = list(reversed(self._read(select(plans).order_by(plans.c.id.desc()).limit(limit))))
        return [self._with_counts(plan) for plan in found]

    def plan(
        self,
        plan_id: int | None = None,
        *,
        entity: str | None = None,
        action: str | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> Record | None:
        """Return a plan, the newest without a number, with the rows asked for; None if there is none."""
        query = select(plans).order_by(plans.c.id.desc()).limit(1)
        found = self._read(query if plan_id is None else query.where(plans.c.id == plan_id))
        if not found:
            return None
        rows = select(plan_rows).where(plan_rows.c.plan_id == found[0]["id"]).order_by(plan_rows.c.id).limit(limit)
        for column, wanted in (("entity", entity), ("action", action), ("status", status)):
            if wanted:
                rows = rows.where(plan_rows.c[column] == wanted)
        return {**self._with_counts(found[0]), "rows": [shown_plan_row(row) for row in self._read(rows)]}

    def adoption(self, run_id: int | None = None) -> Record | None:
        """Return what a run in mode adopt has linked, the newest without a number; None if there is none."""
        query = select(runs).where(runs.c.mode == "adopt").order_by(runs.c.id.desc()).limit(1)
        found = self._read(query if run_id is None else query.where(runs.c.id == run_id))
        if not found:
            return None
        run = found[0]
        entities = self._read(select(run_counts.c.entity).where(run_counts.c.run_id == run["id"]).distinct())
        shown = {name: run[name] for name in ("id", "destination", "status", "started_at", "ended_at", "calls", "cost")}
        shown["entities"] = [self._coverage(run, item["entity"]) for item in entities]
        return shown

    def _with_counts(self, plan: Record) -> Record:
        columns = (plan_rows.c.entity, plan_rows.c.action, plan_rows.c.status, plan_rows.c.reason)
        counts = (
            select(*columns, func.count().label("rows"), func.sum(plan_rows.c.cost).label("cost"))
            .where(plan_rows.c.plan_id == plan["id"])
            .group_by(*columns)
            .order_by(*columns)
        )
        unchanged = select(run_counts.c.entity, func.sum(run_counts.c.rows).label("rows")).where(
            run_counts.c.run_id == plan["run_id"], run_counts.c.outcome == Outcome.UNCHANGED.value
        )
        same = self._read(unchanged.group_by(run_counts.c.entity).order_by(run_counts.c.entity))
        return {
            **plan,
            "counts": self._read(counts),
            "unchanged": {item["entity"]: int(item["rows"]) for item in same},
        }

    def _coverage(self, run: Record, entity: str) -> Record:
        counted = self._read(
            select(run_counts.c.outcome, run_counts.c.reason, run_counts.c.rows).where(
                run_counts.c.run_id == run["id"], run_counts.c.entity == entity
            )
        )

        def rows(*wanted: str) -> int:
            return sum(item["rows"] for item in counted if item["reason"] in wanted or item["outcome"] in wanted)

        by_rule = self._read(
            select(outcomes.c.matched_by, func.count().label("rows"))
            .where(
                outcomes.c.run_id == run["id"],
                outcomes.c.entity == entity,
                outcomes.c.matched_by.is_not(None),
                outcomes.c.outcome.in_(_LINKED),
            )
            .group_by(outcomes.c.matched_by)
            .order_by(outcomes.c.matched_by)
        )
        total = sum(item["rows"] for item in counted if item["reason"] != Reason.NEWER_IN_BATCH.value)
        linked = rows(*_LINKED)
        ambiguous, contended = rows(Reason.AMBIGUOUS.value), rows(Reason.CONTENDED.value)
        return {
            "entity": entity,
            "rows": total,
            "linked": linked,
            "coverage_percent": round(100 * linked / total, 1) if total else None,
            "by_rule": {item["matched_by"]: item["rows"] for item in by_rule},
            "duplicates": ambiguous,
            "contended": contended,
            "other_held": rows(Outcome.HELD.value) - ambiguous - contended,
            "failed": rows(Outcome.FAILED.value, Outcome.REJECTED.value),
            "gaps": rows(Reason.NO_MATCH.value),
            "records_without_row": self._free_records(run["destination"], entity),
        }

    def _free_records(self, destination: str, entity: str) -> int:
        """Return how many records of the match index no row has."""
        taken = [
            select(table.c.remote_id).where(table.c.destination == destination, table.c.entity == entity)
            for table in (remote_index, links)
        ]
        where = and_(
            match_index.c.destination == destination,
            match_index.c.entity == entity,
            match_index.c.remote_id != "",
            *(match_index.c.remote_id.not_in(query) for query in taken),
        )
        counted = self._read(select(func.count(match_index.c.remote_id.distinct()).label("records")).where(where))
        return int(counted[0]["records"])

    def _read(self, query: Select[t.Any]) -> list[Record]:
        with self._engine.connect() as connection:
            return [plain(row) for row in connection.execute(query)]


def adoption_lines(found: Record) -> Sequence[str]:
    """Return what an adoption has come to, a line for each entity."""
    lines = []
    for item in found["entities"]:
        rules = "".join(f"; {rows} by {rule}" for rule, rows in item["by_rule"].items())
        lines.append(
            f"{item['entity']}: {item['linked']} of {item['rows']} rows linked ({item['coverage_percent']} %){rules}; "
            f"{item['gaps']} without a record, {item['duplicates']} with several, {item['contended']} that want one "
            f"record with others, {item['other_held']} held otherwise, {item['failed']} failed; "
            f"{item['records_without_row']} records without a row"
        )
    return lines
