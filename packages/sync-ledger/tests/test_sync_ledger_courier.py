"""The courier: what is due goes out once, in order and at the service's pace; what cannot go out says why."""

from __future__ import annotations

import itertools
import threading
import time
import typing as t
from datetime import timedelta

import pytest
from fake_service import FakeService
from sending_bench import BEGIN, DESTINATION, Bench, Text
from sqlalchemy import select, update
from sync_ledger.errors import CredentialsError
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.runs import Runs
from sync_ledger.ledger.sending_tables import suppressions
from sync_ledger.ledger.tables import runs
from sync_ledger.sending.courier import Courier, Pace
from sync_ledger.sending.journal import Journal
from sync_ledger.sending.service import Later, Refused

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_ledger.sending.service import Answer, Outgoing


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


@pytest.fixture
def service(bench: Bench) -> FakeService:
    return FakeService(bench.clock)


def first(*answers: Answer | None) -> Callable[[Outgoing], Answer | None]:
    """Give these answers one after the other, then take everything."""
    left = list(answers)
    return lambda _: left.pop(0) if left else None


def test_what_is_due_goes_out_once_and_in_order(bench: Bench, service: FakeService) -> None:
    later = BEGIN + timedelta(hours=2)
    bench.put(Text("night", not_before=later), *(Text(f"m{number}") for number in range(5)))
    assert bench.deliver(service) == {"queued": 5}
    assert bench.deliver(service) == {}
    assert service.keys() == ["m0", "m1", "m2", "m3", "m4"]
    row = bench.row("m0")
    assert (row.remote_id, row.attempts, row.guessed) == (service.took[0].remote_id, 1, False)
    assert [(one.status, one.source) for one in bench.events("m0")] == [
        ("waiting", "ledger"),
        ("claimed", "ledger"),
        ("queued", "answer"),
    ]
    bench.clock.wait(hours=2)
    assert bench.deliver(service) == {"queued": 1}
    assert service.keys()[-1] == "night"


def test_what_is_no_longer_valid_does_not_go_out(bench: Bench, service: FakeService) -> None:
    bench.put(Text("stale", valid_until=BEGIN + timedelta(minutes=5)), Text("fresh"))
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert bench.statuses() == {"stale": "expired", "fresh": "queued"}
    assert service.keys() == ["fresh"]


def test_a_service_sends_by_its_channels_only(bench: Bench, service: FakeService) -> None:
    service.channels = ("email",)
    bench.put(Text("sms"), Text("mail", channel="email", recipient="ap@example.com"))
    bench.deliver(service)
    assert bench.statuses() == {"sms": "waiting", "mail": "queued"}


def test_what_is_refused_says_why_and_the_others_go_on(bench: Bench, service: FakeService) -> None:
    service.answer = first(Refused("21211", "Invalid 'To' Phone Number", "correct the number"))
    bench.put(Text("bad"), Text("good"))
    assert bench.deliver(service) == {"failed": 1, "queued": 1}
    row = bench.row("bad")
    assert (row.code, row.error, row.remedy) == ("21211", "Invalid 'To' Phone Number", "correct the number")


def test_who_opted_out_at_the_service_gets_nothing_more(bench: Bench, service: FakeService) -> None:
    service.answer = first(Refused("21610", "Attempt to send to unsubscribed recipient", "", opted_out=True))
    bench.put(Text("a"), Text("b", text="another"), Text("c", recipient="+15550111"))
    assert bench.deliver(service) == {"held": 1, "queued": 1}
    bench.put(Text("d"))
    assert bench.statuses() == {"a": "held", "b": "held", "c": "queued", "d": "held"}
    assert {row.reason for row in bench.rows()} == {"opted_out", None}
    assert service.calls == ["a", "c"]


def test_an_opt_out_after_the_message_was_put_is_honoured(bench: Bench, service: FakeService) -> None:
    """The opt-out is noted in a transaction that did not see the message yet, nor the message the opt-out."""
    bench.put(Text("a"))
    with bench.engine.begin() as connection:
        row = {"destination": DESTINATION, "channel": "sms", "recipient": "+15550100", "sender": ""}
        connection.execute(suppressions.insert().values({**row, "since": BEGIN, "why": "STOP"}))
    assert bench.deliver(service) == {}
    assert (bench.row("a").status, bench.row("a").error) == ("held", "+15550100 wants no messages: STOP")


