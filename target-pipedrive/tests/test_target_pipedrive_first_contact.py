"""First contact with an account in use: thousands of records, a fifth of them ours under other names, some twice."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest
from sync_ledger.ledger.tables import runs
from target_pipedrive_crm import BEFORE, Crm, customer

if t.TYPE_CHECKING:
    from pathlib import Path

    from service_emulators.testing import PipedriveEmulator
    from target_pipedrive_runs import Runner

_HELD_SHARE = 0.15  # of our customers are there twice
_NEW_SHARE = 0.05  # and so many more are not there at all


@dataclass
class Crowd:
    """An account with many records, and the rows the source has.

    Attributes:
        rows: RECORD messages of our customers.
        record_of: External ID -> the record that is theirs, for those there once.
        twins: External ID -> the records that are theirs, for those there twice.
        new: External IDs of customers that are not there.
        strangers: Records of nobody we know.
    """

    crm: Crm
    size: int
    rows: list[dict[str, t.Any]] = field(default_factory=list)
    record_of: dict[str, int] = field(default_factory=dict)
    twins: dict[str, set[int]] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    strangers: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        ours = self.size // 5
        twice = int(ours * _HELD_SHARE)
        self.crm.control.set_clock(now=BEFORE)
        for number in range(self.size - ours - twice):
            # Strangers share city, words of the name and public mail services with our customers, never a key.
            self.strangers.add(self._add(f"Customer Trade {number}", **{"E-mail": f"info{number}@gmail.com"}))
        for number in range(ours):
            self._customer(number, copies=2 if number < twice else 1)
        self.crm.control.set_clock(now=None)
        for number in range(ours, ours + int(ours * _NEW_SHARE)):
            self.rows.append(customer(number))
            self.new.add(str(number))

    def _customer(self, number: int, *, copies: int) -> None:
        tax, mail, phone = f"DE {100_000_000 + number}", f"info@firm-{number}.example", f"+49 30 {1_000_000 + number}"
        kind = number % 3
        values = ({"Tax ID": tax}, {"E-mail": mail}, {"Phone": phone})[kind]
        name = f"Haus {number}, Inc." if kind < 2 else f"CUSTOMER {number}"
        found = {self._add(name, **values) for _ in range(copies)}
        if copies == 1:
            (self.record_of[str(number)],) = found
        else:
            self.twins[str(number)] = found
        mine = {"Tax ID": tax.replace(" ", "") if kind == 0 else None, "Phone": f"030 {1_000_000 + number}"}
        self.rows.append(customer(number, **mine, **{"E-mail": f"orders@firm-{number}.example" if kind == 1 else None}))

    def _add(self, name: str, **custom: t.Any) -> int:
        return int(self.crm.control.add_record("organizations", {"name": name, "custom_fields": custom})["id"])

    def check(self, before: dict[int, dict[str, t.Any]]) -> None:
        """Check that every record that was written is the right one, and no other was touched."""
        keys = self.crm.keys()
        expected = {one: key for key, one in self.record_of.items()}
        assert {one: key for one, key in keys.items() if one in before and key is not None} == expected
        after = self.crm.records()
        untouched = self.strangers.union(*self.twins.values())
        assert all(after[one] == before[one] for one in untouched)
        waiting = self.crm.waiting()
        assert {key: set(map(int, candidates or ())) for key, (_, candidates) in waiting.items()} == self.twins
        assert {reason for reason, _ in waiting.values()} == {"ambiguous"}


def _first_contact(crowd: Crowd, tmp_path: Path, *, adopt: bool) -> None:
    crm, rows = crowd.crm, crowd.rows
    before = crm.records()
    once, twice, new = len(crowd.record_of), len(crowd.twins), len(crowd.new)
    crm.spent()
    assert crm.run(*rows, mode="plan") == 0
    assert crm.writes() == 0
    counts = {count["action"]: count["rows"] for count in crm.plan()["counts"]}
    assert counts == {"adopt": once, "create": new, "hold": twice}
    if adopt:
        crm.spent()
        assert crm.run(*rows, mode="adopt") == 0
        assert crm.writes() == once
        assert len(crm.records()) == crowd.size
        crowd.check(before)
        assert crm.run(*rows, mode="plan") == 0
    crm.spent()
    plan = crm.plan()
    assert crm.apply(plan["id"], tmp_path).exit_code == 0
    spent = crm.spent()
    assert abs(spent - plan["cost"]) <= plan["cost"] * 0.02
    assert len(crm.records()) == crowd.size + new
    assert crm.run(*rows) == 0  # the rows that are held now wait with their candidates, the others are unchanged
    crowd.check(before)
    assert crm.writes() == 0
    assert crm.spent() < 0.15 * (once + new)
    assert crm.read(runs)[-1].cost < 0.15 * (once + new)


@pytest.mark.parametrize("adopt", [False, True], ids=["plan-apply", "plan-adopt-plan-apply"])
def test_a_thousand_organizations(pipedrive: PipedriveEmulator, runner: Runner, tmp_path: Path, adopt: bool) -> None:
    _first_contact(Crowd(Crm(pipedrive, runner), 1_000), tmp_path, adopt=adopt)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_organizations(pipedrive: PipedriveEmulator, runner: Runner, tmp_path: Path) -> None:
    _first_contact(Crowd(Crm(pipedrive, runner), 10_000), tmp_path, adopt=True)
