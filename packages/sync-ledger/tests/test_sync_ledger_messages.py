"""Reading the sending ledger, deciding on what is held, and what did not arrive."""

from __future__ import annotations

import typing as t

import pytest
from fake_service import FakeService
from sending_bench import BEGIN, DESTINATION, Bench, Text, Told
from sync_ledger.errors import InputError
from sync_ledger.sending.deciding import Decisions
from sync_ledger.sending.outbox import text_hash
from sync_ledger.sending.reading import Messages, Wanted, sent_before
from sync_ledger.sending.service import Delivery, Lost, Refused
from sync_ledger.sending.suppressions import Suppressions
from sync_ledger.sending.troubles import Alert, Troubles

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = Told("HighValue", "f1", 1, "purchase_orders", '{"DOCO": 4711}')
INVOICE = Told("Overdue", "f2", 3, "payables", '{"DOC": 12, "DCT": "PV"}')


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


@pytest.fixture
def service(bench: Bench) -> FakeService:
    return FakeService(bench.clock)


def test_one_message_has_its_whole_life(bench: Bench, service: FakeService) -> None:
    bench.put(Text("a", members=(ORDER, INVOICE)))
    bench.deliver(service)
    bench.told.note(Delivery.DELIVERED, key="a", remote_id=service.took[0].remote_id, at=BEGIN)
    (life,) = Messages(bench.engine).life("a")
    assert (life["text"], life["status"], life["attempts"]) == (Text("a").text, "delivered", 1)
    assert [one["rule"] for one in life["members"]] == ["HighValue", "Overdue"]
    assert [(one["source"], one["status"]) for one in life["events"]] == [
        ("ledger", "waiting"),
        ("ledger", "claimed"),
        ("answer", "queued"),
        ("callback", "delivered"),
    ]
    assert life["events"][-1]["at"] == BEGIN
    assert Messages(bench.engine).life("b") == []


def test_what_was_sent_for_an_alert_can_be_proved(bench: Bench, service: FakeService) -> None:
    sms = Text("a", members=(ORDER,))
    digest = Text("b", channel="email", recipient="ap@example.com", members=(INVOICE, ORDER))
    bench.put(sms, digest)
    bench.deliver(service)
    found = Messages(bench.engine).audit(rule="HighValue", fingerprint="f1")
    assert [
        (one["recipient"], one["stream"], one["source_key"], one["text_hash"], one["remote_id"]) for one in found
    ] == [
        ("+15550100", "purchase_orders", '{"DOCO": 4711}', text_hash(sms), service.took[0].remote_id),
        ("ap@example.com", "purchase_orders", '{"DOCO": 4711}', text_hash(digest), service.took[1].remote_id),
    ]
    assert [state["status"] for state in found[0]["states"]] == ["waiting", "claimed", "queued"]
    assert found[0]["time"] == BEGIN
    assert [one["key"] for one in Messages(bench.engine).audit(stream="payables", source_key=INVOICE.source_key)] == [
        "b"
    ]


def test_messages_are_listed_and_counted(bench: Bench, service: FakeService) -> None:
    bench.put(Text("a"), Text("b", recipient="Ann@example.com", channel="email"), Text("c", receiver="finance"))
    desk = Messages(bench.engine)
    service.channels = ("sms",)
    bench.deliver(service)
    assert [one["key"] for one in desk.newest()] == ["c", "b", "a"]
    assert [one["key"] for one in desk.newest(limit=1)] == ["c"]
    for wanted, keys in (
        (Wanted(statuses=[Delivery.WAITING]), ["b"]),
        (Wanted(recipient="ann@example.com"), ["b"]),
        (Wanted(receiver="finance"), ["c"]),
        (Wanted(keys=["a", "b"], channel="sms"), ["a"]),
        (Wanted(destination="other"), []),
        (Wanted(since=BEGIN), ["c", "b", "a"]),
        (Wanted(until=BEGIN), []),
    ):
        assert [one["key"] for one in desk.newest(wanted)] == keys, wanted
    assert desk.counts() == {"queued": 2, "waiting": 1}
    with bench.engine.connect() as connection:
        assert sent_before(connection, DESTINATION, "b", BEGIN, ["sms", "email"]) == 2
        assert sent_before(connection, DESTINATION, "a", BEGIN, ["sms", "email"]) == 1


