"""A service that takes a hundred records a call, with a result for each."""

from __future__ import annotations

import typing as t

import pytest
from bulk_destination import BatchDestination
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sync_ledger.adapter import Action, Operation, Result, WriteResult, batches
from sync_ledger.batching import LARGEST, BatchSize
from sync_ledger.engine.writer import Writer
from sync_ledger.errors import ServiceUnavailableError
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import intents, links, outcomes
from test_sync_ledger_engine import Pipeline, organization

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOST = WriteResult(Result.UNKNOWN, code="500")


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    found = Pipeline(f"sqlite:///{tmp_path}/ledger.db")
    found.account = BatchDestination()
    return found


def rows_of(pipeline: Pipeline, table: t.Any) -> list[t.Any]:
    engine = open_engine(pipeline.url)
    with engine.connect() as connection:
        found = list(connection.execute(select(table)).all())
    engine.dispose()
    return found


def test_creates_and_updates_that_come_mixed_fill_their_calls(pipeline: Pipeline) -> None:
    pipeline.run(*[organization(number) for number in range(0, 300, 2)])
    pipeline.organizations.sent.clear()
    rows = [organization(number, name="New") for number in range(300)]
    assert pipeline.run(*rows) == {"created": 150, "updated": 150}
    sizes = sorted((part[0].action.value, len(part)) for part in pipeline.organizations.sent)
    assert sizes == [("create", 50), ("create", 100), ("update", 50), ("update", 100)]


@given(st.lists(st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE]), max_size=40), st.integers(1, 9))
def test_calls_are_as_few_as_can_be_and_hold_every_operation_once(actions: list[Action], size: int) -> None:
    operations = [Operation(action, str(number), {}) for number, action in enumerate(actions)]
    calls = list(batches(operations, size))
    assert sorted(one.external_id for call in calls for one in call) == sorted(one.external_id for one in operations)
    assert all(len({one.action for one in call}) == 1 and len(call) <= size for call in calls)
    assert len(calls) == sum(-(-actions.count(action) // size) for action in set(actions))


def test_each_row_of_a_mixed_answer_gets_its_own_outcome(pipeline: Pipeline) -> None:
    answers = {
        0: WriteResult(Result.REJECTED, code="INVALID_DATA", text="invalid data", field="name"),
        1: WriteResult(Result.UNSENT, code="429"),
        2: LOST,
    }

    def mixed(operations: Sequence[Operation]) -> list[WriteResult] | None:
        if len(operations) < 100:
            return None
        rest = [WriteResult(Result.WRITTEN, str(number)) for number in range(100)]
        done = operations[2:]  # the third one happened, though its answer says nothing of it
        for number, operation in enumerate(done, 2):
            pipeline.organizations.records[str(number)] = {"JDE Number": operation.external_id, **operation.values}
        return [answers.get(number, rest[number]) for number in range(100)]

    pipeline.organizations.batch_before = mixed
    assert pipeline.run(*[organization(number) for number in range(100)]) == {"created": 99, "failed": 1, "rejected": 1}
    assert len(pipeline.organizations.records) == 99
    (row,) = pipeline.open_rows()
    assert (row.external_id, row.outcome, row.text) == ("0", "rejected", "INVALID_DATA invalid data")


def test_of_a_hundred_creates_without_an_answer_only_the_absent_ones_are_sent_again(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations
    happened = 60

    def lose(operations: Sequence[Operation]) -> list[WriteResult] | None:
        if len(adapter.sent) > 1:
            return None
        for number, operation in enumerate(operations[:happened]):
            adapter.records[f"x{number}"] = {"JDE Number": operation.external_id, **operation.values}
        return [LOST] * len(operations)

    adapter.batch_before = lose
    assert pipeline.run(*[organization(number) for number in range(100)]) == {"created": 100}
    assert [len(part) for part in adapter.sent] == [100, 40]
    assert adapter.calls["find"] == 1
    assert len({record["JDE Number"] for record in adapter.records.values()}) == len(adapter.records) == 100
    assert rows_of(pipeline, intents) == []


def test_an_outage_is_counted_in_calls_and_not_in_rows() -> None:
    account = BatchDestination()
    adapter = account.adapters["organizations"]
    adapter.batch_before = lambda operations: [WriteResult(Result.UNSENT, code="503")] * len(operations)
    writer = Writer(1)
    few = [Operation(Action.CREATE, str(number), {}) for number in range(1900)]
    assert writer.write(adapter, few).stopped_by is None
    report = writer.write(adapter, few[:100])
    assert isinstance(report.stopped_by, ServiceUnavailableError)
    assert len(report.results) == 100, "the call that was one too many has an answer as well"
    writer.close()


def test_one_success_among_a_hundred_is_no_outage() -> None:
    adapter = BatchDestination().adapters["organizations"]
    good = WriteResult(Result.WRITTEN, "1")
    adapter.batch_before = lambda operations: [good] + [WriteResult(Result.UNSENT)] * (len(operations) - 1)
    writer = Writer(4)
    report = writer.write(adapter, [Operation(Action.CREATE, str(number), {}) for number in range(3000)])
    writer.close()
    assert report.stopped_by is None


def test_an_upsert_that_found_a_record_counts_as_an_update(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations

    def found(operations: Sequence[Operation]) -> list[WriteResult]:
        adapter.records["77"] = {"JDE Number": "1", **operations[0].values}
        return [WriteResult(Result.WRITTEN, "77", created=False), WriteResult(Result.WRITTEN, "78", created=True)]

    adapter.batch_before = found
    assert pipeline.run(organization(1), organization(2)) == {"created": 1, "updated": 1}
    assert {(row.external_id, row.origin) for row in rows_of(pipeline, links)} == {("1", None), ("2", "created")}
    assert [row.reason for row in rows_of(pipeline, outcomes) if row.external_id == "1"] == ["already_there"]
    engine = pipeline.start()
    assert engine._ledger.index.find("organizations", ["1", "2"]) == {"1": ["77"], "2": ["78"]}
    engine.end("succeeded")
    assert pipeline.run(organization(1)) == {"unchanged": 1}


@given(
    st.integers(1, 600),
    st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 60)), max_size=8),
    st.none() | st.integers(1, 3000),
)
def test_batches_keep_all_threads_busy_with_full_calls(
    step: int, batches_: list[tuple[int, float]], most: int | None
) -> None:
    size = BatchSize(step, most)
    for rows, seconds in [(0, 0.0), *batches_]:
        size.took(rows, seconds)
        assert 1 <= size.rows <= max(LARGEST, step)
        if most is None:
            assert size.rows % step == 0
            assert size.rows >= 50
        else:
            assert size.rows <= most
