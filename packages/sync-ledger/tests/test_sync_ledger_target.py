from __future__ import annotations

import io
import json
import os
import signal
import typing as t
from contextlib import redirect_stdout

import pytest
from fake_destination import FakeDestination
from sqlalchemy import select
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.errors import CredentialsError, SyncError
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.tables import open_rows, run_counts, runs
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UpsertTarget

if t.TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "organizations": {"properties": {"id": {"type": "string"}, "name": {"type": ["string", "null"]}}},
    "persons": {
        "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "org_id": {"type": "string"}},
    },
    "_unmapped": {
        "properties": {name: {"type": ["string", "null"]} for name in ("stream", "key", "mapped_key")},
    },
    "leads": {"properties": {"id": {"type": "string"}}},
}


class FakeTarget(UpsertTarget):
    name = "target-fake"
    config_jsonschema = upsert_settings()
    account: t.ClassVar[FakeDestination]

    def connect(self) -> FakeDestination:
        return self.account


def schema(stream: str, keys: list[str] | None = None) -> dict[str, t.Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": SCHEMA[stream],
        "key_properties": ["id"] if keys is None else keys,
    }


def record(stream: str, /, **values: t.Any) -> dict[str, t.Any]:
    return {"type": "RECORD", "stream": stream, "record": values}


def state(position: int) -> dict[str, t.Any]:
    return {"type": "STATE", "value": {"bookmarks": {"position": position}}}


class Bench:
    def __init__(self, path: Path) -> None:
        self.account = FakeTarget.account = FakeDestination()
        self.url = f"sqlite:///{path}/ledger.db"
        self.code: int | None = None

    def feed(self, *messages: dict[str, t.Any], **settings: t.Any) -> list[dict[str, t.Any]]:
        """Run the target on messages; return the STATE values it passed on."""
        target = FakeTarget(config={"ledger_url": self.url, **settings}, validate_config=True)
        out = io.StringIO()
        with redirect_stdout(out):
            self.code = target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def rows(self, table: t.Any) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(select(table)).all())
        engine.dispose()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_state_is_passed_during_the_run_and_only_over_settled_rows(bench: Bench) -> None:
    written_when_passed: list[int] = []
    adapter = bench.account.adapters["organizations"]
    messages = [schema("organizations")]
    for number in range(1, 301):
        messages.append(record("organizations", id=str(number), name="x"))
        if number % 10 == 0:
            messages.append(state(number))

    class Watch(FakeTarget):
        def _write_state_message(self, value: dict[str, t.Any]) -> None:
            written_when_passed.append(value["bookmarks"]["position"] - len(adapter.records))
            super()._write_state_message(value)

    out = io.StringIO()
    with redirect_stdout(out):
        target = Watch(config={"ledger_url": bench.url, "state_interval_seconds": 0}, validate_config=True)
        target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
    passed = [json.loads(line)["bookmarks"]["position"] for line in out.getvalue().splitlines()]
    assert passed[0] == 10
    assert passed[-1] == 300
    assert len(set(passed)) == 30
    assert max(written_when_passed) == 0, "a STATE ran ahead of the rows before it"


def test_a_target_that_fails_keeps_the_state_of_what_was_settled(bench: Bench) -> None:
    adapter = bench.account.adapters["organizations"]

    def refuse(operation: t.Any) -> None:
        if int(operation.external_id) > 100:
            raise CredentialsError("token withdrawn")

    adapter.before = refuse
    messages = [schema("organizations")]
    for number in range(1, 201):
        messages += [record("organizations", id=str(number), name="x"), state(number)]
    passed = bench.feed(*messages, state_interval_seconds=0)
    assert bench.code == 1
    assert 0 < passed[-1]["bookmarks"]["position"] <= 100
    assert bench.rows(runs)[0].status == "failed"


def test_children_wait_for_their_parents_within_a_run(bench: Bench) -> None:
    bench.feed(
        schema("persons"),
        schema("organizations"),
        record("organizations", id="7", name="Parent"),
        record("persons", id="7-1", name="Child", org_id="7"),
    )
    counts = {(row.entity, row.outcome): row.rows for row in bench.rows(run_counts)}
    assert counts == {("organizations", "created"): 1, ("persons", "created"): 1}


def test_a_row_that_could_not_be_mapped_is_held(bench: Bench) -> None:
    bench.feed(
        schema("_unmapped", []),
        record(
            "_unmapped",
            stream="organizations",
            key='{"address_number":7}',
            mapped_key='{"id":"7"}',
            map="customers",
            field="Credit Limit",
            reason="ValueError: bad",
            record={"name": "x"},
        ),
    )
    (row,) = bench.rows(open_rows)
    assert (row.entity, row.external_id, row.outcome, row.reason) == (
        "organizations",
        "7",
        "held",
        "unmapped",
    )
    assert "customers" in row.text
    assert bench.code == 0
    bench.feed(schema("organizations"), record("organizations", id="7", name="mapped at last"))
    assert bench.rows(open_rows)[0].closed_as == "superseded"


