"""Trying alert files out over rows and time: a rule over invoices, a desk that is told by text."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

from alert_rules.compiling import compile_files
from sync_ledger.alerts.rehearsal import Rehearsal

if t.TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)
DESK = "+14155550100"
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
    "receivers": [{"name": "desk", "sms": {"to": [DESK]}}],
}


class Trial:
    """A rehearsal whose alert file changes."""

    def __init__(self, path: Path, initial: t.Any = "send", **file: t.Any) -> None:
        self._path = path
        self._file = {**FILE, **file}
        self.it = Rehearsal(self._compiled({}), datetime(2026, 3, 2, 9, tzinfo=timezone.utc), initial=initial)

    def change(self, **file: t.Any) -> None:
        self.it.use(self._compiled(file))
        self.it.wait(HOUR)

    def run(self, days: int, amount: int = 100, *, invoices: t.Iterable[int] = (1,)) -> list[tuple[str, str]]:
        self.it.run({"payables": [{"invoice": one, "days": days, "open": amount} for one in invoices]})
        return self.told()

    def tick(self, after: timedelta) -> list[tuple[str, str]]:
        self.it.wait(after)
        self.it.tick()
        return self.told()

    def told(self) -> list[tuple[str, str]]:
        return [(one.to, one.text) for one in self.it.sent()]

    def _compiled(self, file: dict[str, t.Any]) -> t.Any:
        self._path.write_text(json.dumps({**self._file, **file}))
        return compile_files(str(self._path))
