"""Runs: one process of one target, from start to end."""

from __future__ import annotations

import os
import socket
import typing as t
from datetime import timedelta

from sqlalchemy import select, update

from sync_ledger.ledger.clock import as_utc, now
from sync_ledger.ledger.processes import lives
from sync_ledger.ledger.tables import run_counts, runs

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection, Engine

    from sync_ledger.adapter import Usage

_SILENT = timedelta(minutes=15)
"""A run on another host that gave no sign of life for so long is taken for dead."""


class Runs:
    """Runs of one destination."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination

    def start(self, target: str, mode: str) -> int:
        """Open a run and mark earlier ones that died without an end; return its number."""
        self._bury()
        moment = now()
        row = {
            "destination": self._destination,
            "target": target,
            "mode": mode,
            "status": "running",
            "started_at": moment,
            "heartbeat_at": moment,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "rows": 0,
            "replayed": 0,
            "calls": 0,
            "writes": 0,
            "cost": 0,
        }
        with self._engine.begin() as connection:
            return int(connection.execute(runs.insert().values(row).returning(runs.c.id)).scalar_one())

    def note_state(self, run_id: int, *, came: Mapping[str, t.Any] | None, passed: Mapping[str, t.Any] | None) -> None:
        """Keep the first STATE that came in and the last one passed on."""
        values: dict[str, t.Any] = {"heartbeat_at": now()}
        if came is not None:
            values["state_in"] = came
        if passed is not None:
            values["state_out"] = passed
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(values))

    def beat(self, run_id: int) -> None:
        """Give a sign of life, so that a run on another host does not take this one for dead."""
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(heartbeat_at=now()))

    def end(self, run_id: int, status: str, usage: Usage, error: str | None = None) -> None:
        """Close a run as `succeeded`, `failed` or `stopped`."""
        moment = now()
        values = {
            "status": status,
            "ended_at": moment,
            "heartbeat_at": moment,
            "error": error,
            "calls": usage.calls,
            "writes": usage.writes,
            "cost": usage.cost,
            "budget_left": usage.budget_left,
        }
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(values))

    def counted(self, run_id: int) -> tuple[int, int]:
        """Return the rows taken in (replayed ones included) and the outcomes settled, both from the ledger."""
        with self._engine.connect() as connection:
            taken = connection.execute(select(runs.c.rows + runs.c.replayed).where(runs.c.id == run_id)).scalar_one()
            settled = connection.execute(select(run_counts.c.rows).where(run_counts.c.run_id == run_id)).scalars()
            return int(taken), sum(settled)

    def _bury(self) -> None:
        query = select(runs.c.id, runs.c.host, runs.c.pid, runs.c.heartbeat_at).where(
            runs.c.destination == self._destination, runs.c.status == "running"
        )
        with self._engine.begin() as connection:
            dead = [row.id for row in connection.execute(query) if not _alive(row.host, row.pid, row.heartbeat_at)]
            if dead:
                values = {"status": "died", "ended_at": runs.c.heartbeat_at}
                connection.execute(update(runs).where(runs.c.id.in_(dead)).values(values))


def living(connection: Connection, run_ids: Collection[int]) -> set[int]:
    """Return which of some runs still last."""
    query = select(runs.c.id, runs.c.host, runs.c.pid, runs.c.heartbeat_at).where(
        runs.c.id.in_(run_ids), runs.c.status == "running"
    )
    return {row.id for row in connection.execute(query) if _alive(row.host, row.pid, row.heartbeat_at)}


def _alive(host: str, pid: int, heartbeat: t.Any) -> bool:
    seen = as_utc(heartbeat)
    if host != socket.gethostname():
        return seen is not None and now() - seen < _SILENT
    return lives(pid, seen)
