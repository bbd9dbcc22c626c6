from __future__ import annotations

import json
import typing as t
from datetime import timedelta

from fake_destination import FakeDestination
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.payload import payload_hash
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.clock import now
from sync_ledger.ledger.tables import links, match_index, open_rows, outcomes, plan_rows, plans, runs
from sync_ledger.observing import notices
from sync_ledger.privacy import MASK, Masks
from sync_ledger.privacy.erasing import Eraser, Selection
from sync_ledger.privacy.masking import has_mask, masked, refill
from sync_ledger.rows import Outcome, Reason, SourceRow

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(min_size=1)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_mask_keeps_the_shape_and_none_of_the_content(value: t.Any) -> None:
    assert payload_hash({"a": refill(masked(value), value)}) == payload_hash({"a": value})
    assert masked(masked(value)) == masked(value)
    assert set(_leaves(masked(value))) <= {None, MASK}


@given(VALUES, VALUES)
def test_another_value_in_the_same_shape_is_never_taken_for_the_first(one: t.Any, other: t.Any) -> None:
    same = payload_hash({"a": refill(masked(one), other)}) == payload_hash({"a": one})
    if same and not isinstance(one, dict):
        assert payload_hash({"a": other}) == payload_hash({"a": one}) or has_mask(one) or _holds_dict(one)


def test_what_services_add_to_a_value_does_not_count() -> None:
    shape = masked({"value": "Main St", "country": None, "lat": 5})
    there = {"value": "Main St", "country": "", "lat": 5.0, "formatted": "Main St, USA"}
    assert refill(shape, there) == {"value": "Main St", "country": None, "lat": 5}


def _leaves(value: t.Any) -> t.Iterator[t.Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _holds_dict(value: t.Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_holds_dict(item) for item in value))


def run(url: str, account: FakeDestination, *rows: SourceRow, masks: Masks | None = None) -> UpsertEngine:
    ledger = Ledger(url, account.name)
    ledger.masks = masks or Masks()
    engine = UpsertEngine(account, ledger, target="target-fake", options=Options())
    for entity in account.entities:
        mine = [row for row in rows if row.entity == entity]
        if mine:
            engine.process(entity, mine)
    engine.finish()
    engine.end("succeeded")
    return engine


def organization(key: str, **values: t.Any) -> SourceRow:
    return SourceRow("organizations", key, {"name": f"Company {key}", "Credit Limit": 5, **values})


def all_text(url: str) -> str:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = [
            [list(row) for row in connection.execute(select(table)).all()]
            for table in (links, outcomes, open_rows, plan_rows, match_index)
        ]
    engine.dispose()
    return json.dumps(found, default=str)


def test_masked_fields_are_in_no_table_and_are_written_when_they_change(ledger_url: str) -> None:
    account = FakeDestination()
    masks = Masks({"organizations": ["hash-of-limit", "name"]})
    run(ledger_url, account, organization("1", **{"Credit Limit": 421_337}), masks=masks)
    assert account.adapters["organizations"].records["1"]["Credit Limit"] == 421_337
    text = all_text(ledger_url)
    assert "421337" not in text
    assert "Company 1" not in text
    again = run(ledger_url, account, organization("1", **{"Credit Limit": 421_337}), masks=masks)
    assert again.tally.by_outcome() == {"unchanged": 1}
    changed = run(ledger_url, account, organization("1", **{"Credit Limit": 7}), masks=masks)
    assert changed.tally.by_outcome() == {"updated": 1}
    assert account.adapters["organizations"].records["1"]["Credit Limit"] == 7


def test_a_person_is_erased_everywhere_and_nothing_is_written_twice(ledger_url: str) -> None:
    account = FakeDestination()
    bad = organization("2", name="y" * 300)
    run(ledger_url, account, organization("1"), bad)
    database = open_engine(ledger_url)
    with database.begin() as connection:
        connection.execute(
            insert(plans).values(
                destination=account.name, target="t", run_id=1, made_at=now(), status="ready", calls=0, cost=0
            )
        )
        row = {"plan_id": 1, "entity": "organizations", "external_id": "1", "action": "update", "cost": 5}
        values = {"payload": {"name": "Company 1"}, "changes": {"name": [None, "Company 1"]}}
        connection.execute(insert(plan_rows).values(**row, **values, status="planned", reason=""))
        connection.execute(
            insert(match_index).values(
                destination=account.name,
                entity="organizations",
                rule="name",
                remote_id="1",
                value="company 1",
                filled=1,
                sweep=1,
            )
        )
    eraser = Eraser(database)
    selection = Selection(external_id="1")
    counted = eraser.erase(selection, dry_run=True)
    assert {name: rows for name, rows in counted.items() if rows} == {
        "outcomes": 1,
        "links": 1,
        "plan_rows": 1,
        "match_index": 1,
    }
    assert eraser.erase(selection) == counted
    assert set(eraser.erase(selection).values()) == {0}
    assert eraser.erase(Selection(external_id="2"))["open_rows"] == 1
    eraser.compact()
    with database.connect() as connection:
        assert connection.execute(select(plan_rows.c.status)).scalar_one() == "refused"
    database.dispose()
    assert "ompany 1" not in all_text(ledger_url)
    assert "yyyy" not in all_text(ledger_url)
    assert run(ledger_url, account, organization("1")).tally.by_outcome() == {"unchanged": 1}


def test_a_row_that_failed_and_was_erased_is_held_and_not_sent(ledger_url: str) -> None:
    account = FakeDestination()
    run(ledger_url, account, SourceRow("persons", "1-1", {"name": "Ana", "org_id": "1"}))
    database = open_engine(ledger_url)
    with database.begin() as connection:
        connection.execute(update(open_rows).values(opened_at=now() - timedelta(days=3)))
    assert Eraser(database).erase(Selection(before=now() - timedelta(days=2)))["open_rows"] == 1
    with database.begin() as connection:  # whatever sends it again: what was erased is never written
        connection.execute(update(open_rows).values(outcome=Outcome.FAILED.value))
    database.dispose()
    engine = run(ledger_url, account, organization("1"))
    assert engine.tally.counts["persons", Outcome.HELD, Reason.PAYLOAD_ERASED] == 1
    assert account.adapters["persons"].records == {}


def test_each_run_is_erased_once(ledger_url: str) -> None:
    account = FakeDestination()
    run(ledger_url, account, organization("1"))
    database = open_engine(ledger_url)
    old = Selection(before=now() + timedelta(days=1))
    assert Eraser(database).erase(old)["outcomes"] == 1
    with database.connect() as connection:
        assert connection.execute(select(runs.c.erased_at)).scalar_one() is not None
    assert set(Eraser(database).erase(old).values()) == {0}
    database.dispose()


def test_failing_is_news_once(ledger_url: str) -> None:
    database = open_engine(ledger_url)
    told = [
        notices.turned(database, "target", account, None, failed=failed)
        for account, failed in (("a", False), ("a", True), ("a", True), ("b", False), ("a", False), ("a", False))
    ]
    assert told == [None, "failure", None, None, "recovery", None]
    database.dispose()
