"""First loads by jobs: what is gathered, what goes out how, and what becomes of it when something breaks."""

from __future__ import annotations

import io
import json
import logging
import time
import typing as t
from contextlib import redirect_stdout

import pytest
from bulk_destination import BatchDestination, BulkDestination
from sqlalchemy import select
from sync_ledger import batching
from sync_ledger.adapter import Action, Operation, Result, WriteResult, WritesInBulk
from sync_ledger.batching import footprint
from sync_ledger.checkpoints import Checkpoints
from sync_ledger.engine.bulk import PART, writes_in_bulk
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.writer import Writer
from sync_ledger.errors import BudgetExhaustedError, CredentialsError
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import intents, links, outcomes, run_counts
from test_sync_ledger_engine import Pipeline, organization
from test_sync_ledger_target import FakeTarget, record, schema, state

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sync_ledger.rows import SourceRow

LOST = WriteResult(Result.UNKNOWN, code="job", text="not ended in time")


class BulkTarget(FakeTarget):
    states: t.ClassVar[list[tuple[int, int]]]
    """Position of every STATE that went out -> records that were there."""

    def _write_state_message(self, value: dict[str, t.Any]) -> None:
        there = sum(len(adapter.records) for adapter in self.account.adapters.values())
        self.states.append((value["bookmarks"]["position"], there))
        super()._write_state_message(value)


class Bench:
    def __init__(self, path: Path) -> None:
        self.account = BulkDestination()
        self.url = f"sqlite:///{path}/ledger.db"
        self.code: int | None = None
        self.passed: list[int] = []

    @property
    def organizations(self) -> t.Any:
        return self.account.adapters["organizations"]

    @property
    def persons(self) -> t.Any:
        return self.account.adapters["persons"]

    def feed(self, *messages: dict[str, t.Any], **settings: t.Any) -> dict[str, int]:
        """Run the target on messages; return the outcomes of its run."""
        BulkTarget.account, BulkTarget.states = self.account, []
        config = {"ledger_url": self.url, "state_interval_seconds": 0, **settings}
        target = BulkTarget(config=config, validate_config=True)
        with redirect_stdout(io.StringIO()):
            self.code = target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        self.passed = [position for position, _ in BulkTarget.states]
        return target.engine.tally.by_outcome()

    def rows(self, table: t.Any) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(select(table)).all())
        engine.dispose()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def pipeline(ledger_url: str) -> Pipeline:
    found = Pipeline(ledger_url)
    found.account = BulkDestination()
    return found


def load(numbers: t.Iterable[int], every: int = 100, stream: str = "organizations") -> list[dict[str, t.Any]]:
    """Rows with a STATE behind every so many of them, which says how many came before it."""
    messages: list[dict[str, t.Any]] = [schema(stream)]
    for count, number in enumerate(numbers, 1):
        messages.append(record(stream, id=str(number), name="x"))
        if count % every == 0:
            messages.append(state(count))
    return messages


def organizations(*numbers: range) -> list[SourceRow]:
    return [organization(number) for part in numbers for number in part]


# -- what goes out how -------------------------------------------------------------------------------------------


def test_a_first_load_goes_out_as_jobs_and_state_waits_for_them(bench: Bench) -> None:
    assert bench.feed(*load(range(5600))) == {"created": 5600}
    assert [len(job) for job in bench.organizations.jobs] == [2500, 2500]
    assert [len(part) for part in bench.organizations.sent] == [100] * 6, "600 are too few for a job"
    assert len(bench.organizations.records) == 5600
    assert all(position <= there for position, there in BulkTarget.states)
    assert BulkTarget.states[0] == (2400, 2500), "no STATE goes out before the first job has been settled"
    assert bench.passed[-1] == 5600


def test_a_small_first_load_takes_full_calls_from_the_first_batch_on(bench: Bench) -> None:
    assert bench.feed(*load(range(900))) == {"created": 900}
    assert bench.organizations.jobs == []
    assert [len(part) for part in bench.organizations.sent] == [100] * 9


def test_without_jobs_a_first_load_takes_no_more_than_two_calls_for_a_hundred_records(bench: Bench) -> None:
    bench.organizations.bulk_threshold = 0
    assert bench.feed(*load(range(2000)), state_interval_seconds=60) == {"created": 2000}
    assert bench.organizations.jobs == []
    assert len(bench.organizations.sent) <= 40
    assert bench.passed[0] <= 800, "nothing is gathered"


