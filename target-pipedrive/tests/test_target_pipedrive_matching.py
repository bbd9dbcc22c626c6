"""Records that were there before the first run: adopted where one fits, held where several do, never guessed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from sync_ledger.ledger.tables import links, match_index, open_rows, outcomes
from target_pipedrive_crm import RULES, SCHEMA, Crm, customer

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner


@pytest.fixture
def crm(pipedrive: PipedriveEmulator, runner: Runner) -> Crm:
    return Crm(pipedrive, runner)


def test_the_first_rule_that_finds_a_record_decides_and_the_record_is_adopted(crm: Crm) -> None:
    by_tax = crm.add("tax", "Some name", **{"Tax ID": "de 100.000.001", "E-mail": "x@other.example"})
    by_domain = crm.add("domain", "Other name", **{"E-mail": "Info@WWW.Acme.example"})
    by_both = crm.add("both", "Müller & Söhne AG", Phone="040 / 123 45 67")
    rows = (
        customer(1, **{"E-mail": "a@acme.example"}),
        customer(2, **{"Tax ID": None, "E-mail": "sales@www.acme.example"}),
        customer(3, name="MULLER & SOHNE", **{"Tax ID": None, "Phone": "+49 40 1234567"}),
        customer(4, **{"Tax ID": None, "E-mail": "someone@gmail.com"}),
    )
    crm.spent()
    assert crm.run(*rows) == 0
    assert {key: one for one, key in crm.keys().items()} == {
        "1": by_tax,
        "2": by_domain,
        "3": by_both,
        "4": by_both + 1,
    }
    assert crm.writes() == 4  # the external ID goes out with the update, not by itself
    found = {row.external_id: (row.reason, row.matched_by) for row in crm.read(outcomes)}
    assert found["1"] == ("adopted", "Tax ID as tax_id")
    assert found["3"] == ("adopted", "name as name and Phone as phone:49")
    assert {row.external_id: row.origin for row in crm.read(links)}["4"] == "created"
    crm.spent()
    assert crm.run(*rows) == 0
    assert crm.writes() == 0


def test_several_records_that_fit_are_held_with_the_candidates(crm: Crm) -> None:
    twins = [crm.add(number, "Twin", **{"Tax ID": "DE100000001"}) for number in "ab"]
    before = crm.records()
    assert crm.run(customer(1), customer(2)) == 0
    assert crm.waiting() == {"1": ("ambiguous", [str(one) for one in twins])}
    assert {one: crm.records()[one] for one in twins} == before
    assert "fit (Tax ID as tax_id)" in crm.call("held").stdout.replace("\n", " ")
    crm.control.patch_record("organizations", twins[1], {"custom_fields": {"Tax ID": None}})
    assert crm.run(customer(1)) == 0
    assert crm.waiting() == {}
    assert crm.keys()[twins[0]] == "1"


@pytest.mark.parametrize(("policy", "wanted"), [("oldest", "a"), ("newest", "b"), ("most_complete", "a")])
def test_a_policy_picks_only_when_it_is_set(crm: Crm, policy: str, wanted: str) -> None:
    crm.add("a", "Twin", **{"Tax ID": "DE100000001", "Phone": "1"})
    crm.control.set_clock(now="2025-01-01T00:00:00Z")
    made = crm.control.add_record("organizations", {"name": "Twin", "custom_fields": {"Tax ID": "DE100000001"}})
    crm.control.set_clock(now=None)
    crm.added["b"] = int(made["id"])
    rules = {"organizations": [{"on": "Tax ID", "as": "tax_id", "policy": policy}]}
    assert crm.run(customer(1), match_rules=rules) == 0
    assert [key for key, one in crm.added.items() if crm.keys()[one] == "1"] == [wanted]


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("mode", ["apply", "plan"])
def test_a_record_two_rows_want_is_held_naming_the_other(crm: Crm, batch: int, mode: str) -> None:
    ours = crm.add("1", "Wanted", **{"Tax ID": "DE1000", "Phone": "040 1234"})
    rows = [customer(number, **{"Tax ID": "DE1000"}) for number in (1, 2)]
    assert crm.run(*rows, mode=mode, batch_size_rows=batch) == 0
    if mode == "plan":
        found = {row["external_id"]: (row["reason"], row["text"]) for row in crm.plan()["rows"]}
        assert {reason for reason, _ in found.values()} == {"contended"}
        assert "2 wants it too" in found["1"][1]
        assert "1 wants it too" in found["2"][1]
        return
    assert crm.waiting()["2"] == ("contended", [str(ours)])
    assert (crm.keys()[ours], len(crm.keys())) == ((None, 1) if batch == 100 else ("1", 1))
    # Later, one of them alone: the other still waits for a person, so it is held as well.
    assert crm.run(*[customer(number, **{"Tax ID": "DE1000", "Payment Terms": "N9"}) for number in (2,)]) == 0
    assert crm.waiting()["2"] == ("contended", [str(ours)])
    assert len(crm.keys()) == 1


def test_a_record_that_carries_another_external_id_is_no_candidate(crm: Crm) -> None:
    theirs = crm.add("9", "Ours by 9", **{"Tax ID": "DE100000001", "JDE Number": "9"})
    assert crm.run(customer(1)) == 0
    assert crm.keys() == {theirs: "9", theirs + 1: "1"}


def test_a_rule_that_is_new_is_indexed_by_a_full_sweep(crm: Crm) -> None:
    ours = crm.add("1", "Early", **{"Tax ID": "DE100000001"})
    assert crm.run(customer(2), match_rules={}) == 0
    assert crm.run(customer(1)) == 0
    assert crm.keys()[ours] == "1"
    assert {row.rule for row in crm.read(match_index)} == {
        "Tax ID as tax_id",
        "E-mail as domain",
        "name as name and Phone as phone:49",
    }
    assert crm.run(match_rules={}) == 0
    assert crm.read(match_index) == []


def test_an_index_that_is_behind_is_checked_against_the_record(crm: Crm) -> None:
    ours = crm.add("1", "Early", **{"Tax ID": "DE100000001"})
    assert crm.run(customer(2)) == 0
    crm.control.set_clock(now="2024-06-01T00:00:00Z")  # a change the next listing of changes will not show
    crm.control.patch_record("organizations", ours, {"custom_fields": {"Tax ID": "DE555555555"}})
    crm.control.set_clock(now=None)
    assert crm.run(customer(1)) == 0
    assert crm.keys()[ours] is None
    assert sorted(key for key in crm.keys().values() if key) == ["1", "2"]


def test_adopt_writes_external_ids_only_and_reports(crm: Crm, caplog: pytest.LogCaptureFixture) -> None:
    ours = crm.add("1", "Old name", **{"Tax ID": "DE100000001", "Payment Terms": "N10"})
    known = crm.add("5", "Known name", **{"JDE Number": "5"})
    twins = [crm.add(number, "Twin", **{"Tax ID": "DE100000002"}) for number in "ab"]
    stranger = crm.add("stranger", "Nobody", **{"Tax ID": "DE999999998"})
    before = crm.records()
    caplog.set_level("INFO")
    rows = (customer(1), customer(2), customer(3), customer(5))
    assert crm.run(*rows, mode="adopt") == 0
    assert crm.runner.passed == []
    assert crm.writes() == 1
    assert crm.keys() == {ours: "1", known: "5", twins[0]: None, twins[1]: None, stranger: None}
    assert {one: record["name"] for one, record in crm.records().items()} == {
        one: record["name"] for one, record in before.items()
    }
    assert crm.waiting() == {"2": ("ambiguous", [str(one) for one in twins])}
    report = json.loads(crm.call("adoption", "--json").stdout)["entities"][0]
    assert report == {
        "entity": "organizations",
        "rows": 4,
        "linked": 2,
        "coverage_percent": 50.0,
        "by_rule": {"Tax ID as tax_id": 1},
        "duplicates": 1,
        "contended": 0,
        "other_held": 0,
        "failed": 0,
        "gaps": 1,
        "records_without_row": 3,
    }
    assert "2 of 4 rows linked (50.0 %)" in caplog.text
    assert "2 of 4 rows linked (50.0 %)" in crm.call("adoption").stdout.replace("\n", " ")
    assert crm.run(*rows) == 0  # and now what differs, and what is missing
    assert crm.records()[ours]["name"] == "Customer 1 GmbH"
    assert sorted(key for key in crm.keys().values() if key) == ["1", "3", "5"]


def test_adopt_links_only_writes_nothing_at_all(crm: Crm) -> None:
    ours = crm.add("1", "Old name", **{"Tax ID": "DE100000001"})
    settings = {"adopt": "links_only"}
    assert crm.run(customer(1), customer(3), mode="adopt", **settings) == 0
    assert crm.writes() == 0
    assert [(row.external_id, row.remote_id, row.origin) for row in crm.read(links)] == [("1", str(ours), "adopted")]
    report = json.loads(crm.call("adoption", "--json").stdout)["entities"][0]
    assert (report["linked"], report["by_rule"], report["gaps"]) == (1, {"Tax ID as tax_id": 1}, 1)
    assert crm.run(customer(1), **settings) == 0
    assert (crm.records()[ours]["name"], crm.keys()[ours]) == ("Customer 1 GmbH", None)
    assert crm.run(customer(2, **{"Tax ID": "DE100000001"}), **settings) == 0
    assert crm.waiting() == {"2": ("contended", [str(ours)])}


def test_adopting_leaves_rows_waiting_that_it_does_not_write(crm: Crm) -> None:
    crm.control.fault(kind="status", status=429, method="POST", path=r"/api/v2/organizations", times=9)
    assert crm.run(customer(1)) == 0
    assert [row.reason for row in crm.read(open_rows)] == ["budget"]
    crm.control.clear_faults()
    ours = crm.add("1", "Old name", **{"Tax ID": "DE100000001"})
    crm.control.patch_record("organizations", ours, {"name": "Old name"})  # now, so that the next listing shows it
    assert crm.run(customer(1), mode="adopt") == 0
    assert crm.keys() == {ours: "1"}
    assert list(crm.waiting()) == ["1"]
    assert crm.run() == 0  # replayed, and written into the record that was adopted meanwhile
    assert crm.waiting() == {}
    assert crm.records()[ours]["name"] == "Customer 1 GmbH"


def test_kill_minus_nine_in_the_middle_of_an_adoption(crm: Crm, tmp_path: Path) -> None:
    numbers = range(1, 301)
    ours = {str(number): crm.add(number, f"n{number}", **{"Tax ID": f"DE{100_000_000 + number}"}) for number in numbers}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**crm.runner.settings, "mode": "adopt", "match_rules": RULES, "batch_size_rows": 50}))
    text = "".join(json.dumps(message) + "\n" for message in (SCHEMA, *map(customer, numbers)))
    command = [sys.executable, "-m", "target_pipedrive.target", "--config", str(config)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as killed:
        assert killed.stdin is not None
        killed.stdin.write(text.encode())
        killed.stdin.flush()  # and left open
        while crm.writes() < 60:
            assert killed.poll() is None
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
    assert 60 <= sum(key is not None for key in crm.keys().values()) < 300
    assert crm.run(*map(customer, numbers), mode="adopt") == 0
    assert {key: one for one, key in crm.keys().items()} == ours
    assert {row.external_id: row.remote_id for row in crm.read(links)} == {key: str(one) for key, one in ours.items()}
    assert crm.waiting() == {}


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("match_rules", {"organisations": []}, "no stream 'organisations'"),
        ("match_rules", {"organizations": [{"on": "Tax"}]}, "no field 'Tax'"),
        ("match_rules", {"organizations": [{"on": "Tax ID", "as": "vat"}]}, "no normaliser 'vat'"),
        ("match_rules", {"organizations": [{"on": "Tax ID", "policy": "first"}]}, "no policy 'first'"),
        ("match_rules", {"organizations": [{"field": "Tax ID"}]}, "a rule looks like"),
        ("match_rules", {"organizations": [{"on": "JDE Number"}]}, "always comes first"),
        ("match_rules", {"organizations": [{"on": ["name", "Phone"], "as": ["name", "phone", "exact"]}]}, "lengths"),
        ("field_rules", {"organizations": {"Credit": "always"}}, "no field 'Credit'"),
        ("field_rules", {"organizations": {"update_time": "always"}}, "'update_time' is read-only"),
        ("field_rules", {"organizations": {"name": "sometimes"}}, "'sometimes'"),
        ("field_rules", {"organizations": {"name": ["always", "never_clear"]}}, "no other rule"),
    ],
)
def test_a_wrong_rule_is_one_line_before_anything_is_written(
    crm: Crm, caplog: pytest.LogCaptureFixture, setting: str, value: t.Any, words: str
) -> None:
    assert crm.run(customer(1), **{setting: value}) == 1
    assert words in caplog.text
    assert f"setting {setting}" in caplog.text
    assert crm.keys() == {}


def test_field_rules_decide_what_is_written_into_a_record_that_is_there(crm: Crm) -> None:
    rules = {
        "organizations": {
            "name": "only_on_create",
            "Phone": "only_if_empty",
            "E-mail": ["only_if_empty", "never_clear"],
            "Payment Terms": "never_clear",
        }
    }
    ours = crm.add("1", "Their name", **{"Tax ID": "DE100000001", "Phone": "theirs", "Payment Terms": "N10"})
    row = customer(1, name="Our name", **{"Phone": "ours", "E-mail": "a@b.example", "Payment Terms": None})
    assert crm.run(row, field_rules=rules) == 0

    def values() -> tuple[t.Any, ...]:
        record = crm.records()[ours]
        custom = record["custom_fields"]
        return record["name"], custom.get("Phone"), custom.get("E-mail"), custom.get("Payment Terms")

    assert values() == ("Their name", "theirs", "a@b.example", "N10")
    crm.control.patch_record("organizations", ours, {"custom_fields": {"Phone": None}})
    row = customer(1, name="Our name", **{"Phone": "ours now", "E-mail": "c@d.example", "Payment Terms": "N20"})
    crm.run(row, field_rules=rules)
    assert values() == ("Their name", "ours now", "a@b.example", "N20")  # someone emptied it meanwhile
    crm.run(customer(2, name="Our name", Phone="ours"), field_rules=rules)
    assert crm.records()[ours + 1]["name"] == "Our name"


def test_a_field_only_written_if_empty_is_read_before_it_is(crm: Crm) -> None:
    rules = {"organizations": {"*": "only_if_empty", "Payment Terms": "always"}}
    crm.run(customer(1), field_rules=rules)
    (ours,) = crm.keys()
    crm.control.patch_record("organizations", ours, {"custom_fields": {"Phone": "theirs"}})
    crm.run(customer(1, Phone="ours", name="New", **{"Payment Terms": "N9"}), field_rules=rules)
    record = crm.records()[ours]
    assert record["custom_fields"]["Phone"] == "theirs"
    assert record["name"] == "Customer 1 GmbH"
    assert record["custom_fields"]["Payment Terms"] == "N9"
