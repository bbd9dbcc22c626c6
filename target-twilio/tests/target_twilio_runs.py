"""Runs of the target on Singer messages against emulated services, for the tests of this folder."""

from __future__ import annotations

import io
import json
import typing as t
from contextlib import redirect_stdout
from dataclasses import dataclass, field

from target_twilio.target import TargetTwilio

RULES = """\
region: US
rules:
  - alert: HighValuePurchaseOrder
    stream: purchase_orders
    kind: event
    identity: [DOCO, DCTO]
    when: amount >= 50000 and status not in ['980', '999']
    steps: [50000, 250000, 1000000]
    labels: {severity: warning, order: "{{ DOCO }}"}
    annotations: {summary: "PO {{ DOCO }} {{ amount | money('USD') }}"}
  - alert: PayableOverdue
    stream: payables
    kind: state
    identity: [DOC]
    when: days_overdue > 30
    resolve_when: open_amount == 0
    annotations: {summary: "Invoice {{ DOC }} is {{ days_overdue | days }} late"}
route:
  receiver: finance
  group_by: [alert]
  group_interval: 0s
  routes:
    - {matchers: ['alert="HighValuePurchaseOrder"'], receiver: buyer, group_by: ['...']}
receivers:
  - {name: finance, email: {to: [ap@example.com]}}
  - {name: buyer, sms: {to: ["{{ phone }}"]}}
"""

_ORDER = {"DOCO": "integer", "DCTO": "string", "amount": "number", "status": "string", "phone": "string"}
_PAYABLE = {"DOC": "integer", "days_overdue": "integer", "open_amount": "number"}


def schema(stream: str, fields: t.Mapping[str, str], keys: t.Sequence[str]) -> dict[str, t.Any]:
    """Return a SCHEMA message."""
    properties = {name: {"type": [kind, "null"]} for name, kind in fields.items()}
    body = {"type": "object", "properties": properties}
    return {"type": "SCHEMA", "stream": stream, "schema": body, "key_properties": list(keys)}


ORDERS = schema("purchase_orders", _ORDER, ["DOCO", "DCTO"])
PAYABLES = schema("payables", _PAYABLE, ["DOC"])
PHONE = "+12125550123"


def order(number: int | None, amount: float | None, **more: t.Any) -> dict[str, t.Any]:
    """Return the RECORD of a purchase order."""
    row = {"DOCO": number, "DCTO": "OP", "amount": amount, "status": "220", "phone": "212 555 0123", **more}
    return {"type": "RECORD", "stream": "purchase_orders", "record": row}


def payable(number: int, days: int, amount: float = 100.0) -> dict[str, t.Any]:
    """Return the RECORD of an open voucher."""
    row = {"DOC": number, "days_overdue": days, "open_amount": amount}
    return {"type": "RECORD", "stream": "payables", "record": row}


def state(value: t.Any) -> dict[str, t.Any]:
    """Return a STATE message."""
    return {"type": "STATE", "value": {"bookmarks": {"purchase_orders": {"position": value}}}}


@dataclass
class Run:
    """What came of a run.

    Attributes:
        code: Exit code.
        states: STATEs it passed on.
    """

    code: int
    states: list[t.Any] = field(default_factory=list)

    @property
    def position(self) -> t.Any:
        """Position of the last STATE; None if there was none."""
        return self.states[-1]["bookmarks"]["purchase_orders"]["position"] if self.states else None


def run(config: t.Mapping[str, t.Any], *messages: t.Mapping[str, t.Any]) -> Run:
    """Run the target in this process."""
    lines = io.StringIO("".join(json.dumps(message) + "\n" for message in messages))
    output = io.StringIO()
    with redirect_stdout(output):
        code = TargetTwilio(config=dict(config), validate_config=True).run(lines)
    return Run(code, [json.loads(line) for line in output.getvalue().splitlines() if line])