def test_a_row_without_key_is_held(bench: Bench) -> None:
    bench.feed(schema("organizations"), record("organizations", name="x"), record("organizations", id="1", name="y"))
    assert {row.outcome: row.rows for row in bench.rows(run_counts)} == {"created": 1, "held": 1}


def test_an_unknown_stream_ends_the_run_or_is_skipped_and_counted(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.feed(schema("leads"), record("leads", id="1"))
    assert bench.code == 1
    assert "Stream 'leads' is none of what target-fake can write (organizations, persons)" in caplog.text
    bench.feed(schema("leads"), record("leads", id="1"), on_unknown_stream="skip")
    assert bench.code == 0
    assert [(row.outcome, row.reason) for row in bench.rows(run_counts)] == [("skipped", "unknown_stream")]


def test_a_stream_without_key_properties_is_refused(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.feed(schema("organizations", []), record("organizations", id="1", name="x"))
    assert bench.code == 1
    assert "has no key_properties" in caplog.text


def test_a_state_goes_out_once(bench: Bench) -> None:
    assert bench.feed(schema("organizations"), record("organizations", id="1", name="x"), state(1)) == [
        state(1)["value"]
    ]


def test_plan_passes_no_state(bench: Bench) -> None:
    messages = [schema("organizations"), record("organizations", id="1", name="x"), state(1)]
    assert bench.feed(*messages, mode="plan") == []
    assert bench.account.adapters["organizations"].records == {}
    assert bench.feed(*messages)[-1] == {"bookmarks": {"position": 1}}


def test_sigterm_stops_after_the_batch_in_flight_and_passes_no_state_over_rows_waiting(bench: Bench) -> None:
    adapter = bench.account.adapters["organizations"]

    def interrupt(operation: t.Any) -> WriteResult | None:
        if operation.external_id == "30":
            os.kill(os.getpid(), signal.SIGTERM)
        return None

    adapter.before = interrupt
    messages = [schema("organizations")]
    messages += [record("organizations", id=str(number), name="x") for number in range(1, 201)]
    messages.append(state(200))
    assert bench.feed(*messages) == []
    assert bench.code == 128 + signal.SIGTERM
    (run,) = bench.rows(runs)
    assert run.status == "stopped"
    assert run.rows == len(adapter.records) == 50  # the first batch, whole


def test_dates_and_numbers_of_the_reader_reach_the_ledger_unharmed(bench: Bench) -> None:
    adapter = bench.account.adapters["organizations"]
    adapter.before = lambda _: WriteResult(Result.REJECTED, code="400", text="no")
    line = '{"type":"RECORD","stream":"organizations","record":{"id":"1","name":"x","Credit Limit":12.30}}'
    messages = [json.dumps(schema("organizations")), line]
    target = FakeTarget(config={"ledger_url": bench.url})
    target.run(io.StringIO("\n".join(messages) + "\n"))
    (row,) = bench.rows(open_rows)
    assert row.payload == {"name": "x", "Credit Limit": 12.3}


def test_errors_are_one_line_each() -> None:
    assert issubclass(CredentialsError, SyncError)
    assert "\n" not in str(CredentialsError("a"))


def test_rows_read_and_outcomes_that_differ_end_the_run_with_an_error(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Ledger.settle
    monkeypatch.setattr(Ledger, "settle", lambda ledger, run, batch, usage: settle(ledger, run, batch[1:], usage))
    bench.feed(
        schema("organizations"),
        record("organizations", id="1", name="x"),
        record("organizations", id="2", name="y"),
    )
    assert bench.code == 1
    assert "2 rows read, 1 in the ledger, 1 outcomes" in caplog.text
    assert bench.rows(runs)[0].status == "failed"


@pytest.mark.parametrize("mapped_first", [True, False])
def test_of_a_mapped_and_an_unmapped_row_the_later_one_counts(bench: Bench, *, mapped_first: bool) -> None:
    good = record("organizations", id="7", name="good")
    bad = record("_unmapped", stream="organizations", key='{"n":7}', mapped_key='{"id":"7"}', record={"name": "bad"})
    both = [good, bad] if mapped_first else [bad, good]
    rest = [record("organizations", id=str(number), name="x") for number in range(100, 160)]
    bench.feed(schema("organizations"), schema("_unmapped", []), *both, *rest)
    (row,) = bench.rows(open_rows)
    assert row.closed_as == (None if mapped_first else "superseded")
    assert "good" in [one["name"] for one in bench.account.adapters["organizations"].records.values()]
    assert bench.code == 0
