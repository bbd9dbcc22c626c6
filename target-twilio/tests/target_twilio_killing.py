"""What the trials have in common in which `target-twilio` is killed: rules, rows, and what must hold at the end."""

from __future__ import annotations

import json
import time
import typing as t
from collections import Counter

from sqlalchemy.exc import OperationalError, ProgrammingError
from sync_ledger.ledger.sending_tables import messages
from target_twilio_commands import ago, alerts, column, later
from target_twilio_runs import ORDERS, PAYABLES, order, payable, run, state

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

RULES = """\
region: US
rules:
  - alert: HighValuePurchaseOrder
    stream: purchase_orders
    kind: event
    identity: [DOCO]
    when: amount >= 50000
    labels: {order: "{{ DOCO }}"}
    annotations: {summary: "PO {{ DOCO }}"}
  - alert: PayableOverdue
    stream: payables
    kind: state
    identity: [DOC]
    when: days_overdue > 30
    labels: {document: "{{ DOC }}"}
    annotations: {summary: "Invoice {{ DOC }}"}
route:
  receiver: finance
  group_by: ['...']
  group_interval: 0s
  routes:
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: buyer}
receivers:
  - {name: finance, email: {to: [ap@example.com]}}
  - {name: buyer, sms: {to: ["{{ phone }}"]}}
"""

TAKEN = {"sent", "queued", "passed_on", "delivered"}
"""States of a message the service has."""


def rows(numbers: Iterable[int], *, every: int) -> list[dict[str, t.Any]]:
    """Return orders, a voucher after every fourth, and a STATE after so many rows that names the next order."""
    found: list[dict[str, t.Any]] = []
    for place, number in enumerate(numbers, 1):
        found.append(order(number, 60000))
        if place % 4 == 0:
            found.append(payable(number, 31))
        if place % every == 0:
            found.append(state(number + 1))
    return found


def from_state(given: Sequence[Mapping[str, t.Any]], output: Path) -> list[Mapping[str, t.Any]]:
    """Return what a tap gives that goes on from the last STATE in an output; a line cut short is none."""
    passed = [line for line in output.read_text().split("\n")[:-1] if line]
    if not passed:
        return list(given)
    last = json.loads(passed[-1])
    return list(given)[list(given).index({"type": "STATE", "value": last}) + 1 :]


def feed(path: Path, given: Iterable[Mapping[str, t.Any]]) -> Path:
    """Write messages, after the SCHEMAs of their streams, to a file."""
    path.write_text("".join(json.dumps(one) + "\n" for one in (ORDERS, PAYABLES, *given)))
    return path


def until(reached: Callable[[], t.Any], seconds: float = 30.0) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


def settled(config: Mapping[str, t.Any], table: t.Any, name: str) -> list[t.Any]:
    """Return a column of a ledger that may be about to be made."""
    try:
        return [value for (value,) in column(config, table, name)]
    except (OperationalError, ProgrammingError):
        return []


def recover(config: Mapping[str, t.Any], given: Sequence[Mapping[str, t.Any]]) -> None:
    """Run again, and let time pass until everything that can be cleared up is."""
    assert run(config, ORDERS, PAYABLES, *given).code == 0
    for _ in range(3):
        later(config, messages, due_at=ago(seconds=1))
        assert run(config, ORDERS).code == 0


def received(twilio: t.Any, sendgrid: t.Any) -> Counter[str]:
    """Return how often the phones and the mailbox have each text."""
    for service in (twilio, sendgrid):
        service.control.advance(60)
    phones = [one["text"] for texts in twilio.received().values() for one in texts]
    boxes = [one["subject"] for mails in sendgrid.received().values() for one in mails]
    return Counter(phones + boxes)


def check(
    config: Mapping[str, t.Any], file: Path, there: Counter[str], given: Iterable[Mapping[str, t.Any]], told: str
) -> Counter[str]:
    """Check that nobody has anything twice and nothing is lost; return how many messages are how far.

    Args:
        config: Settings.
        file: The same as a file.
        there: What phones and mailboxes have.
        given: Rows that were sent to the target.
        told: Says in errors which trial it was.
    """
    wanted = {
        "PO {DOCO}".format(**one["record"])
        if one["stream"] == "purchase_orders"
        else "Invoice {DOC}".format(**one["record"])
        for one in given
        if one["type"] == "RECORD"
    }
    assert max(there.values(), default=1) == 1, f"{told}: twice {there.most_common(3)}"
    names = ("key", "channel", "status", "subject", "text")
    kept = [dict(zip(names, row, strict=True)) for row in column(config, messages, *names)]
    says = {one["key"]: str(one["subject"] or one["text"]) for one in kept}
    assert Counter(says.values()) == Counter(wanted), f"{told}: the ledger has other messages than there are rows"
    listed = alerts("messages", "--status", "held", "--limit", 1000, "--config", file, "--json").json
    held = {says[one["key"]] for one in listed}
    assert wanted <= set(there) | held, f"{told}: neither received nor held {wanted - set(there) - held}"
    assert set(there) <= wanted, f"{told}: nobody asked for {set(there) - wanted}"
    # Texts can be looked for, so one that arrived is not held; a mail that may have arrived waits for a person.
    texts = {says[one["key"]] for one in kept if one["channel"] == "sms"}
    assert not held & texts & set(there), f"{told}: held and received"
    states = Counter(str(one["status"]) for one in kept)
    assert set(states) <= TAKEN | {"held"}, f"{told}: left open {states}"
    return states
