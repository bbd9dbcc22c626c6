"""Two entities that point to each other, as accounts and their main contacts do."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout
from dataclasses import replace

import pytest
from fake_destination import FakeDestination, FakeEntity
from sqlalchemy import select
from sync_ledger.fields import Field, FieldType
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import run_counts
from test_sync_ledger_target import FakeTarget, record, schema

MAIN = Field("main", "main", FieldType.RELATION, relation="persons")


@pytest.fixture
def account() -> FakeDestination:
    found = FakeDestination()
    description = found.adapters["organizations"].description
    found.adapters["organizations"] = FakeEntity(replace(description, fields=(*description.fields, MAIN)))
    FakeTarget.account = found
    return found


def test_of_two_that_point_to_each_other_the_destinations_order_decides(
    account: FakeDestination, ledger_url: str
) -> None:
    messages: list[dict[str, t.Any]] = [schema("organizations"), schema("persons")]
    for number in range(120):
        messages.append(record("organizations", id=str(number), name=f"Org {number}"))
        messages.append(record("persons", id=f"p{number}", name=f"Person {number}", org_id=str(number)))
    with redirect_stdout(io.StringIO()):
        target = FakeTarget(config={"ledger_url": ledger_url}, validate_config=True)
        target.run(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        counts = {(row.entity, row.outcome): row.rows for row in connection.execute(select(run_counts))}
    engine.dispose()
    assert counts == {("organizations", "created"): 120, ("persons", "created"): 120}
    assert len(account.adapters["persons"].records) == 120
