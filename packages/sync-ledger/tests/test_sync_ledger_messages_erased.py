"""What the sending ledger keeps of people goes by age or by person; what keeps us from writing twice stays."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta

import pytest
from fake_service import FakeService
from sending_bench import BEGIN, DESTINATION, Bench, Text, Told
from sync_ledger.cli import app
from sync_ledger.errors import InputError
from sync_ledger.privacy.erasing import Eraser, Selection
from sync_ledger.sending.deciding import Decisions
from sync_ledger.sending.outbox import text_hash
from sync_ledger.sending.reading import Messages
from sync_ledger.sending.service import Delivery, Lost, Refused
from sync_ledger.sending.suppressions import Suppressions
from typer.testing import CliRunner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

OLD = Selection(before=BEGIN + timedelta(minutes=1))
ANN = "+15550142"
WORDS = "Ann owes 4711"


@pytest.fixture
def bench(ledger_url: str) -> Iterator[Bench]:
    bench = Bench(ledger_url)
    yield bench
    bench.engine.dispose()


@pytest.fixture
def service(bench: Bench) -> FakeService:
    return FakeService(bench.clock)


def message(key: str, *members: Told, **parts: t.Any) -> Text:
    return Text(key, **{"recipient": ANN, "text": WORDS, "members": members or (Told(),), **parts})


def kept(bench: Bench, *keys: str) -> str:
    """Return everything the ledger tells of messages."""
    return json.dumps([Messages(bench.engine).life(key) for key in keys], default=str)


def test_old_texts_and_recipients_go_and_hashes_stay(bench: Bench, service: FakeService) -> None:
    service.answer = lambda one: Refused("21211", f"Invalid {ANN}", "correct it") if one.key == "bad" else None
    bench.put(message("a"), message("bad", subject=WORDS, html=WORDS))
    bench.deliver(service)
    bench.told.note(Delivery.DELIVERED, key="a", remote_id=service.took[0].remote_id, text=f"to {ANN}")
    bench.told.note(Delivery.DELIVERED, key=None, remote_id="SM of nobody", text=f"to {ANN}")
    bench.clock.wait(minutes=2)
    bench.put(message("new"))
    eraser = Eraser(bench.engine)
    before = Selection(before=bench.clock.moment + timedelta(days=400), destination="other")
    assert eraser.erase(before)["messages"] == 0
    for dry_run in (True, False):
        found = eraser.erase(OLD, dry_run=dry_run)
        assert (found["messages"], found["message_events"]) == (2, 1)
    found = eraser.erase(OLD)
    assert (found["messages"], found["message_events"]) == (0, 0), "erased once"
    assert [row.text for row in bench.rows()] == [None, None, WORDS]
    assert bench.row("a").text_hash == text_hash(message("a"))
    assert (bench.row("a").status, bench.row("a").remote_id) == ("delivered", service.took[0].remote_id)
    assert bench.put(message("a")) == [], "a message whose text has gone is not sent a second time"
    assert ANN not in kept(bench, "a", "bad")
    assert WORDS not in kept(bench, "a", "bad")


def test_what_has_not_gone_out_is_held_when_its_text_goes(bench: Bench, service: FakeService) -> None:
    service.answer = lambda one: Lost("reset")
    bench.put(message("lost"))
    bench.deliver(service, patience=timedelta())
    bench.put(message("under way"))
    run_id = bench.run()
    bench.claims(run_id).take(0)
    bench.put(message("waiting"))
    assert Eraser(bench.engine).erase(OLD)["messages"] == 2
    assert [(row.key, row.status, row.reason) for row in bench.rows()] == [
        ("lost", "held", "lost_answer"),
        ("under way", "claimed", None),
        ("waiting", "held", "payload_erased"),
    ]
    assert bench.row("under way").text == WORDS
    with pytest.raises(InputError, match="has lost its text to a purge"):
        Decisions(bench.journal).release(["waiting"])
    service.answer = lambda one: None
    bench.courier(service, run_id=run_id).deliver()
    assert service.calls == ["lost"]


def test_purge_of_a_person_takes_what_was_written_to_and_of_them(ledger_url: str) -> None:
    bench = Bench(ledger_url)
    bench.put(
        message("to Ann", recipient="Ann@example.com", channel="email"),
        message("of Ann", Told(), Told(stream="payables", source_key='{"AN8": 1001, "DOC": 7}'), recipient="+15550100"),
        message("of another", Told(source_key='{"AN8": 10012}'), recipient="+15550100"),
    )
    with bench.engine.begin() as connection:
        Suppressions(DESTINATION).add(connection, "email", "ann@example.com", at=BEGIN, why="STOP")
    bench.engine.dispose()
    for person, key in (("ann@example.com", "to Ann"), ("1001", "of Ann")):
        ended = CliRunner().invoke(app, ["purge", "--person", person, "--ledger-url", ledger_url, "--json"])
        assert json.loads(ended.stdout)["erased"]["messages"] == 1
        assert (bench.row(key).text, bench.row(key).recipient) == (None, "*** masked ***")
    assert bench.row("of another").text == WORDS
    assert len(Messages(bench.engine).suppressed()) == 1, "without it we would write to her again"
    ended = CliRunner().invoke(
        app, ["purge", "--older-than", "1h", "--stream", "payables", "--ledger-url", ledger_url, "--json"]
    )
    assert json.loads(ended.stdout)["erased"]["messages"] == 0, "its stream was another"
    bench.engine.dispose()
