"""An organisation in use: records that share names, addresses and tax numbers with the source, in all combinations.

Whatever they share, no two external IDs ever get into one record, and no record is ever taken from another one.
"""

from __future__ import annotations

import itertools
import os
import typing as t
from collections import Counter

import pytest
from sqlalchemy import select
from sync_ledger.adapter import Action, Operation, Result
from sync_ledger.ledger import open_engine
from sync_ledger.ledger.tables import open_rows
from target_zoho.writing import only_key_matches
from target_zoho_runs import TEXT, record, schema, state

if t.TYPE_CHECKING:
    from target_zoho_runs import Runner

    from conftest import Org

RECORDS = int(os.environ.get("DUPLICATE_RECORDS", "10000"))
RULES = {"Accounts": [{"on": "Tax ID", "as": "tax_id"}, {"on": "E-mail", "as": "email"}]}
SCHEMA = schema(
    "Accounts",
    {"external_id": {"type": "string"}, **dict.fromkeys(("Account_Name", "Tax ID", "E-mail", "Billing_City"), TEXT)},
)


class Combination(t.NamedTuple):
    """How records of the users' own are like one row of the source."""

    name: bool
    tax: str
    email: str
    records: int
    taken: bool


COMBINATIONS = [
    Combination(*parts)
    for parts in itertools.product(
        (True, False), ("same", "other", "none"), ("same", "other", "none"), (1, 2), (False, True)
    )
]


