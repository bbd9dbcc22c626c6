"""Sending is killed at any step, answers are lost, callbacks come twice and in any order: nothing goes out twice.

Every trial sends some messages by processes that are killed with SIGKILL at a random statement, commit, call or look,
to a service that fails before and after it has taken a message. At the end everything that was put has been taken once,
was refused, or is held and listed.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import typing as t
from collections import Counter
from pathlib import Path

import pytest
import sending_child
from sending_bench import Text
from sending_child import ShiftedClock
from sending_server import Trial, serving
from sync_ledger.ledger import open_engine
from sync_ledger.sending.journal import Journal
from sync_ledger.sending.outbox import Outbox
from sync_ledger.sending.reading import Messages, Wanted
from sync_ledger.sending.service import Delivery
from sync_ledger.sending.statuses import Statuses

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sending_server import Server
    from sqlalchemy import Engine

TRIALS = 100
GROUPS = 5
FEW = 25
STEPS = {"statement": 60, "commit": 12, "before call": 3, "after call": 3, "before look": 2, "after look": 2}
"""Kind of step -> most steps of it before the kill; more than a run has, so that some are not killed."""

HAVING = {"sent", "queued", "passed_on", "delivered"}
MINUTE = 60.0

_Deliver = t.Callable[[list[dict[str, t.Any]]], list[int]]


@contextlib.contextmanager
def delivering(ledger: str) -> Iterator[_Deliver]:
    """Let processes send that can be killed."""
    command = [sys.executable, str(Path(__file__).with_name("sending_child.py")), ledger]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(jobs: list[dict[str, t.Any]]) -> list[int]:
            process.stdin.write(json.dumps(jobs) + "\n")
            process.stdin.flush()
            return t.cast("list[int]", json.loads(process.stdout.readline()))

        yield run
        process.stdin.close()
        process.wait()


class OneTrial:
    """Some messages, the service they go to, and the time that passes."""

    def __init__(self, engine: Engine, server: Server, seed: str, *, again: bool) -> None:
        self.rng = random.Random(seed)
        self.destination = f"fake:{seed}"
        self.shift = 0.0
        self.journal = Journal(engine, self.destination, clock=self._now)
        self.statuses = Statuses(self.journal)
        self.trial = server.trials[seed] = Trial(random.Random(seed), self._call_back_early)
        self._job = {
            "destination": self.destination,
            "service": f"http://127.0.0.1:{server.server_port}/{seed}/messages",
        }
        self.keys = [f"m{number}" for number in range(self.rng.randint(1, 5))]
        texts = [
            Text(
                key,
                recipient=f"+1555010{self.rng.randint(0, 1)}",
                text=self.rng.choice(["PO 4711", "PO 4711", f"text of {key}"]),
                not_before=self._now(),
                on_lost_answer="send_again" if again else "hold",
            )
            for key in self.keys
        ]
        with engine.begin() as connection:
            Outbox(self.destination, clock=self._now).put(connection, texts)

    def job(self, **parts: t.Any) -> dict[str, t.Any]:
        kind = self.rng.choice(list(STEPS))
        return {
            **self._job,
            "kind": kind,
            "number": self.rng.randint(1, STEPS[kind]),
            "threads": self.rng.randint(1, 2),
            "patience": self.rng.choice([0, 60]),
            "shift": self.shift,
            **parts,
        }

    def call_back(self, times: int) -> None:
        """Say how far messages are that were taken: any of them, in any order, some twice, some without our key."""
        for one in self.rng.choices(self.trial.took, k=times) if self.trial.took else ():
            status = self.rng.choice([Delivery.QUEUED, Delivery.PASSED_ON, Delivery.DELIVERED])
            for _ in range(self.rng.randint(1, 2)):
                self.statuses.note(status, remote_id=one["id"], key=self.rng.choice([one["key"], None]))

    def statuses_now(self) -> dict[str, str]:
        listed = Messages(self.journal.engine).newest(Wanted(destination=self.destination))
        return {one["key"]: one["status"] for one in listed}

    def ids(self) -> set[str]:
        listed = Messages(self.journal.engine).newest(Wanted(destination=self.destination))
        return {one["remote_id"] for one in listed if one["remote_id"]}

    def _now(self) -> t.Any:
        return ShiftedClock(self.shift)()

    def _call_back_early(self, remote_id: str, key: str) -> None:
        self.statuses.note(
            self.trial.rng.choice([Delivery.PASSED_ON, Delivery.DELIVERED]), remote_id=remote_id, key=None
        )


def run_trial(trial: OneTrial, deliver: _Deliver) -> list[int]:
    """Let processes send and die, then some that may live; return how the first ones ended."""
    ends: list[int] = []
    for _ in range(trial.rng.randint(1, 2)):
        ends += deliver([trial.job() for _ in range(trial.rng.choice([1, 1, 2]))])
        trial.call_back(trial.rng.randint(0, 3))
        trial.shift += trial.rng.choice([1.0, MINUTE, 6 * MINUTE])
    trial.trial.faults = False
    for _ in range(3):
        sending_child.deliver(trial.journal.engine, trial.job(kind="none", patience=0, timeout=60))
        trial.shift += 6 * MINUTE
    return ends


@pytest.mark.parametrize("group", range(GROUPS))
def test_killed_anywhere_nothing_goes_out_twice_and_nothing_is_lost(group: int, tmp_path: Path) -> None:
    try_all(f"sqlite:///{tmp_path}/ledger.db", [f"{group}-{number}" for number in range(TRIALS)])


def test_killed_anywhere_on_a_server_too(server_ledger_url: str) -> None:
    try_all(server_ledger_url, [f"server-{number}" for number in range(FEW)])


def test_what_may_be_sent_again_is_sent_twice_at_the_most(tmp_path: Path) -> None:
    try_all(f"sqlite:///{tmp_path}/ledger.db", [f"again-{number}" for number in range(FEW)], again=True)


def try_all(ledger: str, seeds: list[str], *, again: bool = False) -> None:
    """Run trials on one ledger, each with an account of its own."""
    engine = open_engine(ledger)
    ends: Counter[int] = Counter()
    try:
        with serving() as server, delivering(ledger) as deliver:
            for seed in seeds:
                trial = OneTrial(engine, server, seed, again=again)
                ends.update(run_trial(trial, deliver))
                (check_again if again else check)(trial, seed)
    finally:
        engine.dispose()
    assert set(ends) <= {0, -signal.SIGKILL}
    assert ends[-signal.SIGKILL] > len(seeds) / 3, "the trials are to kill"


def check(trial: OneTrial, seed: str) -> None:
    taken = Counter(one["key"] for one in trial.trial.took)
    assert all(number == 1 for number in taken.values()), f"trial {seed}: twice {taken}"
    statuses = trial.statuses_now()
    assert sorted(statuses) == sorted(trial.keys), f"trial {seed}: lost {statuses}"
    left = {key: status for key, status in statuses.items() if status not in HAVING | {"held", "failed"}}
    assert left == {}, f"trial {seed}: still open {left}"
    assert trial.ids() == {one["id"] for one in trial.trial.took}, f"trial {seed}: {statuses}, {trial.trial.took}"
    assert sum(status in HAVING for status in statuses.values()) == len(trial.trial.took)
    failed = {key for key, status in statuses.items() if status == "failed"}
    assert failed <= trial.trial.refused, "killed before that was noted, a refused one is held"


def check_again(trial: OneTrial, seed: str) -> None:
    taken = Counter(one["key"] for one in trial.trial.took)
    assert all(number <= 2 for number in taken.values()), f"trial {seed}: {taken}"
    statuses = trial.statuses_now()
    assert sorted(statuses) == sorted(trial.keys), f"trial {seed}: lost {statuses}"
    assert set(statuses.values()) <= HAVING | {"held", "failed"}, f"trial {seed}: still open {statuses}"
