"""Every statement of a run must find its rows by an index: a ledger of a million links is as quick as an empty one."""

from __future__ import annotations

import re
import typing as t

import pytest
from fake_destination import FakeDestination
from fake_service import FakeService
from sending_bench import DESTINATION, Bench, Text
from sqlalchemy import event
from sqlalchemy.engine import Engine as AnyEngine
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.history import History
from sync_ledger.limits import AccountLimits
from sync_ledger.rows import SourceRow
from sync_ledger.sending.reading import Messages, sent_before
from sync_ledger.sending.service import Delivery, Later, Lost, Refused
from sync_ledger.sending.troubles import Troubles

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

GROWING = (
    "links",
    "remote_index",
    "open_rows",
    "outcomes",
    "intents",
    "run_counts",
    "messages",
    "message_members",
    "message_events",
)
"""Tables that grow with the rows and messages."""


class Watch:
    """Keeps every statement that reads, changes or deletes rows, each once."""

    def __init__(self) -> None:
        self.statements: dict[str, t.Any] = {}

    def __call__(
        self, _connection: object, _cursor: object, statement: str, parameters: t.Any, _context: object, many: bool
    ) -> None:
        if re.match(r"(SELECT|UPDATE|DELETE|WITH)\b", statement) and "pg_catalog" not in statement:
            self.statements.setdefault(statement, parameters[0] if many else parameters)


@pytest.fixture
def watch() -> Iterator[Watch]:
    found = Watch()
    event.listen(AnyEngine, "before_cursor_execute", found)
    yield found
    event.remove(AnyEngine, "before_cursor_execute", found)


def work(url: str) -> None:
    """Runs that create, update, leave alone, fail, hold, replay and die."""
    account = FakeDestination()
    rows = [SourceRow("organizations", str(number), {"name": f"Customer {number}"}) for number in range(20)]
    persons = [SourceRow("persons", f"{number}-1", {"name": "Ana", "org_id": str(number)}) for number in range(25)]
    refused = WriteResult(Result.UNSENT, code="429")
    account.adapters["organizations"].before = lambda operation: refused if operation.external_id == "7" else None
    for turn in range(3):
        engine = UpsertEngine(account, Ledger(url, account.name), target="target-fake", options=Options())
        changed = [SourceRow(row.entity, row.external_id, {**row.payload, "Credit Limit": turn}) for row in rows[:5]]
        engine.process("organizations", rows + changed if turn else rows)
        engine.process("persons", persons)
        if turn == 1:
            continue  # it dies here
        engine.finish()
        engine.end("succeeded")
        account.adapters["organizations"].before = lambda _operation: None
    database = open_engine(url)
    limits = AccountLimits(database, account.name, 1000, 0)
    limits.lease("token", window_seconds=2.0).renew(told=20, fallback=20, held=0, wanted=None)
    limits.budget().put_aside("2026-11-25", 20)
    history = History(database)
    history.why("organizations", "7")
    history.run(1)
    history.runs()
    database.dispose()


def send(url: str) -> None:
    """Messages that are sent, lost, found, refused, told of, held back, followed and handed over."""
    bench = Bench(url)
    service = FakeService(bench.clock)
    answers = [Lost("reset"), Refused("21610", "STOP", "", opted_out=True), Later("20429", "busy"), None, None]
    service.answer = lambda _: answers.pop(0) if answers else None
    bench.put(*(Text(f"m{number}", recipient=f"+1555{number:04}") for number in range(20)))
    bench.claims().take(1)
    bench.deliver(service)
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    bench.told.note(Delivery.DELIVERED, remote_id=service.took[-1].remote_id, key="m19")
    bench.told.note(Delivery.DELIVERED, remote_id="SM of nobody", key="m18")
    bench.told.follow(service)
    with bench.engine.begin() as connection:
        Troubles(DESTINATION).take(connection)
        sent_before(connection, DESTINATION, "m1", bench.clock.moment, ("sms",))
    messages = Messages(bench.engine)
    messages.life("m1", destination=DESTINATION)
    messages.audit(rule="HighValue", fingerprint="f1")
    messages.audit(stream="purchase_orders", source_key='{"DOCO": 4711}')
    bench.engine.dispose()


def explain(connection: Connection, statement: str, parameters: t.Any) -> str:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET enable_seqscan = off")  # small tables are quicker read as a whole
        connection.exec_driver_sql("SET enable_bitmapscan = off")
        found = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    else:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return "\n".join(str(row[-1]) for row in found)


def test_no_statement_of_a_run_reads_a_growing_table_from_end_to_end(ledger_url: str, watch: Watch) -> None:
    work(ledger_url)
    send(ledger_url)
    statements = dict(watch.statements)
    engine = open_engine(ledger_url)
    # The one index that may be read from end to end holds only the rows that are still to be masked.
    whole = re.compile(rf"(?:SCAN|Seq Scan on) ({'|'.join(GROWING)})\b(?! USING INDEX open_rows_to_mask)")
    for statement, parameters in statements.items():
        with engine.connect() as connection:
            plan = explain(connection, statement, parameters)
        assert not whole.search(plan), f"{statement}\n{plan}"
    engine.dispose()
    read = {table for table in GROWING if any(re.search(rf"(FROM|UPDATE) {table}\b", one) for one in statements)}
    assert read == set(GROWING)