def test_a_busy_service_gets_everything_a_little_later_in_the_same_order(bench: Bench, service: FakeService) -> None:
    service.answer = first(Later("20429", "Too Many Requests"), Later("20429", "Too Many Requests"))
    bench.put(*(Text(f"m{number}") for number in range(3)))
    assert bench.deliver(service) == {"waiting": 2, "queued": 3}
    assert service.calls == ["m0", "m0", "m0", "m1", "m2"]
    assert bench.clock.slept == [1.0, 2.0]


def test_other_senders_do_not_wait_for_one_whose_queue_is_full(bench: Bench, service: FakeService) -> None:
    service.answer = lambda one: Later("21611", "full") if one.sender == "+15550001" else None
    bench.put(Text("a", sender="+15550001"), Text("b", sender="+15550001"), Text("c", sender="+15550002"), Text("d"))
    bench.deliver(service, patience=timedelta())
    assert service.calls == ["a", "c", "d"]


def test_a_service_that_takes_nothing_does_not_hold_the_run_up_for_good(bench: Bench, service: FakeService) -> None:
    service.answer = lambda _: Later("connection", "no connection could be made")
    bench.put(*(Text(f"m{number}") for number in range(20)))
    bench.deliver(service)
    assert sum(bench.clock.slept) <= 60
    assert len(service.calls) <= 12
    assert set(bench.statuses().values()) == {"waiting"}
    service.answer = lambda _: None
    bench.clock.wait(minutes=10)
    bench.deliver(service)
    assert sorted(service.keys()) == sorted(bench.statuses())
    assert set(bench.statuses().values()) == {"queued"}


def test_the_wait_the_service_asks_for_is_kept(bench: Bench, service: FakeService) -> None:
    service.answer = first(Later("63038", "daily cap", seconds=3_600))
    bench.put(Text("a"))
    bench.deliver(service)
    assert bench.clock.slept == []
    assert bench.row("a").due_at.replace(tzinfo=None) == (BEGIN + timedelta(hours=1)).replace(tzinfo=None)


def test_what_is_never_taken_is_held_in_the_end_and_does_not_stop_the_others(
    bench: Bench, service: FakeService
) -> None:
    service.answer = lambda one: Later("21611", "full") if one.key == "never" else None
    bench.put(Text("never"), *(Text(f"m{number}") for number in range(3)))
    for _ in range(60):
        bench.deliver(service)
        bench.clock.wait(hours=1)
    assert bench.statuses() == {"never": "held", "m0": "queued", "m1": "queued", "m2": "queued"}
    assert bench.row("never").reason == "not_taken"


def test_wrong_credentials_end_the_sending_and_everything_waits(bench: Bench, service: FakeService) -> None:
    def refuse(message: Outgoing) -> None:
        if message.key != "m0":
            raise CredentialsError("Twilio refused the credentials (20003): check account_sid and auth_token")

    service.answer = refuse
    bench.put(*(Text(f"m{number}") for number in range(10)))
    with pytest.raises(CredentialsError, match="check account_sid"):
        bench.deliver(service, threads=3)
    statuses = bench.statuses()
    assert statuses.pop("m0") == "queued"
    assert set(statuses.values()) == {"waiting"}
    assert len(service.calls) <= 4
    service.answer = lambda _: None
    bench.deliver(service)
    assert sorted(service.keys()) == sorted(bench.statuses())


def test_a_defect_in_the_middle_of_a_call_leaves_the_message_unknown(bench: Bench, service: FakeService) -> None:
    def break_off(message: Outgoing) -> None:
        service.take(message)
        raise ZeroDivisionError

    service.answer = break_off
    bench.put(Text("a"))
    with pytest.raises(ZeroDivisionError):
        bench.deliver(service)
    assert bench.statuses() == {"a": "unknown"}
    service.answer = lambda _: None
    bench.deliver(service)
    assert (bench.statuses(), service.calls) == ({"a": "queued"}, ["a"])