def account(number: int, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD; every third company has the same name."""
    name = "Acme GmbH" if number % 3 == 0 else f"Company {number}"
    found = {
        "Account_Name": name,
        "Tax ID": f"DE{700_000_000 + number}",
        "E-mail": f"mail@c{number}.example",
        "Billing_City": "Denver",
    }
    return record("Accounts", str(number), **{**found, **values})


def like(number: int, one: Combination) -> t.Iterator[dict[str, t.Any]]:
    """Return the users' own records that are like a row."""
    row = account(number)["record"]
    for which in range(one.records):
        found = {"Account_Name": row["Account_Name"] if one.name else f"Other {number}", "Phone": f"own {number}"}
        if one.tax != "none":
            found["Tax_ID"] = row["Tax ID"] if one.tax == "same" else f"AT{number}{which}88"
        if one.email != "none":
            found["E_mail"] = row["E-mail"].upper() if one.email == "same" else f"x{which}@o{number}.example"
        if one.taken:
            found["JDE_Number"] = f"9{number}0{which}"
        yield found


def expected(one: Combination) -> str:
    """Return what has to become of a row."""
    if one.taken or "same" not in {one.tax, one.email}:
        return "created"
    return "adopted" if one.records == 1 else "held"


def waiting(runner: Runner) -> dict[str, tuple[str, str, list[str] | None]]:
    """Return external ID -> outcome, reason and candidates of the rows that wait."""
    engine = open_engine(runner.settings["ledger_url"])
    with engine.connect() as connection:
        found = connection.execute(select(open_rows).where(open_rows.c.closed_at.is_(None))).all()
    engine.dispose()
    return {row.external_id: (row.outcome, row.reason, row.candidates) for row in found}


def add_all(org: Org, records: list[dict[str, t.Any]]) -> None:
    for start in range(0, len(records), 100):
        answer = org.client.write("POST", "/Accounts", {"data": records[start : start + 100]}, records=100)
        assert all(item["code"] == "SUCCESS" for item in answer.data["data"]), answer.data


def check(org: Org, runner: Runner, kinds: dict[str, Combination], own: int) -> None:
    truth = org.truth("Accounts")
    by_key = Counter(one["JDE_Number"] for one in truth if one["JDE_Number"])
    assert max(by_key.values()) == 1, "one external ID in two records"
    held = waiting(runner)
    assert {key for key, one in kinds.items() if expected(one) == "held"} == set(held)
    assert {what[:2] for what in held.values()} == {("held", "ambiguous")}
    for key, one in kinds.items():
        assert (key in by_key) == (expected(one) != "held")
    assert len(truth) == own + sum(expected(one) == "created" for one in kinds.values())
    for record_ in truth:
        if not record_["Phone"]:
            continue  # made by the run
        key = record_["Phone"].removeprefix("own ")
        if expected(kinds[key]) == "adopted":
            assert record_["JDE_Number"] == key
        else:  # left alone, its own external ID too
            assert record_["Billing_City"] is None
            assert record_["JDE_Number"] is None or record_["JDE_Number"].startswith(f"9{key}0")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_accounts_like_those_of_the_source_are_never_merged(runner: Runner, org: Org) -> None:
    kinds: dict[str, Combination] = {}
    own: list[dict[str, t.Any]] = []
    for number, one in enumerate(itertools.cycle(COMBINATIONS), 1000):
        if len(own) >= RECORDS:
            break
        kinds[str(number)] = one
        own += like(number, one)
    add_all(org, own)
    rows = [account(int(key)) for key in kinds]
    assert runner.run(SCHEMA, *rows, state(1), match_rules=RULES) == 0
    check(org, runner, kinds, len(own))
    writes = org.control.counters()["writes"]
    assert runner.run(SCHEMA, *rows, state(2), match_rules=RULES) == 0
    assert org.control.counters()["writes"] == writes
    check(org, runner, kinds, len(own))


def test_every_combination_once(runner: Runner, org: Org) -> None:
    kinds = {str(number): one for number, one in enumerate(COMBINATIONS, 1000)}
    own = [record_ for key, one in kinds.items() for record_ in like(int(key), one)]
    add_all(org, own)
    assert runner.run(SCHEMA, *(account(int(key)) for key in kinds), match_rules=RULES) == 0
    check(org, runner, kinds, len(own))
    assert all(len(candidates or ()) == 2 for _, _, candidates in waiting(runner).values())


def test_companies_of_one_name_are_companies_of_their_own(runner: Runner, org: Org) -> None:
    theirs = org.add("Accounts", Account_Name="Acme GmbH", Phone="own")
    assert runner.run(SCHEMA, *(account(number, Account_Name="Acme GmbH") for number in range(150))) == 0
    records = org.truth("Accounts")
    assert len(records) == 151
    assert [one["JDE_Number"] for one in records if one["id"] == theirs] == [None]


def unique(org: Org, name: str) -> None:
    """Let Zoho allow a value of a field once only."""
    fields = org.client.get("/settings/fields", {"module": "Accounts"}).data["fields"]
    (field_id,) = [field["id"] for field in fields if field["api_name"] == name]
    body = {"fields": [{"unique": {"case_sensitive": False}}]}
    org.client.write("PATCH", f"/settings/fields/{field_id}", body, params={"module": "Accounts"})


def test_a_second_unique_field_never_captures_a_record(runner: Runner, org: Org) -> None:
    unique(org, "Tax_ID")
    theirs = org.add("Accounts", Account_Name="Theirs", Tax_ID="DE700000007")
    others = org.add("Accounts", Account_Name="Other key", Tax_ID="DE700000008", JDE_Number="4711")
    assert runner.run(SCHEMA, account(7), account(8), account(9)) == 0
    records = {one["id"]: one for one in org.truth("Accounts")}
    assert len(records) == 3
    assert (records[theirs]["JDE_Number"], records[theirs]["Account_Name"]) == (None, "Theirs")
    assert (records[others]["JDE_Number"], records[others]["Account_Name"]) == ("4711", "Other key")
    assert {key: what[:2] for key, what in waiting(runner).items()} == {
        "7": ("rejected", "refused"),
        "8": ("rejected", "refused"),
    }


def test_keys_that_differ_in_case_alone_are_never_merged(runner: Runner, org: Org) -> None:
    rows = [record("Accounts", key, Account_Name=key) for key in ("ab1", "AB1", "cd2")]
    assert runner.run(SCHEMA, *rows) == 0
    records = {one["JDE_Number"]: one["Account_Name"] for one in org.truth("Accounts")}
    assert records in ({"ab1": "ab1", "cd2": "cd2"}, {"AB1": "AB1", "cd2": "cd2"})
    assert len(waiting(runner)) == 1
    assert runner.run(SCHEMA, record("Accounts", "Cd2", Account_Name="another")) == 0
    assert {one["JDE_Number"]: one["Account_Name"] for one in org.truth("Accounts")} == records


def test_a_record_made_by_hand_since_the_sweep_is_met_and_written_into(org: Org) -> None:
    module = org.destination.entity("Accounts")
    for key in ("77", "ab7"):
        list(module.sweep(None).entries)
        theirs = org.add("Accounts", Account_Name="By hand", JDE_Number=key)
        (result,) = module.write([Operation(Action.CREATE, key, {"Account_Name": "Ours", "Phone": "1"})])
        assert (result.result, result.remote_id, result.created) == (Result.WRITTEN, theirs, False)
        (found,) = [one for one in org.truth("Accounts") if one["id"] == theirs]
        assert (found["Account_Name"], found["Phone"]) == ("Ours", "1")


def test_only_creates_that_nothing_else_can_match_are_upserts(org: Org) -> None:
    unique(org, "Tax_ID")
    module = org.connect().entity("Accounts")
    fields = module._opened().fields
    plain = Operation(Action.CREATE, "1001", {"Account_Name": "x", "Tax_ID": None})
    assert only_key_matches(fields, plain)
    for other in (
        Operation(Action.CREATE, "A1001", {"Account_Name": "x"}),
        Operation(Action.CREATE, "\u0661\u0660", {"Account_Name": "x"}),
        Operation(Action.CREATE, "1001", {"Account_Name": "x", "Tax_ID": "DE1"}),
    ):
        assert not only_key_matches(fields, other)
    with pytest.raises(ValueError, match="without an external ID"):
        module.write([Operation(Action.CREATE, "", {"Account_Name": "x"})])


def test_a_null_key_is_held_and_never_sent(runner: Runner, org: Org) -> None:
    row = {"type": "RECORD", "stream": "Accounts", "record": {"external_id": None, "Account_Name": "x"}}
    assert runner.run(SCHEMA, row, account(1)) == 0
    assert [one["JDE_Number"] for one in org.truth("Accounts")] == ["1"]
    assert [what[:2] for what in waiting(runner).values()] == [("held", "missing_key")]


def test_rows_of_one_key_are_merged_before_they_are_sent(runner: Runner, org: Org) -> None:
    assert runner.run(SCHEMA, *(account(5, Billing_City=city) for city in ("Denver", "Boulder", "Pueblo"))) == 0
    assert [one["Billing_City"] for one in org.truth("Accounts")] == ["Pueblo"]
    posts = [one["body"]["data"] for one in org.control.requests(50) if one["path"].endswith("/Accounts/upsert")]
    assert [len(data) for data in posts] == [1]
