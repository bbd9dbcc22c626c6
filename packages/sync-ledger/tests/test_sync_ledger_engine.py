from __future__ import annotations

import typing as t

import pytest
from fake_destination import FakeDestination
from sqlalchemy import select
from sync_ledger.adapter import Result, WriteResult
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.errors import BudgetExhaustedError, ConfigError, CredentialsError, ServiceUnavailableError
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.tables import intents, links, open_rows, runs
from sync_ledger.rows import SourceRow

if t.TYPE_CHECKING:
    from pathlib import Path


class Pipeline:
    """One account and one ledger, run after run."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.account = FakeDestination()

    @property
    def organizations(self) -> t.Any:
        return self.account.adapters["organizations"]

    def start(self, mode: str = "apply") -> UpsertEngine:
        ledger = Ledger(self.url, self.account.name)
        return UpsertEngine(self.account, ledger, target="target-fake", options=Options(mode=mode))

    def run(self, *rows: SourceRow, mode: str = "apply") -> dict[str, int]:
        engine = self.start(mode)
        try:
            for entity in self.account.entities:
                batch = [row for row in rows if row.entity == entity]
                if batch:
                    engine.process(entity, batch)
            engine.finish()
        except BaseException:
            engine.end("failed")
            raise
        engine.end("succeeded")
        return engine.tally.by_outcome()

    def open_rows(self) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(select(open_rows).where(open_rows.c.closed_at.is_(None))).all()
        engine.dispose()
        return list(rows)


@pytest.fixture
def pipeline(ledger_url: str) -> Pipeline:
    return Pipeline(ledger_url)


def organization(number: int, **payload: t.Any) -> SourceRow:
    return SourceRow("organizations", str(number), {"name": f"Customer {number}", **payload})


def person(number: int, parent: int) -> SourceRow:
    return SourceRow("persons", f"{parent}-{number}", {"name": f"Contact {number}", "org_id": str(parent)})


def test_second_run_of_the_same_rows_writes_nothing(pipeline: Pipeline) -> None:
    rows = [organization(number) for number in range(50)]
    assert pipeline.run(*rows) == {"created": 50}
    assert pipeline.run(*rows) == {"unchanged": 50}
    assert pipeline.organizations.calls["write"] == 50


def test_update_sends_changed_fields_only(pipeline: Pipeline) -> None:
    pipeline.run(organization(1, **{"Credit Limit": 10}))
    sent: list[t.Any] = []
    pipeline.organizations.before = lambda operation: sent.append(dict(operation.values))
    assert pipeline.run(organization(1, **{"Credit Limit": 20})) == {"updated": 1}
    assert sent == [{"Credit Limit": 20}]


def test_a_lost_ledger_is_rebuilt_from_the_index_without_writes(pipeline: Pipeline, tmp_path: Path) -> None:
    rows = [organization(number, address={"value": "Main St"}) for number in range(20)]
    pipeline.run(*rows)
    for record in pipeline.organizations.records.values():
        record["address"] = {"value": "Main St", "country": "geocoded by the service"}
    pipeline.url = f"sqlite:///{tmp_path}/other.db"
    assert pipeline.run(*rows) == {"unchanged": 20}
    assert pipeline.organizations.calls["write"] == 20


def test_an_adopted_record_gets_only_what_differs(pipeline: Pipeline) -> None:
    pipeline.organizations.records["77"] = {"JDE Number": "1", "name": "Old name", "Credit Limit": 5}
    assert pipeline.run(organization(1, **{"Credit Limit": 5})) == {"updated": 1}
    assert pipeline.organizations.records["77"]["name"] == "Customer 1"
    assert len(pipeline.organizations.records) == 1


def test_several_records_with_the_external_id_are_held_and_left_alone(pipeline: Pipeline) -> None:
    pipeline.organizations.records.update({"5": {"JDE Number": "1"}, "9": {"JDE Number": "1"}})
    assert pipeline.run(organization(1), organization(2)) == {"created": 1, "held": 1}
    (row,) = pipeline.open_rows()
    assert (row.outcome, row.reason, row.candidates) == ("held", "ambiguous", ["5", "9"])


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        ({"name": "x" * 256}, "too_long", "name"),
        ({"name": None}, "missing_required", "name"),
        ({"Credit Limit": "a lot"}, "wrong_type", "Credit Limit"),
        ({"Credit Limit": True}, "wrong_type", "Credit Limit"),
        ({"JDE Status": "Dormant"}, "unknown_option", "JDE Status"),
        ({"address": {"street": "Main St"}}, "unknown_attribute", "address"),
        ({"address": "Main St"}, "wrong_type", "address"),
        ({"add_time": "yesterday"}, "wrong_type", "add_time"),
    ],
)
def test_an_invalid_row_is_held_and_the_others_written(
    pipeline: Pipeline, payload: dict[str, t.Any], reason: str, field: str
) -> None:
    assert pipeline.run(organization(1, **payload), organization(2)) == {"created": 1, "held": 1}
    (row,) = pipeline.open_rows()
    assert (row.reason, row.field) == (reason, field)
    assert pipeline.run(organization(1)) == {"created": 1}
    assert pipeline.open_rows() == []


def test_options_go_out_as_ids_and_emptying_a_required_field_is_held(pipeline: Pipeline) -> None:
    pipeline.run(organization(1, **{"JDE Status": "Active"}))
    assert pipeline.organizations.records["1"]["JDE Status"] == 1
    assert pipeline.run(organization(1, name=None)) == {"held": 1}
    assert pipeline.open_rows()[0].reason == "not_nullable"


def test_a_field_given_on_creation_only_is_no_reason_for_an_update(pipeline: Pipeline) -> None:
    pipeline.run(organization(1, add_time="2026-01-01T00:00:00Z"))
    assert pipeline.run(organization(1, add_time="2026-02-01T00:00:00Z")) == {"unchanged": 1}


def test_a_refused_row_is_rejected_with_the_words_of_the_service(pipeline: Pipeline) -> None:
    answer = WriteResult(Result.REJECTED, code="400", text="Validation failed", field="name")
    pipeline.organizations.before = lambda operation: answer if operation.external_id == "1" else None
    assert pipeline.run(organization(1), organization(2)) == {"created": 1, "rejected": 1}
    (row,) = pipeline.open_rows()
    assert (row.outcome, row.field, row.text) == ("rejected", "name", "400 Validation failed")


def test_a_create_whose_answer_was_lost_is_not_sent_twice(pipeline: Pipeline) -> None:
    pipeline.organizations.after = lambda _: WriteResult(Result.UNKNOWN, code="500")
    assert pipeline.run(*[organization(number) for number in range(10)]) == {"created": 10}
    assert len(pipeline.organizations.records) == 10
    assert pipeline.organizations.calls["find"] == 1


def test_a_create_that_did_not_happen_is_sent_again(pipeline: Pipeline) -> None:
    lost = {"1", "2"}

    def once(operation: t.Any) -> WriteResult | None:
        if operation.external_id in lost:
            lost.discard(operation.external_id)
            return WriteResult(Result.UNKNOWN, code="timeout")
        return None

    pipeline.organizations.before = once
    assert pipeline.run(organization(1), organization(2), organization(3)) == {"created": 3}
    assert len(pipeline.organizations.records) == 3


def test_an_update_whose_answer_was_lost_is_checked_before_it_is_sent_again(pipeline: Pipeline) -> None:
    pipeline.run(organization(1))
    pipeline.organizations.after = lambda _: WriteResult(Result.UNKNOWN, code="reset")
    assert pipeline.run(organization(1, name="New")) == {"updated": 1}
    assert pipeline.organizations.calls["write"] == 2


def test_a_write_whose_result_stays_unknown_is_looked_up_by_the_next_run(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations
    adapter.before = lambda _: WriteResult(Result.UNKNOWN, code="timeout")
    assert pipeline.run(organization(1)) == {"failed": 2}  # by itself, and once more when failed rows are replayed
    assert pipeline.open_rows()[0].reason == "unknown_result"
    adapter.before = lambda _: None
    adapter.records["40"] = {"JDE Number": "1", "name": "Customer 1"}  # it had happened after all, only late
    adapter.sweep = lambda _: type("Lagging", (), {"entries": [], "next_since": None})()
    assert pipeline.run() == {"unchanged": 1}
    assert list(adapter.records) == ["40"]
    assert pipeline.open_rows() == []


def test_creates_in_flight_when_a_run_died_are_found_again(pipeline: Pipeline) -> None:
    adapter = pipeline.organizations
    engine = pipeline.start()
    adapter.after = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        engine.process("organizations", [organization(1)])
    adapter.after = lambda _: None
    adapter.sweep = lambda _: type("Lagging", (), {"entries": [], "next_since": None})()
    assert pipeline.run(organization(1)) == {"unchanged": 1}
    assert len(adapter.records) == 1


def test_a_person_waits_for_its_organization_and_is_replayed(pipeline: Pipeline) -> None:
    assert pipeline.run(person(1, 500)) == {"failed": 2}
    assert pipeline.open_rows()[0].reason == "parent_missing"
    assert pipeline.run(organization(500)) == {"created": 2}
    assert pipeline.account.adapters["persons"].records["1"]["org_id"] == "1"
    assert pipeline.open_rows() == []


def test_a_newer_row_supersedes_the_failed_one(pipeline: Pipeline) -> None:
    pipeline.run(person(1, 500))
    newer = SourceRow("persons", "500-1", {"name": "Renamed", "org_id": "500"})
    assert pipeline.run(organization(500), newer) == {"created": 2}
    assert pipeline.account.adapters["persons"].records["1"]["name"] == "Renamed"


def test_rows_of_one_key_in_a_batch_the_last_wins(pipeline: Pipeline) -> None:
    assert pipeline.run(organization(1, name="A"), organization(1, name="B")) == {"created": 1, "skipped": 1}
    assert pipeline.organizations.records["1"]["name"] == "B"


def test_a_record_deleted_at_the_service_is_held(pipeline: Pipeline) -> None:
    pipeline.run(organization(1))
    pipeline.organizations.records.clear()
    assert pipeline.run(organization(1, name="New")) == {"held": 1}
    assert pipeline.open_rows()[0].reason == "record_deleted"


def test_a_used_up_budget_keeps_the_rows_and_ends_well(pipeline: Pipeline) -> None:
    left = [3]

    def spend(_: t.Any) -> None:
        if not left[0]:
            raise BudgetExhaustedError("daily budget used up")
        left[0] -= 1

    pipeline.account.concurrency = 1
    pipeline.organizations.before = spend
    rows = [organization(number) for number in range(10)]
    assert pipeline.run(*rows) == {"created": 3, "failed": 7}
    left[0] = 100
    assert pipeline.run() == {"created": 7}
    assert len(pipeline.organizations.records) == 10


def test_a_run_without_a_budget_from_the_start_keeps_its_rows(pipeline: Pipeline) -> None:
    def used_up(_since: t.Any = None) -> t.Any:
        raise BudgetExhaustedError("daily budget used up")

    organizations, sweep = pipeline.organizations, pipeline.organizations.sweep
    organizations.sweep = used_up
    assert pipeline.run(organization(1), organization(1), person(1, 1)) == {"failed": 2, "skipped": 1}
    assert {row.reason for row in pipeline.open_rows()} == {"budget"}, "also for want of a parent nobody could look for"
    with pytest.raises(BudgetExhaustedError):
        pipeline.run(organization(2), mode="plan")
    organizations.sweep = sweep
    assert pipeline.run() == {"created": 2}
    assert pipeline.open_rows() == []


def test_wrong_credentials_end_the_run_and_settle_what_was_done(pipeline: Pipeline) -> None:
    def refuse(operation: t.Any) -> None:
        if operation.external_id != "0":
            raise CredentialsError("the service refused the token")

    pipeline.account.concurrency = 1
    pipeline.organizations.before = refuse
    with pytest.raises(CredentialsError):
        pipeline.run(*[organization(number) for number in range(5)])
    engine = open_engine(pipeline.url)
    with engine.connect() as connection:
        run = connection.execute(select(runs)).one()
    assert (run.status, run.rows) == ("failed", 1)


def test_an_outage_ends_the_run_and_loses_no_row(pipeline: Pipeline) -> None:
    pipeline.organizations.before = lambda _: WriteResult(Result.UNSENT, code="503")
    rows = [organization(number) for number in range(100)]
    with pytest.raises(ServiceUnavailableError):
        pipeline.run(*rows)
    pipeline.organizations.before = lambda _: None
    pipeline.run(*rows)
    assert len(pipeline.organizations.records) == 100
    assert pipeline.open_rows() == []


def test_unknown_and_read_only_and_ambiguous_fields_are_refused_by_name(pipeline: Pipeline) -> None:
    engine = pipeline.start()
    with pytest.raises(ConfigError, match="'Credit Limits'; did you mean 'Credit Limit'"):
        engine.open("organizations", ["name", "Credit Limits"])
    with pytest.raises(ConfigError, match=r"'Xyzzy'; see its field list there\. Correct the mapping"):
        engine.open("organizations", ["name", "Xyzzy"])
    with pytest.raises(ConfigError, match="'id' is read-only"):
        engine.open("organizations", ["id"])
    with pytest.raises(ConfigError, match="2 fields named 'Twin'"):
        engine.open("organizations", ["Twin"])
    engine.open("organizations", ["hash-1", "name"])
    engine.end("succeeded")


def test_plan_writes_nothing_and_tells_what_it_would_do(pipeline: Pipeline) -> None:
    pipeline.run(organization(1))
    assert pipeline.run(organization(1, name="New"), organization(2), person(1, 2), mode="plan") == {"planned": 3}
    assert pipeline.organizations.calls["write"] == 1


def test_a_run_that_died_is_marked_by_the_next_one(pipeline: Pipeline) -> None:
    pipeline.start()
    pipeline.run(organization(1))
    engine = open_engine(pipeline.url)
    with engine.connect() as connection:
        assert list(connection.execute(select(runs.c.status).order_by(runs.c.id)).scalars()) == ["died", "succeeded"]


def test_a_write_that_is_unknown_stays_noted_when_an_older_row_of_its_key_was_skipped(pipeline: Pipeline) -> None:
    pipeline.organizations.before = lambda _: WriteResult(Result.UNKNOWN, code="500")
    engine = pipeline.start()
    engine.process("organizations", [SourceRow("organizations", "1", {"name": name}) for name in ("old", "new")])
    engine.end("failed")
    database = open_engine(pipeline.url)
    with database.connect() as connection:
        assert [row.external_id for row in connection.execute(select(intents))] == ["1"]
    database.dispose()


def test_a_row_that_is_unchanged_leaves_its_link_alone(pipeline: Pipeline) -> None:
    pipeline.run(organization(1))
    pipeline.run(organization(1))
    engine = open_engine(pipeline.url)
    with engine.connect() as connection:
        assert connection.execute(select(links.c.run_id)).scalar_one() == 1
    engine.dispose()
