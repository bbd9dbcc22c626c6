from __future__ import annotations

import logging
from concurrent.futures import Future

import pytest
from tap_jdedwards import progress as progress_module
from tap_jdedwards.progress import Progress


def lines(caplog, *, seconds, total=None, records=100):
    caplog.set_level(logging.INFO)
    now = [0.0]
    progress = Progress(logging.getLogger("test"), "F0911", total=total, clock=lambda: now[0])
    for second in range(1, seconds + 1):
        now[0] = float(second)
        progress.add(records)
    return [record.getMessage() for record in caplog.records]


def counted(number):
    future = Future()
    future.set_result(number)
    return lambda: future


def test_a_line_every_ten_seconds_and_none_before(caplog):
    assert lines(caplog, seconds=25) == [
        "F0911: 1,000 rows, 10 pages, 100 a second",
        "F0911: 2,000 rows, 20 pages, 100 a second",
    ]


@pytest.mark.parametrize(
    ("total", "left"), [(10_000, "1 min 30 s left"), (2_000, "10 s left"), (1_000_000, "2 h 46 min left")]
)
def test_the_share_of_a_count_and_the_time_left(caplog, total, left):
    (line,) = lines(caplog, seconds=10, total=counted(total))
    share = 100_000 // total
    assert line == f"F0911: 1,000 of {total:,} rows ({share} %), 10 pages, 100 a second, {left}"


def test_a_count_that_fails_is_late_or_is_too_small_costs_no_line(caplog):
    failed, late = Future(), Future()
    failed.set_exception(ValueError("no"))
    for total in (lambda: failed, lambda: late, counted(7), counted(0)):
        caplog.clear()
        assert lines(caplog, seconds=10, total=total) == ["F0911: 1,000 rows, 10 pages, 100 a second"]


def test_rows_are_counted_once_and_not_for_a_short_load(caplog):
    asked = []

    def count():
        asked.append(1)
        return counted(5000)()

    lines(caplog, seconds=1, total=count)
    assert asked == []
    lines(caplog, seconds=30, total=count)
    assert asked == [1]


def test_short_runs_are_quiet(caplog, run):
    caplog.set_level(logging.INFO, logger="tap-jdedwards")
    run.jde.control.reset_counters()
    run(tables=["F0101"])
    assert not [record for record in caplog.records if "a second" in record.getMessage()]
    bodies = [one["body"] for one in run.jde.control.requests(100) if one["path"].endswith("dataservice")]
    assert not [body for body in bodies if body.get("dataServiceType") == "AGGREGATION"]


@pytest.mark.parametrize("options", [{}, {"shard": {"index": 0, "of": 2}}])
def test_a_load_tells_its_share_of_all_rows(caplog, run, monkeypatch, options):
    caplog.set_level(logging.INFO, logger="tap-jdedwards")
    monkeypatch.setattr(progress_module, "SECONDS_BEFORE_COUNTING", 0)
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0)
    run(tables=["F0101"], page_size=1, **options)
    rows = len(run.jde.control.rows("F0101")) // (2 if options else 1)
    last = [record.getMessage() for record in caplog.records if "a second" in record.getMessage()][-1]
    assert f" of {rows:,} rows (" in last or "rows, " in last
    assert any(f" of {rows:,} rows (" in record.getMessage() for record in caplog.records)
