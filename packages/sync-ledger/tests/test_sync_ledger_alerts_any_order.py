"""Whatever comes in whatever order: nobody is told the same twice, every row that matches is explained."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.compiling import compile_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sync_ledger.alerts.rehearsal import Rehearsal
from sync_ledger.ledger.sending_tables import message_members, messages

if t.TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 27, 20, 0, tzinfo=timezone.utc)
_FILE: dict[str, t.Any] = {
    "rules": [
        {"alert": "Order", "stream": "orders", "identity": ["id"], "when": "v >= 10", "steps": [10, 20]},
        {"alert": "Stock", "stream": "stock", "kind": "state", "identity": ["id"], "when": "v > 10", "for": "30m"},
        {"alert": "Late", "stream": "stock", "kind": "state", "identity": ["id"], "when": "v > 5", "steps": [5, 15]},
    ],
    "route": {
        "receiver": "texts",
        "group_by": ["alert"],
        "group_interval": "10m",
        "repeat_interval": "4h",
        "routes": [
            {"matchers": ['alert="Late"'], "receiver": "digest", "continue": True},
            {
                "matchers": ['alert=~"Late|Stock"'],
                "receiver": "tight",
                "repeat_interval": "never",
                "mute_time_intervals": ["night"],
            },
        ],
    },
    "receivers": [
        {"name": "texts", "sms": {"to": ["+14155550100"]}, "escalation": [{"after": "1h", "receiver": "mail"}]},
        {"name": "digest", "email": {"to": ["d@example.com"]}, "digest": {"at": "07:00"}},
        {"name": "tight", "sms": {"to": ["+14155550101"]}, "budget": {"per_recipient": "2/3h"}},
        {"name": "mail", "email": {"to": ["m@example.com"]}},
    ],
    "time_intervals": [{"name": "night", "times": ["22:00-06:00"]}],
    "storm_limit": 3,
}
_ROW = st.fixed_dictionaries({"id": st.integers(1, 6), "v": st.integers(0, 25)})
_STEP = st.one_of(
    st.tuples(st.just("run"), st.lists(_ROW, max_size=6), st.lists(_ROW, max_size=6)),
    st.tuples(st.just("died"), st.lists(_ROW, max_size=6), st.lists(_ROW, max_size=6)),
    st.tuples(st.sampled_from(["kill", "kill_at_end", "tick", "acknowledge", "undelivered"])),
    st.tuples(st.just("silence"), st.integers(1, 300)),
    st.tuples(st.just("wait"), st.integers(1, 600)),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEP, max_size=25))
def test_nobody_is_told_the_same_twice_and_every_row_that_matches_is_explained(
    tmp_path: Path, steps: list[tuple[t.Any, ...]]
) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(json.dumps(_FILE))
    it = Rehearsal(compile_files(str(path)), START, initial="send")
    matched: set[tuple[str, str]] = set()
    try:
        for step in steps:
            _do(it, step, matched)
        it.wait(timedelta(days=3))
        it.run({"orders": [], "stock": []})
        it.tick()
        _check(it, matched)
    finally:
        it.close()


def _do(it: Rehearsal, step: tuple[t.Any, ...], matched: set[tuple[str, str]]) -> None:
    what = step[0]
    if what in {"run", "died"}:
        rows = {"orders": step[1], "stock": step[2]}
        outcomes = it.run(rows, ends=what == "run")
        assert len(outcomes) == len(step[1]) + len(step[2])
        matched |= {("Order", json.dumps({"id": row["id"]})) for row in step[1] if row["v"] >= 10}
        matched |= {("Stock", json.dumps({"id": row["id"]})) for row in step[2] if row["v"] > 10}
        matched |= {("Late", json.dumps({"id": row["id"]})) for row in step[2] if row["v"] > 5}
    elif what in {"kill", "kill_at_end"}:
        it.kill(run_ended=what == "kill_at_end")
    elif what == "tick":
        it.tick()
    elif what == "acknowledge":
        it.engine().acknowledge("Ann", it.now, matchers=['alert=~"Late|Order"'])
    elif what == "undelivered":
        it.undelivered("+14155550100")
    elif what == "silence":
        it.engine().silence(['alert="Late"'], it.now + timedelta(minutes=step[1]), now=it.now, by="Ann")
    else:
        it.wait(timedelta(minutes=step[1]))


def _check(it: Rehearsal, matched: set[tuple[str, str]]) -> None:
    explained = it.decisions()
    assert matched <= {(one.decision.rule, one.decision.source_key) for one in explained}
    query = select(messages, message_members).join(message_members, message_members.c.message_id == messages.c.id)
    with it.database.connect() as connection:
        rows = connection.execute(query).all()
    once = [
        (row.receiver, row.recipient, row.fingerprint, row.version)
        for row in rows
        if row.purpose in {"alert", "resolved", "storm", "no_data"}
        or (row.purpose == "digest" and row.receiver == "tight")
    ]
    assert len(once) == len(set(once))
    told = {one.decision.notification for one in explained if one.decision.notification is not None}
    assert told == {row.key for row in rows}
    # What fired is told by the end, or there is a decision of that receiver that says why not.
    fired = {one.decision.fingerprint for one in explained if one.decision.code.value in {"fired", "step"}}
    concluded = {one.decision.fingerprint for one in explained if one.decision.receiver is not None}
    assert fired <= concluded
    for one in it.engine().show(it.now).collected:
        assert one.due_at is not None


@pytest.mark.parametrize("ended", [True, False])
def test_a_flush_that_died_makes_the_same_messages_when_it_is_done_again(tmp_path: Path, ended: bool) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(json.dumps(_FILE))
    it = Rehearsal(compile_files(str(path)), START, initial="send")
    rows = {"orders": [{"id": number, "v": 10 + number} for number in range(3)], "stock": [{"id": 1, "v": 9}]}
    it.run(rows, ends=False)
    keys = it.kill(run_ended=ended)
    assert it.sent() == []
    it.wait(timedelta(minutes=5))
    it.run(rows)
    assert bool(keys) is ended
    assert keys <= {one.key for one in it.sent()}
    it.close()
