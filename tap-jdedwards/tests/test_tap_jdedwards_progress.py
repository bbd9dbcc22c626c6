from __future__ import annotations

import logging

from tap_jdedwards.progress import Progress


def test_a_line_every_ten_seconds_and_none_before(caplog):
    caplog.set_level(logging.INFO)
    now = [0.0]
    progress = Progress(logging.getLogger("test"), "F0101", clock=lambda: now[0])
    for second in range(1, 26):
        now[0] = float(second)
        progress.add(100)
    assert [record.getMessage() for record in caplog.records] == [
        "F0101: 1000 rows, 100 a second",
        "F0101: 2000 rows, 100 a second",
    ]


def test_short_runs_are_quiet(caplog, run):
    caplog.set_level(logging.INFO, logger="tap-jdedwards")
    run(tables=["F0101"])
    assert not [record for record in caplog.records if "a second" in record.getMessage()]