def test_of_messages_under_way_at_once_each_counts_those_claimed_before_it(bench: Bench) -> None:
    bench.put(*(Text(f"m{number}", recipient=f"+1555{number:04}") for number in range(4)))
    for _ in range(3):
        bench.claims().take(0)
    with bench.engine.connect() as connection:
        counts = [sent_before(connection, DESTINATION, f"m{number}", BEGIN, ["sms"]) for number in range(4)]
        assert sorted(counts[:3]) == [0, 1, 2]
        assert sent_before(connection, DESTINATION, "m1", bench.clock.moment.replace(year=2200), ["sms"]) == 0
        assert sent_before(connection, DESTINATION, "m1", BEGIN, ["email"]) == 0


def test_who_opted_out_is_listed(bench: Bench) -> None:
    with bench.engine.begin() as connection:
        Suppressions(DESTINATION).add(connection, "sms", "+15550100", at=BEGIN, why="STOP")
    (one,) = Messages(bench.engine).suppressed(destination=DESTINATION)
    assert (one["recipient"], one["why"], one["since"]) == ("+15550100", "STOP", BEGIN)
    assert Messages(bench.engine).suppressed(destination="other") == []


def test_a_person_lets_a_held_message_go_out(bench: Bench, service: FakeService) -> None:
    service.answer = lambda _: Lost("reset")
    bench.put(Text("a"))
    for _ in range(3):
        bench.deliver(service)
        bench.clock.wait(minutes=5)
    assert bench.statuses() == {"a": "held"}
    Decisions(bench.journal).release(["a"], note="Ann has not got it")
    service.answer = lambda _: None
    bench.deliver(service)
    assert (bench.statuses(), service.calls) == ({"a": "queued"}, ["a", "a"])
    assert [one.text for one in bench.events("a") if one.source == "person"] == ["Ann has not got it"]


def test_a_person_decides_on_all_that_were_named_or_none(bench: Bench, service: FakeService) -> None:
    service.answer = lambda one: Refused("21211", "bad", "correct it") if one.key == "bad" else None
    bench.put(Text("bad"), Text("good"))
    bench.deliver(service)
    decisions = Decisions(bench.journal)
    for keys, words in (
        (["bad", "good"], "Message good is queued; only held and refused ones can be sent again"),
        (["bad", "none"], "There is no message none"),
    ):
        with pytest.raises(InputError, match=words):
            decisions.release(keys)
    with pytest.raises(InputError, match="Message good is queued and cannot be discarded"):
        decisions.discard(["bad", "good"])
    assert bench.statuses() == {"bad": "failed", "good": "queued"}
    decisions.discard(["bad"])
    assert bench.statuses() == {"bad": "discarded", "good": "queued"}


def test_what_did_not_arrive_is_handed_over_once(bench: Bench, service: FakeService) -> None:
    troubles = Troubles(DESTINATION)
    bench.put(Text("a", members=(ORDER, INVOICE)), Text("b"), Text("c"))
    bench.deliver(service)
    for took, status in zip(service.took, (Delivery.UNDELIVERED, Delivery.DELIVERED, Delivery.PASSED_ON), strict=True):
        bench.told.note(status, remote_id=took.remote_id, code="30003")
    with bench.engine.connect() as connection:
        assert [one.key for one in troubles.take(connection)] == ["a"]
        connection.rollback()
    with bench.engine.begin() as connection:
        (one,) = troubles.take(connection)
        assert (one.status, one.code, one.receiver, one.channel) == (Delivery.UNDELIVERED, "30003", "oncall", "sms")
        assert one.members == (
            Alert("HighValue", "f1", 1, "purchase_orders", '{"DOCO": 4711}'),
            Alert("Overdue", "f2", 3, "payables", '{"DOC": 12, "DCT": "PV"}'),
        )
        assert troubles.take(connection) == []
    bench.told.note(Delivery.FAILED, remote_id=service.took[2].remote_id)
    with bench.engine.begin() as connection:
        assert [one.key for one in troubles.take(connection, statuses={Delivery.UNDELIVERED})] == []
        assert [one.key for one in troubles.take(connection)] == ["c"]
