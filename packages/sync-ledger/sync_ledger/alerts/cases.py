"""Cases of `alerts test`: rows over time, and what has to come of them.

A file of cases:

    alerts: ../alerts                     # alert file, folder or list of them, seen from this file
    cases:
      - name: a big order is told once
        clock: 2026-03-02T09:00:00Z
        initial: send                     # the default here; `baseline` begins as the first run does
        steps:
          - rows: {purchase_orders: [{DOCO: 1, amount: 60000}]}     # a run with these rows
            sent: [{to: "+14155550100", text: "PO 1"}]              # all messages of the step, and nothing else
            decisions: [{rule: HighValuePurchaseOrder, key: "1", code: notified}]
          - wait: 30m                     # time passes, and a tick; `at` names a moment instead
            sent: []
          - silence: {matchers: ['alert="PayableOverdue"'], for: 2h, reason: migration}
          - acknowledge: {matchers: ['severity="critical"'], by: Ann}
          - undelivered: "+14155550100"

`text` and `subject` hold for a message that has them in it; every other key must be equal. Without `sent` a step may
send what it likes.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from alert_rules.compiling import compile_files
from alert_rules.durations import duration
from alert_rules.errors import BadValueError, RulesError
from yaml_places import YamlError, load

from sync_ledger.alerts.rehearsal import Rehearsal, shown_key

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from alert_rules.compiled import Compiled

    from sync_ledger.alerts.rehearsal import Sent

_PARTS: t.Final = ("text", "subject")


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a file of cases; a key that is none of its fields is an error."""


class ExpectedMessage(_Form, frozen=True):
    """A message that has to be sent; what is not given may be anything."""

    to: str
    text: str | None = None
    subject: str | None = None
    receiver: str | None = None
    channel: str | None = None
    purpose: str | None = None
    at: datetime | None = None


class ExpectedDecision(_Form, frozen=True):
    """A decision that has to be there after a step; what is not given may be anything."""

    rule: str
    code: str
    key: str | None = None
    text: str | None = None
    receiver: str | None = None


class SilenceStep(_Form, frozen=True):
    """A silence."""

    matchers: list[str]
    for_: str = msgspec.field(name="for")
    reason: str = ""
    by: str = "test"


class AcknowledgeStep(_Form, frozen=True):
    """Somebody takes alerts on."""

    matchers: list[str]
    by: str = "test"


class Step(_Form, frozen=True):
    """What happens, and what has to come of it."""

    at: datetime | None = None
    wait: str | None = None
    rows: dict[str, list[dict[str, t.Any]]] | None = None
    silence: SilenceStep | None = None
    acknowledge: AcknowledgeStep | None = None
    undelivered: str | None = None
    sent: list[ExpectedMessage] | None = None
    decisions: list[ExpectedDecision] = []


class Case(_Form, frozen=True):
    """Steps that follow each other, on a ledger of their own."""

    name: str
    steps: list[Step]
    clock: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)
    initial: t.Literal["send", "baseline"] = "send"


class CaseFile(_Form, frozen=True):
    """A file of cases."""

    alerts: str | list[str]
    cases: list[Case]


class CaseResult(msgspec.Struct, frozen=True):
    """What came of a case.

    Attributes:
        name: Its name.
        differences: What is not as it has to be; empty when all is.
        sent: Messages it sent.
    """

    name: str
    differences: list[str]
    sent: list[Sent]


def run_cases(path: str) -> list[CaseResult]:
    """Run all cases of a file.

    Raises:
        RulesError: The file, or the alert file it names, cannot be used.
    """
    file = _read(path)
    given = [file.alerts] if isinstance(file.alerts, str) else file.alerts
    compiled = compile_files([str(Path(path).parent / one) for one in given])
    return [_run(compiled, case, path) for case in file.cases]


def _read(path: str) -> CaseFile:
    try:
        _, data = load(Path(path), path, words_are_texts=True)
        return msgspec.convert(data, CaseFile)
    except YamlError as error:
        raise RulesError(str(error)) from error
    except OSError as error:
        raise RulesError(f"there is no file of cases {path}: {error.strerror}") from error
    except msgspec.ValidationError as error:
        raise RulesError(f"{path}: {error}; `alerts test --help` shows how cases are written") from error


def _run(compiled: Compiled, case: Case, path: str) -> CaseResult:
    it = Rehearsal(compiled, _utc(case.clock), initial=case.initial)
    differences: list[str] = []
    sent: list[Sent] = []
    try:
        for number, step in enumerate(case.steps, start=1):
            where = f"step {number} ({it.now:%Y-%m-%d %H:%M})"
            try:
                _do(it, step)
            except BadValueError as error:
                raise RulesError(f"{path}: {case.name}: step {number}: {error}; {error.remedy}") from error
            new = it.sent()
            sent += new
            if step.sent is not None:
                differences += [f"{where}: {one}" for one in _compare(step.sent, new)]
            differences += [f"{where}: {one}" for one in _missing(step.decisions, it)]
    finally:
        it.close()
    return CaseResult(case.name, differences, sent)


def _do(it: Rehearsal, step: Step) -> None:
    if step.at is not None:
        it.now = _utc(step.at)
    if step.wait is not None:
        it.wait(duration(step.wait))
    if step.silence is not None:
        until = it.now + duration(step.silence.for_)
        it.engine().silence(step.silence.matchers, until, now=it.now, by=step.silence.by, reason=step.silence.reason)
    if step.acknowledge is not None:
        it.engine().acknowledge(step.acknowledge.by, it.now, matchers=step.acknowledge.matchers)
    if step.undelivered is not None:
        it.undelivered(step.undelivered)
    if step.rows is not None:
        it.run(step.rows)
    else:
        it.tick()


def _compare(expected: Sequence[ExpectedMessage], sent: Sequence[Sent]) -> list[str]:
    left = list(sent)
    problems = []
    for one in expected:
        found = next((message for message in left if _fits(one, message)), None)
        if found is None:
            near = next((message for message in left if message.to == one.to), None)
            problems.append(f"not sent: {_shown(one)}" + (f"\n    but: {_told(near)}" if near is not None else ""))
        else:
            left.remove(found)
    return problems + [f"sent and not expected: {_told(message)}" for message in left]


def _fits(expected: ExpectedMessage, message: Sent) -> bool:
    for name in expected.__struct_fields__:
        wanted, found = getattr(expected, name), getattr(message, name)
        if wanted is None:
            continue
        if name in _PARTS:
            if wanted not in (found or ""):
                return False
        elif (_utc(wanted) if isinstance(wanted, datetime) else wanted) != found:
            return False
    return True


def _missing(expected: Sequence[ExpectedDecision], it: Rehearsal) -> list[str]:
    made = [one.decision for one in it.decisions()] if expected else []
    problems = []
    for one in expected:
        of_row = [
            decision
            for decision in made
            if decision.rule == one.rule and one.key in {None, decision.source_key, shown_key(decision.source_key)}
        ]
        found = any(
            decision.code.value == one.code
            and (one.text or "") in decision.text
            and one.receiver in {None, decision.receiver}
            for decision in of_row
        )
        if not found:
            there = ", ".join(sorted({f"{decision.code.value} ({decision.text})" for decision in of_row})) or "none"
            problems.append(f"not decided: {_shown(one)}\n    but: {there}")
    return problems


def _shown(expected: _Form) -> str:
    given = {name: getattr(expected, name) for name in expected.__struct_fields__}
    return ", ".join(f"{name} {value!s}" for name, value in given.items() if value is not None)


def _told(message: Sent) -> str:
    return f"to {message.to} by {message.channel} ({message.purpose}): {message.text!r}"


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
