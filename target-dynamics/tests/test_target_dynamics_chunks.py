"""Chunks that shrink and grow again, and writes the budget ends in the middle of."""

from __future__ import annotations

import typing as t

import pytest
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.errors import BudgetExhaustedError
from sync_ledger.ledger import Ledger
from sync_ledger.limits import AccountLimits
from target_dynamics.chunks import ChunkSize

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Crm


def creates(*numbers: int, **values: t.Any) -> list[Operation]:
    return [Operation(Action.CREATE, str(one), {"name": f"Company {one}", **values}) for one in numbers]


def sent(crm: Crm, part: str) -> int:
    return sum(part in one["path"] for one in crm.control.requests(200))


def limit(crm: Crm, folder: Path, more: int) -> None:
    """Let so many API requests be left of the budget."""
    ledger = Ledger(f"sqlite:///{folder}/budget.db", "dynamics:1")
    budget = crm.client.usage().cost + more
    crm.client.share_limits(AccountLimits(ledger.database, ledger.destination, budget, 0))


def test_a_size_that_went_down_to_the_least_grows_again() -> None:
    size = ChunkSize(500, seconds=120, least=2)
    for _ in range(12):
        size.was_too_much(size.rows)
    assert size.rows == 2
    for _ in range(4 * 8):
        size.went_well(size.rows, 1)
    assert size.rows == 500
    assert ChunkSize(1, seconds=120, least=2).rows == 1


def test_rows_go_by_bulk_messages_again_after_answers_were_lost(crm: Crm) -> None:
    table = crm.connect(chunk_size=4).entity("accounts")
    table.describe()
    crm.control.fault(kind="reset", path="CreateMultiple", times=3)
    for _ in range(3):
        table.write(creates(1, 2, 3, 4)[: table.batch_size])
    before = sent(crm, "CreateMultiple")
    assert {one.result for one in table.write(creates(*range(11, 51)))} == {Result.WRITTEN}
    assert 10 <= sent(crm, "CreateMultiple") - before <= 15
    assert sent(crm, "$batch") == 1, "the metadata's alone"


def test_a_chunk_that_is_too_large_goes_in_halves_by_bulk_messages(crm: Crm) -> None:
    table = crm.connect().entity("accounts")
    table.describe()
    before = sent(crm, "$batch")
    crm.control.fault(kind="status", status=413, path="CreateMultiple", times=1)
    assert {one.result for one in table.write(creates(*range(1, 41)))} == {Result.WRITTEN}
    assert sent(crm, "CreateMultiple") == 3
    assert sent(crm, "$batch") == before


@pytest.mark.parametrize("ids", [["0" * 8 + "-0000-0000-0000-" + "0" * 12], None])
def test_an_answer_without_an_id_for_each_row_tells_nothing(crm: Crm, ids: list[str] | None) -> None:
    table = crm.connect().entity("accounts")
    table.describe()
    crm.control.fault(kind="status", status=200, body={"Ids": ids}, path="CreateMultiple", when="after")
    assert {one.result for one in table.write(creates(1, 2, 3))} == {Result.UNKNOWN}
    assert set(table.find(["1", "2", "3"])) == {"1", "2", "3"}


def test_single_requests_go_in_smaller_batches_when_a_batch_gets_no_answer(crm: Crm) -> None:
    crm.control.switch(multiple_messages=[])
    table = crm.connect().entity("accounts")
    table.describe()
    crm.control.fault(kind="reset", path=r"\$batch")
    assert {one.result for one in table.write(creates(*range(1, 101)))} == {Result.UNKNOWN}
    before = sent(crm, "$batch")
    assert {one.result for one in table.write(creates(*range(1, 101)))} == {Result.WRITTEN}
    assert sent(crm, "$batch") - before == 2


def test_rows_that_were_sent_before_the_budget_ended_are_told_as_written(crm: Crm, tmp_path: Path) -> None:
    table = crm.connect(chunk_size=10).entity("accounts")
    table.describe()
    limit(crm, tmp_path, 1 + 10 + 5)  # whether the table takes the message is asked before
    found = table.write(creates(*range(1, 21)))
    assert [one.result for one in found] == [Result.WRITTEN] * 10 + [Result.UNSENT] * 10
    assert "daily_budget" in (found[-1].text or "")
    assert len(crm.truth("accounts")) == 10
    with pytest.raises(BudgetExhaustedError):
        table.write(creates(21))


def test_rows_whose_state_the_budget_did_not_pay_for_are_left_to_the_next_run(crm: Crm, tmp_path: Path) -> None:
    table = crm.connect().entity("accounts")
    table.describe()
    limit(crm, tmp_path, 1 + 10 + 5)
    found = table.write(creates(*range(1, 11), statecode=1))
    assert {one.result for one in found} == {Result.POSTPONED}
    assert "not its state" in (found[0].text or "")
    assert {row["statecode"] for row in crm.truth("accounts")} == {0}


def test_rows_whose_key_was_taken_are_left_to_the_next_run_when_the_budget_ends(crm: Crm, tmp_path: Path) -> None:
    crm.add("accounts", name="Somebody's", jde_number="2")
    table = crm.connect().entity("accounts")
    table.describe()
    limit(crm, tmp_path, 1 + 3 + 3)  # the chunk is refused, then its rows go one by one
    found = table.write(creates(1, 2, 3))
    assert [one.result for one in found] == [Result.WRITTEN, Result.POSTPONED, Result.WRITTEN]
    assert "budget" in (found[1].text or "")
