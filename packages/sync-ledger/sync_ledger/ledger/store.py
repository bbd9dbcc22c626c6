"""The ledger as the engine sees it: everything of one run goes through here."""

from __future__ import annotations

import typing as t

from sync_ledger.ledger.database import open_engine
from sync_ledger.ledger.index import RemoteIndex
from sync_ledger.ledger.links import Links
from sync_ledger.ledger.open_rows import OpenRows
from sync_ledger.ledger.runs import Runs
from sync_ledger.ledger.settlement import settle
from sync_ledger.privacy import Masks
from sync_ledger.privacy.erasing import Eraser

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_ledger.adapter import Usage
    from sync_ledger.rows import Settled


class Ledger:
    """An open ledger, bound to one destination.

    Attributes:
        runs: Start, end and heartbeat of runs.
        links: External ID -> remote record and what was last sent.
        index: What sweeps of the service saw.
        open_rows: Held, rejected and failed rows.
        masks: Fields whose values it does not keep.
    """

    def __init__(self, url: str, destination: str) -> None:
        self._engine = open_engine(url)
        self.destination = destination
        self.runs = Runs(self._engine, destination)
        self.links = Links(self._engine, destination)
        self.index = RemoteIndex(self._engine, destination)
        self.open_rows = OpenRows(self._engine, destination)
        self.masks = Masks()
        self.eraser = Eraser(self._engine)

    def settle(self, run_id: int, batch: Sequence[Settled], usage: Usage) -> None:
        """Write the outcomes of a batch, their links and open rows, in one transaction."""
        with self._engine.begin() as connection:
            settle(connection, self.destination, run_id, batch, usage, self.masks)

    def close(self) -> None:
        """Close the database connections."""
        self._engine.dispose()
