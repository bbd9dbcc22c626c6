"""Alerts on both databases a ledger can live in, with many rows, and by two processes at once."""

from __future__ import annotations

import json
import threading
import typing as t
from datetime import datetime, timedelta, timezone

from alert_rules.compiling import compile_files
from sqlalchemy import event, select
from sync_ledger.alerts.engine import SourceRow
from sync_ledger.alerts.rehearsal import Rehearsal
from sync_ledger.ledger.sending_tables import message_members

if t.TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
_FILE = {
    "rules": [
        {
            "alert": "Late",
            "stream": "bills",
            "kind": "state",
            "identity": ["id"],
            "when": "days > 30",
            "steps": [30, 60],
        },
        {"alert": "Big", "stream": "orders", "identity": ["id"], "when": "amount >= 10", "steps": [10]},
    ],
    "route": {"receiver": "all", "group_by": ["alert"], "routes": [{"matchers": ['alert="Late"'], "receiver": "mail"}]},
    "receivers": [
        {"name": "all", "sms": {"to": ["+14155550100"]}, "escalation": [{"after": "1h", "receiver": "mail"}]},
        {"name": "mail", "email": {"to": ["m@example.com"]}, "budget": {"per_day": 1}},
    ],
}


def _rehearsal(tmp_path: Path, ledger_url: str = "sqlite://") -> Rehearsal:
    path = tmp_path / "alerts.yml"
    path.write_text(json.dumps(_FILE))
    return Rehearsal(compile_files(str(path)), START, initial="send", ledger_url=ledger_url)


def test_alerts_go_their_way_on_both_databases(tmp_path: Path, ledger_url: str) -> None:
    it = _rehearsal(tmp_path, ledger_url)
    it.run({"bills": [{"id": 1, "days": 31}], "orders": [{"id": number, "amount": 20.5} for number in range(40)]})
    assert sorted(one.purpose for one in it.sent()) == ["alert", "storm"]
    it.engine().silence(['alert="Late"'], it.now + timedelta(hours=3), now=it.now, by="Ann\0")
    it.wait(timedelta(hours=1))
    it.run({"bills": [{"id": 1, "days": 3}], "orders": []})
    assert it.sent() == []  # one is silenced, the other more than the budget has room for
    it.wait(timedelta(days=1))
    it.tick()
    assert [one.purpose for one in it.sent()] == ["digest"]
    assert it.engine().show(it.now).counts == {"Big": {"firing": 40}, "Late": {"resolved": 1}}
    assert it.engine().explain(stream="bills", key=json.dumps({"id": 1}))
    it.close()


def test_rows_cost_no_query_each(tmp_path: Path) -> None:
    counts = []
    for rows in (100, 3_000):
        it = _rehearsal(tmp_path)
        seen: list[str] = []
        event.listen(it.database, "before_cursor_execute", lambda *args, seen=seen: seen.append(args[2]))
        given = [{"id": number, "amount": 20} for number in range(rows)]
        it.run({"orders": given})
        it.run({"orders": given})
        counts.append(len(seen))
        it.close()
    assert counts[1] <= counts[0] + 30


def test_two_flushes_at_once_tell_once(tmp_path: Path, ledger_url: str) -> None:
    it = _rehearsal(tmp_path, ledger_url)
    it.run({"orders": [{"id": 1, "amount": 20}]}, ends=False)
    threads = [threading.Thread(target=lambda: it.engine(1).flush(it.now, run_ended=True)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(it.sent()) == 1
    assert it.decisions(rule="Big", key="1")[0].times == 1
    it.close()


def test_rows_that_come_while_others_flush_are_all_told(tmp_path: Path, ledger_url: str) -> None:
    it = _rehearsal(tmp_path, ledger_url)

    def take(first: int) -> None:
        for number in range(first, first + 10):
            it.engine().take("bills", [SourceRow(f'{{"id": {number}}}', {"id": number, "days": 40})], it.now)

    def flush() -> None:
        for _ in range(10):
            it.engine().flush(it.now, run_ended=False)

    threads = [threading.Thread(target=take, args=(first,)) for first in (0, 100)]
    threads += [threading.Thread(target=flush) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    it.wait(timedelta(days=2))
    it.tick()
    it.wait(timedelta(days=2))
    it.tick()
    query = select(message_members.c.fingerprint).distinct()
    with it.database.connect() as connection:
        assert len(connection.execute(query).all()) == 20
    it.close()


def test_a_tick_with_nothing_to_tell_does_not_read_what_fires(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    inhibit = [{"source_matchers": ['alert="Big"'], "target_matchers": ['alert="Late"']}]
    path.write_text(json.dumps({**_FILE, "inhibit_rules": inhibit}))
    it = Rehearsal(compile_files(str(path)), START, initial="send")
    it.run({"bills": [{"id": number, "days": 31} for number in range(50)]})
    read: list[str] = []
    event.listen(it.database, "before_cursor_execute", lambda *given: read.append(given[2]))
    it.tick()
    assert it.sent()  # what the run told
    # The one look is at what time alone may change.
    assert len([one for one in read if "FROM alert_instances" in one]) == 1
    it.close()
