"""What a service says of messages: in any order, more than once, early or late, it never moves a message back."""

from __future__ import annotations

import itertools
import threading
import typing as t
from datetime import timedelta

import pytest
from fake_service import FakeService
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sending_bench import BEGIN, Bench, Text
from sync_ledger.errors import ServiceUnavailableError
from sync_ledger.sending.answering import Answers
from sync_ledger.sending.journal import goes_on
from sync_ledger.sending.service import Accepted, Delivery, Later, Lost, Seen

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ON_THE_WAY = (Delivery.SENT, Delivery.QUEUED, Delivery.PASSED_ON)
FINAL = (Delivery.DELIVERED, Delivery.UNDELIVERED, Delivery.FAILED)


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


@pytest.fixture
def service(bench: Bench) -> FakeService:
    return FakeService(bench.clock)


@given(st.lists(st.sampled_from(Delivery), max_size=12))
def test_no_order_of_statuses_moves_a_message_back(said: list[Delivery]) -> None:
    """Whatever comes in whatever order: it ends at the first final word, or else at the furthest that was said."""
    current, ours = Delivery.CLAIMED, [Delivery.CLAIMED]
    for status in said:
        if goes_on(current, status):
            current = status
            ours.append(status)
    known = [status for status in said if status in ON_THE_WAY + FINAL]
    finals = [status for status in known if status in FINAL]
    furthest = max(known, key=ON_THE_WAY.index, default=Delivery.CLAIMED) if not finals else finals[0]
    assert current is furthest
    assert len(ours) == len(set(ours))


@given(st.permutations([Delivery.QUEUED, Delivery.PASSED_ON, Delivery.DELIVERED] * 2))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_callbacks_in_any_order_and_twice_end_at_delivered(bench: Bench, said: list[Delivery]) -> None:
    key = f"m{next(_numbers)}"
    bench.put(Text(key))
    bench.claims().take(0)
    moved = [bench.told.note(status, remote_id=f"SM-{key}", key=key) for status in said]
    row = bench.row(key)
    assert (row.status, row.remote_id) == ("delivered", f"SM-{key}")
    assert len([event for event in bench.events(key) if event.source == "callback"]) == 3, "twice is once"
    assert sum(moved) == len([event for event in bench.events(key) if event.moved and event.source == "callback"])


_numbers = itertools.count(1)


def test_a_callback_may_come_before_the_answer_and_without_our_key(bench: Bench) -> None:
    bench.put(Text("a"))
    claim = bench.claims().take(0)
    assert not bench.told.note(Delivery.DELIVERED, remote_id="SM1")
    assert not bench.told.note(Delivery.PASSED_ON, remote_id="SM1")
    assert bench.statuses() == {"a": "claimed"}
    assert Answers(bench.journal).note(claim, Accepted("SM1", Delivery.QUEUED)) is Delivery.DELIVERED
    assert [(one.status, one.moved) for one in bench.events("a")][2:] == [
        ("delivered", True),
        ("passed_on", False),
        ("queued", False),
    ]
    assert not bench.told.note(Delivery.DELIVERED, remote_id="SM1"), "the same callback once more"


@pytest.mark.parametrize("answer", [Accepted("SM1", Delivery.QUEUED), Lost("read timed out"), Later("20429", "busy")])
def test_a_callback_with_our_key_is_worth_more_than_the_answer(
    bench: Bench, service: FakeService, answer: t.Any
) -> None:
    bench.put(Text("a"))
    claim = bench.claims().take(0)
    assert bench.told.note(Delivery.DELIVERED, remote_id="SM1", key="a", event_id="e1")
    assert Answers(bench.journal).note(claim, answer) is Delivery.DELIVERED
    bench.deliver(service)
    assert service.calls == []


@pytest.mark.parametrize("wait", [timedelta(), timedelta(minutes=20)])
def test_a_callback_clears_up_what_was_lost(bench: Bench, service: FakeService, wait: timedelta) -> None:
    service.answer, service.blind = lambda _: Lost("read timed out"), True
    bench.put(Text("a"))
    bench.deliver(service, patience=timedelta())
    bench.clock.wait(seconds=wait.total_seconds())
    bench.deliver(service, patience=timedelta())
    bench.clock.wait(seconds=wait.total_seconds())
    bench.deliver(service, patience=timedelta())
    assert bench.statuses() == {"a": "held" if wait else "unknown"}
    assert bench.told.note(Delivery.PASSED_ON, remote_id="SM1", key="a")
    row = bench.row("a")
    assert (row.status, row.reason, row.error, row.remote_id) == ("passed_on", None, None, "SM1")


