"""The outbox: what is decided is kept once, whoever decides it again, and what nobody wants is held."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from sending_bench import BEGIN, DESTINATION, Bench, Text, Told
from sqlalchemy import select
from sync_ledger.ledger.sending_tables import message_members
from sync_ledger.sending.suppressions import Suppressions

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


def test_a_key_is_kept_once_and_as_it_came_first(bench: Bench) -> None:
    assert bench.put(Text("a"), Text("b"), Text("b", text="twice in one go")) == ["a", "b"]
    assert bench.put(Text("a", text="other words"), Text("c")) == ["c"]
    assert bench.put() == []
    assert {row.key: row.text for row in bench.rows()} == {
        "a": "PO 4711 Acme $60,000.00",
        "b": "twice in one go",
        "c": "PO 4711 Acme $60,000.00",
    }
    assert [(one.status, one.moved) for one in bench.events("a")] == [("waiting", True)]


def test_nothing_is_kept_when_the_transaction_of_the_decision_is_rolled_back(bench: Bench) -> None:
    with bench.engine.connect() as connection:
        assert bench.outbox.put(connection, [Text("a")]) == ["a"]
        connection.rollback()
    assert bench.rows() == []
    assert bench.events() == []


def test_many_messages_of_many_members_are_kept(bench: Bench) -> None:
    told = tuple(Told(fingerprint=f"f{number}") for number in range(5_000))
    texts = [Text("summary", members=told), *(Text(f"m{number}") for number in range(2_500))]
    assert len(bench.put(*texts)) == 2_501
    assert len(bench.put(*texts)) == 0
    with bench.engine.connect() as connection:
        kept = connection.execute(
            select(message_members.c.place, message_members.c.fingerprint).order_by("message_id", "place")
        )
        assert [tuple(row) for row in kept][:5_000] == [(place, f"f{place}") for place in range(5_000)]


def test_a_text_no_database_takes_is_kept_without_what_it_does_not(bench: Bench) -> None:
    bench.put(Text("a", text="Acme\0 Ltd"))
    assert bench.row("a").text == "Acme Ltd"


@pytest.mark.parametrize("sender", [None, "+15550199"])
def test_who_wants_no_messages_gets_none(bench: Bench, sender: str | None) -> None:
    suppressions = Suppressions(DESTINATION)
    bench.put(Text("before", recipient="Ann@Example.com", channel="email", sender=sender))
    with bench.engine.begin() as connection:
        held = suppressions.add(
            connection, "email", "ann@example.com", sender=sender or "", at=BEGIN, why="unsubscribed"
        )
    assert held == 1
    bench.put(
        Text("after", recipient="ANN@example.com", channel="email", sender=sender),
        Text("other sender", recipient="ann@example.com", channel="email", sender="+15550177"),
        Text("settings' sender", recipient="ann@example.com", channel="email"),
        Text("by phone", recipient="ann@example.com", channel="voice", sender=sender),
    )
    assert bench.statuses() == {
        "before": "held",
        "after": "held",
        "other sender": "held" if sender is None else "waiting",
        "settings' sender": "held",
        "by phone": "waiting",
    }
    assert (bench.row("after").reason, bench.row("after").remedy) == (
        "opted_out",
        "the recipient wants no messages; only they can change that (START; for mail: release --wants-mail)",
    )
    with bench.engine.begin() as connection:
        assert suppressions.lift(
            connection, "email", "Ann@example.com", sender=sender or "", at=BEGIN + timedelta(hours=1)
        )
    bench.put(Text("later", recipient="ann@example.com", channel="email", sender=sender))
    assert bench.statuses()["later"] == "waiting"
    assert bench.statuses()["before"] == "held", "what waited for long is for a person to decide"


def test_an_opt_out_from_a_sender_holds_what_may_go_out_by_it(bench: Bench) -> None:
    bench.put(Text("any"), Text("that", sender="+15550001"), Text("pool", messaging_service="MG1"))
    with bench.engine.begin() as connection:
        Suppressions(DESTINATION).add(connection, "sms", "+15550100", sender="+15550001", at=BEGIN, why="STOP")
    assert bench.statuses() == {"any": "held", "that": "held", "pool": "waiting"}


@pytest.mark.parametrize("order", ["stop start", "start stop"])
def test_the_later_of_stop_and_start_counts_in_whichever_order_they_come(bench: Bench, order: str) -> None:
    suppressions = Suppressions(DESTINATION)
    stop, start = BEGIN, BEGIN + timedelta(minutes=1)
    with bench.engine.begin() as connection:
        suppressions.add(connection, "sms", "+15550100", at=stop - timedelta(days=1), why="STOP of yesterday")
        for word in order.split():
            if word == "stop":
                suppressions.add(connection, "sms", "+15550100", at=stop, why="STOP")
            else:
                suppressions.lift(connection, "sms", "+15550100", at=start)
        assert suppressions.whys(connection, [Text("a")]) == {}
        suppressions.add(connection, "sms", "+15550100", at=start + timedelta(minutes=1), why="STOP again")
        assert set(suppressions.whys(connection, [Text("a")]).values()) == {"STOP again"}
