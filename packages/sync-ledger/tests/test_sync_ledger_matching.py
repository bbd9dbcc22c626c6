"""Match rules against a destination in memory, with ledgers in SQLite and PostgreSQL."""

from __future__ import annotations

import typing as t

import pytest
from fake_destination import KEY, ORGANIZATIONS, FakeDestination
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sync_ledger.adapter import Action, Operation, Result, WriteResult
from sync_ledger.engine.engine import Options, UpsertEngine
from sync_ledger.engine.field_rules import field_rules
from sync_ledger.engine.match_rules import Candidate, MatchRule, Policy, match_rules
from sync_ledger.engine.normalisers import exact, named
from sync_ledger.engine.planning import deviation
from sync_ledger.errors import ConfigError
from sync_ledger.ledger import Ledger, open_engine
from sync_ledger.ledger.plan_history import PlanHistory
from sync_ledger.ledger.tables import claims, links, open_rows, plan_rows
from sync_ledger.rows import PlannedRow, SourceRow

RULES = {"organizations": [{"on": "Tax ID", "as": "tax_id"}], "persons": [{"on": ["org_id", "name"], "as": "name"}]}


class Account:
    """An account and a ledger, run after run."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.destination = FakeDestination()
        self.organizations = self.destination.adapters["organizations"]
        self.persons = self.destination.adapters["persons"]

    def run(self, *batches: list[SourceRow], **options: t.Any) -> UpsertEngine:
        engine = self.start(**options)
        for batch in batches:
            engine.process(batch[0].entity, batch)
        engine.finish()
        engine.end("succeeded")
        return engine

    def start(self, **options: t.Any) -> UpsertEngine:
        ledger = Ledger(self.url, self.destination.name)
        return UpsertEngine(
            self.destination, ledger, target="target-fake", options=Options(**{"match_rules": RULES, **options})
        )

    def apply(self, plan_id: int | None) -> UpsertEngine:
        assert plan_id is not None
        engine = self.start()
        engine.apply_plan(plan_id)
        engine.end("succeeded")
        return engine

    def plan(self) -> dict[str, t.Any]:
        engine = open_engine(self.url)
        found = PlanHistory(engine).plan()
        engine.dispose()
        assert found is not None
        return found

    def read(self, table: t.Any) -> list[t.Any]:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = list(connection.execute(select(table)))
        engine.dispose()
        return found


@pytest.fixture
def account(ledger_url: str) -> Account:
    return Account(ledger_url)


def organization(number: int, tax: str | None = None, **payload: t.Any) -> SourceRow:
    return SourceRow("organizations", str(number), {"name": f"Customer {number}", "Tax ID": tax, **payload})


def test_adopted_held_and_created_in_one_run(account: Account) -> None:
    records = account.organizations.records
    records["71"] = {"name": "Old", "Tax ID": "DE-11111", "Credit Limit": 5}
    records["72"] = {"name": "Twin", "Tax ID": "DE22222"}
    records["73"] = {"name": "Twin", "Tax ID": "de 22222"}
    engine = account.run([organization(1, "DE11111"), organization(2, "DE22222"), organization(3, "DE33333")])
    assert engine.tally.by_outcome() == {"created": 1, "held": 1, "updated": 1}
    assert records["71"] == {"name": "Customer 1", "Tax ID": "DE11111", "Credit Limit": 5, KEY.name: "1"}
    assert KEY.name not in records["72"]
    (row,) = account.read(open_rows)
    assert (row.external_id, row.reason, row.candidates) == ("2", "ambiguous", ["72", "73"])
    (claim,) = account.read(claims)
    assert (claim.remote_id, claim.external_id, claim.rule) == ("71", "1", "Tax ID as tax_id")


def test_claims_live_from_one_batch_to_the_next_and_from_one_run_to_the_next(account: Account) -> None:
    account.organizations.records["71"] = {"name": "Old", "Tax ID": "DE11111"}
    first = account.run([organization(1, "DE11111")], [organization(2, "DE11111")])
    assert first.tally.by_outcome() == {"held": 1, "updated": 1}
    assert account.run([organization(3, "DE11111")]).tally.by_outcome() == {"held": 1}
    rows = {row.external_id: (row.reason, row.text) for row in account.read(open_rows)}
    assert {reason for reason, _ in rows.values()} == {"contended"}
    assert "1 wants it too" in rows["2"][1]
    assert "1, 2 wants it too" in rows["3"][1]
    assert len(account.organizations.records) == 1


def test_a_plan_holds_both_of_two_rows_that_want_one_record(account: Account) -> None:
    account.organizations.records["71"] = {"name": "Old", "Tax ID": "DE11111"}
    engine = account.run([organization(1, "DE11111")], [organization(2, "DE11111")], mode="plan")
    rows = {row["external_id"]: (row["action"], row["reason"], row["candidates"]) for row in account.plan()["rows"]}
    assert rows == dict.fromkeys("12", ("hold", "contended", ["71"]))
    account.apply(engine.plan_id)
    assert account.organizations.calls["write"] == 0
    assert account.read(links) == account.read(open_rows) == []


def test_a_claim_dies_with_the_row_that_had_it(account: Account) -> None:
    account.organizations.records["71"] = {"name": "Old", "Tax ID": "DE11111"}
    account.run([organization(1, "DE11111"), organization(2, "DE11111")])
    assert {row.reason for row in account.read(open_rows)} == {"contended"}
    account.run([organization(2, "DE22222")])  # it was mistyped: now it wants nothing of the other
    account.run([organization(1, "DE11111")])
    assert account.organizations.records["71"][KEY.name] == "1"


def test_an_adoption_whose_answer_was_lost_is_looked_up(account: Account) -> None:
    account.organizations.records["71"] = {"name": "Customer 1", "Tax ID": "DE11111"}
    account.organizations.before = lambda _: WriteResult(Result.UNKNOWN, code="500")
    assert account.run([organization(1, "DE11111")]).tally.by_outcome() == {"failed": 2}
    account.organizations.before = lambda _: None
    account.organizations.after = lambda _: WriteResult(Result.UNKNOWN, code="500")
    assert account.run().tally.by_outcome() == {"updated": 1}
    assert account.organizations.records["71"][KEY.name] == "1"
    assert account.organizations.calls["write"] == 1


def test_a_parent_in_a_composite_key_is_compared_by_its_record(account: Account) -> None:
    account.organizations.records["8"] = {"name": "Other", KEY.name: "77"}
    account.organizations.records["9"] = {"name": "Parent", KEY.name: "8"}
    account.persons.records["1"] = {"name": "Ana Ruiz", "org_id": "8"}
    account.persons.records["2"] = {"name": "ANA RUIZ", "org_id": "9"}
    ana = SourceRow("persons", "8-1", {"name": "Ana Ruiz", "org_id": "8"})
    rules = {**RULES, "persons": [{"on": ["org_id", "name"], "as": ["exact", "name"]}]}
    for mode in ("plan", "adopt"):
        account.run([ana], mode=mode, match_rules=rules)
    assert account.plan()["rows"][0]["remote_id"] == "2"
    assert KEY.name not in account.persons.records["1"]
    assert account.persons.records["2"][KEY.name] == "8-1"
    unknown = SourceRow("persons", "9-1", {"name": "Ana Ruiz", "org_id": "9"})  # 9 is a record, but no external ID
    assert account.run([unknown], mode="adopt", match_rules=rules).tally.by_outcome() == {"skipped": 1}


def test_a_plan_child_of_an_adopted_parent_has_its_record(account: Account) -> None:
    account.organizations.records["71"] = {"name": "Old", "Tax ID": "DE11111"}
    account.persons.records["5"] = {"name": "Ana", "org_id": "71", KEY.name: "1-1"}
    engine = account.run(
        [organization(1, "DE11111")],
        [SourceRow("persons", "1-1", {"name": "Ana Ruiz", "org_id": "1"})],
        mode="plan",
    )
    changes = {row["external_id"]: list(row["changes"]) for row in account.plan()["rows"]}
    assert changes["1-1"] == ["name"]
    assert account.apply(engine.plan_id).tally.by_outcome() == {"updated": 2}
    assert {row.status for row in account.read(plan_rows)} == {"applied"}


@given(
    st.lists(
        st.builds(Candidate, st.integers(1, 9).map(str), st.sampled_from([None, "2024", "2025"]), st.integers(0, 3)),
        min_size=2,
        unique_by=lambda candidate: candidate.remote_id,
    ),
    st.sampled_from(Policy),
)
def test_a_policy_picks_the_one_best_or_none(candidates: list[Candidate], policy: Policy) -> None:
    chosen = MatchRule("rule", ("name",), (exact,), policy).choose(candidates)
    if policy is Policy.HOLD:
        assert chosen is None
    elif chosen is not None:
        others = [candidate for candidate in candidates if candidate is not chosen]
        if policy is Policy.MOST_COMPLETE:
            assert all(other.filled < chosen.filled for other in others)
        else:
            moments = [other.added_at or "" for other in others]
            assert all((chosen.added_at or "") != moment for moment in moments)
            assert all(candidate.added_at for candidate in candidates)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.text(max_size=5), max_size=4)
)


@given(VALUES, VALUES)
def test_a_composite_key_needs_all_its_parts(one: t.Any, other: t.Any) -> None:
    rule = MatchRule("rule", ("a", "b"), (exact, exact))
    alone = [MatchRule("rule", (name,), (exact,)).keys({"a": one, "b": other}) for name in "ab"]
    keys = rule.keys({"a": one, "b": other})
    assert bool(keys) == all(alone)
    assert len(keys) == min(50, len(alone[0]) * len(alone[1]))
    assert all(len(key) <= 255 and "\0" not in key for key in keys)


def test_lists_and_objects_are_compared_by_their_values() -> None:
    rule = MatchRule("rule", ("emails",), (named("email"),))
    values = [{"value": "A@b.example", "primary": True}, {"value": "c@d.example"}, {"value": None}]
    assert rule.keys({"emails": values}) == {"a@b.example", "c@d.example"}
    assert MatchRule("rule", ("address",), (named("name"),)).keys({"address": {"value": "Main St."}}) == {"main st"}


@pytest.mark.parametrize("given_rules", [{"on": "name"}, [["name"]], [{"on": []}], [{"on": "Twin"}], [{"on": "x"}]])
def test_rules_that_are_none_are_refused(given_rules: t.Any) -> None:
    with pytest.raises(ConfigError, match="setting match_rules"):
        match_rules(ORGANIZATIONS, given_rules)


@pytest.mark.parametrize("given_rules", ["always", {"id": "always"}, {"x": "always"}, {"Twin": "always"}])
def test_field_rules_that_are_none_are_refused(given_rules: t.Any) -> None:
    with pytest.raises(ConfigError, match="setting field_rules"):
        field_rules(ORGANIZATIONS, given_rules)


@given(
    st.dictionaries(st.sampled_from(["name", "address"]), st.tuples(VALUES, VALUES)),
    st.sampled_from(["always", "only_if_empty", "only_on_create", "never_clear"]),
)
def test_a_rule_never_lets_through_what_it_forbids(changes: dict[str, tuple[t.Any, t.Any]], rule: str) -> None:
    allowed = field_rules(ORGANIZATIONS, {"*": rule}).allowed(changes)
    assert allowed.items() <= changes.items()
    for old, new in allowed.values():
        assert rule != "only_on_create"
        assert rule != "only_if_empty" or not (old.strip() if isinstance(old, str) else old not in (None, []))
        assert rule != "never_clear" or (new.strip() if isinstance(new, str) else new not in (None, []))
    if rule == "always":
        assert allowed == changes


def test_what_is_no_longer_as_planned_is_said_in_words() -> None:
    planned = PlannedRow(1, "update", "7", {"name": ("a", "b")})
    update = Operation(Action.UPDATE, "1", {"name": "b"}, "7")
    assert deviation(planned, update, {"name": ("a", "b")}) is None
    assert "is 'c'" in str(deviation(planned, update, {"name": ("c", "b")}))
    assert "already" in str(deviation(planned, update, {}))
    assert "changed since" in str(deviation(planned, update, {"name": ("a", "b"), "address": (1, 2)}))
    assert "now: create a record" in str(deviation(planned, Operation(Action.CREATE, "1", {}), {"name": ("a", "b")}))


def test_a_rule_that_is_far_too_wide_is_held_with_some_of_the_candidates(account: Account) -> None:
    account.organizations.records.update({str(number): {"Tax ID": "DE11111"} for number in range(1, 201)})
    account.run([organization(1, "DE11111")])
    (row,) = account.read(open_rows)
    assert row.candidates == [str(number) for number in range(1, 21)]
    assert row.text.startswith("200 records fit (Tax ID as tax_id): 1, 2, 3")
    assert row.text.endswith("and 180 more")
