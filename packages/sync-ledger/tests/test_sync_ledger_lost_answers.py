"""Answers that were lost: the service is asked before anything is sent again, and in doubt nothing is."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from fake_service import FakeService, Took
from sending_bench import BEGIN, Bench, Text
from sync_ledger.errors import ServiceUnavailableError
from sync_ledger.sending.answering import Answers
from sync_ledger.sending.service import Accepted, Delivery, Later, Lost, Refused

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sync_ledger.sending.service import Answer, Outgoing, Seen

NO_PATIENCE = timedelta()


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


@pytest.fixture
def service(bench: Bench) -> FakeService:
    return FakeService(bench.clock)


def loses(service: FakeService, *taken: str) -> Callable[[Outgoing], Answer | None]:
    """Lose every answer; messages of these keys were taken."""

    def answer(message: Outgoing) -> Answer:
        if message.key in taken:
            service.take(message)
        return Lost("read timed out")

    return answer


def test_a_message_that_was_taken_is_found_and_not_sent_again(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service, "a")
    bench.put(Text("a"))
    bench.deliver(service)
    assert bench.statuses() == {"a": "queued"}
    assert (bench.row("a").remote_id, bench.row("a").guessed) == (service.took[0].remote_id, True)
    assert service.calls == ["a"]
    assert bench.clock.slept == [45.0], "it is not looked for before the service can list it"


def test_a_message_that_was_not_taken_is_held_after_two_looks(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("a"))
    bench.deliver(service)
    assert (bench.statuses(), service.asked) == ({"a": "unknown"}, 1)
    bench.clock.wait(minutes=3)
    bench.deliver(service, patience=NO_PATIENCE)
    assert (bench.statuses(), service.asked) == ({"a": "unknown"}, 1), "the second look is minutes after the first"
    bench.clock.wait(minutes=2)
    bench.deliver(service)
    row = bench.row("a")
    assert (row.status, row.reason, service.asked) == ("held", "lost_answer", 2)
    assert row.remedy == "ask the recipient or look at the service; then send it again or discard it"
    bench.clock.wait(days=1)
    bench.deliver(service)
    assert service.calls == ["a"]


def test_a_service_that_lists_late_is_asked_a_second_time(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("a"))
    bench.deliver(service)
    service.took.append(Took("SM1", "a", "+15550100", Text("a").text, BEGIN))
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert bench.statuses() == {"a": "queued"}


def test_a_message_that_may_be_sent_again_is_so_once(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("a", on_lost_answer="send_again"))
    for _ in range(10):
        bench.deliver(service)
        bench.clock.wait(minutes=5)
    assert service.calls == ["a", "a"]
    assert (bench.row("a").status, bench.row("a").attempts) == ("held", 2)


def test_the_first_try_that_shows_up_late_is_found_after_the_second(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("a", on_lost_answer="send_again"))
    bench.deliver(service)
    bench.clock.wait(minutes=5)
    bench.deliver(service, patience=NO_PATIENCE)
    assert service.calls == ["a", "a"]
    service.took.append(Took("SM1", "a", "+15550100", Text("a").text, BEGIN))
    bench.clock.wait(minutes=1)
    bench.deliver(service)
    assert bench.statuses() == {"a": "queued"}


def test_what_is_not_valid_any_more_is_not_sent_again(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("a", on_lost_answer="send_again", valid_until=BEGIN + timedelta(minutes=4)))
    bench.deliver(service)
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert (bench.row("a").status, service.calls) == ("held", ["a"])


def test_a_service_that_cannot_be_asked_leaves_it_to_the_person(bench: Bench, service: FakeService) -> None:
    service.answer, service.blind = loses(service, "a"), True
    bench.put(Text("a", channel="email"))
    bench.deliver(service)
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert bench.row("a").error == (
        "its answer was lost and the service cannot tell whether it has it, so it may have arrived or not"
    )


def test_a_service_that_cannot_be_reached_counts_for_no_look(bench: Bench, service: FakeService) -> None:
    class Unreachable(FakeService):
        def find(self, message: Outgoing, since: datetime) -> Sequence[Seen] | None:
            raise ServiceUnavailableError("api.example.com cannot be reached")

    service.answer = loses(service, "a")
    bench.put(Text("a"))
    bench.deliver(service, patience=NO_PATIENCE)
    away = Unreachable(bench.clock)
    for _ in range(10):
        bench.clock.wait(minutes=10)
        bench.deliver(away)
    assert (bench.row("a").status, bench.row("a").looks) == ("unknown", 0)
    bench.clock.wait(minutes=10)
    bench.deliver(service)
    assert bench.statuses() == {"a": "queued"}


def test_ids_of_other_messages_are_no_find(bench: Bench, service: FakeService) -> None:
    bench.put(Text("earlier"))
    bench.deliver(service)
    service.answer = loses(service)
    bench.put(Text("lost"))
    bench.deliver(service)
    assert bench.statuses() == {"earlier": "queued", "lost": "unknown"}


def test_an_equal_message_of_long_ago_is_no_find(bench: Bench, service: FakeService) -> None:
    service.took.append(Took("SM1", "by hand", "+15550100", Text("a").text, BEGIN - timedelta(hours=1)))
    service.answer = loses(service)
    bench.put(Text("a"))
    bench.deliver(service)
    assert bench.statuses() == {"a": "unknown"}


@pytest.mark.parametrize("taken", range(4))
def test_of_equal_texts_as_many_are_sent_as_the_service_has(bench: Bench, service: FakeService, taken: int) -> None:
    keys = ["a", "b", "c"]
    service.answer = loses(service, *keys[:taken])
    bench.put(*(Text(key) for key in keys))
    bench.deliver(service)
    bench.clock.wait(minutes=5)
    bench.deliver(service)
    assert sorted(bench.statuses().values()) == ["held"] * (3 - taken) + ["queued"] * taken
    ids = [row.remote_id for row in bench.rows() if row.remote_id]
    assert sorted(ids) == sorted(one.remote_id for one in service.took)
    assert service.calls == keys


def test_one_that_is_being_sent_is_not_taken_for_one_that_was_lost(bench: Bench, service: FakeService) -> None:
    service.answer = loses(service)
    bench.put(Text("lost"))
    run_id = bench.run()
    bench.courier(service, run_id=run_id, patience=NO_PATIENCE).deliver()
    bench.put(Text("under way"))
    claim = bench.claims(run_id).take(0)
    service.take(claim)
    for _ in range(3):
        bench.clock.wait(minutes=1)
        bench.courier(service, run_id=run_id, patience=NO_PATIENCE).deliver()
    assert bench.statuses() == {"lost": "unknown", "under way": "claimed"}


def test_an_answer_takes_its_id_back_from_the_message_it_was_guessed_for(bench: Bench, service: FakeService) -> None:
    """A run that was taken for dead gets its answer after all; another message had been given that id."""
    bench.put(Text("lost"), Text("slow"))
    claims = bench.claims()
    _, slow = claims.take(0), claims.take(0)
    remote_id = service.take(slow)
    bench.clock.wait(minutes=1)
    bench.deliver(service, patience=NO_PATIENCE)
    assert bench.statuses() == {"lost": "queued", "slow": "unknown"}
    assert Answers(bench.journal).note(slow, Accepted(remote_id, Delivery.QUEUED)) is Delivery.QUEUED
    assert (bench.row("slow").remote_id, bench.row("slow").guessed) == (remote_id, False)
    assert (bench.row("lost").status, bench.row("lost").remote_id) == ("unknown", None)
    bench.clock.wait(minutes=1)
    bench.deliver(service, patience=NO_PATIENCE)
    bench.clock.wait(minutes=5)
    bench.deliver(service, patience=NO_PATIENCE)
    assert bench.statuses() == {"lost": "held", "slow": "queued"}
    assert service.calls == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Later("20429", "busy"), "waiting"),
        (Refused("21211", "bad number", "correct it"), "failed"),
        (Lost("reset"), "unknown"),
    ],
)
def test_a_run_taken_for_dead_still_knows_best_what_became_of_its_call(
    bench: Bench, answer: Answer, status: str
) -> None:
    bench.put(Text("a"))
    slow = bench.claims().take(0)
    bench.claims().abandon()
    assert bench.statuses() == {"a": "unknown"}
    Answers(bench.journal).note(slow, answer)
    assert bench.statuses() == {"a": status}


@pytest.mark.parametrize(
    "answer", [Later("20429", "busy"), Refused("21211", "bad number", "correct it"), Lost("reset")]
)
def test_an_answer_to_an_earlier_call_moves_nothing(bench: Bench, service: FakeService, answer: Answer) -> None:
    service.answer = loses(service)
    bench.put(Text("a", on_lost_answer="send_again"))
    first = bench.claims().take(0)
    for _ in range(3):
        bench.clock.wait(minutes=5)
        bench.claims().abandon()
        bench.deliver(service, patience=NO_PATIENCE)
    assert (bench.row("a").status, bench.row("a").attempts) == ("unknown", 2)
    Answers(bench.journal).note(first, answer)
    assert bench.statuses() == {"a": "unknown"}
