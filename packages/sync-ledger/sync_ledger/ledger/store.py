"""The ledger as the engine sees it: everything of one run goes through here."""

from __future__ import annotations

import typing as t

from sync_ledger.ledger.claims import Claims
from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.descriptions import Descriptions
from sync_ledger.ledger.index import RemoteIndex
from sync_ledger.ledger.links import Links
from sync_ledger.ledger.match_index import MatchIndex
from sync_ledger.ledger.open_rows import OpenRows
from sync_ledger.ledger.plan_history import PlanHistory, adoption_lines
from sync_ledger.ledger.plans import Plans
from sync_ledger.ledger.runs import Runs
from sync_ledger.ledger.settlement import settle
from sync_ledger.ledger.transactions import transact
from sync_ledger.privacy import Masks
from sync_ledger.privacy.erasing import Eraser

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from sync_ledger.adapter import Usage
    from sync_ledger.rows import Settled


class Ledger:
    """An open ledger, bound to one destination.

    Attributes:
        runs: Start, end and heartbeat of runs.
        links: External ID -> remote record and what was last sent.
        index: What sweeps of the service saw.
        open_rows: Held, rejected and failed rows.
        match_index: What match rules compare.
        claims: Which rows want which record by a match rule.
        plans: What `mode: plan` would write.
        mode: Mode of the run that settles its rows here.
        plan_id: The plan it makes, if it makes one.
        descriptions: The fields of each entity, for checks without the service.
        masks: Fields whose values it does not keep.
        eraser: Takes values out of it.
    """

    def __init__(self, url: str, destination: str) -> None:
        self._engine = open_engine(url)
        self.destination = destination
        self.mode = "apply"
        self.plan_id: int | None = None
        self.runs = Runs(self._engine, destination)
        self.links = Links(self._engine, destination)
        self.index = RemoteIndex(self._engine, destination)
        self.open_rows = OpenRows(self._engine, destination)
        self.match_index = MatchIndex(self._engine, destination)
        self.claims = Claims(self._engine, destination)
        self.plans = Plans(self._engine, destination)
        self.descriptions = Descriptions(self._engine, destination)

        self.masks = Masks()
        self.eraser = Eraser(self._engine)

    def settle(self, run_id: int, batch: Sequence[Settled], usage: Usage) -> None:
        """Write the outcomes of a batch, their links and open rows, in one transaction; of a plan, its rows only."""
        transact(
            self._engine,
            lambda connection: settle(
                connection, self.destination, run_id, batch, usage, self.masks, mode=self.mode, plan_id=self.plan_id
            ),
        )

    def adoption(self, run_id: int) -> Sequence[str]:
        """Return what a run in mode adopt has come to, in lines for people."""
        found = PlanHistory(self._engine).adoption(run_id)
        return adoption_lines(found) if found else ()

    @property
    def database(self) -> Engine:
        """The database, for what is kept beside the run's own rows."""
        return self._engine

    def close(self) -> None:
        """Close the database connections."""
        self._engine.dispose()