def test_the_pace_holds_for_all_couriers_together(bench: Bench, service: FakeService) -> None:
    service.per_second = 2
    bench.put(*(Text(f"m{number}") for number in range(6)))
    bench.deliver(service, threads=4)
    bench.put(Text("next run"))
    bench.deliver(service)
    sent = [row.claimed_at for row in bench.rows()]
    assert [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(sent)] == [0.5] * 6


def test_a_long_delivery_gives_signs_of_life_and_tells_its_progress(
    bench: Bench, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync_ledger")
    service.per_second = 0.5
    bench.put(*(Text(f"m{number}") for number in range(8)))
    run_id = bench.run()
    with bench.engine.begin() as connection:
        long_ago = BEGIN - timedelta(days=1)
        connection.execute(update(runs).where(runs.c.id == run_id).values(heartbeat_at=long_ago))
    bench.courier(service, run_id=run_id).deliver()
    with bench.engine.connect() as connection:
        beaten = connection.execute(select(runs.c.heartbeat_at).where(runs.c.id == run_id)).scalar_one()
    assert beaten.date() != long_ago.date()
    assert "Messages: 8 queued" in caplog.messages
    assert any("waiting" in line for line in caplog.messages)


def test_no_more_calls_at_once_than_threads(bench: Bench, service: FakeService) -> None:
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()
    together = threading.Barrier(3, timeout=60)  # however busy the machine is: all that may run at once do

    def busy(_: Outgoing) -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        together.wait()
        time.sleep(0.02)
        with lock:
            running.pop()

    service.answer = busy
    bench.put(*(Text(f"m{number}") for number in range(12)))
    bench.deliver(service, threads=3)
    assert max(most) == 3


def test_couriers_in_many_threads_send_every_message_once(bench: Bench, service: FakeService) -> None:
    bench.put(*(Text(f"m{number}", text=f"text {number}") for number in range(60)))
    run_id = bench.run()

    def work() -> None:
        engine = open_engine(bench.url)
        journal = Journal(engine, DESTINATION, clock=bench.clock)
        Courier(journal, run_id, service, pace=Pace(threads=2), sleep=bench.clock.sleep).deliver()
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(service.keys()) == sorted(bench.statuses())
    assert set(bench.statuses().values()) == {"queued"}


def test_a_run_that_died_leaves_its_claims_unknown(bench: Bench, service: FakeService) -> None:
    bench.put(Text("taken"), Text("not taken", text="another"))
    claims = bench.claims()
    for _ in range(2):
        claim = claims.take(0)
        if claim.key == "taken":
            service.take(claim)
    assert set(bench.statuses().values()) == {"claimed"}
    bench.deliver(service, patience=timedelta())
    assert bench.statuses() == {"taken": "unknown", "not taken": "unknown"}, (
        "it may not be sent before it is looked for"
    )
    bench.deliver(service)
    assert bench.statuses() == {"taken": "queued", "not taken": "unknown"}
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert bench.statuses() == {"taken": "queued", "not taken": "held"}
    assert service.calls == []


def test_a_claim_of_a_run_that_lasts_is_left_alone(bench: Bench, service: FakeService) -> None:
    bench.put(Text("a"))
    run_id = bench.run()
    assert bench.claims(run_id).take(0).key == "a"
    bench.courier(service, run_id=run_id).deliver()
    assert bench.statuses() == {"a": "claimed"}
    Runs(bench.engine, DESTINATION).start("target-fake", "apply")
    bench.deliver(service, patience=timedelta())
    assert bench.statuses() == {"a": "unknown"}


def test_a_service_that_names_a_time_beyond_all_reason_is_asked_again_the_next_day(
    bench: Bench, service: FakeService
) -> None:
    service.answer = first(Later("429", "too many requests", 1.7e12), Later("429", "too many requests", 1e15))
    bench.put(Text("a"), Text("b"))
    for _ in range(2):
        assert bench.deliver(service, patience=timedelta()) == {"waiting": 1}
        assert bench.statuses() == {"a": "waiting", "b": "waiting"}
        bench.clock.wait(hours=24)
    assert bench.deliver(service) == {"queued": 2}