def test_once_there_are_links_nothing_is_gathered(bench: Bench) -> None:
    bench.feed(*load(range(100)))
    bench.feed(*load(range(100, 2600)))
    assert bench.organizations.jobs == []
    assert bench.passed[0] <= 1000
    assert len(bench.organizations.records) == 2600


def test_rows_that_are_there_already_are_found_and_the_others_go_out_as_a_job(bench: Bench) -> None:
    for number in range(0, 2400, 2):
        bench.organizations.records[f"old-{number}"] = {"JDE Number": str(number), "name": "x" if number % 4 else "old"}
    assert bench.feed(*load(range(2400))) == {"created": 1200, "unchanged": 600, "updated": 600}
    assert [len(job) for job in bench.organizations.jobs] == [1200]
    assert len(bench.organizations.records) == 2400


def test_of_rows_with_one_external_id_in_a_job_the_last_one_counts(bench: Bench) -> None:
    first = record("organizations", id="7", name="first")
    last = record("organizations", id="7", name="last")
    messages = load(number for number in range(1500) if number != 7)
    assert bench.feed(messages[0], first, *messages[1:], last) == {"created": 1500, "skipped": 1}
    (name,) = [one["name"] for one in bench.organizations.records.values() if one["JDE Number"] == "7"]
    assert name == "last"


def test_rows_that_do_not_fit_are_held_and_the_job_has_the_others(bench: Bench) -> None:
    messages = [
        *load(range(1500)),
        record("organizations", id="bad", name="x" * 300),
        record("organizations", name="?"),
    ]
    assert bench.feed(*messages) == {"created": 1500, "held": 2}
    assert len(bench.organizations.jobs[0]) == 1500


def test_a_job_is_planned_priced_and_applied(pipeline: Pipeline) -> None:
    rows = organizations(range(1500))
    engine = pipeline.start("plan")
    engine.process("organizations", rows)
    engine.finish()
    engine.end("succeeded")
    assert pipeline.organizations.records == {}
    plan_id = engine.plan_id
    assert plan_id is not None
    applying = pipeline.start()
    applying.apply_plan(plan_id)
    applying.end("succeeded")
    assert applying.tally.by_outcome() == {"created": 1500}
    assert [len(job) for job in pipeline.organizations.jobs] == [1500]
    assert pipeline.organizations.sent == []


@pytest.mark.parametrize("mode", ["plan", "adopt"])
def test_other_modes_gather_nothing_and_write_no_job(bench: Bench, mode: str) -> None:
    bench.feed(*load(range(1500)), mode=mode)
    assert bench.code == 0
    assert bench.organizations.jobs == []
    assert bench.organizations.records == {}