def test_a_callback_keeps_a_message_from_being_sent_again(bench: Bench, service: FakeService) -> None:
    service.answer = lambda _: Lost("read timed out")
    bench.put(Text("a", on_lost_answer="send_again"))
    bench.deliver(service)
    bench.told.note(Delivery.PASSED_ON, remote_id="SM1", key="a")
    bench.clock.wait(minutes=10)
    bench.deliver(service)
    assert (service.calls, bench.statuses()) == (["a"], {"a": "passed_on"})


def test_a_callback_of_the_second_sending_says_nothing_of_the_first(bench: Bench) -> None:
    bench.put(Text("a"))
    Answers(bench.journal).note(bench.claims().take(0), Accepted("SM1"))
    assert not bench.told.note(Delivery.UNDELIVERED, remote_id="SM2", key="a", code="30003")
    assert bench.statuses() == {"a": "sent"}
    assert [(one.status, one.moved) for one in bench.events("a")][-1] == ("undelivered", False)


def test_a_final_word_keeps_code_text_and_remedy(bench: Bench) -> None:
    bench.put(Text("a"))
    Answers(bench.journal).note(bench.claims().take(0), Accepted("SM1"))
    bench.told.note(
        Delivery.UNDELIVERED,
        remote_id="SM1",
        code="30005",
        text="Unknown handset",
        remedy="correct the number",
        at=BEGIN,
    )
    row = bench.row("a")
    assert (row.status, row.code, row.error, row.remedy) == (
        "undelivered",
        "30005",
        "Unknown handset",
        "correct the number",
    )


def test_what_is_said_of_nobody_is_kept(bench: Bench) -> None:
    assert not bench.told.note(Delivery.DELIVERED, remote_id="SM9", key="of another ledger")
    assert [(one.message_id, one.remote_id, one.status) for one in bench.events()] == [(None, "SM9", "delivered")]
    with pytest.raises(ValueError, match="id or the key"):
        bench.told.note(Delivery.DELIVERED)


def test_callbacks_of_many_threads_count_once_each(bench: Bench) -> None:
    bench.put(*(Text(f"m{number}") for number in range(10)))
    claims = bench.claims()
    for number in range(10):
        Answers(bench.journal).note(claims.take(0), Accepted(f"SM{number}"))

    def work() -> None:
        for number in range(10):
            for status in (Delivery.DELIVERED, Delivery.PASSED_ON):
                bench.told.note(status, remote_id=f"SM{number}", event_id=f"{number}-{status.value}")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(bench.statuses().values()) == {"delivered"}
    assert len([one for one in bench.events() if one.source == "callback"]) == 20


def test_without_callbacks_the_service_is_asked(bench: Bench, service: FakeService) -> None:
    bench.put(*(Text(f"m{number}") for number in range(4)))
    bench.deliver(service)
    for took, status in zip(service.took, (*FINAL, Delivery.PASSED_ON), strict=True):
        took.status, took.code = status, "30008" if status is Delivery.FAILED else None
    asked = service.asked
    assert bench.told.follow(service, limit=3) == 3
    assert bench.told.follow(service) == 1
    assert bench.told.follow(service) == 0, "not asked again so soon"
    assert service.asked - asked == 4
    assert list(bench.statuses().values()) == ["delivered", "undelivered", "failed", "passed_on"]
    assert bench.row("m2").code == "30008"
    bench.clock.wait(minutes=1)
    bench.told.follow(service)
    assert service.asked - asked == 5, "what has arrived is not asked about again"
    bench.clock.wait(days=4)
    bench.told.follow(service)
    assert service.asked - asked == 5, "after days nothing more comes"


def test_who_cannot_tell_is_asked_once(bench: Bench, service: FakeService) -> None:
    bench.put(*(Text(f"m{number}", channel="email") for number in range(4)))
    bench.deliver(service)
    service.blind = True
    assert bench.told.follow(service) == 0
    assert service.asked == 1


def test_a_service_that_goes_away_ends_the_asking(bench: Bench, service: FakeService) -> None:
    class Away(FakeService):
        def status(self, remote_id: str, channel: str) -> Seen | None:
            if self.asked:
                raise ServiceUnavailableError("api.example.com cannot be reached")
            self.asked += 1
            return Seen(remote_id, Delivery.DELIVERED)

    bench.put(Text("a"), Text("b"))
    bench.deliver(service)
    with pytest.raises(ServiceUnavailableError):
        bench.told.follow(Away(bench.clock))
    assert bench.statuses() == {"a": "delivered", "b": "queued"}
