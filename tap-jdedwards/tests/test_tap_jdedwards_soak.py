"""Everything at once: 100,000 rows, random faults, kill -9 and changes while it reads; the set must end up equal."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from service_emulators.testing import start_jde
from tap_jdedwards.dictionary import load_dictionary

ROWS = 100_000
KILLS = 10
TABLE = "F0911"
KEY = load_dictionary().tables[TABLE].key


class Warehouse:
    """A loader that commits at each STATE: what came after the last one is lost when the pipe breaks."""

    def __init__(self):
        self.rows = {}
        self.state = None
        self._pending = []
        self.received = 0

    def take(self, line):
        message = json.loads(line)
        if message["type"] == "RECORD":
            self.received += 1
            self._pending.append(message["record"])
        elif message["type"] == "STATE":
            for record in self._pending:
                self._apply(record)
            self._pending.clear()
            self.state = message["value"]

    def pipe_broke(self):
        self._pending.clear()

    def _apply(self, record):
        key = tuple(record[alias] for alias in KEY)
        if record.pop("_sdc_deleted_at", None) is not None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = record


class Bookkeepers(threading.Thread):
    """People who go on posting, correcting and deleting entries while the tap reads."""

    def __init__(self, store, control, seed):
        super().__init__(daemon=True)
        self._store, self._control, self._random = store, control, random.Random(seed)
        self._ended = threading.Event()
        self._keys = [{alias: row[alias] for alias in KEY} for row in store.read(TABLE, limit=3000)]
        self.changes = 0

    def run(self):
        while not self._ended.wait(0.05):
            self.change()

    def change(self):
        where = self._random.choice(self._keys)
        kind = self._random.randrange(10)
        if kind < 7:
            self._control.update_rows(TABLE, where, {"EXA": f"Corrected {self.changes}"})
        elif kind < 9:
            self._control.insert_rows(TABLE, [{**where, "DOC": 50_000_000 + self.changes, "EXA": "Posted late"}])
        else:
            self._control.delete_rows(TABLE, where)
        self.changes += 1

    def end(self):
        self._ended.set()
        self.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_load_full_of_faults_and_kills_ends_equal_to_the_truth(tmp_path, as_record):
    chance = random.Random(11)
    with start_jde(gl_rows=ROWS, seed=5) as jde:
        jde.control.switch(fetch_cap=700, require_session_cookie=True)
        jde.control.random_faults(4, seed=2, path="v2/dataservice$")
        config = {
            "ais_url": jde.url,
            "username": jde.username,
            "password": jde.password,
            "tables": [TABLE],
            "streams": [],
            "max_concurrency": 4,
            "request_timeout_seconds": 2,
            "detect_deletes": "keys",
            "keys_path": str(tmp_path / "keys"),
        }
        (tmp_path / "config.json").write_text(json.dumps(config))
        warehouse, people = Warehouse(), Bookkeepers(jde.store, jde.control, seed=3)
        people.start()
        killed = 0
        while killed < KILLS:
            # Some of the deaths belong to the load, the others to the shorter incremental runs after it.
            lines = 2 * ROWS // KILLS if len(warehouse.rows) < 0.95 * ROWS else 1500
            if run_tap(warehouse, tmp_path, die_after=chance.randrange(500, lines)):
                killed += 1
            if chance.random() < 0.5:
                jde.control.expire_sessions()
        people.end()
        assert people.changes > 100
        assert not run_tap(warehouse, tmp_path)
        read_before = warehouse.received
        assert not run_tap(warehouse, tmp_path)
        jde.control.clear_faults()
        truth = {tuple(record[alias] for alias in KEY): record for record in map(as_record, jde.store.read(TABLE))}
        assert warehouse.rows == truth
        assert read_before < 2 * ROWS, "an interrupted load must go on where it was"


def run_tap(warehouse, home, die_after=None):
    """Run the tap, perhaps to its death; returns whether it was killed."""
    command = [sys.executable, "-m", "tap_jdedwards", "--config", str(home / "config.json")]
    if warehouse.state is not None:
        (home / "state.json").write_text(json.dumps(warehouse.state))
        command += ["--state", str(home / "state.json")]
    seen = 0
    with (
        (home / "log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "LOGLEVEL": "INFO"}) as tap,
    ):
        for line in tap.stdout:
            warehouse.take(line)
            seen += 1
            if seen == die_after:
                time.sleep(0.01)
                tap.send_signal(signal.SIGKILL)
                warehouse.pipe_broke()
                tap.stdout.close()
                return True
    assert tap.returncode == 0, (home / "log").read_text()[-2000:]
    return False
