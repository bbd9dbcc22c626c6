"""An alert file that is changed between runs: nothing is told twice by that, and nothing is lost."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from alert_rules.compiling import compile_files
from sync_ledger.alerts.rehearsal import Rehearsal

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOUR = timedelta(hours=1)
RULE: dict[str, t.Any] = {
    "alert": "Overdue",
    "stream": "payables",
    "kind": "state",
    "identity": ["invoice"],
    "when": "days > 5",
    "steps": [30, 60, 90],
    "steps_of": "days",
    "resolve_when": "open == 0",
    "annotations": {"summary": "Invoice {{ invoice }}: {{ days | days }}"},
}
FILE: dict[str, t.Any] = {
    "rules": [RULE],
    "route": {"receiver": "desk", "group_by": ["alert"], "repeat_interval": "24h"},
    "receivers": [{"name": "desk", "sms": {"to": ["+14155550100"]}}],
}
OTHER = {"alert": "Other", "stream": "others", "identity": ["id"], "when": "v > 0"}


class Trial:
    """A rehearsal whose alert file changes."""

    def __init__(self, path: Path, initial: t.Any = "send") -> None:
        self._path = path
        self.it = Rehearsal(self._compiled({}), datetime(2026, 3, 2, 9, tzinfo=timezone.utc), initial=initial)

    def change(self, **file: t.Any) -> None:
        self.it.use(self._compiled(file))
        self.it.wait(HOUR)

    def run(self, days: int, amount: int = 100) -> list[tuple[str, str]]:
        self.it.run({"payables": [{"invoice": 1, "days": days, "open": amount}]})
        return self.told()

    def tick(self, after: timedelta) -> list[tuple[str, str]]:
        self.it.wait(after)
        self.it.tick()
        return self.told()

    def told(self) -> list[tuple[str, str]]:
        return [(one.to, one.text) for one in self.it.sent()]

    def _compiled(self, file: dict[str, t.Any]) -> t.Any:
        self._path.write_text(json.dumps({**FILE, **file}))
        return compile_files(str(self._path))


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    made: list[Trial] = []

    def one(**more: t.Any) -> Trial:
        made.append(Trial(tmp_path / "alerts.yml", **more))
        return made[-1]

    yield one
    for each in made:
        each.it.close()


def invoice(days: int) -> list[tuple[str, str]]:
    return [("+14155550100", f"Invoice 1: {days} days")]


@pytest.mark.parametrize("kind", ["state", "event"])
def test_steps_that_are_put_in_or_taken_out_are_compared_by_what_they_are(
    trial: Callable[..., Trial], kind: str
) -> None:
    def rule(*steps: int) -> dict[str, t.Any]:
        made = {**RULE, "kind": kind, "steps": steps}
        if kind == "event":
            made.pop("resolve_when")
        return made

    it = trial()
    it.change(rules=[rule(30, 60, 90)])
    assert it.run(65) == invoice(65)
    it.change(rules=[rule(10, 30, 60, 90)])
    assert it.run(66) == []  # 60 was told already
    it.change(rules=[rule(90)])
    assert it.run(67) == []
    assert it.run(91) == invoice(91)
    it.change(rules=[rule(30)])  # fewer steps than it has crossed
    assert it.run(92) == []


def test_a_step_that_is_new_to_the_file_is_noted_where_the_first_run_is_a_baseline(
    trial: Callable[..., Trial],
) -> None:
    it = trial(initial=None)
    it.run(0)
    assert it.run(65) == invoice(65)
    it.change(rules=[{**RULE, "steps": [30, 60, 62, 90]}])
    assert it.run(66) == []
    assert it.run(67) == []
    it.it.wait(HOUR)
    assert it.run(91) == invoice(91)
    it.it.wait(HOUR)
    assert it.run(91, 0) == [("+14155550100", "[RESOLVED] Invoice 1: 91 days")]
