"""`target-twilio` and its ticks are killed at random moments while services fail: nothing goes out twice or is lost.

`KILL_TRIALS=500 pytest -n 0 target-twilio/tests/test_target_twilio_kill_random.py` tries longer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sync_ledger.ledger.sending_tables import messages
from target_twilio_commands import ago, later
from target_twilio_forks import forking
from target_twilio_killing import RULES, check, feed, from_state, received, recover, rows, settled

TRIALS = int(os.environ.get("KILL_TRIALS", "12"))
FEW = 3
ORDERS_EACH = 12
FAULTS = (
    {"kind": "status", "status": 500, "when": "after", "probability_percent": 10},
    {"kind": "status", "status": 503, "when": "before", "probability_percent": 5},
    {"kind": "status", "status": 429, "when": "before", "probability_percent": 5},
    {"kind": "reset", "when": "after", "probability_percent": 10},
    {"kind": "reset", "when": "before", "probability_percent": 5},
    {"kind": "timeout", "when": "after", "delay_ms": 60, "probability_percent": 10},
    {"kind": "truncate", "probability_percent": 5},
    {"kind": "slow", "when": "after", "delay_ms": 60, "probability_percent": 30},
    {"kind": "slow", "when": "before", "delay_ms": 60, "probability_percent": 30},
)
"""What becomes of requests; each share is of those that those before it have left."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 10 * TRIALS), pytest.mark.usefixtures("wide")]


class Trial:
    """Rows of its own, a ledger of its own, and a target that is killed while it sends them."""

    def __init__(self, seed, config, ledger_url, forks, twilio, sendgrid):
        self.seed = seed
        self.rng = random.Random(seed)
        self._forks = forks
        self._services = (twilio, sendgrid)
        self._home = Path(config["rules"]).parent
        self.file = self._home / "config.json"
        self._states = self._home / "states.jsonl"
        self.config = {
            **config,
            "ledger_url": ledger_url,
            "max_concurrency": self.rng.randint(1, 4),
            "batch_size_rows": self.rng.choice([3, 5, 100]),
            "state_interval_seconds": 0,
        }
        self.file.write_text(json.dumps(self.config))
        first = 1000 * (seed + 1)
        self.given = rows(range(first, first + ORDERS_EACH), every=self.rng.choice([1, 3]))
        self._rest = self.given
        self._of_others = received(*self._services)
        for number, fault in enumerate(FAULTS):
            for service, path in zip(self._services, ("/Messages", "/mail/send"), strict=True):
                service.control.fault(path=path, times=None, seed=seed * 100 + number, **fault)

    def run_and_kill(self):
        """Let the target go on from its last STATE, or a tick, and kill it at some moment; return what ended it."""
        before = self._requests()
        tick = self.rng.random() < 0.25
        process = self._forks.begin(
            *(["tick"] if tick else []),
            f"--config={self.file}",
            stdin=feed(self._home / "rows.jsonl", self._rest),
            stdout=self._home / "tick.txt" if tick else self._states,
            stderr=self._home / "stderr.txt",
        )
        wanted = self.rng.choice([None, self.rng.randint(1, 2 * ORDERS_EACH)])
        moment = time.monotonic() + (self.rng.uniform(0.05, 1.0) if wanted is None else 1.5)
        while time.monotonic() < moment and (wanted is None or self._requests() - before < wanted):
            time.sleep(0.002)
        time.sleep(self.rng.uniform(0.0, 0.03))
        os.kill(process, signal.SIGKILL)
        end = self._forks.wait(process)
        if not tick:
            self._rest = from_state(self._rest, self._states)
            self._states.unlink()
        if self.rng.random() < 0.5 and settled(self.config, messages, "id"):
            later(self.config, messages, due_at=ago(seconds=1))  # lost answers are looked for in the next run
        return end

    def finish(self):
        """Let the target run to its end, and look at what came of it all."""
        for service in self._services:
            service.control.clear_faults()
        recover(self.config, self._rest)
        return check(
            self.config, self.file, received(*self._services) - self._of_others, self.given, f"trial {self.seed}"
        )

    def _requests(self):
        return sum(service.control.counters()["requests"] for service in self._services)


def try_all(seeds, config, ledger_of, twilio, sendgrid):
    """Run trials, each with a ledger of its own."""
    Path(config["rules"]).write_text(RULES)
    ends, states = Counter(), Counter()
    twilio.control.switch(segments_per_second=0)
    with forking() as forks:
        for seed in seeds:
            trial = Trial(seed, config, ledger_of(seed), forks, twilio, sendgrid)
            ends.update(trial.run_and_kill() for _ in range(trial.rng.choice([1, 2, 2])))
            states.update(trial.finish())
    assert set(ends) <= {0, -signal.SIGKILL}
    assert ends[-signal.SIGKILL] > len(seeds) / 2, f"the trials are to kill: {ends}"
    assert states["held"] < sum(states.values()) / 2, f"the trials are to send: {states}"


def test_killed_at_any_moment_nothing_goes_out_twice_and_nothing_is_lost(config, tmp_path, twilio, sendgrid):
    try_all(range(TRIALS), config, lambda seed: f"sqlite:///{tmp_path}/{seed}.db", twilio, sendgrid)


def test_killed_with_the_ledger_on_a_server_too(config, postgresql, twilio, sendgrid):
    server = make_url(postgresql)
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")

    def ledger_of(seed):
        name = f"killed_{seed}"
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    try_all(range(1000, 1000 + FEW), config, ledger_of, twilio, sendgrid)
    engine.dispose()
