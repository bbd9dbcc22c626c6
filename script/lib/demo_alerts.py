"""The demo of alerts: what is there is told, then nothing, then what has changed; phones and mailboxes are shown."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import asdict, dataclass

import changes_alerts
import surroundings
from rich.table import Table
from service_emulators.client import JdeControl
from service_emulators.message_client import SendGridControl, TwilioControl
from showing import HOME, Commands, console, expect

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from changes_alerts import AlertChanges, Alerting
    from pipelines import Pipeline
    from showing import Run

BUYER, ON_CALL = "+12025550103", "+12025550101"
PAYABLES, WAREHOUSE, FINANCE = "payables@example.com", "warehouse@example.com", "finance@example.com"
STORM = 25
"""More new alerts of one rule in a run are one summary (`storm_limit` of alerts/demo/people.yml)."""
_HOUR = 3_600
_SHOWN = 4
"""Messages of a phone, and lines of a mail, that are shown; the rest is counted."""


@dataclass(frozen=True)
class Received:
    """What phones and mailboxes have.

    Attributes:
        texts: By number, oldest first.
        mails: By address, oldest first: subject, text, html and more.
    """

    texts: Mapping[str, list[str]]
    mails: Mapping[str, list[dict[str, t.Any]]]

    def since(self, before: Received) -> Received:
        """Return what came after an earlier look."""
        return Received(
            {who: new for who, had in self.texts.items() if (new := had[len(before.texts.get(who, [])) :])},
            {who: new for who, had in self.mails.items() if (new := had[len(before.mails.get(who, [])) :])},
        )

    def __len__(self) -> int:
        return sum(map(len, (*self.texts.values(), *self.mails.values())))


class AlertDemonstration:
    """Shows the pipeline.

    Args:
        pipeline: The pipeline.
        services: What the emulators say of themselves.
    """

    def __init__(self, pipeline: Pipeline, services: Mapping[str, t.Any]) -> None:
        self._pipeline = pipeline
        self._jde = JdeControl(services["jde"]["url"])
        self._twilio = TwilioControl(services["twilio"]["url"])
        self._sendgrid = SendGridControl(services["sendgrid"]["url"])
        self._commands = Commands(pipeline, services, [self._twilio, self._sendgrid])

    def show(self) -> dict[str, t.Any]:
        """Run the pipeline three times, check who was told what, and return the counts."""
        commands = self._commands
        console.print(f"\n[bold]JD Edwards to {self._pipeline.label}[/]")
        console.print("The rules are those of [bold]alerts/[/]; [bold]alerts/demo/people.yml[/] says who is told.")
        wanted = changes_alerts.alerting(self._jde)
        nothing = self._received()
        runs = [self._commands.run("Run 1: what is there is told")]
        first = self._received()
        self._check_first(runs[0], wanted, first)
        self._print(first.since(nothing))
        runs.append(self._commands.run("Run 2: nothing has changed"))
        second = self._received()
        expect(runs[1].writes == 0, f"run 2 sent {runs[1].writes} messages although nothing had changed")
        expect(len(second) == len(first), "somebody was told something in run 2 although nothing had changed")
        changed = changes_alerts.change(self._jde)
        console.print(f"In JD Edwards {changed}.")
        runs.append(self._commands.run("Run 3: what has become of it, and only that"))
        third = self._received().since(second)
        self._check_third(runs[2], changed, third)
        self._print(third)
        self._check_ledger()
        commands.table(runs)
        commands.show("Why somebody was told", "alerts", "explain", "purchase_orders", changed.order.split()[1])
        cases = str((surroundings.ROOT / "alerts" / "tests" / "all.yml").relative_to(surroundings.ROOT))
        commands.show("Nights, digests, steps, escalation, with a clock of their own", "alerts", "test", cases)
        commands.show_state()
        return {"runs": [asdict(run) for run in runs]}

    def _received(self) -> Received:
        """Let time pass until all is delivered, and look at phones and mailboxes."""
        self._twilio.advance(_HOUR)  # a sender sends one segment a second
        self._sendgrid.advance(_HOUR)
        texts = {number: [one["text"] for one in had] for number, had in self._twilio.phones().items()}
        return Received(texts, self._sendgrid.mailboxes())

    # -- expectations --

    def _check_first(self, run: Run, wanted: Alerting, received: Received) -> None:
        expect(run.writes == len(received), f"run 1 sent {run.writes} messages, but {len(received)} have arrived")
        _each_once("a high order", wanted.orders, received.texts.get(BUYER, []))
        on_call = received.texts.get(ON_CALL, [])
        _each_once("an order of a million", wanted.biggest, on_call)
        _each_once("a hold", [f"({number})" for number in wanted.holds], on_call)
        _each_once("an overdue invoice", wanted.late, [mail["subject"] for mail in received.mails.get(PAYABLES, [])])
        for address in (WAREHOUSE, FINANCE):
            expect(bool(received.mails.get(address)), f"no mail has come to {address}")
        for mail in (mail for mails in received.mails.values() for mail in mails):
            expect(bool(mail["text"] and mail["html"]), f"{mail['subject']!r} lacks its plain or its HTML part")

    def _check_third(self, run: Run, changed: AlertChanges, received: Received) -> None:
        expect(run.writes == len(received), f"run 3 sent {run.writes} messages, but {len(received)} have arrived")
        texts = [(number, text) for number, had in received.texts.items() for text in had]
        right = len(texts) == 1 and texts[0][0] == BUYER and texts[0][1].startswith(f"{changed.order}:")
        expect(right, f"run 3 should send one text of {changed.order} to {BUYER}: {texts}")
        subjects = sorted(mail["subject"] for mails in received.mails.values() for mail in mails)
        starts = sorted([f"{changed.overdue} ", f"[RESOLVED] {changed.paid} "])
        right = len(subjects) == len(starts) and all(map(str.startswith, subjects, starts))
        expect(right, f"run 3 should send mail of {changed.overdue}, and that {changed.paid} is over: {subjects}")

    def _check_ledger(self) -> None:
        """The ledger knows each text that has arrived by the service's number for it, and no others."""
        told = json.loads(self._commands.output(["alerts", "messages", "--limit", "1000", "--json"]))
        known = sorted(one["remote_id"] for one in told if one["channel"] == "sms")
        there = sorted(one["sid"] for had in self._twilio.phones().values() for one in had)
        expect(known == there, f"{len(there)} texts have arrived, the ledger knows of {len(known)}")

    # -- output --

    def _print(self, received: Received) -> None:
        table = Table(header_style="bold", title="\nWhat has arrived", title_justify="left", show_lines=True)
        table.add_column("phone or mailbox", no_wrap=True)
        table.add_column("says")
        for number, texts in sorted(received.texts.items()):
            more = [f"… and {len(texts) - _SHOWN} more texts"] if len(texts) > _SHOWN else []
            table.add_row(number, "\n".join([*texts[:_SHOWN], *more]))
        for address, mails in sorted(received.mails.items()):
            for mail in mails:
                lines = mail["text"].strip().splitlines()
                more = [f"… and {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
                parts = "plain and HTML" if mail["html"] else "plain"
                table.add_row(f"{address}\n{parts}", "\n".join([f"« {mail['subject']} »", *lines[:_SHOWN], *more]))
        console.print(table, markup=False)


def _each_once(what: str, names: list[str], said: list[str]) -> None:
    """Check that each name is told once, in a message of its own, or all in one summary where they are many."""
    if len(names) > STORM:
        summaries = [text for text in said if text.startswith(f"{len(names):,} new alerts")]
        expect(len(summaries) == 1, f"{len(names)} times {what} should be told in one summary: {summaries}")
        return
    counts = {name: sum(name in text for text in said) for name in set(names)}
    wrong = {name: count for name, count in counts.items() if count != names.count(name)}
    expect(not wrong, f"{what} should be told once each, but it is: {wrong}")


def put_alert_files() -> None:
    """Put the shipped rules together with those who are told in the demo."""
    folder, shipped = surroundings.alert_files(HOME), surroundings.ROOT / "alerts"
    folder.mkdir()
    for file in (*shipped.glob("*.yml"), shipped / "demo" / "people.yml"):
        shutil.copy(file, folder)  # the demo's people.yml comes last, and takes the place of the other
