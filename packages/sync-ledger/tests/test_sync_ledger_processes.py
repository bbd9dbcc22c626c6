"""A process whose number was given to another one is not taken for alive."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from datetime import timedelta

import pytest
from fake_destination import FakeDestination
from sqlalchemy import select, update
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.processes import began_at, lives
from sync_ledger.ledger.tables import runs
from sync_ledger.rows import SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells when a process began")


@pytest.fixture
def other() -> Iterator[int]:
    """The number of a process that began just now."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate(b"\n")


@linux
def test_a_process_says_when_it_began(other: int) -> None:
    began = began_at(other)
    assert began is not None
    assert abs(now() - began) < timedelta(seconds=30)
    assert began_at(2**30) is None


@linux
def test_a_process_that_began_after_the_last_sign_of_life_is_another_one(other: int) -> None:
    assert lives(other, now())
    assert not lives(other, now() - timedelta(hours=1))
    assert lives(other, None)


def test_this_process_and_none_are_no_earlier_run() -> None:
    assert not lives(os.getpid(), now())
    assert not lives(2**22 + 1, now())


@linux
@pytest.mark.parametrize(("silent", "outcome"), [(0, {"failed": 1}), (3600, {"created": 1})])
def test_rows_of_a_dead_run_are_busy_no_longer_than_it_lived(
    tmp_path: Path, other: int, silent: int, outcome: dict[str, int]
) -> None:
    url, account = f"sqlite:///{tmp_path}/ledger.db", FakeDestination()
    first = UpsertEngine(account, Ledger(url, account.name), target="t", options=Options())
    first._ledger.links.intend(first.run_id, "organizations", {"1": "create"}, now())
    first._ledger.close()
    database = open_engine(url)
    with database.begin() as connection:
        connection.execute(update(runs).values(pid=other, heartbeat_at=now() - timedelta(seconds=silent)))
    second = UpsertEngine(account, Ledger(url, account.name), target="t", options=Options())
    second.process("organizations", [SourceRow("organizations", "1", {"name": "x"})])
    second.end("succeeded")
    assert second.tally.by_outcome() == outcome
    with database.connect() as connection:
        statuses = list(connection.execute(select(runs.c.status).order_by(runs.c.id)).scalars())
    database.dispose()
    assert statuses == ["died" if silent else "running", "succeeded"]
