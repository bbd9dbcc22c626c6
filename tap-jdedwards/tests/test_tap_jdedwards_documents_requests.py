"""How many requests documents cost: those of changed customers, and those of looked-up tables."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from service_emulators.testing import start_jde

START = datetime(2026, 11, 20, 9, 0)


@pytest.fixture(scope="module")
def large():
    with start_jde(customers=2000, contacts=500, seed=4, now=START) as emulator:
        yield emulator


CHANGES = {
    "phones": ("F0115", {"IDLN": 0, "RCK7": 1}, {"PH1": "4711"}),
    "credit limits": ("F03012", {"CO": "00000"}, {"ACL": 12_345}),
    "addresses": ("F0116", {}, {"ADD1": "Moved"}),
    "mails": ("F01151", {"IDLN": 0}, {"EMAL": "new@example.com"}),
}


@pytest.mark.slow
def test_a_thousand_changed_customers_cost_less_than_a_hundred_requests(large, runner_of):
    run, control = runner_of(large), large.control
    control.set_clock(now=START.isoformat())
    state = run(streams=["customers"]).state
    for step, (what, (table, where, values)) in enumerate(CHANGES.items(), start=1):
        # The second half of all numbers, and every other one: keys that lie close and keys that lie apart.
        some = [*range(1001 + step, 2001, 2), *range(2501, 3001)]
        control.set_clock(now=(START + timedelta(hours=2 * step)).isoformat())
        control.update_rows(table, {"AN8": some, **where}, values)
        there = {row["AN8"] for row in large.store.read(table, {"AN8": some, **where})}
        control.reset_counters()
        output = run(streams=["customers"], state=state, overlap_minutes=0)
        requests = control.counters()["requests"]
        before = output.numbers("customers") - there
        assert len(before) < 10, what  # what stood on a watermark
        assert there <= output.numbers("customers"), what
        assert len(output.records["customers"]) == len(output.numbers("customers"))
        assert requests / len(there) < 0.1, (what, requests, len(there))
        # One more change, so that the next run does not repeat what stands on the watermark.
        control.set_clock(now=(START + timedelta(hours=2 * step + 1)).isoformat())
        control.update_rows(table, {"AN8": 3000, **where}, values)
        state = run(streams=["customers"], state=output.state, overlap_minutes=0).state
