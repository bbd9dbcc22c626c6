"""The ledger of a million links beside one of ten thousand: look-ups and writes a second.

Both are made in one run of this script and take turns, so that a busy spell of the machine meets both. A look-up is
what stages resolve and diff ask of the ledger for one row; a write is the settlement of one row that was created, with
its intent, outcome, link and index entry. Batches are as large as the targets' largest. See the README of this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from sqlalchemy import text
from sync_ledger.adapter import Sweep, Usage
from sync_ledger.engine.payload import payload_hash
from sync_ledger.engine.resolve import resolve
from sync_ledger.ledger import Ledger, tables
from sync_ledger.ledger.clock import now
from sync_ledger.rows import Outcome, Settled, SourceRow

ENTITY = "organizations"
ACCOUNT = "pipedrive:bench"
BATCH = 1000
BATCHES = 10
_FILL = 50_000


class Bench:
    """A ledger with so many links.

    Args:
        url: Where it is.
        links: How many it holds.
    """

    def __init__(self, url: str, links: int) -> None:
        self.links = links
        self._ledger = Ledger(url, ACCOUNT)
        self._run = self._ledger.runs.start("bench", "apply")
        self._next = links
        self._ledger.index.store(ENTITY, Sweep((), now()), full=True)
        for start in range(0, links, _FILL):
            self._fill(range(start, min(start + _FILL, links)))
        self._random = random.Random(1)

    def look_ups(self) -> float:
        """Return rows looked up a second, anywhere in the ledger."""
        batches = [[_key(self._random.randrange(self.links)) for _ in range(BATCH)] for _ in range(BATCHES)]
        begun = time.monotonic()
        for batch in batches:
            found = resolve(self._ledger, ENTITY, list(dict.fromkeys(batch)))
            if not all(match.link for match in found.values()):
                sys.exit("Error: a link is missing")
        return BATCH * BATCHES / (time.monotonic() - begun)

    def writes(self) -> float:
        """Return rows settled a second, each new."""
        begun = time.monotonic()
        for _ in range(BATCHES):
            self._settle(range(self._next, self._next + BATCH))
            self._next += BATCH
        return BATCH * BATCHES / (time.monotonic() - begun)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def size_mb(self) -> float:
        """Return the size of an SQLite ledger in MB; 0 elsewhere."""
        with self._ledger.database.connect() as connection:
            if connection.dialect.name != "sqlite":
                return 0.0
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            return float(pages * connection.execute(text("PRAGMA page_size")).scalar_one()) / 1e6

    def _fill(self, numbers: range) -> None:
        """Write what settling created rows leaves behind, without its way there."""
        moment = now()
        shared = {"destination": ACCOUNT, "entity": ENTITY}
        rows: dict[t.Any, list[dict[str, t.Any]]] = {tables.links: [], tables.remote_index: [], tables.outcomes: []}
        for number in numbers:
            item = _created(number)
            one = {**shared, "external_id": item.row.external_id, "remote_id": item.remote_id}
            values = dict(item.values or {})
            hashed = payload_hash(values)
            link = {"payload_hash": hashed, "payload": values, "written_at": moment, "run_id": self._run}
            rows[tables.links].append({**one, **link})
            rows[tables.remote_index].append({**one, "sweep": 1})
            outcome = {"run_id": self._run, "outcome": "created", "reason": "", "changes": dict(item.changes or {})}
            rows[tables.outcomes].append({**one, **outcome, "at": moment})
        with self._ledger.database.begin() as connection:
            for table, found in rows.items():
                connection.execute(table.insert(), found)

    def _settle(self, numbers: range) -> None:
        batch = [_created(number) for number in numbers]
        self._ledger.links.intend(self._run, ENTITY, dict.fromkeys(map(_key, numbers), "create"), now())
        self._ledger.settle(self._run, batch, Usage())


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(prog="script/bench ledger", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--links", type=int, nargs=2, default=(10_000, 1_000_000), metavar=("FEW", "MANY"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    measured: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        benches: dict[str, Bench] = {}
        for name, links in zip(("few", "many"), arguments.links, strict=True):
            print(f"Making a ledger of {links} links ...", flush=True)
            benches[name] = Bench(f"sqlite:///{folder}/{name}.db", links)
        for number in range(arguments.rounds):
            print(f"Round {number + 1} of {arguments.rounds} ...", flush=True)
            for name, bench in benches.items():
                measured.setdefault(f"look_ups_{name}_per_second", []).append(bench.look_ups())
                measured.setdefault(f"writes_{name}_per_second", []).append(bench.writes())
        size = benches["many"].size_mb()
        for bench in benches.values():
            bench.close()
    medians = {name: statistics.median(values) for name, values in measured.items()}
    result = {
        f"{kind}_many_to_few_ratio": medians[f"{kind}_many_per_second"] / medians[f"{kind}_few_per_second"]
        for kind in ("look_ups", "writes")
    }
    result |= medians | {"many_mb": size}
    for key, value in result.items():
        print(f"{key:45} {value:10.4g}")
    if arguments.json:
        file = Path(os.environ.get("CALLED_FROM", "."), arguments.json)
        file.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _key(number: int) -> str:
    return str(100_000 + number)


def _created(number: int) -> Settled:
    payload: dict[str, t.Any] = {
        "name": f"Customer {number}",
        "address": {"value": f"Main St {number}, Denver", "locality": "Denver"},
        "Credit Limit": number * 10,
        "JDE Status": 1,
    }
    row = SourceRow(ENTITY, _key(number), payload)
    changes = {name: (None, value) for name, value in payload.items()}
    return Settled(row, Outcome.CREATED, remote_id=str(number), changes=changes, values=payload)


if __name__ == "__main__":
    sys.exit(main())