def test_an_entity_that_does_not_keep_external_ids_is_never_written_by_jobs(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations
    adapter.description = type(adapter.description)("organizations", adapter.description.fields, None)
    engine = pipeline.start()
    engine.open("organizations", ["name"])
    assert engine.gathers("organizations") == 0
    engine.process("organizations", organizations(range(1200)))
    engine.end("succeeded")
    assert adapter.jobs == []
    assert len(adapter.records) == 1200


def test_an_adapter_says_by_its_threshold_whether_it_writes_in_bulk() -> None:
    adapter = BulkDestination().adapters["organizations"]
    assert isinstance(adapter, WritesInBulk)
    assert not isinstance(BatchDestination().entity("organizations"), WritesInBulk)
    assert writes_in_bulk(adapter) is adapter
    adapter.bulk_threshold = 0  # type: ignore[attr-defined]
    assert writes_in_bulk(adapter) is None


# -- waiting -----------------------------------------------------------------------------------------------------


def test_time_drives_out_other_streams_and_leaves_what_is_gathered(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_ledger.progress._INTERVAL", 0)
    bench.persons.bulk_threshold = 0
    messages = [schema("organizations"), schema("persons")]
    for number in range(1200):
        messages.append(record("organizations", id=str(number), name="x"))
    messages += [record("persons", id="p", name="y"), state(1)]
    caplog.set_level(logging.INFO)
    assert bench.feed(*messages) == {"created": 1201}
    assert [len(job) for job in bench.organizations.jobs] == [1200]
    assert "up to 2500 rows are gathered for a bulk write, and STATE waits for them" in caplog.text
    assert "STATE waits for 1200 rows of organizations, gathered for a bulk write" in caplog.text


def test_the_children_of_gathered_rows_wait_along_and_drain_them_first(bench: Bench) -> None:
    bench.persons.bulk_threshold = 0
    messages = load(range(1200), every=10)
    messages.insert(1, schema("persons"))
    messages.insert(2, record("persons", id="p", name="y", org_id="1199"))
    assert bench.feed(*messages) == {"created": 1201}
    assert [len(job) for job in bench.organizations.jobs] == [1200], "no STATE drove the child out, and so its parents"
    (parent,) = [key for key, one in bench.organizations.records.items() if one["JDE Number"] == "1199"]
    assert [one["org_id"] for one in bench.persons.records.values()] == [parent]


def test_a_full_batch_of_children_drains_its_parents(bench: Bench) -> None:
    bench.persons.bulk_threshold = 0
    messages = load(range(1100))
    messages.append(schema("persons"))
    messages += [record("persons", id=f"p{number}", name="y", org_id=str(number)) for number in range(500)]
    assert bench.feed(*messages) == {"created": 1600}
    assert [len(job) for job in bench.organizations.jobs] == [1100]


def test_the_sdk_s_age_of_records_does_not_cut_what_is_gathered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulkTarget, "_MAX_RECORD_AGE_IN_MINUTES", -1, raising=False)
    assert bench.feed(*load(range(1500))) == {"created": 1500}
    assert [len(job) for job in bench.organizations.jobs] == [1500]


def test_the_user_s_batch_size_caps_what_is_gathered(bench: Bench) -> None:
    assert bench.feed(*load(range(2400)), batch_size_rows=1200) == {"created": 2400}
    assert [len(job) for job in bench.organizations.jobs] == [1200, 1200]


def test_gathered_rows_take_bounded_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one = footprint({"id": "1000", "name": "x"})
    monkeypatch.setattr(batching, "_GATHERED_BYTES", 1050 * one)
    assert bench.feed(*load(range(1000, 3100))) == {"created": 2100}
    assert [len(job) for job in bench.organizations.jobs] == [1050, 1050]


def test_of_states_that_wait_for_the_same_rows_only_the_newest_is_kept() -> None:
    points = Checkpoints(0)
    for number in range(1000):
        points.came({"n": number}, ["a"] if number < 600 else ["a", "b"])
    assert len(points._waiting) == 2
    points.settled("b")
    points.came({"n": 1000}, ["a"])
    points.settled("a")
    assert points.due() == {"n": 1000}


def test_a_long_job_is_told_of_and_keeps_its_run_alive(caplog: pytest.LogCaptureFixture) -> None:
    adapter = BulkDestination().adapters["organizations"]
    adapter.job_before = lambda _: time.sleep(0.3)  # type: ignore[attr-defined]
    beats: list[int] = []
    writer = Writer(2, lambda: beats.append(1), interval=0.05)
    caplog.set_level(logging.INFO, "sync_ledger")
    report = writer.write(adapter, [Operation(Action.CREATE, str(n), {"name": "x"}) for n in range(1000)], in_bulk=True)
    writer.close()
    assert len(report.results) == 1000
    assert beats
    assert "Writing 1000 organizations for 0 s so far" in caplog.text


# -- what breaks -------------------------------------------------------------------------------------------------


def test_a_job_whose_end_was_not_seen_is_looked_up_and_the_rest_goes_by_calls(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations

    def half(operations: Sequence[Operation]) -> list[WriteResult]:
        for number, operation in enumerate(operations[: len(operations) // 2]):
            adapter.records[f"job-{number}"] = {"JDE Number": operation.external_id, **operation.values}
        return [LOST] * len(operations)

    adapter.job_before = half
    assert pipeline.run(*organizations(range(2000))) == {"created": 2000}
    assert len(adapter.jobs) == 1
    assert adapter.calls["find"] == 1
    assert [len(part) for part in adapter.sent] == [100] * 10
    assert len({one["JDE Number"] for one in adapter.records.values()}) == len(adapter.records) == 2000


def test_rows_of_a_job_have_results_of_their_own(bench: Bench) -> None:
    def mixed(operations: Sequence[Operation]) -> list[WriteResult]:
        records = {one["JDE Number"]: remote_id for remote_id, one in bench.organizations.records.items()}
        results = [WriteResult(Result.WRITTEN, records[operation.external_id]) for operation in operations]
        results[0] = WriteResult(Result.REJECTED, code="INVALID_DATA", text="name")
        results[1] = LOST
        results[2] = WriteResult(Result.WRITTEN, records[operations[2].external_id], created=False)
        return results

    bench.organizations.job_after = mixed
    assert bench.feed(*load(range(1000))) == {"created": 998, "rejected": 1, "updated": 1}
    assert bench.organizations.calls["find"] == 1
    assert bench.code == 0


def test_a_used_up_budget_keeps_the_rows_and_the_next_run_makes_one_job_of_them(bench: Bench) -> None:
    def refuse(_: Sequence[Operation]) -> None:
        raise BudgetExhaustedError("no credits left today")

    bench.organizations.job_before = refuse
    assert bench.feed(*load(range(1500))) == {"failed": 1500}
    assert bench.code == 0
    assert bench.passed[-1] == 1500, "the rows are in the ledger, so STATE moves on"
    assert bench.rows(intents) == []
    bench.organizations.job_before = lambda _: None
    bench.organizations.jobs.clear()
    assert bench.feed(schema("organizations")) == {"created": 1500}
    assert [len(job) for job in bench.organizations.jobs] == [1500]
    assert bench.organizations.sent == []


def test_a_budget_that_ends_behind_the_job_leaves_its_rows_to_be_looked_up(bench: Bench) -> None:
    adapter = bench.organizations
    find = adapter.find

    def no_more(_: Sequence[str]) -> t.Any:
        raise BudgetExhaustedError("no credits left today")

    adapter.job_after = lambda operations: [LOST] * len(operations)
    adapter.find = no_more
    bench.feed(*load(range(1000)))
    assert bench.code == 0
    assert len(bench.rows(intents)) == 1000, "what the job did is not known, so its notes stay"
    adapter.find = find
    adapter.job_after = lambda _: None
    assert bench.feed(schema("organizations")) == {"unchanged": 1000}
    assert len(adapter.records) == 1000


def test_a_fault_for_all_rows_ends_the_run_and_state_stays_behind(bench: Bench) -> None:
    def refuse(_: Sequence[Operation]) -> None:
        raise CredentialsError("token withdrawn")

    bench.organizations.job_before = refuse
    bench.feed(*load(range(1500)))
    assert bench.code == 1
    assert bench.passed == []
    bench.organizations.job_before = lambda _: None
    assert bench.feed(*load(range(1500))) == {"created": 1500}
    assert len(bench.organizations.records) == 1500


@pytest.mark.parametrize("where", ["before", "after", "between settlements"])
def test_killed_around_a_job_nothing_is_lost_and_nothing_made_twice(
    pipeline: Pipeline, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: t.Any) -> t.NoReturn:
        raise KeyboardInterrupt

    adapter, rows = pipeline.organizations, organizations(range(2 * PART + 500))
    engine = pipeline.start()
    if where == "between settlements":
        settle, settled = Ledger.settle, []

        def once(ledger: Ledger, run_id: int, batch: t.Any, usage: t.Any) -> None:
            if settled:
                die()
            settled.append(len(batch))
            settle(ledger, run_id, batch, usage)

        monkeypatch.setattr(Ledger, "settle", once)
    else:
        setattr(adapter, f"job_{where}", die)
    with pytest.raises(KeyboardInterrupt):
        engine.process("organizations", rows)
    monkeypatch.undo()
    adapter.job_before = adapter.job_after = lambda _: None
    # The listing lags behind, so that only looking each of them up can find them.
    adapter.sweep = lambda *_: type("Lagging", (), {"entries": [], "next_since": None})()
    outcome = pipeline.run(*rows)
    assert outcome == ({"created": 2500} if where == "before" else {"unchanged": 2500})
    assert len({one["JDE Number"] for one in adapter.records.values()}) == len(adapter.records) == 2500


def test_a_row_another_run_is_writing_is_left_out_of_the_job(tmp_path: Path) -> None:
    url, account = f"sqlite:///{tmp_path}/ledger.db", BulkDestination()
    engines = [UpsertEngine(account, Ledger(url, account.name), target="t", options=Options()) for _ in range(2)]
    ledger = engines[0]._ledger
    runs = open_engine(url)
    with runs.begin() as connection:  # the second one buried the first, since both have one process number
        connection.exec_driver_sql("UPDATE runs SET status = 'running'")
    runs.dispose()
    ledger.links.intend(engines[0].run_id, "organizations", {"5": "create"}, now())
    engines[1].process("organizations", organizations(range(1200)))
    assert "5" not in account.adapters["organizations"].jobs[0]
    assert engines[1].tally.by_outcome() == {"created": 1199, "failed": 1}
    for engine in engines:
        engine.end("succeeded")


def test_the_books_of_a_large_first_load_are_right(bench: Bench) -> None:
    bench.feed(*load(range(4200)))
    assert sum(row.rows for row in bench.rows(run_counts)) == 4200
    assert len(bench.rows(links)) == len(bench.rows(outcomes)) == 4200
    assert bench.rows(intents) == []
    first = bench.rows(outcomes)[0]
    assert first.changes == {"name": [None, "x"]}
